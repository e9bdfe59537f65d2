//! S4 and S6: what was acknowledged is in the history of whoever acts, or in a divergence store.
use crate::client::{Promise, Written, promise};
use crate::world::World;
use hotpair_core::{Core, EngineIndex};
use hotpair_replication::Op;
use hotpair_types::Time;
use std::time::Duration;

/// Runtime data that both have in memory is on both disks after this time.
const PERSISTED_WITHIN: Duration = Duration::from_millis(900);

pub(super) fn check(world: &World) -> Result<(), String> {
    for (write, at, answer) in world.client.acknowledged() {
        let must = match promise(answer) {
            Promise::Always => true,
            Promise::OneCrash => (0..2).filter(|it| dies_soon_after(world, *it, at)).count() <= 1,
            Promise::NoCrashThere => !dies_soon_after(world, write.node, at),
        };
        if must && !is_kept(world, write) {
            return Err(format!(
                "{:?} {} of engine {}, acknowledged by node {} at {at} as {answer:?}, is nowhere",
                write.kind, write.item, write.engine, write.node
            ));
        }
    }
    Ok(())
}

/// Whether this node lost its memory before it was on its disk.
fn dies_soon_after(world: &World, node: usize, at: Time) -> bool {
    world.watch.deaths.iter().any(|(died, it, cleanly)| {
        let ran = world.watch.ran(node, at, *died);
        *it == node && !cleanly && *died >= at && ran <= PERSISTED_WITHIN
    })
}

fn is_kept(world: &World, write: &Written) -> bool {
    let index = EngineIndex(u8::try_from(write.engine).unwrap_or(0));
    let cores = world.nodes.iter().filter_map(|it| it.core.as_ref());
    let mut engines = cores.filter_map(|it: &Core| it.engine(index));
    engines.any(|engine| {
        let replica = engine.replica();
        let here = replica.get(write.kind, &write.item);
        let acts = engine.machine().state().is_active();
        (acts && here.is_some_and(|it| it.value[..] == write.value[..]))
            || replica.divergence().any(|record| {
                record.entry.ops.iter().any(|op| match op {
                    Op::Set { item, value } => *item == write.item && value[..] == write.value[..],
                    Op::Remove { .. } | Op::ReplaceAll { .. } => false,
                })
            })
    })
}
