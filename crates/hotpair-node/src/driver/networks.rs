//! This host's own ends of both channels: told to the core, shown to people.
use super::Driver;
use hotpair_core::Input;
use hotpair_types::Channel;

impl Driver {
    /// The core decides what it means.
    pub(super) fn tell_own_ends(&mut self) {
        for channel in Channel::ALL {
            let up = !self.ends[channel].is_down();
            self.input(Input::OwnEnd { channel, up });
        }
        self.changed();
    }

    /// Raises or lowers the alarm of a lost network.
    pub(super) fn look_at_networks(&mut self) {
        let lost = self.core.lost_networks();
        let texts: Vec<_> = Channel::ALL
            .into_iter()
            .filter(|it| lost[*it])
            .map(|it| {
                format!(
                    "the {it} network is lost here, which this host must have: {}",
                    self.why_lost(it)
                )
            })
            .collect();
        if texts.is_empty() {
            self.lower_all("network-lost");
        } else {
            self.raise_all("network-lost", &texts.join("; "));
        }
    }

    fn why_lost(&self, channel: Channel) -> String {
        self.ends[channel].why_down().unwrap_or_else(|| "its interface was down".to_owned())
    }
}
