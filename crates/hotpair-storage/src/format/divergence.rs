//! Losing entries on disk.
use super::entry::EntryDisk;
use super::{
    EpochDisk, PositionDisk, Raw, Record, TimeDisk, Unreadable, read_postcard, write_postcard,
};
use crate::{Conflict, DivergenceId, DivergenceRecord, Fate, Winning};
use hotpair_types::{ItemKey, JournalKind, NodeTime, Position};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum FateDisk {
    Kept,
    InHistory(PositionDisk),
    Replayed(PositionDisk),
    Repeated(PositionDisk),
}

#[derive(Serialize, Deserialize)]
struct WinningDisk<'a> {
    provider: &'a str,
    item: &'a str,
    #[serde(borrow)]
    value: Option<Raw<'a>>,
    position: Option<PositionDisk>,
    written_at: Option<TimeDisk>,
}

#[derive(Serialize, Deserialize)]
struct DivergenceDisk<'a> {
    config: bool,
    entry_position: PositionDisk,
    fork: Option<u64>,
    winner: EpochDisk,
    loser: EpochDisk,
    rule: &'a str,
    both_active: bool,
    #[serde(borrow)]
    entry: EntryDisk<'a>,
    #[serde(borrow)]
    winning: Vec<WinningDisk<'a>>,
    noted_at: TimeDisk,
    fate: FateDisk,
}

impl Record for DivergenceRecord {
    fn write(&self, to: &mut Vec<u8>) {
        let winning = self.winning.iter().map(|it| WinningDisk {
            provider: &it.item.provider,
            item: &it.item.item,
            value: it.value.as_deref().map(Raw),
            position: it.position.map(PositionDisk::from),
            written_at: it.written_at.map(TimeDisk::from),
        });
        let disk = DivergenceDisk {
            config: self.id.journal == JournalKind::Config,
            entry_position: self.id.entry.into(),
            fork: self.conflict.fork,
            winner: self.conflict.winner.into(),
            loser: self.conflict.loser.into(),
            rule: &self.conflict.rule,
            both_active: self.conflict.both_active,
            entry: EntryDisk::of(&self.entry),
            winning: winning.collect(),
            noted_at: self.noted_at.into(),
            fate: match self.fate {
                Fate::Kept => FateDisk::Kept,
                Fate::InHistory(it) => FateDisk::InHistory(it.into()),
                Fate::Replayed(it) => FateDisk::Replayed(it.into()),
                Fate::Repeated(it) => FateDisk::Repeated(it.into()),
            },
        };
        write_postcard(&disk, to);
    }

    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let disk: DivergenceDisk<'_> = read_postcard(body)?;
        let winning = disk.winning.iter().map(|it| Winning {
            item: ItemKey::new(it.provider, it.item),
            value: it.value.map(Raw::to_bytes),
            position: it.position.map(Position::from),
            written_at: it.written_at.map(NodeTime::from),
        });
        Ok(Self {
            id: DivergenceId {
                journal: if disk.config { JournalKind::Config } else { JournalKind::Runtime },
                entry: disk.entry_position.into(),
            },
            conflict: Conflict {
                fork: disk.fork,
                winner: disk.winner.into(),
                loser: disk.loser.into(),
                rule: disk.rule.into(),
                both_active: disk.both_active,
            },
            entry: disk.entry.plain(),
            winning: winning.collect(),
            noted_at: disk.noted_at.into(),
            fate: match disk.fate {
                FateDisk::Kept => Fate::Kept,
                FateDisk::InHistory(it) => Fate::InHistory(it.into()),
                FateDisk::Replayed(it) => Fate::Replayed(it.into()),
                FateDisk::Repeated(it) => Fate::Repeated(it.into()),
            },
        })
    }
}
