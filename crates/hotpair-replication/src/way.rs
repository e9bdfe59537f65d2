//! How a standby becomes level, settled for each journal by itself.
use crate::journal::is_sound;
use crate::serving::send;
use crate::syncing::Stage;
use crate::{
    Alarm, ChainHash, Fact, Inconsistency, Message, Output, PerJournal, Replica, Session,
    SyncFailure,
};
use hotpair_types::{History, ItemKey, JournalHistory, JournalKind, Position, Relation};

/// What a journal of a standby needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) route: Route,
    /// Where the active was.
    pub(crate) target: u64,
    /// The last sequence here.
    pub(crate) last: u64,
    /// The active's history then.
    pub(crate) history: JournalHistory,
    /// Entries after this sequence can be sent.
    pub(crate) resumable_after: u64,
    /// The last sequence both have; `None`: not known.
    pub(crate) fork: Option<u64>,
    /// Entries after this one are not in the active's history.
    pub(crate) losing_after: Option<u64>,
}

/// What travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Route {
    /// Missing entries; none when level.
    #[default]
    Entries,
    /// Items that the active changed after this sequence, and those changed here after it.
    Changed(u64),
    /// What differs by key range digest.
    Digests,
    /// Everything; what is here does not count.
    All,
}

impl Plan {
    /// Whether the active's history, as it was then, has an entry.
    pub(crate) fn active_has(&self, position: Position) -> bool {
        position.sequence <= self.history.last
            && self.history.lineage.epoch_of(position.sequence) == Some(position.epoch)
    }
}

impl Replica {
    /// Active: a standby asks how to become level.
    pub(crate) fn way_wanted(
        &mut self,
        session: Session,
        partner: &History,
        out: &mut Vec<Output>,
    ) {
        let config = &self.journals.config;
        let shared = config.history.relation_to(&partner.config).contains_other();
        let chain = if shared { config.chain_at(partner.config.last) } else { None };
        out.push(send(Message::Way {
            session,
            history: Box::new(self.history()),
            entries_after: PerJournal::from_fn(|kind| self.journals[kind].entries_after()),
            removals_after: PerJournal::from_fn(|kind| self.journals[kind].image.removed_after()),
            chain,
        }));
    }

    /// Standby: the active has said what it has.
    pub(crate) fn way(
        &mut self,
        history: History,
        entries_after: PerJournal<u64>,
        removals_after: PerJournal<u64>,
        chain: Option<ChainHash>,
        out: &mut Vec<Output>,
    ) {
        if self.syncing.as_ref().is_none_or(|it| it.stage != Stage::Way) {
            return;
        }
        if !is_sound(&history.config) || !is_sound(&history.runtime) {
            self.sync_failed(SyncFailure::Inconsistent, out);
            return;
        }
        if chain.is_some_and(|it| it != self.journals.config.chain) {
            self.journals.config.suspect = true;
            out.push(Output::Alarm(Alarm::Inconsistency {
                kind: JournalKind::Config,
                item: ItemKey::config(""),
                what: Inconsistency::ChainBroken,
            }));
        }
        let plans = PerJournal::from_fn(|kind| {
            let relation = self.journals[kind].history.relation_to(history.of(kind));
            let (entries_after, removals_after) = (entries_after[kind], removals_after[kind]);
            self.plan(kind, relation, history.of(kind).clone(), entries_after, removals_after)
        });
        let winner = history.positions();
        let epoch = winner.config.epoch.max(winner.runtime.epoch);
        let Some(syncing) = &mut self.syncing else { return };
        let losing = JournalKind::ALL.into_iter().any(|it| plans[it].losing_after.is_some());
        syncing.plans = plans;
        syncing.asked_at = self.now;
        if !losing {
            self.way_settled(out);
            return;
        }
        syncing.stage = Stage::Losing;
        self.begin_losing(&history, epoch, out);
    }

    /// Nothing of this node is lacking at the active any more.
    pub(crate) fn way_settled(&mut self, out: &mut Vec<Output>) {
        let Some(syncing) = &mut self.syncing else { return };
        syncing.stage = Stage::WaySettled;
        out.push(Output::Fact(Fact::WaySettled));
        self.go_on(out);
    }

    fn plan(
        &self,
        kind: JournalKind,
        relation: Relation,
        history: JournalHistory,
        entries_after: u64,
        removals_after: u64,
    ) -> Plan {
        let journal = &self.journals[kind];
        let last = journal.last();
        let (shared, losing_after) = match relation {
            Relation::Equal | Relation::Behind { .. } => (Some(last), None),
            Relation::Ahead { shared } => (Some(shared), Some(shared)),
            Relation::Diverged { shared } => (shared, Some(shared.unwrap_or(0))),
        };
        let route = match shared {
            Some(_) | None if self.reinit => Route::All,
            Some(_) | None if journal.suspect => Route::Digests,
            None => Route::Digests,
            Some(shared) if losing_after.is_none() && entries_after <= shared => Route::Entries,
            Some(shared) if removals_after <= shared => Route::Changed(shared),
            Some(_) => Route::Digests,
        };
        let target = history.last;
        Plan {
            route,
            target,
            last,
            history,
            fork: shared,
            resumable_after: entries_after,
            losing_after,
        }
    }
}
