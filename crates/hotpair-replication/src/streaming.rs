//! The active's side of a snapshot: its image in parts, as they are asked for.
use crate::serving::send;
use crate::{KeyRange, Message, Output, RangeDigest, Replica, Scope, Session};
use hotpair_types::{ItemKey, JournalKind};

/// Parts that were asked for and are not sent yet.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    request: u64,
    scope: Scope,
    credit: u32,
}

/// Items that are looked at for one part, so that a part that finds little does not take long.
const SCAN_MAX: usize = 16_384;
/// Parts that may be asked for ahead.
const CREDIT_MAX: u32 = 16;

impl Replica {
    /// A standby wants the image of a journal: it is sent what is written from here on.
    pub(crate) fn snapshot_wanted(
        &mut self,
        session: Session,
        kind: JournalKind,
        out: &mut Vec<Output>,
    ) {
        let journal = &self.journals[kind];
        let head = Box::new(journal.head());
        let (items, bytes) = (journal.image.items() as u64, journal.image.bytes() as u64);
        let last = journal.last();
        out.push(send(Message::SnapshotBegins { session, head, items, bytes }));
        self.send_after(kind, last);
    }

    pub(crate) fn chunk_wanted(
        &mut self,
        kind: JournalKind,
        request: u64,
        mut scope: Scope,
        credit: u32,
        out: &mut Vec<Output>,
    ) {
        let Some(serving) = &mut self.serving else { return };
        if let Scope::Items(items) = &mut scope {
            items.sort_unstable();
            items.dedup();
        }
        let credit = credit.min(CREDIT_MAX);
        serving.streams[kind] = Some(Stream { request, scope, credit });
        self.send_parts(kind, out);
    }

    pub(crate) fn more_wanted(
        &mut self,
        kind: JournalKind,
        request: u64,
        credit: u32,
        out: &mut Vec<Output>,
    ) {
        let Some(serving) = &mut self.serving else { return };
        let Some(stream) = serving.streams[kind].as_mut().filter(|it| it.request == request) else {
            return;
        };
        stream.credit = stream.credit.saturating_add(credit).min(CREDIT_MAX);
        self.send_parts(kind, out);
    }

    fn send_parts(&mut self, kind: JournalKind, out: &mut Vec<Output>) {
        let image = &self.journals[kind].image;
        let at = self.journals[kind].last();
        let bytes_max = self.settings.limits.message_bytes_max;
        let Some(serving) = &mut self.serving else { return };
        let Some(session) = serving.session else { return };
        while let Some(stream) = serving.streams[kind].as_mut().filter(|it| it.credit > 0) {
            let request = stream.request;
            if let Scope::ChangedAfter { sequence, .. } = stream.scope
                && image.removed_after() > sequence
            {
                // Removals were forgotten since the way was settled: it has to be settled again.
                serving.streams[kind] = None;
                out.push(send(Message::EntriesGone { session, kind }));
                return;
            }
            stream.credit -= 1;
            let part = Part::cut(image, &stream.scope, bytes_max);
            let Part { sets, removes, next, .. } = part;
            match &next {
                Some(next) => stream.scope.go_on_from(next),
                None => serving.streams[kind] = None,
            }
            out.push(send(Message::Chunk { session, kind, request, at, sets, removes, next }));
        }
    }

    pub(crate) fn digests_wanted(
        &mut self,
        session: Session,
        kind: JournalKind,
        request: u64,
        ranges: &[RangeDigest],
        out: &mut Vec<Output>,
    ) {
        let image = &self.journals[kind].image;
        let differs = |(index, it): (usize, &RangeDigest)| {
            (image.digest(&it.range) != it.digest).then(|| u32::try_from(index).ok()).flatten()
        };
        let differing = ranges.iter().enumerate().filter_map(differs).collect();
        out.push(send(Message::Digests { session, kind, request, differing }));
    }
}

impl Scope {
    /// What is left of it from an item on.
    pub(crate) fn go_on_from(&mut self, next: &ItemKey) {
        match self {
            Self::ChangedAfter { from, .. } => *from = Some(next.clone()),
            Self::Range(range) => range.from = Some(next.clone()),
            Self::Items(items) => items.retain(|it| it >= next),
        }
    }
}

/// One part of an image.
#[derive(Debug, Default)]
struct Part {
    sets: Vec<(ItemKey, crate::Record)>,
    removes: Vec<(ItemKey, hotpair_types::Position)>,
    bytes: usize,
    next: Option<ItemKey>,
}

impl Part {
    fn cut(image: &crate::image::Image, scope: &Scope, bytes_max: usize) -> Self {
        let mut part = Self::default();
        match scope {
            Scope::ChangedAfter { sequence, from } => {
                let range = KeyRange { from: from.clone(), until: None };
                let changed = |record: &crate::Record| record.position.sequence > *sequence;
                part.scan(image, &range, bytes_max, changed);
                part.add_removed(image.removed_since(*sequence, from.as_ref()), bytes_max);
            }
            Scope::Range(range) => part.scan(image, range, bytes_max, |_| true),
            Scope::Items(items) => {
                for item in items {
                    if part.bytes >= bytes_max {
                        part.next = Some(item.clone());
                        break;
                    }
                    if let Some(record) = image.get(item) {
                        part.put(item.clone(), record);
                    }
                }
            }
        }
        part
    }

    fn scan(
        &mut self,
        image: &crate::image::Image,
        range: &KeyRange,
        bytes_max: usize,
        wanted: impl Fn(&crate::Record) -> bool,
    ) {
        for (scanned, (provider, item, record)) in image.range(range).enumerate() {
            if self.bytes >= bytes_max || scanned >= SCAN_MAX {
                self.next = Some(ItemKey::new(provider, item));
                return;
            }
            if wanted(record) {
                self.put(ItemKey::new(provider, item), record);
            }
        }
    }

    /// Adds what was removed among the items of this part; ends the part earlier when that is much.
    fn add_removed<'a>(
        &mut self,
        removed: impl Iterator<Item = (&'a ItemKey, hotpair_types::Position)>,
        bytes_max: usize,
    ) {
        let mut bytes = 0;
        for (item, position) in removed {
            if self.next.as_ref().is_some_and(|next| item >= next) {
                return;
            }
            if bytes >= bytes_max {
                self.sets.retain(|(it, _)| it < item);
                self.next = Some(item.clone());
                return;
            }
            bytes += RECORD_OVERHEAD_BYTES + item.provider.len() + item.item.len();
            self.removes.push((item.clone(), position));
        }
    }

    fn put(&mut self, item: ItemKey, record: &crate::Record) {
        self.bytes += RECORD_OVERHEAD_BYTES
            + crate::image::item_bytes(&item.provider, &item.item, &record.value);
        self.sets.push((item, record.clone()));
    }
}

/// What an item costs in a frame beside its names and value, in bytes.
const RECORD_OVERHEAD_BYTES: usize = 48;
