//! The thread that puts addresses on their interfaces, announces them, and takes them off.
use super::lease::KeptLease;
use super::{Order, Report, remove_all};
use crate::clock::Clock;
use crate::gate::Gate;
use hotpair_address::claim::{Claim, Duplicate, Effect, Phase};
use hotpair_address::kernel::{Kernel, KernelError};
use hotpair_address::lease::Lease;
use hotpair_address::{Port, VirtualAddress};
use hotpair_types::{Epoch, Time};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// Between two looks at the wire and the gate.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// The same while an answer may come at any moment.
const LOOK_INTERVAL_URGENT: Duration = Duration::from_millis(2);
/// A removal that fails is tried again after so long …
const REMOVE_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// … and after so long it is the guard's.
const REMOVE_TIME_MAX: Duration = Duration::from_secs(1);

/// What the thread is made of.
pub(crate) struct Parts {
    pub(crate) addresses: Vec<VirtualAddress>,
    /// Addresses of the partner's host.
    pub(crate) partner: Vec<IpAddr>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) clock: Clock,
    /// Whether there is a guard that takes the addresses off when this process ends.
    pub(crate) guarded: bool,
    pub(crate) reports: UnboundedSender<Report>,
    /// The lease in the kernel, shut, and how long it lasts; `None`: not wanted.
    pub(crate) lease: Option<(Lease, Duration)>,
}

/// How one address stands, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) address: VirtualAddress,
    pub(crate) phase: Phase,
    pub(crate) duplicate: Option<Duplicate>,
    /// Why the kernel did not do it last time.
    pub(crate) failed: Option<String>,
}

struct Entry {
    address: VirtualAddress,
    claim: Claim,
    port: Option<Port>,
    failed: Option<String>,
}

/// The thread's state.
pub(crate) struct Keeper {
    entries: Vec<Entry>,
    partner: Vec<IpAddr>,
    gate: Arc<Gate>,
    clock: Clock,
    guarded: bool,
    reports: UnboundedSender<Report>,
    lease: Option<KeptLease>,
    /// Under which epoch they are wanted.
    wanted: Option<Epoch>,
    told: Vec<View>,
}

impl Keeper {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { addresses, partner, gate, clock, guarded, reports, lease } = parts;
        let entry = |address: VirtualAddress| {
            let claim = Claim::new(address.address, partner.clone(), true);
            Entry { address, claim, port: None, failed: None }
        };
        let entries = addresses.into_iter().map(entry).collect();
        let lease = lease.map(|(lease, lasts)| KeptLease::new(lease, lasts));
        let (wanted, told) = (None, Vec::new());
        Self { entries, partner, gate, clock, guarded, reports, lease, wanted, told }
    }

    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        self.tell();
        loop {
            match orders.recv_timeout(self.pause()) {
                Ok(Order::Claim(epoch)) => self.wanted = Some(epoch),
                Ok(Order::Release(number)) => {
                    self.wanted = None;
                    self.remove();
                    self.tell();
                    // A driver that is gone needs no word.
                    self.reports.send(Report::Released(number)).ok();
                    continue;
                }
                Ok(Order::Close) | Err(RecvTimeoutError::Disconnected) => return self.remove(),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.look();
            self.tell();
        }
    }

    fn pause(&self) -> Duration {
        let urgent = self.wanted.is_some() && self.entries.iter().any(|it| it.claim.is_urgent());
        let calm = self.lease.as_ref().map_or(LOOK_INTERVAL, KeptLease::pause);
        if urgent { LOOK_INTERVAL_URGENT } else { calm.min(LOOK_INTERVAL) }
    }

    /// The gate, at this moment.
    fn may(&self) -> bool {
        self.wanted.is_some_and(|epoch| self.gate.check(epoch, self.clock.now()))
    }

    fn look(&mut self) {
        if self.may() {
            self.renew();
            for at in 0..self.entries.len() {
                self.look_at(at);
            }
        } else if self.gate.passes().is_none()
            && self.entries.iter().any(|it| it.claim.phase() != Phase::Absent)
        {
            // Nobody closed them, but their time is over: this process stood still.
            if self.wanted.is_some() {
                tracing::warn!("the gate is shut: virtual addresses are taken off");
            }
            self.remove();
        }
    }

    /// Keeps the way out open until the gate's deadline, and no longer than a lease lasts.
    fn renew(&mut self) {
        let Some(until) = self.wanted.and_then(|it| self.gate.until(it)) else { return };
        let Some(lease) = &mut self.lease else { return };
        lease.keep(until.since(self.clock.now()));
        // What was opened anew is opened from here: this process may have stood still on the way.
        if !self.may()
            && let Some(lease) = &mut self.lease
        {
            lease.shut();
        }
    }

    fn look_at(&mut self, at: usize) {
        let since = |it: Time| it.since(Time::ZERO);
        let partner = &self.partner;
        let entry = &mut self.entries[at];
        if entry.claim.phase() == Phase::Absent {
            match Port::open(&entry.address) {
                Ok(port) => {
                    if port.is_some() != entry.port.is_some() {
                        let asks = port.is_some();
                        entry.claim = Claim::new(entry.address.address, partner.clone(), asks);
                    }
                    entry.port = port;
                }
                Err(error) => {
                    entry.note_failure(&error);
                    return entry.claim.failed(since(self.clock.now()));
                }
            }
        }
        let heard = entry.port.as_ref().map(Port::heard).transpose();
        let heard = heard.unwrap_or_else(|error| {
            tracing::debug!(%error, "an interface cannot be heard");
            None
        });
        let now = since(self.clock.now());
        let answers = heard.unwrap_or_default().into_iter();
        let mut effects: Vec<_> = answers.filter_map(|it| entry.claim.heard(now, it)).collect();
        effects.extend(entry.claim.step(now));
        for effect in effects {
            // Each one for itself: this process may stand still between two of them.
            if !self.may() {
                return;
            }
            self.entries[at].carry_out(effect, now);
        }
    }

    /// Takes all of them off. When this returns none stands on this host.
    fn remove(&mut self) {
        let begun = self.clock.now();
        if let Some(lease) = &mut self.lease {
            lease.shut();
        }
        while let Err(error) = remove_all(self.entries.iter().map(|it| it.address.address)) {
            tracing::error!(%error, "a virtual address cannot be taken off");
            if self.guarded && self.clock.now().since(begun) > REMOVE_TIME_MAX {
                // Until they are off the outputs do not count as closed. The guard tries when this process
                // is gone, and tells the partner nothing before it has succeeded.
                tracing::error!("the guard is left to take the virtual addresses off");
                std::process::abort();
            }
            std::thread::sleep(REMOVE_AGAIN_AFTER);
        }
        let took = self.clock.now().since(begun);
        for entry in &mut self.entries {
            if entry.claim.phase() == Phase::Held {
                tracing::info!(address = %entry.address, ?took, "virtual address removed");
            }
            entry.claim.removed();
            entry.port = None;
            entry.failed = None;
        }
    }

    /// Tells the driver when something changed.
    fn tell(&mut self) {
        let view = |it: &Entry| View {
            address: it.address.clone(),
            phase: it.claim.phase(),
            duplicate: it.claim.duplicate(),
            failed: it.failed.clone(),
        };
        let views: Vec<_> = self.entries.iter().map(view).collect();
        if views != self.told {
            self.told.clone_from(&views);
            self.reports.send(Report::Views(views)).ok();
        }
    }
}

impl Entry {
    fn carry_out(&mut self, effect: Effect, now: Duration) {
        match effect {
            Effect::Probe(address) => self.send(|port| port.probe(address)),
            Effect::Announce if self.claim.phase() == Phase::Held => {
                let address = self.address.address;
                self.send(|port| port.announce(address));
            }
            // The kernel refused it just now.
            Effect::Announce => {}
            Effect::Add => match Kernel::open().and_then(|mut it| it.add(&self.address)) {
                Ok(()) => {
                    tracing::info!(address = %self.address, "virtual address claimed");
                    self.failed = None;
                }
                Err(error) => {
                    self.note_failure(&error);
                    self.claim.failed(now);
                }
            },
        }
    }

    fn send(&self, send: impl FnOnce(&Port) -> std::io::Result<()>) {
        if let Some(Err(error)) = self.port.as_ref().map(send) {
            tracing::debug!(%error, address = %self.address, "a frame cannot be sent");
        }
    }

    fn note_failure(&mut self, error: &KernelError) {
        let text = error.to_string();
        if self.failed.as_ref() != Some(&text) {
            tracing::error!(%error, "a virtual address is not claimed");
            self.failed = Some(text);
        }
    }
}
