//! S1 and S2: at most one node has its outputs open while a channel delivers both ways; in
//! `no-split` and `manual` at any time.
use crate::world::World;
use hotpair_types::Mode;
use std::time::Duration;

/// A pair that can talk settles who acts within this time: detection, an election, losing entries.
const SETTLED_WITHIN: Duration = Duration::from_secs(12);
/// A pair that has talked for so long does not become two actives.
const TALKED: Duration = Duration::from_secs(3);

pub(super) fn check(world: &World) -> Result<(), String> {
    for (engine, since) in world.watch.two_since.iter().enumerate() {
        let Some(since) = since else { continue };
        let epochs = || -> Vec<_> {
            world.nodes.iter().map(|it| it.acts(engine).map(|it| it.to_string())).collect()
        };
        let never_two = match world.watch.mode {
            Mode::NoSplit | Mode::Manual | Mode::Arbiter => !world.watch.is_excused(engine),
            Mode::Availability => false,
        };
        if never_two {
            return Err(format!("both nodes act in engine {engine}: {:?}", epochs()));
        }
        let lossy = world.has_bad_ways();
        let began = *since == world.now;
        if began && !lossy && world.watch.whole_for(world.now, TALKED) {
            return Err(format!(
                "both nodes begin to act in engine {engine} though they can talk: {:?}",
                epochs()
            ));
        }
        if !lossy
            && world.now.since(*since) >= SETTLED_WITHIN
            && world.watch.whole_for(world.now, SETTLED_WITHIN)
        {
            return Err(format!(
                "both nodes go on acting in engine {engine} though they can talk: {:?}",
                epochs()
            ));
        }
    }
    Ok(())
}
