//! What the hosts have recorded: written, fetched by a winner, answered.
use crate::world::{OTHER, World};
use hotpair_fsm::{Acknowledge, Event};
use hotpair_types::{History, JournalKind, Position, Relation};
use std::sync::Arc;

impl World {
    /// What waited for a standby is answered as degraded as soon as that may be.
    pub(crate) fn answer_held(&mut self) {
        for host in 0..2 {
            let runtime = &self.hosts[host].history.runtime;
            let Some(epoch) = self.awake(host).and_then(|it| it.open) else { continue };
            let written = runtime.lineage.epoch_of(runtime.last) == Some(epoch);
            let may = self.acknowledge(host) == Acknowledge::Degraded && !self.holds_degraded(host);
            if may && written && self.keeps_degraded {
                let position = Position { epoch, sequence: runtime.last };
                self.answered = self.answered.max(Some(position));
            }
        }
    }

    /// What the loser has beyond a history that is a beginning of its own.
    pub(crate) fn fetch(&mut self, host: usize) {
        let [own, other] = [host, OTHER[host]].map(|it| &self.hosts[it].history);
        let is_behind = JournalKind::ALL.iter().all(|&kind| {
            let relation = own.of(kind).relation_to(other.of(kind));
            matches!(relation, Relation::Behind { .. } | Relation::Equal)
        });
        if is_behind {
            self.set_history(host, other.clone());
        }
    }

    /// The entries' end of a host, told to its machine.
    pub(crate) fn set_history(&mut self, host: usize, history: History) {
        Arc::make_mut(&mut self.hosts[host]).history = history.clone();
        self.give(host, Event::History(history));
    }

    /// Appends one runtime entry under the epoch of the open outputs.
    pub(crate) fn appended(&self, host: usize) -> Option<(History, Position)> {
        let epoch = self.live(host)?.open?;
        let mut history = self.hosts[host].history.clone();
        let position = Position { epoch, sequence: history.runtime.last + 1 };
        history.runtime.note(position);
        Some((history, position))
    }

    /// Appends an entry that is acknowledged at once.
    pub(crate) fn append(&mut self, host: usize) {
        let replicated = self.acknowledge(host) == Acknowledge::WhenReplicated;
        let Some((history, position)) = self.appended(host) else { return };
        self.set_history(host, history.clone());
        if replicated {
            self.set_history(OTHER[host], history);
        }
        if replicated || self.keeps_degraded {
            self.answered = Some(position);
        }
    }
}
