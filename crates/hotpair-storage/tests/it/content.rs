//! Things to store, made from small numbers.
use bytes::Bytes;
use hotpair_storage::{
    Change, Conflict, DivergenceId, DivergenceRecord, Entry, Fate, Item, RoleChange, Winning,
    WriteKey,
};
use hotpair_types::{
    EngineName, Epoch, Instance, ItemKey, JournalKind, NodeTime, Position, Positions, StateId,
};

/// xorshift: enough for tests, and the seed says it all.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

pub(crate) fn main_engine() -> EngineName {
    EngineName::default()
}

pub(crate) fn epoch(number: u64) -> Epoch {
    Epoch { number, tag: number * 1_000 + 7 }
}

pub(crate) fn at(sequence: u64) -> Position {
    Position { epoch: epoch(1), sequence }
}

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(crate) fn entry(sequence: u64, changes: Vec<Change>) -> Entry {
    Entry {
        position: at(sequence),
        changes,
        key: None,
        written_at: NodeTime(1_000 + sequence),
        origin: None,
        chain: [sequence as u8; 32],
    }
}

pub(crate) fn keyed(sequence: u64, key: &str) -> Entry {
    let key = WriteKey { name: key.into(), issued: Some(NodeTime(sequence)) };
    Entry { key: Some(key), ..entry(sequence, vec![]) }
}

pub(crate) fn set(provider: &str, item: &str, value: &str) -> Change {
    Change::Set { item: ItemKey::new(provider, item), value: bytes(value) }
}

pub(crate) fn remove(provider: &str, item: &str) -> Change {
    Change::Remove { item: ItemKey::new(provider, item) }
}

pub(crate) fn item(provider: &str, name: &str, value: &str, sequence: u64) -> Item {
    Item {
        key: ItemKey::new(provider, name),
        value: bytes(value),
        position: at(sequence),
        written_at: NodeTime(1_000 + sequence),
    }
}

pub(crate) fn role_change(count: u64) -> RoleChange {
    RoleChange {
        at: NodeTime(count),
        instance: Instance { count: 3, tag: 9 },
        from: StateId::StandbyReady,
        to: StateId::SwitchingToActive,
        rule: "leaving".into(),
        evidence: format!("number {count}"),
        epoch_before: epoch(1),
        epoch_after: epoch(2),
        positions: Positions { config: at(4), runtime: at(5) },
    }
}

pub(crate) fn lost(sequence: u64, value: &str, fate: Fate) -> DivergenceRecord {
    DivergenceRecord {
        id: DivergenceId { journal: JournalKind::Config, entry: at(sequence) },
        conflict: Conflict {
            fork: Some(3),
            winner: epoch(2),
            loser: epoch(1),
            rule: "longest-active".into(),
            both_active: true,
        },
        entry: entry(sequence, vec![set("", "speed", value)]),
        winning: vec![Winning {
            item: ItemKey::config("speed"),
            value: Some(bytes("7")),
            position: Some(at(2)),
            written_at: None,
        }],
        noted_at: NodeTime(99),
        fate,
    }
}
