//! S4: no degraded answer before `sole` is durable and the guard knows, and no "level" while either
//! says so.
use crate::world::World;

pub(super) fn check(world: &World) -> Result<(), String> {
    world.watch.broken_promise.clone().map_or(Ok(()), Err)
}
