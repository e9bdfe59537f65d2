//! Looks at this host's own end of each channel: the interface that has the address it listens on.
//! What comes of it is decided by the core (docs/design/faults.md, P17 and P18).
use hotpair_api::face::OwnEnd;
use hotpair_os::interfaces::{InterfaceAddress, addresses};
use hotpair_types::PerChannel;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::watch;

/// The time between two looks; a channel takes longer to become silent.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// One end, and the interface where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) state: OwnEnd,
    pub(crate) interface: Option<String>,
}

impl End {
    /// Whether there is a reason to say that it is down.
    pub(crate) const fn is_down(&self) -> bool {
        match self.state {
            OwnEnd::Up | OwnEnd::NotWatched => false,
            OwnEnd::NoCarrier | OwnEnd::Disabled | OwnEnd::NoAddress => true,
        }
    }

    /// What is wrong with it, for people.
    pub(crate) fn why_down(&self) -> Option<String> {
        let interface = self.interface.as_deref().unwrap_or("its interface");
        match self.state {
            OwnEnd::Up | OwnEnd::NotWatched => None,
            OwnEnd::NoCarrier => Some(format!("{interface} of this host has no carrier")),
            OwnEnd::Disabled => Some(format!("{interface} of this host is disabled")),
            OwnEnd::NoAddress => Some("no interface of this host has its address".to_owned()),
        }
    }
}

/// One address over time.
struct Watched {
    ip: IpAddr,
    /// The interface it was last seen on. An address that was never there (one that is routed to
    /// this host and stands on no interface) says nothing by not being there.
    seen: Option<String>,
}

impl Watched {
    fn look(&mut self, all: &[InterfaceAddress]) -> End {
        // Loopback has no cable, and all of 127.0.0.0/8 is there with one address of it.
        if self.ip.is_unspecified() || self.ip.is_loopback() {
            return End { state: OwnEnd::NotWatched, interface: None };
        }
        let state = match all.iter().find(|it| it.ip == self.ip) {
            Some(it) => {
                self.seen = Some(it.interface.clone());
                match (it.enabled, it.running) {
                    (false, _) => OwnEnd::Disabled,
                    (true, false) => OwnEnd::NoCarrier,
                    (true, true) => OwnEnd::Up,
                }
            }
            None if self.seen.is_some() => OwnEnd::NoAddress,
            None => OwnEnd::NotWatched,
        };
        End { state, interface: self.seen.clone() }
    }
}

/// Begins to look; the first look is over when this returns.
pub(crate) fn watch(listen: PerChannel<IpAddr>) -> watch::Receiver<PerChannel<End>> {
    let mut watched = PerChannel::from_fn(|it| Watched { ip: listen[it], seen: None });
    let mut look = move || match addresses() {
        Ok(all) => Some(PerChannel {
            redundancy: watched.redundancy.look(&all),
            primary: watched.primary.look(&all),
        }),
        Err(error) => {
            tracing::debug!(%error, "cannot look at the interfaces");
            None
        }
    };
    let unknown = || End { state: OwnEnd::NotWatched, interface: None };
    let first = look().unwrap_or_else(|| PerChannel::from_fn(|_| unknown()));
    let (sender, receiver) = watch::channel(first);
    std::thread::Builder::new()
        .name("hotpair-ends".to_owned())
        .spawn(move || {
            while !sender.is_closed() {
                std::thread::sleep(LOOK_INTERVAL);
                if let Some(ends) = look() {
                    sender.send_if_modified(|it| {
                        let changed = *it != ends;
                        *it = ends;
                        changed
                    });
                }
            }
        })
        .expect("a thread can be started");
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ip: &str) -> Watched {
        Watched { ip: ip.parse().unwrap(), seen: None }
    }

    fn address(ip: &str, enabled: bool, running: bool) -> InterfaceAddress {
        InterfaceAddress { interface: "eth1".into(), ip: ip.parse().unwrap(), enabled, running }
    }

    #[test]
    fn a_pulled_cable_a_disabled_interface_and_a_lost_address_are_told_apart() {
        let ip = "192.0.2.7";
        let mut end = at(ip);
        let mut look = |all: &[InterfaceAddress]| {
            let end = end.look(all);
            (end.state, end.is_down(), end.why_down().is_some())
        };
        assert_eq!(look(&[address(ip, true, true)]), (OwnEnd::Up, false, false));
        assert_eq!(look(&[address(ip, true, false)]), (OwnEnd::NoCarrier, true, true));
        assert_eq!(look(&[address(ip, false, false)]), (OwnEnd::Disabled, true, true));
        assert_eq!(look(&[address("192.0.2.8", true, true)]), (OwnEnd::NoAddress, true, true));
        assert_eq!(look(&[address(ip, true, true)]), (OwnEnd::Up, false, false));
    }

    #[test]
    fn what_cannot_be_seen_is_not_called_down() {
        for ip in ["0.0.0.0", "::", "127.3.2.1", "192.0.2.9"] {
            let end = at(ip).look(&[address("192.0.2.7", true, true)]);
            assert_eq!((end.state, end.is_down()), (OwnEnd::NotWatched, false), "{ip}");
        }
    }
}
