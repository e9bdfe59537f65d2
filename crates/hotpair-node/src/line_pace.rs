//! So many lines a second reach the log from whoever talks: a service, or the objects of an engine.
use hotpair_types::Time;
use std::time::Duration;

/// Lines beyond so many in a second are left out.
pub(crate) const LINES_PER_SECOND_MAX: u32 = 200;
const SECOND: Duration = Duration::from_secs(1);

/// Counts lines, and says how many were left out.
#[derive(Debug, Default)]
pub(crate) struct LinePace {
    since: Time,
    said: u32,
    left_out: u64,
}

impl LinePace {
    /// Whether one more line may be said now.
    pub(crate) fn passes(&mut self, now: Time, say: &mut impl FnMut(&str)) -> bool {
        if now.since(self.since) >= SECOND {
            self.end(say);
            (self.since, self.said) = (now, 0);
        }
        if self.said == LINES_PER_SECOND_MAX {
            self.left_out += 1;
            return false;
        }
        self.said += 1;
        true
    }

    /// Says how many were left out, if any.
    pub(crate) fn end(&mut self, say: &mut impl FnMut(&str)) {
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            say(&format!(
                "({left_out} lines are left out: more than {LINES_PER_SECOND_MAX} a second)"
            ));
        }
    }
}
