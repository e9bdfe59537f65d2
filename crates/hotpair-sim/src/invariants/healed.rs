//! L1 and L4: after the last fault there is one Active and one Standby - Ready in every engine, and
//! both have the same data.
use crate::world::World;
use hotpair_core::{Core, Engine, EngineIndex};
use hotpair_types::StateId;

/// Notes whether the pair is healthy now. Nobody asks before the last fault is over.
pub(super) fn look(world: &mut World) {
    if !world.faults_over {
        return;
    }
    if is_healthy(world) {
        let now = world.now;
        world.watch.healed_since.get_or_insert(now);
    } else {
        world.watch.healed_since = None;
    }
}

pub(super) fn check(world: &World) -> Result<(), String> {
    if world.watch.is_healed_for(world.now) {
        return Ok(());
    }
    let ill = find_ill(world).unwrap_or_else(|| "only just".to_owned());
    Err(format!("not healed at {}: {ill}", world.now))
}

/// Whether an engine has an Active and a Standby - Ready, as cheaply as it can be asked.
fn has_roles(one: StateId, other: StateId) -> bool {
    (one == StateId::Active && other == StateId::StandbyReady)
        || (one == StateId::StandbyReady && other == StateId::Active)
}

fn is_healthy(world: &World) -> bool {
    let [Some(one), Some(other)] = [&world.nodes[0].core, &world.nodes[1].core] else {
        return false;
    };
    let engines = one.engines().iter().zip(other.engines());
    engines.into_iter().all(|(one, other)| {
        has_roles(one.machine().state(), other.machine().state())
            && one.replica().positions() == other.replica().positions()
    }) && (!world.watch.is_healed_for(world.now) || find_ill(world).is_none())
}

fn find_ill(world: &World) -> Option<String> {
    let cores: Vec<&Core> = world.nodes.iter().filter_map(|it| it.core.as_ref()).collect();
    let [one, other] = cores.as_slice() else { return Some("a process is down".to_owned()) };
    for engine in 0..world.engines() {
        let index = EngineIndex(u8::try_from(engine).unwrap_or(0));
        let (one, other) = (one.engine(index)?, other.engine(index)?);
        if !has_roles(one.machine().state(), other.machine().state()) {
            return Some(format!("engine {engine}: {} and {}", words(one), words(other)));
        }
        if one.replica().positions() != other.replica().positions() {
            return Some(format!(
                "engine {engine}: {} here, {} there",
                one.replica().positions(),
                other.replica().positions()
            ));
        }
        if !one.replica().has_data_of(other.replica()) {
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
