//! S5: epochs never repeat and never go down, and one is durable before outputs open under it.
use crate::world::World;

pub(super) fn check(world: &World) -> Result<(), String> {
    world.watch.broken_epoch.clone().map_or(Ok(()), Err)
}
