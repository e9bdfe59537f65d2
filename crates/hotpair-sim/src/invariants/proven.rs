//! S7: a stale node does not become active by itself.
use crate::world::World;

pub(super) fn check(world: &World) -> Result<(), String> {
    world.watch.broken_proof.clone().map_or(Ok(()), Err)
}
