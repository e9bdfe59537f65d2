//! Writes, and what must stand before they are answered.
use super::world::{OTHER, World};
use crate::Acknowledge;

impl World {
    /// Acts, and is not handing over: then the replica takes no more.
    pub(super) fn takes_writes(&self, host: usize) -> bool {
        self.is_open(host) && self.state(host).is_active()
    }

    /// Appends an entry that is acknowledged at once.
    pub(super) fn append(&mut self, host: usize) {
        let replicated = self.acknowledge(host) == Acknowledge::WhenReplicated;
        let Some((history, position)) = self.appended(host) else { return };
        if !replicated {
            let it = &self.hosts[host];
            let marks = it.disk.marks;
            let sole = marks.sole.is_some() && marks.sole == Some(it.disk.last_used);
            assert!(sole || marks.unverified, "S4: a degraded answer without durable sole");
            let person = self.live(host).is_some_and(|it| it.machine.cx.grant.by_person);
            let noted = !self.has_arbiter() || person || self.third.alone == Some(host);
            assert!(noted, "S4: a degraded answer that the arbiter does not know of");
            assert!(it.behind, "S4: a degraded answer that the guard does not know of");
        }
        self.set_history(host, history.clone());
        if replicated {
            self.set_history(OTHER[host], history);
        }
        if replicated || self.keeps_degraded {
            self.replicated.insert(position);
        }
    }
}
