//! The records of the divergence store, as they are kept in memory; storage has them on disk.
use crate::storing::Stored;
use crate::{Alarm, DivergenceId, DivergenceRecord, Fate, Output, Replica, SharedEntry, StoreOp};
use std::collections::BTreeMap;

/// All records.
#[derive(Debug, Default)]
pub(crate) struct DivergenceStore {
    records: BTreeMap<DivergenceId, DivergenceRecord>,
    bytes: usize,
    alarmed: bool,
}

impl DivergenceStore {
    pub(crate) fn new(records: Vec<DivergenceRecord>) -> Self {
        let mut store = Self::default();
        for record in records {
            store.put(record);
        }
        store
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = &DivergenceRecord> {
        self.records.values()
    }

    pub(crate) fn get(&self, id: DivergenceId) -> Option<&DivergenceRecord> {
        self.records.get(&id)
    }

    pub(crate) fn put(&mut self, record: DivergenceRecord) {
        self.bytes += record.bytes();
        if let Some(old) = self.records.insert(record.id, record) {
            self.bytes -= old.bytes();
        }
    }

    fn kept(&self) -> usize {
        self.records.values().filter(|it| !it.fate.is_settled()).count()
    }
}

impl Replica {
    /// Keeps records, here and on disk; `then`: what their being durable means.
    pub(crate) fn keep(
        &mut self,
        records: Vec<DivergenceRecord>,
        then: Stored,
        out: &mut Vec<Output>,
    ) {
        let news = records.iter().any(|it| !it.fate.is_settled());
        for record in &records {
            self.divergence.put(record.clone());
        }
        self.storing.issue(StoreOp::PutDivergence(records), then, out);
        if news {
            out.push(Output::Alarm(Alarm::Diverged { kept: self.divergence.kept() }));
        }
        let (bytes, limit) = (self.divergence.bytes, self.settings.limits.divergence_bytes_alarm);
        if bytes > limit && !self.divergence.alarmed {
            self.divergence.alarmed = true;
            out.push(Output::Alarm(Alarm::DivergenceLarge { bytes }));
        }
    }

    /// Notes what became of records.
    pub(crate) fn mark_divergence(
        &mut self,
        fates: &[(DivergenceId, Fate)],
        out: &mut Vec<Output>,
    ) {
        let mut changed = Vec::new();
        for (id, fate) in fates {
            if let Some(record) = self.divergence.records.get_mut(id)
                && record.fate != *fate
                && !record.fate.is_settled()
                // The entry at its position is in the history; these values are not.
                && !(record.conflict.is_without_fork() && *fate == Fate::InHistory(id.entry))
            {
                record.fate = *fate;
                changed.push(record.clone());
            }
        }
        if !changed.is_empty() {
            // First what they say is in the history: after a crash nobody would look for it.
            self.issue_stores(true, out);
            self.storing.issue(StoreOp::PutDivergence(changed), Stored::Nothing, out);
        }
    }

    /// What is in this history did not lose after all: the winner fetched it as it was, or there is no
    /// winner any more but this node.
    pub(crate) fn note_in_history(&mut self, out: &mut Vec<Output>) {
        let kept = self.divergence.records.keys().filter(|id| self.journals[id.kind].has(id.entry));
        let fates: Vec<_> = kept.map(|id| (*id, Fate::InHistory(id.entry))).collect();
        self.mark_divergence(&fates, out);
    }

    /// Notes what won, in records that do not have it yet: this node is level with the winner now.
    pub(crate) fn note_winning(&mut self, out: &mut Vec<Output>) {
        self.note_in_history(out);
        let mut changed = Vec::new();
        for record in self.divergence.records.values_mut() {
            let kind = record.id.kind;
            if record.fate == Fate::Kept && record.winning.is_empty() {
                record.winning = self.journals[kind].winning_now(&record.entry);
                changed.push(record.clone());
            }
        }
        if !changed.is_empty() {
            self.storing.issue(StoreOp::PutDivergence(changed), Stored::Nothing, out);
        }
    }

    /// An entry of the winning history that was taken from a losing one: it is not lost.
    pub(crate) fn mark_taken(&mut self, entry: &SharedEntry, out: &mut Vec<Output>) {
        let Some(origin) = entry.origin else { return };
        let id = DivergenceId { kind: entry.kind, entry: origin };
        self.mark_divergence(&[(id, Fate::InHistory(entry.position))], out);
    }

    /// A person says so.
    pub(crate) fn discard_divergence(&mut self, ids: &[DivergenceId], out: &mut Vec<Output>) {
        let mut gone = Vec::new();
        for id in ids {
            if let Some(record) = self.divergence.records.remove(id) {
                self.divergence.bytes -= record.bytes();
                gone.push(*id);
            }
        }
        self.divergence.alarmed = false;
        let then = Stored::Discarded { ids: gone.clone() };
        self.storing.issue(StoreOp::DropDivergence(gone), then, out);
    }
}
