//! A standby that says that it is ready follows its active: it has all that it was sent, and knows
//! of no gap.
use crate::world::World;
use hotpair_types::StateId;

pub(super) fn check(world: &World) -> Result<(), String> {
    for (node, host) in world.nodes.iter().enumerate() {
        let Some(core) = &host.core else { continue };
        for (number, engine) in core.engines().iter().enumerate() {
            let ready = engine.machine().state() == StateId::StandbyReady;
            if ready && !engine.replica().is_level() {
                return Err(format!("node {node} is ready in engine {number} and follows nobody"));
            }
        }
    }
    Ok(())
}
