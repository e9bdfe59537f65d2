//! The end of a transfer: the new state takes the place of the old, in one go.
use crate::shadow::Difference;
use crate::storing::Stored;
use crate::syncing::{Follow, Stage};
use crate::transfer::Transfer;
use crate::{
    Entry, Fact, JournalSwap, Op, Output, PerJournal, Record, Replica, SharedEntry, StoreOp,
};
use hotpair_types::{ItemKey, JournalKind, NodeTime, Position};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Replica {
    /// When every transfer is complete: the new state takes the place of the old, in one go.
    pub(crate) fn try_swap(&mut self, out: &mut Vec<Output>) {
        let Some(syncing) = &mut self.syncing else { return };
        if syncing.stage != Stage::Transfer {
            return;
        }
        let ready = JournalKind::ALL.into_iter().all(|kind| match &syncing.follows[kind] {
            Follow::Snapshot(it) => it.is_complete(syncing.plans[kind].target),
            Follow::Entries => true,
            Follow::Not => false,
        });
        if !ready {
            return;
        }
        // Only what differs from the memory is swapped: on disk before that is what was not given to it.
        self.issue_stores(true, out);
        let Some(syncing) = &mut self.syncing else { return };
        let follows = std::mem::replace(
            &mut syncing.follows,
            PerJournal { config: Follow::Entries, runtime: Follow::Entries },
        );
        let PerJournal { config, runtime } = follows;
        let mut swaps = Vec::new();
        for (kind, follow) in [(JournalKind::Config, config), (JournalKind::Runtime, runtime)] {
            if let Follow::Snapshot(transfer) = follow {
                swaps.push((self.swap(kind, *transfer, out), kind));
            }
        }
        if swaps.is_empty() {
            return;
        }
        let ends = swaps.iter().map(|(it, kind)| (*kind, it.head.history.last)).collect();
        let swaps = swaps.into_iter().map(|(it, _)| it).collect();
        self.storing.issue(StoreOp::Swap(swaps), Stored::Swap { ends }, out);
        out.push(Output::Fact(Fact::Swapped));
        self.check_caught_up(out);
    }

    fn swap(
        &mut self,
        kind: JournalKind,
        transfer: Transfer,
        out: &mut Vec<Output>,
    ) -> JournalSwap {
        let Transfer { head, shadow, ring, .. } = transfer;
        let head = head.expect("a transfer is complete only after it has begun");
        let difference = shadow.into_difference(&self.journals[kind].image);
        self.keep_overwritten(kind, &head, &difference, out);
        let Difference { whole, sets, removes } = difference;
        let clear = whole.is_some();
        let journal = &mut self.journals[kind];
        match whole {
            Some(image) => {
                let old = journal.image.providers().map(Into::into);
                let new = image.providers().map(Into::into);
                let providers: BTreeSet<Box<str>> = old.chain(new).collect();
                journal.image.become_items_of(image);
                for provider in providers {
                    out.push(Output::Restore { kind, provider });
                }
            }
            None => {
                let position = head.history.position();
                let whole = match kind {
                    JournalKind::Config => &[][..],
                    JournalKind::Runtime => &self.settings.indivisible,
                };
                let changes = changes(kind, position, journal, &sets, &removes, whole);
                out.extend(changes.into_iter().map(|entry| Output::Apply { entry }));
                for item in &removes {
                    journal.image.take(item);
                }
                for (item, record) in &sets {
                    journal.image.put(item.clone(), record.clone());
                }
                let touched = sets.iter().map(|it| &it.0).chain(&removes);
                let touched: BTreeSet<_> = touched.map(|it| &it.provider).collect();
                for provider in whole.iter().filter(|it| touched.contains(it)) {
                    out.push(Output::Restore { kind, provider: provider.clone() });
                }
            }
        }
        journal.take_head(self.now, head.clone(), ring);
        journal.suspect = false;
        journal.stored = 0;
        self.storing.swapped(kind);
        JournalSwap { head, clear, sets, removes }
    }
}

/// What a swap changes, for the providers: as if the entries that made it had come, oldest first. For
/// `whole` ones, which cannot take parts of entries, they are given all they have instead.
fn changes(
    kind: JournalKind,
    end: Position,
    journal: &crate::journal::Journal,
    sets: &[(ItemKey, Record)],
    removes: &[ItemKey],
    whole: &[Box<str>],
) -> Vec<SharedEntry> {
    let in_parts = |it: &ItemKey| !whole.contains(&it.provider);
    let mut by_position: BTreeMap<Position, (NodeTime, Vec<Op>)> = BTreeMap::new();
    for (item, record) in sets.iter().filter(|it| in_parts(&it.0)) {
        let (_, ops) =
            by_position.entry(record.position).or_insert((record.written_at, Vec::new()));
        ops.push(Op::Set { item: item.clone(), value: record.value.clone() });
    }
    for item in removes.iter().filter(|it| in_parts(it) && journal.image.contains(it)) {
        let (_, ops) = by_position.entry(end).or_default();
        ops.push(Op::Remove { item: item.clone() });
    }
    let entry = |(position, (written_at, ops))| {
        let (key, origin, chain) = (None, None, [0; 32]);
        Arc::new(Entry { kind, position, ops, key, written_at, origin, chain })
    };
    by_position.into_iter().map(entry).collect()
}
