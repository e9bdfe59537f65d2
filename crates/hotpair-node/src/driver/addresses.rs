//! Virtual addresses follow the first engine: claimed when its outputs are open, taken off before they
//! count as closed.
use super::Driver;
use crate::addresses::{Addresses, Report, View};
use hotpair_address::claim::{Duplicate, Phase};
use hotpair_api::face::{AddressState, AddressStatus, Fencing, OutputsStatus};
use hotpair_core::EngineIndex;
use hotpair_types::Epoch;

/// The engine whose role the addresses follow.
const FOLLOWED: EngineIndex = EngineIndex(0);

impl Driver {
    /// The outputs of an engine are open.
    pub(super) fn claim_addresses(&self, engine: EngineIndex, epoch: Epoch) {
        if let Some(addresses) = self.addresses.as_ref().filter(|_| engine == FOLLOWED) {
            addresses.claim(epoch);
        }
    }

    /// The gate of an engine is shut; its outputs are closed when no address stands here any more.
    pub(super) fn release_addresses(&mut self, engine: EngineIndex) {
        match self.addresses.as_mut().filter(|_| engine == FOLLOWED) {
            Some(addresses) => addresses.release(),
            None => self.addresses_closed(engine),
        }
    }

    pub(super) fn on_addresses(&mut self, report: Report) {
        match report {
            Report::Released(number) => {
                if self.addresses.as_ref().is_some_and(|it| it.is_last(number)) {
                    self.addresses_closed(FOLLOWED);
                }
            }
            Report::Views(views) => {
                self.address_alarms(&views);
                self.address_views = views;
            }
        }
        self.changed();
    }

    pub(super) fn outputs_status(&self) -> OutputsStatus {
        let leased = self.addresses.as_ref().is_some_and(Addresses::is_leased);
        let fencing = match (leased, self.guard.is_real()) {
            (true, _) => Fencing::KernelLease,
            (false, true) => Fencing::Guard,
            (false, false) => Fencing::Process,
        };
        let status = |it: &View| AddressStatus {
            address: it.address.to_string(),
            state: match it.phase {
                Phase::Absent => AddressState::Absent,
                Phase::Asking => AddressState::Asking,
                Phase::Held => AddressState::Held,
            },
            trouble: duplicate(it).or_else(|| failed(it)),
        };
        OutputsStatus { fencing, addresses: self.address_views.iter().map(status).collect() }
    }

    fn address_alarms(&mut self, views: &[View]) {
        type Says = fn(&View) -> Option<String>;
        let alarms: [(&'static str, Says); 2] =
            [("address-duplicate", duplicate), ("address-failed", failed)];
        for (id, says) in alarms {
            let texts: Vec<_> = views.iter().filter_map(says).collect();
            if texts.is_empty() {
                if self.runtime(FOLLOWED).alarms.remove(id).is_some() {
                    self.changed();
                }
                continue;
            }
            let text = texts.join("; ");
            let told = self.runtime(FOLLOWED).alarms.get(id).is_some_and(|it| it.text == text);
            if !told {
                tracing::warn!(id, text, "alarm");
                self.raise(FOLLOWED, id, text);
            }
        }
    }
}

fn duplicate(view: &View) -> Option<String> {
    let address = &view.address;
    Some(match view.duplicate? {
        Duplicate::Stranger(it) => {
            format!("{address} is not claimed: {it} answers for it; asked again every two seconds")
        }
        Duplicate::Partner(it) => {
            format!("{address} was claimed though the partner's host ({it}) still answers for it")
        }
        Duplicate::Conflict(it) => format!("{address} is held here, and {it} says so too"),
    })
}

fn failed(view: &View) -> Option<String> {
    view.failed.clone()
}
