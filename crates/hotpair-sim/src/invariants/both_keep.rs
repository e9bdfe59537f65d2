//! At rest, both nodes keep the same entries that lost: a person finds them on either.
use crate::world::World;
use hotpair_replication::DivergenceId;
use std::collections::BTreeSet;

pub(super) fn check(world: &World) -> Result<(), String> {
    if world.watch.was_damaged() {
        // A store that was thrown away is not made again from the partner's.
        return Ok(());
    }
    for engine in 0..world.engines() {
        let kept = |node| -> Option<BTreeSet<DivergenceId>> {
            Some(
                world
                    .replica(node, engine)?
                    .divergence()
                    .filter(|it| !it.fate.is_settled())
                    .map(|it| it.id)
                    .collect(),
            )
        };
        let (Some(one), Some(other)) = (kept(0), kept(1)) else { continue };
        if let Some(id) = one.symmetric_difference(&other).next() {
            let at = usize::from(other.contains(id));
            return Err(format!("in engine {engine} node {at} alone keeps {id:?}"));
        }
    }
    Ok(())
}
