//! Messages of replicas.
use super::entry::{
    all_from_wire, all_to_wire, fate_from_wire, fate_to_wire, id_from_wire, id_to_wire,
    kept_from_wire, kept_to_wire, losing_from_wire, losing_to_wire, record_from_wire,
    record_to_wire,
};
use hotpair_protocol as wire;
use hotpair_protocol::{Blob, List, ReplicaMessage as Wire};
use hotpair_replication as replication;
use hotpair_replication::{Message, PerJournal};
use hotpair_types::NodeTime;
use std::cmp::Reverse;

/// How many bytes of idempotency keys a snapshot's head carries: half of what a frame may have.
const KEYS_BYTES_MAX: usize = wire::FRAME_BYTES_MAX / 2;
/// What a key costs beside its name, at most.
const KEY_OVERHEAD_BYTES: usize = 96;

pub(super) fn to_wire(message: &Message) -> Wire {
    let s = |it: &replication::Session| wire::Session { instance: it.instance, count: it.count };
    let pair = |it: &PerJournal<u64>| (it.config, it.runtime);
    match message {
        Message::Begin { session } => Wire::Begin { session: s(session) },
        Message::Manifest { session, modules } => {
            let modules = modules.iter().cloned().map(|it| {
                let replication::ModuleEntry { name, hash, size } = it;
                wire::ModuleEntry { name, hash, size }
            });
            Wire::Manifest { session: s(session), modules: List::for_sending(modules.collect()) }
        }
        Message::ModuleWanted { session, hash, offset } => {
            Wire::ModuleWanted { session: s(session), hash: *hash, offset: *offset }
        }
        Message::ModuleChunk { session, hash, offset, bytes, last } => Wire::ModuleChunk {
            session: s(session),
            hash: *hash,
            offset: *offset,
            bytes: Blob(bytes.clone()),
            last: *last,
        },
        Message::WayWanted { session, history } => {
            Wire::WayWanted { session: s(session), history: (**history).clone() }
        }
        Message::Way { session, history, entries_after, removals_after, chain } => Wire::Way {
            session: s(session),
            history: (**history).clone(),
            entries_after: pair(entries_after),
            removals_after: pair(removals_after),
            chain: *chain,
        },
        Message::Losing { session, records } => {
            let records = List::for_sending(records.iter().map(losing_to_wire).collect());
            Wire::Losing { session: s(session), records }
        }
        Message::LosingTaken { session, fates } => {
            let fates = fates.iter().map(|(id, fate)| (id_to_wire(*id), fate_to_wire(*fate)));
            Wire::LosingTaken { session: s(session), fates: List::for_sending(fates.collect()) }
        }
        Message::EntriesWanted { session, kind, after } => {
            Wire::EntriesWanted { session: s(session), kind: *kind, after: *after }
        }
        Message::SnapshotWanted { session, kind } => {
            Wire::SnapshotWanted { session: s(session), kind: *kind }
        }
        Message::SnapshotBegins { session, head, items, bytes } => Wire::SnapshotBegins {
            session: s(session),
            head: head_to_wire(head),
            items: *items,
            bytes: *bytes,
        },
        Message::ChunkWanted { session, kind, request, scope, credit } => Wire::ChunkWanted {
            session: s(session),
            kind: *kind,
            request: *request,
            scope: scope_to_wire(scope),
            credit: *credit,
        },
        Message::MoreWanted { session, kind, request, credit } => Wire::MoreWanted {
            session: s(session),
            kind: *kind,
            request: *request,
            credit: *credit,
        },
        Message::Chunk { session, kind, request, at, sets, removes, next } => {
            let sets = sets.iter().map(|(item, it)| (item.clone(), record_to_wire(it)));
            Wire::Chunk {
                session: s(session),
                kind: *kind,
                request: *request,
                at: *at,
                sets: List::for_sending(sets.collect()),
                removes: List::for_sending(removes.clone()),
                next: next.clone(),
            }
        }
        Message::DigestsWanted { session, kind, request, ranges } => {
            let ranges = ranges
                .iter()
                .map(|it| wire::RangeDigest { range: range_to_wire(&it.range), digest: it.digest });
            Wire::DigestsWanted {
                session: s(session),
                kind: *kind,
                request: *request,
                ranges: List::for_sending(ranges.collect()),
            }
        }
        Message::Digests { session, kind, request, differing } => Wire::Digests {
            session: s(session),
            kind: *kind,
            request: *request,
            differing: List::for_sending(differing.clone()),
        },
        Message::Entries { session, kind, previous, entries, urgent } => Wire::Entries {
            session: s(session),
            kind: *kind,
            previous: *previous,
            entries: all_to_wire(entries),
            urgent: *urgent,
        },
        Message::EntriesGone { session, kind } => {
            Wire::EntriesGone { session: s(session), kind: *kind }
        }
        Message::Ack { session, received, durable } => {
            Wire::Ack { session: s(session), received: pair(received), durable: pair(durable) }
        }
        Message::ResendWanted { session, kind, after } => {
            Wire::ResendWanted { session: s(session), kind: *kind, after: *after }
        }
        Message::CaughtUp { session, positions } => {
            Wire::CaughtUp { session: s(session), positions: *positions }
        }
        Message::AheadWanted { session, history } => {
            Wire::AheadWanted { session: s(session), history: (**history).clone() }
        }
        Message::Ahead { session, kind, previous, entries } => Wire::Ahead {
            session: s(session),
            kind: *kind,
            previous: *previous,
            entries: all_to_wire(entries),
        },
        Message::AheadEnd { session, history } => {
            Wire::AheadEnd { session: s(session), history: (**history).clone() }
        }
        Message::ModuleOffered { session, hash, size } => {
            Wire::ModuleOffered { session: s(session), hash: *hash, size: *size }
        }
        Message::ModuleTaken { session, hash, here } => {
            Wire::ModuleTaken { session: s(session), hash: *hash, here: *here }
        }
        Message::Compare { session, comparison } => {
            let replication::Comparison { kind, request, at, range, items, digest, each } =
                &**comparison;
            let comparison = wire::Comparison {
                kind: *kind,
                request: *request,
                at: *at,
                range: range_to_wire(range),
                items: *items,
                digest: *digest,
                each: List::for_sending(each.clone()),
            };
            Wire::Compare { session: s(session), comparison }
        }
        Message::Compared { session, request, found } => {
            let found = found_to_wire(found);
            Wire::Compared { session: s(session), request: *request, found }
        }
    }
}

pub(super) fn from_wire(message: Wire) -> Message {
    let s = |it: wire::Session| replication::Session { instance: it.instance, count: it.count };
    let pair = |(config, runtime)| PerJournal { config, runtime };
    match message {
        Wire::Begin { session } => Message::Begin { session: s(session) },
        Wire::Manifest { session, modules } => {
            let modules = modules.into_inner().into_iter().map(|it| {
                let wire::ModuleEntry { name, hash, size } = it;
                replication::ModuleEntry { name, hash, size }
            });
            Message::Manifest { session: s(session), modules: modules.collect() }
        }
        Wire::ModuleWanted { session, hash, offset } => {
            Message::ModuleWanted { session: s(session), hash, offset }
        }
        Wire::ModuleChunk { session, hash, offset, bytes, last } => {
            Message::ModuleChunk { session: s(session), hash, offset, bytes: bytes.0, last }
        }
        Wire::WayWanted { session, history } => {
            Message::WayWanted { session: s(session), history: Box::new(history) }
        }
        Wire::Way { session, history, entries_after, removals_after, chain } => Message::Way {
            session: s(session),
            history: Box::new(history),
            entries_after: pair(entries_after),
            removals_after: pair(removals_after),
            chain,
        },
        Wire::Losing { session, records } => {
            let records = records.into_inner().into_iter().map(losing_from_wire).collect();
            Message::Losing { session: s(session), records }
        }
        Wire::LosingTaken { session, fates } => {
            let fates = fates.into_inner().into_iter();
            let fates = fates.map(|(id, fate)| (id_from_wire(id), fate_from_wire(fate))).collect();
            Message::LosingTaken { session: s(session), fates }
        }
        Wire::EntriesWanted { session, kind, after } => {
            Message::EntriesWanted { session: s(session), kind, after }
        }
        Wire::SnapshotWanted { session, kind } => {
            Message::SnapshotWanted { session: s(session), kind }
        }
        Wire::SnapshotBegins { session, head, items, bytes } => {
            let head = Box::new(head_from_wire(head));
            Message::SnapshotBegins { session: s(session), head, items, bytes }
        }
        Wire::ChunkWanted { session, kind, request, scope, credit } => Message::ChunkWanted {
            session: s(session),
            kind,
            request,
            scope: scope_from_wire(scope),
            credit,
        },
        Wire::MoreWanted { session, kind, request, credit } => {
            Message::MoreWanted { session: s(session), kind, request, credit }
        }
        Wire::Chunk { session, kind, request, at, sets, removes, next } => {
            let sets = sets.into_inner().into_iter();
            let sets = sets.map(|(item, it)| (item, record_from_wire(it))).collect();
            let removes = removes.into_inner();
            Message::Chunk { session: s(session), kind, request, at, sets, removes, next }
        }
        Wire::DigestsWanted { session, kind, request, ranges } => {
            let ranges = ranges.into_inner().into_iter().map(|it| replication::RangeDigest {
                range: range_from_wire(it.range),
                digest: it.digest,
            });
            let ranges = ranges.collect();
            Message::DigestsWanted { session: s(session), kind, request, ranges }
        }
        Wire::Digests { session, kind, request, differing } => {
            let differing = differing.into_inner();
            Message::Digests { session: s(session), kind, request, differing }
        }
        Wire::Entries { session, kind, previous, entries, urgent } => {
            let entries = all_from_wire(entries);
            Message::Entries { session: s(session), kind, previous, entries, urgent }
        }
        Wire::EntriesGone { session, kind } => Message::EntriesGone { session: s(session), kind },
        Wire::Ack { session, received, durable } => {
            Message::Ack { session: s(session), received: pair(received), durable: pair(durable) }
        }
        Wire::ResendWanted { session, kind, after } => {
            Message::ResendWanted { session: s(session), kind, after }
        }
        Wire::CaughtUp { session, positions } => {
            Message::CaughtUp { session: s(session), positions }
        }
        Wire::AheadWanted { session, history } => {
            Message::AheadWanted { session: s(session), history: Box::new(history) }
        }
        Wire::Ahead { session, kind, previous, entries } => {
            let entries = all_from_wire(entries);
            Message::Ahead { session: s(session), kind, previous, entries }
        }
        Wire::AheadEnd { session, history } => {
            Message::AheadEnd { session: s(session), history: Box::new(history) }
        }
        Wire::ModuleOffered { session, hash, size } => {
            Message::ModuleOffered { session: s(session), hash, size }
        }
        Wire::ModuleTaken { session, hash, here } => {
            Message::ModuleTaken { session: s(session), hash, here }
        }
        Wire::Compare { session, comparison } => {
            let wire::Comparison { kind, request, at, range, items, digest, each } = comparison;
            let (range, each) = (range_from_wire(range), each.into_inner());
            let comparison =
                replication::Comparison { kind, request, at, range, items, digest, each };
            Message::Compare { session: s(session), comparison: Box::new(comparison) }
        }
        Wire::Compared { session, request, found } => {
            Message::Compared { session: s(session), request, found: found_from_wire(found) }
        }
    }
}

/// The newest keys, as many as a frame holds. That older ones may be missing is said: a retry with
/// one of them is refused, not applied twice.
fn head_to_wire(head: &replication::JournalHead) -> wire::JournalHead {
    let replication::JournalHead { kind, history, chain, keys, keys_forgotten } = head;
    let cost = |it: &replication::KeptKey| it.key.key.len() + KEY_OVERHEAD_BYTES;
    let mut forgotten = *keys_forgotten;
    let fits = keys.iter().map(cost).sum::<usize>() <= KEYS_BYTES_MAX;
    let kept = if fits {
        keys.iter().map(kept_to_wire).collect()
    } else {
        let mut newest: Vec<_> = keys.iter().collect();
        newest.sort_by_key(|it| Reverse(it.written_at));
        let mut room = KEYS_BYTES_MAX;
        let count = newest.iter().take_while(|it| take(&mut room, cost(it))).count();
        // Those of the same millisecond as the first that is left out are left out with it.
        let bound = newest.get(count).map_or(NodeTime(0), |it| it.written_at);
        forgotten = forgotten.max(bound);
        keys.iter().filter(|it| it.written_at > bound).map(kept_to_wire).collect()
    };
    wire::JournalHead {
        kind: *kind,
        history: history.clone(),
        chain: *chain,
        keys: List::for_sending(kept),
        keys_forgotten: forgotten,
    }
}

fn take(room: &mut usize, cost: usize) -> bool {
    let left = room.checked_sub(cost);
    *room = left.unwrap_or(0);
    left.is_some()
}

fn head_from_wire(head: wire::JournalHead) -> replication::JournalHead {
    let wire::JournalHead { kind, history, chain, keys, keys_forgotten } = head;
    let keys = keys.into_inner().into_iter().map(kept_from_wire).collect();
    replication::JournalHead { kind, history, chain, keys, keys_forgotten }
}

fn scope_to_wire(scope: &replication::Scope) -> wire::Scope {
    match scope {
        replication::Scope::ChangedAfter { sequence, from } => {
            wire::Scope::ChangedAfter { sequence: *sequence, from: from.clone() }
        }
        replication::Scope::Range(range) => wire::Scope::Range(range_to_wire(range)),
        replication::Scope::Items(items) => wire::Scope::Items(List::for_sending(items.clone())),
    }
}

fn scope_from_wire(scope: wire::Scope) -> replication::Scope {
    match scope {
        wire::Scope::ChangedAfter { sequence, from } => {
            replication::Scope::ChangedAfter { sequence, from }
        }
        wire::Scope::Range(range) => replication::Scope::Range(range_from_wire(range)),
        wire::Scope::Items(items) => replication::Scope::Items(items.into_inner()),
    }
}

fn found_to_wire(found: &replication::Found) -> wire::Found {
    match found {
        replication::Found::Same => wire::Found::Same,
        replication::Found::Elsewhere => wire::Found::Elsewhere,
        replication::Found::Differs => wire::Found::Differs,
        replication::Found::Item(it) => {
            let replication::ComparedItem { item, active, standby } = it.clone();
            wire::Found::Item { item, active, standby }
        }
    }
}

fn found_from_wire(found: wire::Found) -> replication::Found {
    match found {
        wire::Found::Same => replication::Found::Same,
        wire::Found::Elsewhere => replication::Found::Elsewhere,
        wire::Found::Differs => replication::Found::Differs,
        wire::Found::Item { item, active, standby } => {
            replication::Found::Item(replication::ComparedItem { item, active, standby })
        }
    }
}

fn range_to_wire(range: &replication::KeyRange) -> wire::KeyRange {
    let replication::KeyRange { from, until } = range.clone();
    wire::KeyRange { from, until }
}

fn range_from_wire(range: wire::KeyRange) -> replication::KeyRange {
    let wire::KeyRange { from, until } = range;
    replication::KeyRange { from, until }
}
