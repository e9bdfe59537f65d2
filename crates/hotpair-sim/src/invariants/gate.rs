//! S14: nothing leaves that was decided before a standstill in which the partner may have taken over,
//! and nothing beside a partner that acts where two may never act.
use crate::world::World;
use hotpair_types::{Mode, Time};
use std::time::Duration;

/// Five beats of 100 ms: then the partner may believe in silence.
const DECIDED_WITHIN: Duration = Duration::from_millis(500);

impl World {
    /// An acknowledgement passed the gate.
    pub(crate) fn look_at_gate(&mut self, node: usize, engine: usize, decided: Time) {
        let late = self.now.since(decided);
        if late > DECIDED_WITHIN {
            let text = format!(
                "node {node} acknowledges in engine {engine}, {late:?} after it decided to"
            );
            self.watch.broken_gate.get_or_insert(text);
        }
        let never_two = self.watch.mode != Mode::Availability && !self.watch.is_excused(engine);
        if never_two && self.nodes[1 - node].acts(engine).is_some() {
            let text = format!("node {node} acknowledges in engine {engine} while the other acts");
            self.watch.broken_gate.get_or_insert(text);
        }
    }
}

pub(super) fn check(world: &World) -> Result<(), String> {
    world.watch.broken_gate.clone().map_or(Ok(()), Err)
}
