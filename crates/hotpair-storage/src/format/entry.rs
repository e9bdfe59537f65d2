//! Entries, items, keys and heads of journals on disk.
use super::{
    PositionDisk, RECORD_VERSION, Raw, Record, TimeDisk, Unreadable, read_postcard, write_postcard,
};
use crate::{Change, Entry, KeptKey, WriteKey};
use bytes::Bytes;
use hotpair_types::{Epoch, ItemKey, JournalHistory, Lineage, NodeTime, Position, Span};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

const ITEM_NUMBERS: usize = 4;
const ITEM_HEAD_BYTES: usize = 1 + ITEM_NUMBERS * 8;

/// The value of an item and where it was written: a fixed head, then the value as it is.
pub(crate) fn write_item(position: Position, written_at: NodeTime, value: &[u8], to: &mut Vec<u8>) {
    to.push(RECORD_VERSION);
    for number in [position.epoch.number, position.epoch.tag, position.sequence, written_at.0] {
        to.extend_from_slice(&number.to_le_bytes());
    }
    to.extend_from_slice(value);
}

pub(crate) fn read_item(body: &[u8]) -> Result<(Position, NodeTime, Bytes), Unreadable> {
    if body.len() < ITEM_HEAD_BYTES || body[0] != RECORD_VERSION {
        return Err(Unreadable);
    }
    let number = |index: usize| {
        let mut le = [0; 8];
        le.copy_from_slice(&body[1 + index * 8..9 + index * 8]);
        u64::from_le_bytes(le)
    };
    let epoch = Epoch { number: number(0), tag: number(1) };
    let position = Position { epoch, sequence: number(2) };
    Ok((position, NodeTime(number(3)), Bytes::copy_from_slice(&body[ITEM_HEAD_BYTES..])))
}

#[derive(Serialize, Deserialize)]
enum ChangeDisk<'a> {
    Set(&'a str, &'a str, #[serde(borrow)] Raw<'a>),
    Remove(&'a str, &'a str),
    ReplaceAll(&'a str, #[serde(borrow)] Vec<(&'a str, Raw<'a>)>),
}

#[derive(Serialize, Deserialize)]
struct KeyDisk<'a> {
    name: &'a str,
    issued: Option<TimeDisk>,
}

impl<'a> KeyDisk<'a> {
    fn of(it: &'a WriteKey) -> Self {
        Self { name: &it.name, issued: it.issued.map(TimeDisk::from) }
    }

    fn plain(&self) -> WriteKey {
        WriteKey { name: self.name.into(), issued: self.issued.map(NodeTime::from) }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct EntryDisk<'a> {
    position: PositionDisk,
    chain: [u8; 32],
    written_at: TimeDisk,
    origin: Option<PositionDisk>,
    #[serde(borrow)]
    key: Option<KeyDisk<'a>>,
    #[serde(borrow)]
    changes: Vec<ChangeDisk<'a>>,
}

impl<'a> EntryDisk<'a> {
    pub(super) fn of(it: &'a Entry) -> Self {
        let changes = it.changes.iter().map(|it| match it {
            Change::Set { item, value } => ChangeDisk::Set(&item.provider, &item.item, Raw(value)),
            Change::Remove { item } => ChangeDisk::Remove(&item.provider, &item.item),
            Change::ReplaceAll { provider, items } => ChangeDisk::ReplaceAll(
                provider,
                items.iter().map(|(item, value)| (&**item, Raw(value))).collect(),
            ),
        });
        Self {
            position: it.position.into(),
            chain: it.chain,
            written_at: it.written_at.into(),
            origin: it.origin.map(PositionDisk::from),
            key: it.key.as_ref().map(KeyDisk::of),
            changes: changes.collect(),
        }
    }

    pub(super) fn plain(&self) -> Entry {
        let changes = self.changes.iter().map(|it| match it {
            ChangeDisk::Set(provider, item, value) => {
                Change::Set { item: ItemKey::new(provider, item), value: value.to_bytes() }
            }
            ChangeDisk::Remove(provider, item) => {
                Change::Remove { item: ItemKey::new(provider, item) }
            }
            ChangeDisk::ReplaceAll(provider, items) => Change::ReplaceAll {
                provider: (*provider).into(),
                items: items
                    .iter()
                    .map(|(item, value)| ((*item).into(), value.to_bytes()))
                    .collect(),
            },
        });
        Entry {
            position: self.position.into(),
            changes: changes.collect(),
            key: self.key.as_ref().map(KeyDisk::plain),
            written_at: self.written_at.into(),
            origin: self.origin.map(Position::from),
            chain: self.chain,
        }
    }
}

/// Entries one after the other: one record for many, since each record has its price.
pub(crate) fn write_entries(entries: &[&Entry], to: &mut Vec<u8>) {
    to.push(RECORD_VERSION);
    for it in entries {
        let taken = std::mem::take(to);
        *to = postcard::to_extend(&EntryDisk::of(it), taken)
            .expect("postcard writes any of our records to memory");
    }
}

/// Reads them in order, with the bytes each takes, as long as `each` says so.
pub(crate) fn read_entries(
    body: &[u8],
    mut each: impl FnMut(Entry, u64) -> Result<ControlFlow<()>, Unreadable>,
) -> Result<ControlFlow<()>, Unreadable> {
    let Some((&RECORD_VERSION, mut rest)) = body.split_first() else {
        return Err(Unreadable);
    };
    while !rest.is_empty() {
        let (disk, left) =
            postcard::take_from_bytes::<EntryDisk<'_>>(rest).map_err(|_| Unreadable)?;
        let bytes = (rest.len() - left.len()) as u64;
        if each(disk.plain(), bytes)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        rest = left;
    }
    Ok(ControlFlow::Continue(()))
}

#[derive(Serialize, Deserialize)]
struct KeptKeyDisk<'a> {
    #[serde(borrow)]
    key: KeyDisk<'a>,
    answer: PositionDisk,
    sequence: u64,
    written_at: TimeDisk,
}

impl Record for KeptKey {
    fn write(&self, to: &mut Vec<u8>) {
        let disk = KeptKeyDisk {
            key: KeyDisk::of(&self.key),
            answer: self.answer.into(),
            sequence: self.sequence,
            written_at: self.written_at.into(),
        };
        write_postcard(&disk, to);
    }

    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let disk: KeptKeyDisk<'_> = read_postcard(body)?;
        Ok(Self {
            key: disk.key.plain(),
            answer: disk.answer.into(),
            sequence: disk.sequence,
            written_at: disk.written_at.into(),
        })
    }
}

/// The head of a journal without its keys, which have a table of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredHead {
    pub(crate) history: JournalHistory,
    pub(crate) chain: [u8; 32],
    pub(crate) keys_forgotten: NodeTime,
}

#[derive(Serialize, Deserialize)]
struct HeadDisk {
    spans: Vec<(super::EpochDisk, u64)>,
    last: u64,
    chain: [u8; 32],
    keys_forgotten: TimeDisk,
}

impl Record for StoredHead {
    fn write(&self, to: &mut Vec<u8>) {
        let spans = self.history.lineage.spans().iter().map(|it| (it.epoch.into(), it.first));
        let disk = HeadDisk {
            spans: spans.collect(),
            last: self.history.last,
            chain: self.chain,
            keys_forgotten: self.keys_forgotten.into(),
        };
        write_postcard(&disk, to);
    }

    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let disk: HeadDisk = read_postcard(body)?;
        let spans =
            disk.spans.into_iter().map(|(epoch, first)| Span { epoch: epoch.into(), first });
        let lineage = Lineage::new(spans.collect()).map_err(|_| Unreadable)?;
        Ok(Self {
            history: JournalHistory { lineage, last: disk.last },
            chain: disk.chain,
            keys_forgotten: disk.keys_forgotten.into(),
        })
    }
}
