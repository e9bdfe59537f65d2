//! Whether this host has lost a network that it must have (`channels.*.required`).
use hotpair_fsm::{Picture, Pulse};
use hotpair_types::{Channel, PerChannel, Time};
use std::time::Duration;

/// How long an end is down before a channel on which nothing was ever heard counts as lost: an
/// interface takes seconds to come up, and a node may be started before it has.
const COMING_UP_PATIENCE: Duration = Duration::from_secs(5);

/// A required network is lost when both hold: this host's own end of it is down, and nothing is
/// heard on its channel. A cut in the middle leaves both ends up, so neither host takes it for its
/// own loss; an end that only seems to be down, while beats pass, is not lost; and a short dip is
/// over before the channel counts as silent. Time is an argument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    required: PerChannel<bool>,
    /// Since when this host's end is down; `None`: it is up.
    down_since: PerChannel<Option<Time>>,
    lost: PerChannel<bool>,
}

impl Network {
    /// Until it is told otherwise the ends are up.
    pub(crate) fn new(required: PerChannel<bool>) -> Self {
        Self { required, down_since: PerChannel::default(), lost: PerChannel::default() }
    }

    pub(crate) fn set_own_end(&mut self, now: Time, channel: Channel, up: bool) {
        let since = self.down_since[channel].unwrap_or(now);
        self.down_since[channel] = (!up).then_some(since);
    }

    /// Looks again; `Some` when it has become another: whether all that is required is there.
    pub(crate) fn judge(&mut self, now: Time, picture: &Picture) -> Option<bool> {
        if self.down_since == PerChannel::default() && self.is_whole() {
            return None;
        }
        let lost = PerChannel::from_fn(|channel| {
            let Some(since) = self.down_since[channel].filter(|_| self.required[channel]) else {
                return false;
            };
            match picture.channels[channel] {
                Pulse::OnTime | Pulse::Missed => false,
                Pulse::Silent => true,
                Pulse::Never => now.since(since) >= COMING_UP_PATIENCE,
            }
        });
        let (before, now) = (self.is_whole(), Channel::ALL.into_iter().all(|it| !lost[it]));
        self.lost = lost;
        (before != now).then_some(now)
    }

    fn is_whole(&self) -> bool {
        Channel::ALL.into_iter().all(|it| !self.lost[it])
    }

    pub(crate) const fn lost(&self) -> PerChannel<bool> {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Time = Time::from_millis(7);
    const REQUIRED: PerChannel<bool> = PerChannel { redundancy: false, primary: true };

    fn picture(primary: Pulse) -> Picture {
        let channels = PerChannel { redundancy: Pulse::OnTime, primary };
        Picture { channels, ..Picture::default() }
    }

    #[test]
    fn it_is_lost_when_the_end_is_down_and_the_channel_silent() {
        let mut network = Network::new(REQUIRED);
        network.set_own_end(AT, Channel::Primary, false);
        assert_eq!(network.judge(AT, &picture(Pulse::OnTime)), None, "beats still pass");
        assert_eq!(network.judge(AT, &picture(Pulse::Missed)), None, "a dip may be short");
        assert_eq!(network.judge(AT, &picture(Pulse::Silent)), Some(false));
        assert_eq!(network.judge(AT, &picture(Pulse::Silent)), None, "said once");
        assert!(network.lost().primary);
        network.set_own_end(AT, Channel::Primary, true);
        assert_eq!(
            network.judge(AT, &picture(Pulse::Silent)),
            Some(true),
            "the rest is the partner's"
        );
    }

    #[test]
    fn a_cut_in_the_middle_is_nobodys_loss() {
        let mut network = Network::new(REQUIRED);
        assert_eq!(network.judge(AT, &picture(Pulse::Silent)), None);
        assert_eq!(network.judge(AT, &picture(Pulse::Never)), None);
    }

    #[test]
    fn a_start_without_the_network_is_a_loss() {
        let mut network = Network::new(REQUIRED);
        network.set_own_end(AT, Channel::Primary, false);
        assert_eq!(network.judge(AT, &picture(Pulse::Never)), None, "it may be coming up");
        network.set_own_end(AT + COMING_UP_PATIENCE / 2, Channel::Primary, false);
        let late = AT + COMING_UP_PATIENCE;
        assert_eq!(network.judge(late, &picture(Pulse::Never)), Some(false));
    }

    #[test]
    fn what_is_not_required_cannot_be_lost() {
        let mut network = Network::new(REQUIRED);
        network.set_own_end(AT, Channel::Redundancy, false);
        let silent = Picture {
            channels: PerChannel { redundancy: Pulse::Silent, primary: Pulse::OnTime },
            ..Picture::default()
        };
        assert_eq!(network.judge(AT, &silent), None);
        assert!(!network.lost().redundancy);
    }
}
