//! Beats that say they do not hear us: when they are enough to say that our direction does not work.
use crate::Beats;
use hotpair_types::Time;

/// Consecutive fresh beats that say: we hear you nowhere.
///
/// They count only where they come one after the other. After a silence those that waited on the
/// way (for an address to be resolved, in a queue) come all at once, and say what was true when they
/// were sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unheard {
    count: u32,
    since: Time,
    one_way: bool,
}

impl Unheard {
    /// A fresh beat came. `anywhere`: it says that we are heard on some channel. `after_silence`:
    /// before it nothing was heard.
    pub(super) fn note(&mut self, now: Time, anywhere: bool, after_silence: bool, beats: &Beats) {
        if anywhere {
            *self = Self::default();
            return;
        }
        if self.count == 0 || after_silence {
            *self = Self { since: now, ..Self::default() };
        }
        self.count = self.count.saturating_add(1);
        let limit = beats.limits.redundancy.max(beats.limits.primary);
        let long = beats.interval * limit.saturating_sub(1);
        self.one_way = self.count >= limit && now.since(self.since) >= long;
    }

    pub(super) const fn is_one_way(&self) -> bool {
        self.one_way
    }
}
