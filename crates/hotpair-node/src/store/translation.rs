//! Between the values of the deciding crates and those of the disk. One concern: whoever changes
//! one side sees here what the other must do.
use hotpair_replication as replication;
use hotpair_storage as storage;
use hotpair_types::{ItemKey, JournalKind};
use std::sync::Arc;

/// What storage has to do for one operation of the replica.
pub(super) fn data_ops(op: replication::StoreOp) -> Vec<storage::Op> {
    match op {
        replication::StoreOp::Append { kind, entries } => {
            let entries = entries.iter().map(|it| entry(it)).collect();
            vec![storage::Op::Append { journal: kind, entries }]
        }
        replication::StoreOp::Swap(swaps) => {
            vec![storage::Op::Swap(swaps.into_iter().map(swap).collect())]
        }
        replication::StoreOp::PutDivergence(records) => {
            vec![storage::Op::PutDivergence(records.iter().map(divergence).collect())]
        }
        replication::StoreOp::DropDivergence(ids) => {
            vec![storage::Op::DropDivergence(ids.into_iter().map(divergence_id).collect())]
        }
    }
}

fn entry(it: &replication::Entry) -> storage::Entry {
    storage::Entry {
        position: it.position,
        changes: it.ops.iter().map(change).collect(),
        key: it.key.as_ref().map(key),
        written_at: it.written_at,
        origin: it.origin,
        chain: it.chain,
    }
}

pub(super) fn entry_back(kind: JournalKind, it: storage::Entry) -> replication::SharedEntry {
    Arc::new(plain_entry_back(kind, it))
}

fn plain_entry_back(kind: JournalKind, it: storage::Entry) -> replication::Entry {
    replication::Entry {
        kind,
        position: it.position,
        ops: it.changes.into_iter().map(change_back).collect(),
        key: it.key.map(key_back),
        written_at: it.written_at,
        origin: it.origin,
        chain: it.chain,
    }
}

fn change(it: &replication::Op) -> storage::Change {
    match it {
        replication::Op::Set { item, value } => {
            storage::Change::Set { item: item.clone(), value: value.clone() }
        }
        replication::Op::Remove { item } => storage::Change::Remove { item: item.clone() },
        replication::Op::ReplaceAll { provider, items } => {
            storage::Change::ReplaceAll { provider: provider.clone(), items: items.clone() }
        }
    }
}

fn change_back(it: storage::Change) -> replication::Op {
    match it {
        storage::Change::Set { item, value } => replication::Op::Set { item, value },
        storage::Change::Remove { item } => replication::Op::Remove { item },
        storage::Change::ReplaceAll { provider, items } => {
            replication::Op::ReplaceAll { provider, items }
        }
    }
}

fn key(it: &replication::IdempotencyKey) -> storage::WriteKey {
    storage::WriteKey { name: it.key.clone(), issued: it.issued }
}

fn key_back(it: storage::WriteKey) -> replication::IdempotencyKey {
    replication::IdempotencyKey { key: it.name, issued: it.issued }
}

fn swap(it: replication::JournalSwap) -> storage::Swap {
    let replication::JournalSwap { head, clear, sets, removes } = it;
    let replication::JournalHead { kind, history, chain, keys, keys_forgotten } = head;
    let kept = |it: &replication::KeptKey| storage::KeptKey {
        key: key(&it.key),
        answer: it.answer,
        sequence: it.sequence,
        written_at: it.written_at,
    };
    let keys = keys.iter().map(kept).collect();
    storage::Swap {
        journal: kind,
        head: storage::Head { history, chain, keys, keys_forgotten },
        clear,
        sets: sets.into_iter().map(item).collect(),
        removes,
    }
}

fn item((key, record): (ItemKey, replication::Record)) -> storage::Item {
    let replication::Record { value, position, written_at } = record;
    storage::Item { key, value, position, written_at }
}

fn divergence_id(it: replication::DivergenceId) -> storage::DivergenceId {
    storage::DivergenceId { journal: it.kind, entry: it.entry }
}

fn divergence(it: &replication::DivergenceRecord) -> storage::DivergenceRecord {
    let replication::Conflict { fork, winner, loser, rule, both_active } = it.conflict.clone();
    let winning = |it: &replication::Winning| storage::Winning {
        item: it.item.clone(),
        value: it.value.clone(),
        position: it.position,
        written_at: it.written_at,
    };
    storage::DivergenceRecord {
        id: divergence_id(it.id),
        conflict: storage::Conflict { fork, winner, loser, rule, both_active },
        entry: entry(&it.entry),
        winning: it.winning.iter().map(winning).collect(),
        noted_at: it.noted_at,
        fate: match it.fate {
            replication::Fate::Kept => storage::Fate::Kept,
            replication::Fate::InHistory(at) => storage::Fate::InHistory(at),
            replication::Fate::Replayed(at) => storage::Fate::Replayed(at),
            replication::Fate::Repeated(at) => storage::Fate::Repeated(at),
        },
    }
}

fn divergence_back(it: storage::DivergenceRecord) -> replication::DivergenceRecord {
    let storage::Conflict { fork, winner, loser, rule, both_active } = it.conflict;
    let kind = it.id.journal;
    let winning = |it: storage::Winning| replication::Winning {
        item: it.item,
        value: it.value,
        position: it.position,
        written_at: it.written_at,
    };
    replication::DivergenceRecord {
        id: replication::DivergenceId { kind, entry: it.id.entry },
        conflict: replication::Conflict { fork, winner, loser, rule, both_active },
        entry: entry_back(kind, it.entry),
        winning: it.winning.into_iter().map(winning).collect(),
        noted_at: it.noted_at,
        fate: match it.fate {
            storage::Fate::Kept => replication::Fate::Kept,
            storage::Fate::InHistory(at) => replication::Fate::InHistory(at),
            storage::Fate::Replayed(at) => replication::Fate::Replayed(at),
            storage::Fate::Repeated(at) => replication::Fate::Repeated(at),
        },
    }
}

/// One journal as the replica begins with it.
pub(super) fn journal_back(
    kind: JournalKind,
    it: storage::LoadedJournal,
) -> replication::JournalBoot {
    let storage::LoadedJournal { head, items, entries, stored_after } = it;
    let storage::Head { history, chain, keys, keys_forgotten } = head;
    let kept = |it: storage::KeptKey| replication::KeptKey {
        key: key_back(it.key),
        answer: it.answer,
        sequence: it.sequence,
        written_at: it.written_at,
    };
    let keys = keys.into_iter().map(kept).collect();
    let item = |it: storage::Item| {
        let storage::Item { key, value, position, written_at } = it;
        (key, replication::Record { value, position, written_at })
    };
    replication::JournalBoot {
        head: replication::JournalHead { kind, history, chain, keys, keys_forgotten },
        items: items.into_iter().map(item).collect(),
        entries: entries.into_iter().map(|it| entry_back(kind, it)).collect(),
        stored_after,
    }
}

pub(super) fn divergences_back(
    records: Vec<storage::DivergenceRecord>,
) -> Vec<replication::DivergenceRecord> {
    records.into_iter().map(divergence_back).collect()
}
