//! The active's side of a fork: which entries of the returning node it takes as new ones, and
//! which are kept for a person.
use crate::image::Image;
use crate::journal::Journal;
use crate::keys::Known;
use crate::losing::winning;
use crate::replica::Writes;
use crate::serving::send;
use crate::storing::Stored;
use crate::{
    DivergenceId, DivergenceRecord, Entry, Fate, Message, Op, Output, Replica, Session, Winning,
};
use hotpair_types::{Epoch, ItemKey, Position};
use std::collections::{BTreeMap, BTreeSet};

/// What was decided about the entries of the returning node so far.
#[derive(Debug, Default)]
pub(crate) struct Merging {
    /// Items of entries that were taken, and the new entry: a later one of the same node may
    /// change them again.
    taken: BTreeMap<ItemKey, Position>,
    /// Items of entries that were not: what was built on them is not taken either.
    kept: BTreeSet<ItemKey>,
    /// Indivisible providers, and whether nothing of them was changed here since the fork; as when the first
    /// entry with one came.
    untouched: BTreeMap<Box<str>, bool>,
}

impl Replica {
    /// The standby's entries that this history lacks.
    pub(crate) fn losing(
        &mut self,
        session: Session,
        records: Vec<DivergenceRecord>,
        out: &mut Vec<Output>,
    ) {
        // While a switchover drains nothing is taken; the standby asks again.
        let Writes::Open(epoch) = self.writes else { return };
        if self.storing.has_failed() {
            return;
        }
        let mut merging = match &mut self.serving {
            Some(serving) => std::mem::take(&mut serving.merging),
            None => return,
        };
        let mut fates = Vec::new();
        let mut news = Vec::new();
        for mut record in records {
            let id = record.id;
            let entry = &record.entry;
            if id.kind != entry.kind || id.entry != entry.position || !entry.belongs() {
                continue;
            }
            let more = |known: &DivergenceRecord| {
                record.conflict.is_without_fork() && known.entry != record.entry
            };
            if let Some(known) = self.divergence.get(id).filter(|it| !more(it)) {
                fates.push((id, known.fate));
                continue;
            }
            record.winning = self.journals[id.kind].winning_now(&record.entry);
            record.fate = self.decide(epoch, &record, &mut merging, out);
            fates.push((id, record.fate));
            news.push(record);
        }
        if let Some(serving) = &mut self.serving {
            serving.merging = merging;
        }
        // What was taken is on disk before it is said that it was.
        self.issue_stores(true, out);
        self.keep(news, Stored::LosingFromPartner { session, fates }, out);
        self.pump(out);
    }

    fn decide(
        &mut self,
        epoch: Epoch,
        record: &DivergenceRecord,
        merging: &mut Merging,
        out: &mut Vec<Output>,
    ) -> Fate {
        let DivergenceRecord { id: DivergenceId { kind, entry: position }, conflict, .. } = record;
        let (kind, position) = (*kind, *position);
        let entry = &record.entry;
        let journal = &self.journals[kind];
        if conflict.is_without_fork() {
            return Fate::Kept;
        }
        if journal.has(position) {
            return Fate::InHistory(position);
        }
        if let Some(key) = &entry.key
            && let Known::Kept(kept) = journal.keys.look_up(key)
        {
            return Fate::Repeated(journal.position_of(kept.sequence));
        }
        let fork = conflict.fork.filter(|_| !conflict.both_active);
        let items = items_of(&journal.image, entry);
        let free = fork.is_some_and(|fork| {
            fits(&journal.image, entry)
                && items.iter().all(|it| merging.may(&journal.image, it, fork))
                && self.settings.indivisible.iter().all(|provider| {
                    items.iter().all(|it| it.provider != *provider)
                        || merging.is_untouched(&journal.image, provider, fork)
                })
        });
        if !free || entry.ops.is_empty() {
            merging.kept.extend(items);
            return Fate::Kept;
        }
        let Entry { ops, key, written_at, .. } = (**entry).clone();
        let new = self.append(kind, epoch, ops, key, written_at, Some(entry.answer()), out);
        merging.taken.extend(items.into_iter().map(|it| (it, new)));
        Fate::InHistory(new)
    }

    /// What became of the standby's entries is durable here: it may go on.
    pub(crate) fn losing_taken(
        &mut self,
        session: Session,
        fates: Vec<(DivergenceId, Fate)>,
        out: &mut Vec<Output>,
    ) {
        if self.serving.as_ref().is_some_and(|it| it.session == Some(session)) {
            out.push(send(Message::LosingTaken { session, fates }));
        }
    }
}

impl Journal {
    /// What this history has for the items of an entry.
    pub(crate) fn winning_now(&self, entry: &Entry) -> Vec<Winning> {
        let image = &self.image;
        let items = items_of(image, entry);
        items.iter().map(|it| winning(it, image.get(it), image.removed_at(it))).collect()
    }
}

impl Merging {
    /// Whether an entry of the returning node may change the item: it was not changed here since
    /// the fork, as far as is known.
    fn may(&self, image: &Image, item: &ItemKey, fork: u64) -> bool {
        if self.kept.contains(item) {
            return false;
        }
        let changed = image.get(item).map(|it| it.position).or_else(|| image.removed_at(item));
        match changed {
            Some(position) => position.sequence <= fork || self.taken.get(item) == Some(&position),
            None => image.removed_after() <= fork,
        }
    }
}

impl Merging {
    fn is_untouched(&mut self, image: &Image, provider: &str, fork: u64) -> bool {
        if let Some(&known) = self.untouched.get(provider) {
            return known;
        }
        let mut here = image.of_provider(provider, "");
        let mut removed = image.removed_since(fork, None);
        let untouched = image.removed_after() <= fork
            && here.all(|(_, it)| it.position.sequence <= fork)
            && removed.all(|(it, _)| *it.provider != *provider);
        self.untouched.insert(provider.into(), untouched);
        untouched
    }
}

/// Whether an entry can be carried out on this image.
fn fits(image: &Image, entry: &Entry) -> bool {
    let replaces = entry.ops.iter().any(|it| matches!(it, Op::ReplaceAll { .. }));
    let mut there: BTreeMap<&ItemKey, bool> = BTreeMap::new();
    for op in &entry.ops {
        match op {
            Op::Set { item, .. } => {
                there.insert(item, true);
            }
            Op::Remove { item } => {
                // As in a write: the two do not go into one.
                if replaces || !there.get(item).copied().unwrap_or_else(|| image.contains(item)) {
                    return false;
                }
                there.insert(item, false);
            }
            Op::ReplaceAll { .. } => {}
        }
    }
    true
}

/// Every item that an entry changes here.
fn items_of(image: &Image, entry: &Entry) -> Vec<ItemKey> {
    let mut items = BTreeSet::new();
    for op in &entry.ops {
        match op {
            Op::Set { item, .. } | Op::Remove { item } => {
                items.insert(item.clone());
            }
            Op::ReplaceAll { provider, items: new } => {
                let old = image.of_provider(provider, "").map(|(name, _)| name);
                let new = new.iter().map(|(name, _)| &**name);
                items.extend(old.chain(new).map(|name| ItemKey::new(provider, name)));
            }
        }
    }
    items.into_iter().collect()
}
