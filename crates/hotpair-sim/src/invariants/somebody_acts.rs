//! L2: never nobody. Where both run and hear each other, somebody acts, or whoever does not names in
//! words what can really come: a person, the partner that says why, something that is broken.
use crate::world::World;
use hotpair_fsm::Waiting;
use hotpair_types::{StateId, Time};
use std::time::Duration;

/// Longer than every deadline of a pair that is let alone: the startup allowance, an election, a
/// handover that is taken back, the election after it.
const SETTLED_WITHIN: Duration = Duration::from_secs(15);

/// Notes since when nobody acts and somebody says that it comes by itself: a pause that has just ended
/// was not waited for in vain.
pub(super) fn look(world: &mut World) {
    for engine in 0..world.engines() {
        let [one, other] = &world.nodes;
        let acts = one.acts(engine).is_some() || other.acts(engine).is_some();
        let promised = !acts && promise(world, engine).is_some();
        let since = &mut world.watch.nobody_since[engine];
        *since = if promised { Some(since.unwrap_or(world.now)) } else { None };
    }
}

pub(super) fn check(world: &World) -> Result<(), String> {
    for engine in 0..world.engines() {
        let Some(since) = world.watch.nobody_since[engine] else { continue };
        if world.now.since(since) < SETTLED_WITHIN || !is_let_alone(world) {
            continue;
        }
        if let Some(words) = promise(world, engine) {
            let states = [0, 1].map(|it| {
                world.machine(it, engine).map(|it| it.state().to_string()).unwrap_or_default()
            });
            return Err(format!(
                "nobody acts in engine {engine} since {since}: {states:?} say {words:?}"
            ));
        }
    }
    Ok(())
}

/// What both say, if one of them names what comes by itself. Who waits for the partner may say so, if
/// that one says why it does not move.
fn promise(world: &World, engine: usize) -> Option<[Option<Waiting>; 2]> {
    let words = [0, 1].map(|node| word(world, node, engine));
    let promises = |node: usize| {
        words[node].is_some_and(|word| {
            let points =
                word == Waiting::PartnerMoves && words[1 - node].is_some_and(Waiting::is_last_word);
            !word.is_last_word() && !points
        })
    };
    (promises(0) || promises(1)).then_some(words)
}

/// Nothing went wrong for so long that every deadline is over.
fn is_let_alone(world: &World) -> bool {
    let from = Time(world.now.0.saturating_sub(micros(SETTLED_WITHIN)));
    let runs = |node: usize| world.watch.running_since[node] <= from;
    let sound = |node: usize| !world.watch.disk_troubled(node, from);
    runs(0)
        && runs(1)
        && sound(0)
        && sound(1)
        && !world.has_bad_ways()
        && world.watch.whole_for(world.now, SETTLED_WITHIN)
}

fn micros(it: Duration) -> u64 {
    u64::try_from(it.as_micros()).unwrap_or(u64::MAX)
}

fn word(world: &World, node: usize, engine: usize) -> Option<Waiting> {
    let machine = world.machine(node, engine)?;
    (machine.state() != StateId::Unknown).then(|| machine.waiting())
}
