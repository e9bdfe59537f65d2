//! L3: a command is answered: accepted, or refused with the reason.
use crate::world::World;
use std::time::Duration;

/// The longest that a command may wait: a handover and its taking back.
const ANSWERED_WITHIN: Duration = Duration::from_secs(8);

pub(super) fn check(world: &World) -> Result<(), String> {
    for (node, host) in world.nodes.iter().enumerate() {
        let late = |it: &&(_, _, _, _)| world.now.since(it.2) > ANSWERED_WITHIN;
        if let Some((engine, id, ..)) = host.commands.iter().find(late) {
            return Err(format!("command {id} to node {node}, engine {}, has no answer", engine.0));
        }
    }
    Ok(())
}
