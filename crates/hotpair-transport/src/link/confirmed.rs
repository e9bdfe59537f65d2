//! Whether the partner's transport confirms what is sent on a channel.
use std::time::{Duration, Instant};

/// What is sent and not confirmed for so long makes data go over the other channel, if that is better.
const UNCONFIRMED_MAX: Duration = Duration::from_millis(400);

/// Whether what we send is confirmed.
#[derive(Debug, Default)]
pub(super) struct Confirmed {
    confirmations: u64,
    /// When the last of them was seen.
    pub(super) confirmed_at: Option<Instant>,
    /// What had been sent at the last of them.
    sent: u64,
    unconfirmed_since: Option<Instant>,
}

impl Confirmed {
    /// Since when something is on the way, if that is too long.
    pub(super) fn look(
        &mut self,
        now: Instant,
        in_time: bool,
        confirmations: u64,
        sent: u64,
    ) -> Option<Instant> {
        if confirmations != self.confirmations {
            let confirmed_at = Some(now);
            *self = Self { confirmations, confirmed_at, sent, unconfirmed_since: None };
        } else if !in_time {
            (self.sent, self.unconfirmed_since) = (sent, None);
        } else if sent != self.sent && self.unconfirmed_since.is_none() {
            self.unconfirmed_since = Some(now);
        }
        self.unconfirmed_since.filter(|it| now - *it >= UNCONFIRMED_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sent_and_not_confirmed_in_time_is_silence() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut seen = Confirmed::default();
        let mut look = |millis, in_time, confirmations, sent| {
            seen.look(at(millis), in_time, confirmations, sent).is_some()
        };
        assert!(!look(0, true, 1, 1));
        assert!(!look(5_000, true, 1, 1), "nothing was sent, nothing is missing");
        assert!(!look(5_050, true, 1, 2));
        assert!(!look(5_400, true, 1, 3));
        assert!(look(5_450, true, 1, 3));
        assert!(!look(5_500, true, 2, 3), "confirmed again");
        assert!(!look(5_550, true, 2, 4));
        assert!(!look(9_000, false, 2, 5), "we stood still ourselves");
        assert!(!look(9_050, true, 2, 6));
        assert!(look(9_450, true, 2, 6));
    }
}
