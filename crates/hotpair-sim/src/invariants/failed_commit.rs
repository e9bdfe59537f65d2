//! S10: after a commit failed the engine acknowledges nothing more in that process, and its outputs
//! are shut or handed over.
use crate::world::World;
use hotpair_types::Time;
use std::time::Duration;

/// A handover that nobody takes is given up and taken back; then an election is held.
const SHUT_WITHIN: Duration = Duration::from_secs(8);

/// The engines whose commit failed, and since when.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    since: Vec<(usize, usize, Time)>,
    broken: Option<String>,
}

impl Failures {
    /// The process is about to be told.
    pub(crate) fn commit_failed(&mut self, now: Time, node: usize, engine: usize) {
        if !self.has_failed(node, engine) {
            self.since.push((node, engine, now));
        }
    }

    fn has_failed(&self, node: usize, engine: usize) -> bool {
        self.since.iter().any(|it| (it.0, it.1) == (node, engine))
    }

    /// An acknowledgement leaves.
    pub(crate) fn acknowledges(&mut self, node: usize, engine: usize) {
        if self.has_failed(node, engine) {
            let text = format!("node {node} acknowledges in engine {engine} after a failed commit");
            self.broken.get_or_insert(text);
        }
    }

    /// The next process opens the files anew.
    pub(crate) fn died(&mut self, node: usize) {
        self.since.retain(|it| it.0 != node);
    }
}

pub(super) fn check(world: &World) -> Result<(), String> {
    let failures = &world.watch.failures;
    if let Some(text) = &failures.broken {
        return Err(text.clone());
    }
    for &(node, engine, since) in &failures.since {
        let open = world.nodes[node].acts(engine).is_some();
        if open && world.watch.ran(node, since, world.now) > SHUT_WITHIN {
            let state = world.machine(node, engine).map(|it| it.state().to_string());
            return Err(format!(
                "node {node} has its outputs open in engine {engine}, {state:?}, since a commit \
                 failed at {since}"
            ));
        }
    }
    Ok(())
}
