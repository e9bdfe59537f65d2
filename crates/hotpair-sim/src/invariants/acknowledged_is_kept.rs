//! S4 and S6: what was acknowledged is in the history of whoever acts, or in a divergence store.
use crate::client::Written;
use crate::disk::keeps;
use crate::losses::is_at;
use crate::world::World;
use hotpair_core::{Core, EngineIndex};

pub(super) fn check(world: &World) -> Result<(), String> {
    for (write, at, answer) in world.client.acknowledged() {
        if !write.excused && !is_kept(world, write) {
            return Err(format!(
                "{:?} {} of engine {}, acknowledged by node {} at {at} as {answer:?}, is nowhere; \
                 it was said to be at {:?}",
                write.kind, write.item, write.engine, write.node, write.carriers
            ));
        }
    }
    Ok(())
}

fn is_kept(world: &World, write: &Written) -> bool {
    let index = EngineIndex(u8::try_from(write.engine).unwrap_or(0));
    let cores = world.nodes.iter().filter_map(|it| it.core.as_ref());
    let mut engines = cores.filter_map(|it: &Core| it.engine(index));
    engines.any(|engine| {
        let replica = engine.replica();
        let acts = engine.machine().state().is_active();
        (acts && is_at(replica, write.kind, &write.item, &write.value))
            || replica.divergence().any(|it| keeps(it, &write.item, &write.value))
    })
}
