//! The way of blocks to the sink: one at a time, in order; what fails is tried again after a while.
use super::block::BlockId;
use hotpair_types::Time;
use std::time::Duration;

/// The wait after the first failure; doubled with each further one …
pub const RETRY_FIRST: Duration = Duration::from_millis(500);
/// … and never longer than this.
pub const RETRY_MAX: Duration = Duration::from_secs(30);
/// The wait after a refusal that does not pass by itself.
pub const RETRY_REFUSED: Duration = Duration::from_secs(10);

/// A sink that does not take a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Since when.
    pub since: Time,
    /// How often it failed.
    pub count: u32,
    /// What it said last.
    pub why: String,
    /// It may pass by itself.
    pub is_temporary: bool,
}

/// The way of one engine's blocks, on the node that acts.
#[derive(Clone, Debug, Default)]
pub struct Forwarding {
    under_way: Option<(BlockId, Time)>,
    failing: Option<Failing>,
    again_at: Option<Time>,
}

impl Forwarding {
    /// Nothing is under way.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether this block, the oldest, is to be handed to the sink now. It counts as under way then, until
    /// [`ended`](Self::ended) is told of it.
    pub fn begin(&mut self, now: Time, oldest: BlockId) -> bool {
        if self.under_way.is_some() || self.again_at.is_some_and(|it| now < it) {
            return false;
        }
        self.under_way = Some((oldest, now));
        true
    }

    /// The sink has it, or says why not and whether that may pass. Whether the block is to be removed.
    pub fn ended(&mut self, now: Time, id: BlockId, how: Result<(), (String, bool)>) -> bool {
        let Some((_, since)) = self.under_way.take_if(|it| it.0 == id) else { return false };
        let Err((why, is_temporary)) = how else {
            self.failing = None;
            self.again_at = None;
            return true;
        };
        let (since, count) = self.failing.as_ref().map_or((since, 0), |it| (it.since, it.count));
        let wait = if is_temporary { wait_after(count) } else { RETRY_REFUSED };
        self.again_at = Some(now + wait);
        self.failing = Some(Failing { since, count: count.saturating_add(1), why, is_temporary });
        false
    }

    /// It was not tried, or nobody knows what came of it.
    pub fn left(&mut self, id: BlockId) {
        self.under_way.take_if(|it| it.0 == id);
    }

    /// The role went, or nothing is held any more: what failed before says nothing of what comes.
    pub fn forget(&mut self) {
        self.failing = None;
        self.again_at = None;
    }

    /// The sink is failing.
    #[must_use]
    pub const fn failing(&self) -> Option<&Failing> {
        self.failing.as_ref()
    }

    /// Since when the block that is under way is.
    #[must_use]
    pub fn under_way_since(&self) -> Option<Time> {
        self.under_way.map(|it| it.1)
    }
}

fn wait_after(failures: u32) -> Duration {
    RETRY_FIRST.saturating_mul(1 << failures.min(16)).min(RETRY_MAX)
}
