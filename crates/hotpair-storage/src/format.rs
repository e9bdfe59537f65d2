//! How keys and records look on disk. Own types, a version byte in each record.
use crate::{Answer, Change, Conflict, Entry, LosingItem, LosingStatus, RoleChange};
use bytes::Bytes;
use hotpair_types::{
    Designation, Epoch, Instance, ItemKey, JournalHistory, JournalKind, Lineage, NodeTime,
    Position, Positions, Span, StateId,
};
use serde::{Deserialize, Serialize};

/// The version in the first byte of each record.
const RECORD_VERSION: u8 = 1;

/// A body that our checksum vouches for, and that still cannot be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unreadable;

/// Keys whose byte order is the order of what they name.
pub(crate) mod key {
    use super::{ItemKey, JournalKind};

    pub(crate) fn sequence(sequence: u64) -> [u8; 8] {
        sequence.to_be_bytes()
    }

    pub(crate) fn read_sequence(key: &[u8]) -> Option<u64> {
        key.try_into().ok().map(u64::from_be_bytes)
    }

    pub(crate) const fn journal(kind: JournalKind) -> u8 {
        match kind {
            JournalKind::Config => b'c',
            JournalKind::Runtime => b'r',
        }
    }

    pub(crate) fn answer(kind: JournalKind, sequence: u64) -> [u8; 9] {
        let mut key = [0; 9];
        key[0] = journal(kind);
        key[1..].copy_from_slice(&sequence.to_be_bytes());
        key
    }

    pub(crate) fn losing(conflict: u64, sequence: u64, index: u32) -> [u8; 20] {
        let mut key = [0; 20];
        key[..8].copy_from_slice(&conflict.to_be_bytes());
        key[8..16].copy_from_slice(&sequence.to_be_bytes());
        key[16..].copy_from_slice(&index.to_be_bytes());
        key
    }

    /// Two texts, so that pairs sort like the pairs: a zero within the first becomes `00 ff`, its
    /// end is `00 00`.
    pub(crate) fn pair(first: &str, second: &str) -> Vec<u8> {
        let mut key = Vec::with_capacity(first.len() + second.len() + 2);
        for &byte in first.as_bytes() {
            key.push(byte);
            if byte == 0 {
                key.push(0xff);
            }
        }
        key.extend_from_slice(&[0, 0]);
        key.extend_from_slice(second.as_bytes());
        key
    }

    /// The first key behind all pairs with this first text.
    pub(crate) fn pairs_end(first: &str) -> Vec<u8> {
        let mut key = pair(first, "");
        *key.last_mut().expect("a pair ends with two zeros") = 1;
        key
    }

    pub(crate) fn read_pair(key: &[u8]) -> Option<(Box<str>, Box<str>)> {
        let mut first = Vec::new();
        let mut at = 0;
        loop {
            match (key.get(at)?, key.get(at + 1)) {
                (0, Some(0)) => break,
                (0, Some(0xff)) => {
                    first.push(0);
                    at += 2;
                }
                (0, _) => return None,
                (&byte, _) => {
                    first.push(byte);
                    at += 1;
                }
            }
        }
        let text = |it: &[u8]| std::str::from_utf8(it).ok().map(Box::from);
        Some((text(&first)?, text(&key[at + 2..])?))
    }

    /// Where an item of a journal's kind is kept.
    pub(crate) fn item(kind: JournalKind, item: &ItemKey) -> Vec<u8> {
        match kind {
            JournalKind::Config => item.item.as_bytes().to_vec(),
            JournalKind::Runtime => pair(&item.provider, &item.item),
        }
    }

    pub(crate) fn read_item(kind: JournalKind, key: &[u8]) -> Option<ItemKey> {
        match kind {
            JournalKind::Config => std::str::from_utf8(key).ok().map(ItemKey::config),
            JournalKind::Runtime => {
                let (provider, item) = read_pair(key)?;
                Some(ItemKey { provider, item })
            }
        }
    }

    /// A key for people.
    pub(crate) fn readable(key: &[u8]) -> String {
        match std::str::from_utf8(key) {
            Ok(text) if !text.chars().any(char::is_control) => text.escape_debug().to_string(),
            _ => key.iter().map(|it| format!("{it:02x}")).collect(),
        }
    }
}

/// Bytes that postcard copies as they are instead of one by one.
#[derive(Clone, Copy)]
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a [u8]>::deserialize(deserializer).map(Self)
    }
}

impl Raw<'_> {
    fn to_bytes(self) -> Bytes {
        Bytes::copy_from_slice(self.0)
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct EpochDisk(u64, u64);

impl From<Epoch> for EpochDisk {
    fn from(it: Epoch) -> Self {
        Self(it.number, it.tag)
    }
}

impl From<EpochDisk> for Epoch {
    fn from(it: EpochDisk) -> Self {
        Self { number: it.0, tag: it.1 }
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct PositionDisk(EpochDisk, u64);

impl From<Position> for PositionDisk {
    fn from(it: Position) -> Self {
        Self(it.epoch.into(), it.sequence)
    }
}

impl From<PositionDisk> for Position {
    fn from(it: PositionDisk) -> Self {
        Self { epoch: it.0.into(), sequence: it.1 }
    }
}

/// A record type: the one place that knows how it is written and read.
pub(crate) trait Record: Sized {
    fn write(&self, to: &mut Vec<u8>);
    fn read(body: &[u8]) -> Result<Self, Unreadable>;
}

fn write_postcard<T: Serialize>(value: &T, to: &mut Vec<u8>) {
    to.push(RECORD_VERSION);
    let taken = std::mem::take(to);
    *to = postcard::to_extend(value, taken).expect("postcard writes any of our records to memory");
}

fn read_postcard<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unreadable> {
    match body.split_first() {
        Some((&RECORD_VERSION, rest)) => {
            let (value, left) = postcard::take_from_bytes(rest).map_err(|_| Unreadable)?;
            if left.is_empty() { Ok(value) } else { Err(Unreadable) }
        }
        _ => Err(Unreadable),
    }
}

/// The value of an item and where it was written: a fixed head, then the value as it is.
pub(crate) fn write_value(position: Position, value: &[u8], to: &mut Vec<u8>) {
    to.push(RECORD_VERSION);
    for number in [position.epoch.number, position.epoch.tag, position.sequence] {
        to.extend_from_slice(&number.to_le_bytes());
    }
    to.extend_from_slice(value);
}

pub(crate) fn read_value(body: &[u8]) -> Result<(Position, Bytes), Unreadable> {
    const HEAD: usize = 1 + 3 * 8;
    if body.len() < HEAD || body[0] != RECORD_VERSION {
        return Err(Unreadable);
    }
    let number = |index: usize| {
        let mut le = [0; 8];
        le.copy_from_slice(&body[1 + index * 8..9 + index * 8]);
        u64::from_le_bytes(le)
    };
    let epoch = Epoch { number: number(0), tag: number(1) };
    Ok((Position { epoch, sequence: number(2) }, Bytes::copy_from_slice(&body[HEAD..])))
}

/// Bytes of the caller as they are.
pub(crate) fn write_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    to.push(RECORD_VERSION);
    to.extend_from_slice(bytes);
}

pub(crate) fn read_bytes(body: &[u8]) -> Result<Bytes, Unreadable> {
    match body.split_first() {
        Some((&RECORD_VERSION, rest)) => Ok(Bytes::copy_from_slice(rest)),
        _ => Err(Unreadable),
    }
}

#[derive(Serialize, Deserialize)]
enum ChangeDisk<'a> {
    Set(&'a str, &'a str, #[serde(borrow)] Raw<'a>),
    Remove(&'a str, &'a str),
    ReplaceAll(&'a str, #[serde(borrow)] Vec<(&'a str, Raw<'a>)>),
}

#[derive(Serialize, Deserialize)]
struct AnswerDisk<'a> {
    config: bool,
    position: PositionDisk,
    key: &'a str,
    #[serde(borrow)]
    answer: Raw<'a>,
    written_at: u64,
}

#[derive(Serialize, Deserialize)]
struct EntryDisk<'a> {
    position: PositionDisk,
    hash: Option<[u8; 32]>,
    written_at: u64,
    #[serde(borrow)]
    answer: Option<AnswerDisk<'a>>,
    #[serde(borrow)]
    changes: Vec<ChangeDisk<'a>>,
}

impl<'a> AnswerDisk<'a> {
    fn of(it: &'a Answer) -> Self {
        Self {
            config: it.journal == JournalKind::Config,
            position: it.position.into(),
            key: &it.key,
            answer: Raw(&it.answer),
            written_at: it.written_at.0,
        }
    }

    fn plain(&self) -> Answer {
        Answer {
            journal: if self.config { JournalKind::Config } else { JournalKind::Runtime },
            position: self.position.into(),
            key: self.key.into(),
            answer: self.answer.to_bytes(),
            written_at: NodeTime(self.written_at),
        }
    }
}

impl Record for Answer {
    fn write(&self, to: &mut Vec<u8>) {
        write_postcard(&AnswerDisk::of(self), to);
    }

    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        read_postcard::<AnswerDisk<'_>>(body).map(|it| it.plain())
    }
}

impl Record for Entry {
    fn write(&self, to: &mut Vec<u8>) {
        let changes = self
            .changes
            .iter()
            .map(|it| match it {
                Change::Set { item, value } => {
                    ChangeDisk::Set(&item.provider, &item.item, Raw(value))
                }
                Change::Remove { item } => ChangeDisk::Remove(&item.provider, &item.item),
                Change::ReplaceAll { provider, items } => ChangeDisk::ReplaceAll(
                    provider,
                    items.iter().map(|(item, value)| (&**item, Raw(value))).collect(),
                ),
            })
            .collect();
        let disk = EntryDisk {
            position: self.position.into(),
            hash: self.hash,
            written_at: self.written_at.0,
            answer: self.answer.as_ref().map(AnswerDisk::of),
            changes,
        };
        write_postcard(&disk, to);
    }

    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let disk: EntryDisk<'_> = read_postcard(body)?;
        let changes = disk
            .changes
            .iter()
            .map(|it| match it {
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
            })
            .collect();
        Ok(Self {
            position: disk.position.into(),
            changes,
            answer: disk.answer.as_ref().map(AnswerDisk::plain),
            written_at: NodeTime(disk.written_at),
            hash: disk.hash,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct HistoryDisk {
    spans: Vec<(EpochDisk, u64)>,
    last: u64,
}

impl Record for JournalHistory {
    fn write(&self, to: &mut Vec<u8>) {
        let spans = self.lineage.spans().iter().map(|it| (it.epoch.into(), it.first)).collect();
        write_postcard(&HistoryDisk { spans, last: self.last }, to);
    }

    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let disk: HistoryDisk = read_postcard(body)?;
        let spans =
            disk.spans.into_iter().map(|(epoch, first)| Span { epoch: epoch.into(), first });
        let lineage = Lineage::new(spans.collect()).map_err(|_| Unreadable)?;
        Ok(Self { lineage, last: disk.last })
    }
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) schema: u32,
    /// `engine main, replicated.redb`
    pub(crate) of: String,
    /// Made new because the one before was set aside.
    pub(crate) replaced: bool,
}

impl Record for Identity {
    fn write(&self, to: &mut Vec<u8>) {
        write_postcard(&(self.schema, &self.of, self.replaced), to);
    }

    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let (schema, of, replaced) = read_postcard(body)?;
        Ok(Self { schema, of, replaced })
    }
}

#[derive(Serialize, Deserialize)]
struct RoleChangeDisk<'a> {
    at: u64,
    instance: (u64, u64),
    from: u8,
    to: u8,
    rule: &'a str,
    evidence: &'a str,
    epoch_before: EpochDisk,
    epoch_after: EpochDisk,
    config: PositionDisk,
    runtime: PositionDisk,
}

impl Record for RoleChange {
    fn write(&self, to: &mut Vec<u8>) {
        let disk = RoleChangeDisk {
            at: self.at.0,
            instance: (self.instance.count, self.instance.tag),
            from: self.from.number(),
            to: self.to.number(),
            rule: &self.rule,
            evidence: &self.evidence,
            epoch_before: self.epoch_before.into(),
            epoch_after: self.epoch_after.into(),
            config: self.positions.config.into(),
            runtime: self.positions.runtime.into(),
        };
        write_postcard(&disk, to);
    }

    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let disk: RoleChangeDisk<'_> = read_postcard(body)?;
        let state = |number: u8| {
            StateId::ALL.get(usize::from(number).wrapping_sub(1)).copied().ok_or(Unreadable)
        };
        Ok(Self {
            at: NodeTime(disk.at),
            instance: Instance { count: disk.instance.0, tag: disk.instance.1 },
            from: state(disk.from)?,
            to: state(disk.to)?,
            rule: disk.rule.into(),
            evidence: disk.evidence.into(),
            epoch_before: disk.epoch_before.into(),
            epoch_after: disk.epoch_after.into(),
            positions: Positions { config: disk.config.into(), runtime: disk.runtime.into() },
        })
    }
}

#[derive(Serialize, Deserialize)]
struct ConflictDisk<'a> {
    config: bool,
    fork: Option<u64>,
    winner_epoch: EpochDisk,
    loser_epoch: EpochDisk,
    master_lost: bool,
    rule: &'a str,
    found_at: u64,
}

impl Record for Conflict {
    fn write(&self, to: &mut Vec<u8>) {
        let disk = ConflictDisk {
            config: self.journal == JournalKind::Config,
            fork: self.fork,
            winner_epoch: self.winner_epoch.into(),
            loser_epoch: self.loser_epoch.into(),
            master_lost: self.loser == Designation::Master,
            rule: &self.rule,
            found_at: self.found_at.0,
        };
        write_postcard(&disk, to);
    }

    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let disk: ConflictDisk<'_> = read_postcard(body)?;
        Ok(Self {
            journal: if disk.config { JournalKind::Config } else { JournalKind::Runtime },
            fork: disk.fork,
            winner_epoch: disk.winner_epoch.into(),
            loser_epoch: disk.loser_epoch.into(),
            loser: if disk.master_lost { Designation::Master } else { Designation::Backup },
            rule: disk.rule.into(),
            found_at: NodeTime(disk.found_at),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct LosingDisk<'a> {
    position: PositionDisk,
    index: u32,
    provider: &'a str,
    item: &'a str,
    #[serde(borrow)]
    losing: Option<Raw<'a>>,
    #[serde(borrow)]
    winning: Option<Raw<'a>>,
    losing_at: u64,
    winning_at: Option<u64>,
    idempotency_key: Option<&'a str>,
    status: u8,
}

impl Record for LosingItem {
    fn write(&self, to: &mut Vec<u8>) {
        let disk = LosingDisk {
            position: self.position.into(),
            index: self.index,
            provider: &self.item.provider,
            item: &self.item.item,
            losing: self.losing.as_deref().map(Raw),
            winning: self.winning.as_deref().map(Raw),
            losing_at: self.losing_at.0,
            winning_at: self.winning_at.map(|it| it.0),
            idempotency_key: self.idempotency_key.as_deref(),
            status: match self.status {
                LosingStatus::Kept => 0,
                LosingStatus::Present => 1,
                LosingStatus::Replayed => 2,
            },
        };
        write_postcard(&disk, to);
    }

    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let disk: LosingDisk<'_> = read_postcard(body)?;
        Ok(Self {
            position: disk.position.into(),
            index: disk.index,
            item: ItemKey::new(disk.provider, disk.item),
            losing: disk.losing.map(Raw::to_bytes),
            winning: disk.winning.map(Raw::to_bytes),
            losing_at: NodeTime(disk.losing_at),
            winning_at: disk.winning_at.map(NodeTime),
            idempotency_key: disk.idempotency_key.map(Box::from),
            status: match disk.status {
                0 => LosingStatus::Kept,
                1 => LosingStatus::Present,
                2 => LosingStatus::Replayed,
                _ => return Err(Unreadable),
            },
        })
    }
}
