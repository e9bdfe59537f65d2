//! What a run is made of, and what it comes to.
use crate::FaultKind;
use crate::world::World;
use hotpair_types::Mode;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a run is made of beside its seed.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The rules of the pair; `None`: drawn from the seed.
    pub mode: Option<Mode>,
    /// How much of it is told.
    pub tell: Tell,
}

/// What a run tells of its events. It changes nothing of what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// Nothing: the fastest.
    Nothing,
    /// The last ones, with a failure.
    Last,
    /// Every one, as it happens.
    All,
}

/// A run that held.
#[derive(Clone, Debug)]
pub struct Report {
    /// The same for the same seed.
    pub trace: u64,
    /// By kind.
    pub faults: BTreeMap<FaultKind, u64>,
    /// How much time passed in the world.
    pub simulated: Duration,
    /// Writes, and how many were acknowledged.
    pub writes: (usize, usize),
    /// Promotions.
    pub promotions: u64,
    /// Rules of the state machine that were used.
    pub rules: BTreeMap<&'static str, u64>,
}

/// An invariant that did not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// Which invariant.
    pub name: &'static str,
    /// What was seen.
    pub text: String,
    /// What happened last.
    pub last: Vec<String>,
}

/// Runs a seed.
///
/// # Errors
/// The first invariant that does not hold, with what happened before.
pub fn run(seed: u64, plan: Plan) -> Result<Report, Box<Failure>> {
    let outcome = World::new(seed, plan).run();
    match outcome {
        // It is run again to be told.
        Err(_) if plan.tell == Tell::Nothing => {
            World::new(seed, Plan { tell: Tell::Last, ..plan }).run()
        }
        Ok(_) | Err(_) => outcome,
    }
}
