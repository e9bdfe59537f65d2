//! Idempotency keys: what was answered, for a bounded time.
use crate::{Entry, IdempotencyKey, KeptKey};
use hotpair_types::{NodeTime, Time};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The keys of one journal.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    kept: BTreeMap<Box<str>, KeptKey>,
    /// Since when each is kept here, oldest first.
    order: VecDeque<(Time, Box<str>)>,
    forgotten: NodeTime,
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known<'a> {
    /// Never seen.
    New,
    /// Answered before.
    Kept(&'a KeptKey),
    /// So old that it may have been forgotten.
    TooOld { issued: NodeTime, remembered: NodeTime },
}

impl Keys {
    pub(crate) fn new(now: Time, kept: Vec<KeptKey>, forgotten: NodeTime) -> Self {
        let mut keys = Self { forgotten, ..Self::default() };
        for key in kept {
            keys.put(now, key);
        }
        keys
    }

    pub(crate) fn look_up(&self, key: &IdempotencyKey) -> Known<'_> {
        if let Some(kept) = self.kept.get(&key.key) {
            return Known::Kept(kept);
        }
        match key.issued {
            Some(issued) if issued <= self.forgotten && self.forgotten != NodeTime(0) => {
                Known::TooOld { issued, remembered: self.forgotten }
            }
            Some(_) | None => Known::New,
        }
    }

    /// Keeps the key of an entry, with its answer.
    pub(crate) fn note(&mut self, now: Time, entry: &Entry) {
        let Some(key) = &entry.key else { return };
        let kept = KeptKey {
            key: key.clone(),
            answer: entry.answer(),
            sequence: entry.position.sequence,
            written_at: entry.written_at,
        };
        self.put(now, kept);
    }

    fn put(&mut self, now: Time, kept: KeptKey) {
        let name = kept.key.key.clone();
        if self.kept.insert(name.clone(), kept).is_none() {
            self.order.push_back((now, name));
        }
    }

    /// Forgets what was kept longer than `retention`, and the oldest beyond `max`.
    pub(crate) fn expire(&mut self, now: Time, retention: Duration, max: usize) {
        while let Some((since, _)) = self.order.front() {
            if now.since(*since) < retention && self.order.len() <= max {
                return;
            }
            let Some((_, name)) = self.order.pop_front() else { return };
            if let Some(kept) = self.kept.remove(&name) {
                self.forgotten = self.forgotten.max(kept.written_at);
            }
        }
    }

    /// When the next one is due.
    pub(crate) fn deadline(&self, retention: Duration) -> Option<Time> {
        self.order.front().map(|(since, _)| *since + retention)
    }

    /// All of them, to travel with a snapshot.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &KeptKey> {
        self.kept.values()
    }

    pub(crate) const fn forgotten(&self) -> NodeTime {
        self.forgotten
    }
}
