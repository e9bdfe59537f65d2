//! L1 and L4: after the last fault there is one Active and one Standby - Ready in every engine, and
//! both have the same data.
use crate::world::World;
use hotpair_core::{Core, Engine, EngineIndex};
use hotpair_types::StateId;

/// Notes whether the pair is healthy now.
pub(super) fn look(world: &mut World) {
    let ill = find_ill(world);
    match ill {
        None => {
            let now = world.now;
            world.watch.healed_since.get_or_insert(now);
        }
        Some(text) => {
            world.watch.healed_since = None;
            if world.faults_over {
                world.watch.ill = text;
            }
        }
    }
}

pub(super) fn check(world: &World) -> Result<(), String> {
    if world.watch.is_healed_for(world.now) {
        return Ok(());
    }
    Err(format!("not healed at {}: {}", world.now, world.watch.ill))
}

fn find_ill(world: &World) -> Option<String> {
    let cores: Vec<&Core> = world.nodes.iter().filter_map(|it| it.core.as_ref()).collect();
    let [one, other] = cores.as_slice() else { return Some("a process is down".to_owned()) };
    for engine in 0..world.engines() {
        let index = EngineIndex(u8::try_from(engine).unwrap_or(0));
        let (one, other) = (one.engine(index)?, other.engine(index)?);
        let mut states = [one.machine().state(), other.machine().state()];
        states.sort();
        if states != [StateId::Active, StateId::StandbyReady] {
            return Some(format!("engine {engine}: {} and {}", words(one), words(other)));
        }
        if world.faults_over && one.replica().positions() != other.replica().positions() {
            return Some(format!(
                "engine {engine}: {} here, {} there",
                one.replica().positions(),
                other.replica().positions()
            ));
        }
        if world.watch.is_healed_for(world.now)
            && one.replica().state_digest() != other.replica().state_digest()
        {
            return Some(format!("engine {engine}: equal positions, different data"));
        }
    }
    None
}

/// State, what it waits for, and how its data stands.
fn words(engine: &Engine) -> String {
    let (machine, replica) = (engine.machine(), engine.replica());
    format!(
        "{} ({}; {} in memory, {:?} stored, {:?} at the partner, {} writes wait)",
        machine.state(),
        machine.waiting().why(),
        replica.positions(),
        replica.stored(),
        replica.received_by_partner(),
        replica.waiting_writes(),
    )
}
