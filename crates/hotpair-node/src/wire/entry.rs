//! Entries of journals, and losing ones.
use hotpair_protocol as wire;
use hotpair_protocol::{Blob, List, Text};
use hotpair_replication as replication;
use hotpair_replication::SharedEntry;

// What a replica takes, the partner's decoder takes.
const _: () = assert!(replication::ENTRY_CHANGES_MAX <= wire::OPS_MAX);
const _: () = assert!(replication::ENTRY_CHANGES_MAX <= wire::ITEMS_MAX);

pub(super) fn to_wire(entry: &replication::Entry) -> wire::Entry {
    let replication::Entry { kind, position, ops, key, written_at, origin, chain } = entry;
    wire::Entry {
        kind: *kind,
        position: *position,
        ops: List::for_sending(ops.iter().map(op_to_wire).collect()),
        key: key.as_ref().map(key_to_wire),
        written_at: *written_at,
        origin: *origin,
        chain: *chain,
    }
}

pub(super) fn from_wire(entry: wire::Entry) -> SharedEntry {
    let wire::Entry { kind, position, ops, key, written_at, origin, chain } = entry;
    SharedEntry::new(replication::Entry {
        kind,
        position,
        ops: ops.into_inner().into_iter().map(op_from_wire).collect(),
        key: key.map(key_from_wire),
        written_at,
        origin,
        chain,
    })
}

pub(super) fn all_to_wire<const MAX: usize>(entries: &[SharedEntry]) -> List<wire::Entry, MAX> {
    List::for_sending(entries.iter().map(|it| to_wire(it)).collect())
}

pub(super) fn all_from_wire<const MAX: usize>(entries: List<wire::Entry, MAX>) -> Vec<SharedEntry> {
    entries.into_inner().into_iter().map(from_wire).collect()
}

fn op_to_wire(op: &replication::Op) -> wire::Op {
    match op.clone() {
        replication::Op::Set { item, value } => wire::Op::Set { item, value: Blob(value) },
        replication::Op::Remove { item } => wire::Op::Remove { item },
        replication::Op::ReplaceAll { provider, items } => {
            let items = items.into_iter().map(|(name, value)| (name, Blob(value))).collect();
            wire::Op::ReplaceAll { provider, items: List::for_sending(items) }
        }
    }
}

fn op_from_wire(op: wire::Op) -> replication::Op {
    match op {
        wire::Op::Set { item, value } => replication::Op::Set { item, value: value.0 },
        wire::Op::Remove { item } => replication::Op::Remove { item },
        wire::Op::ReplaceAll { provider, items } => {
            let items = items.into_inner().into_iter().map(|(name, value)| (name, value.0));
            replication::Op::ReplaceAll { provider, items: items.collect() }
        }
    }
}

fn key_to_wire(key: &replication::IdempotencyKey) -> wire::IdempotencyKey {
    wire::IdempotencyKey { key: Text::for_sending(key.key.to_string()), issued: key.issued }
}

fn key_from_wire(key: wire::IdempotencyKey) -> replication::IdempotencyKey {
    let wire::IdempotencyKey { key, issued } = key;
    replication::IdempotencyKey { key: key.into_inner().into(), issued }
}

pub(super) fn kept_to_wire(kept: &replication::KeptKey) -> wire::KeptKey {
    let replication::KeptKey { key, answer, sequence, written_at } = kept;
    let key = key_to_wire(key);
    wire::KeptKey { key, answer: *answer, sequence: *sequence, written_at: *written_at }
}

pub(super) fn kept_from_wire(kept: wire::KeptKey) -> replication::KeptKey {
    let wire::KeptKey { key, answer, sequence, written_at } = kept;
    replication::KeptKey { key: key_from_wire(key), answer, sequence, written_at }
}

pub(super) fn record_to_wire(record: &replication::Record) -> wire::Record {
    let replication::Record { value, position, written_at } = record.clone();
    wire::Record { value: Blob(value), position, written_at }
}

pub(super) fn record_from_wire(record: wire::Record) -> replication::Record {
    let wire::Record { value, position, written_at } = record;
    replication::Record { value: value.0, position, written_at }
}

pub(super) const fn id_to_wire(id: replication::DivergenceId) -> wire::DivergenceId {
    let replication::DivergenceId { kind, entry } = id;
    wire::DivergenceId { kind, entry }
}

pub(super) const fn id_from_wire(id: wire::DivergenceId) -> replication::DivergenceId {
    let wire::DivergenceId { kind, entry } = id;
    replication::DivergenceId { kind, entry }
}

pub(super) const fn fate_to_wire(fate: replication::Fate) -> wire::Fate {
    match fate {
        replication::Fate::Kept => wire::Fate::Kept,
        replication::Fate::InHistory(at) => wire::Fate::InHistory(at),
        replication::Fate::Replayed(at) => wire::Fate::Replayed(at),
        replication::Fate::Repeated(at) => wire::Fate::Repeated(at),
    }
}

pub(super) const fn fate_from_wire(fate: wire::Fate) -> replication::Fate {
    match fate {
        wire::Fate::Kept => replication::Fate::Kept,
        wire::Fate::InHistory(at) => replication::Fate::InHistory(at),
        wire::Fate::Replayed(at) => replication::Fate::Replayed(at),
        wire::Fate::Repeated(at) => replication::Fate::Repeated(at),
    }
}

pub(super) fn losing_to_wire(record: &replication::DivergenceRecord) -> wire::DivergenceRecord {
    let replication::DivergenceRecord { id, conflict, entry, winning, noted_at, fate } = record;
    let replication::Conflict { fork, winner, loser, rule, both_active } = conflict.clone();
    let conflict = wire::Conflict { fork, winner, loser, rule: Text::cut(&rule), both_active };
    let winning = winning.iter().cloned().map(|it| {
        let replication::Winning { item, value, position, written_at } = it;
        wire::Winning { item, value: value.map(Blob), position, written_at }
    });
    wire::DivergenceRecord {
        id: id_to_wire(*id),
        conflict,
        entry: to_wire(entry),
        winning: List::for_sending(winning.collect()),
        noted_at: *noted_at,
        fate: fate_to_wire(*fate),
    }
}

pub(super) fn losing_from_wire(record: wire::DivergenceRecord) -> replication::DivergenceRecord {
    let wire::DivergenceRecord { id, conflict, entry, winning, noted_at, fate } = record;
    let wire::Conflict { fork, winner, loser, rule, both_active } = conflict;
    let rule = rule.into_inner().into();
    let conflict = replication::Conflict { fork, winner, loser, rule, both_active };
    let winning = winning.into_inner().into_iter().map(|it| {
        let wire::Winning { item, value, position, written_at } = it;
        replication::Winning { item, value: value.map(|it| it.0), position, written_at }
    });
    replication::DivergenceRecord {
        id: id_from_wire(id),
        conflict,
        entry: from_wire(entry),
        winning: winning.collect(),
        noted_at,
        fate: fate_from_wire(fate),
    }
}
