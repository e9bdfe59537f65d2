//! L3: a command is answered: accepted, or refused with the reason.
use crate::world::World;

pub(super) fn check(world: &World) -> Result<(), String> {
    for (node, host) in world.nodes.iter().enumerate() {
        if let Some((engine, id)) = host.commands.first() {
            return Err(format!("command {id} to node {node}, engine {}, has no answer", engine.0));
        }
    }
    Ok(())
}
