//! A disk that keeps what was synced. What was only written is lost with the power, or not. It may
//! also fail, be full, or say that it has what it has not.
mod image;
mod name;

pub(crate) use image::{Image, keeps};

use crate::Rng;
use hotpair_core::{StoreOp, StoreTicket};
use hotpair_replication::SharedEntry;
use hotpair_types::{JournalKind, Time};
use std::collections::VecDeque;

/// Why a disk stores nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiskFailure {
    /// What the failed operation left is unknown.
    Error,
    /// Nothing was changed.
    Full,
}

/// A disk: what is safe, and what is on its way.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) image: Image,
    waiting: VecDeque<(Time, StoreTicket, StoreOp)>,
    /// The next operation fails so.
    pub(crate) fails_next: Option<DiskFailure>,
    /// The next record is refused; what comes after it is not.
    pub(crate) refuses_record: bool,
    /// It failed; the process that saw it gives it nothing more.
    pub(crate) failed: Option<DiskFailure>,
    /// A disk that was full is not any more.
    pub(crate) has_space: bool,
    /// The process ended because a commit failed: its data is copied anew.
    pub(crate) suspect: bool,
    lies: Option<Box<Lies>>,
}

/// What it said to have and has not: the state before, and what was said to be done since.
#[derive(Clone, Debug)]
struct Lies {
    safe: Image,
    said: Vec<StoreOp>,
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self {
            image: Image::new(),
            waiting: VecDeque::new(),
            fails_next: None,
            refuses_record: false,
            failed: None,
            has_space: false,
            suspect: false,
            lies: None,
        }
    }

    /// Writes; it is safe at `at`. Operations become safe in their order.
    pub(crate) fn submit(&mut self, at: Time, ticket: StoreTicket, op: StoreOp) {
        let at = self.waiting.back().map_or(at, |it| it.0.max(at));
        self.waiting.push_back((at, ticket, op));
    }

    pub(crate) fn next_at(&self) -> Option<Time> {
        self.waiting.front().map(|it| it.0)
    }

    /// The next operation that ends by now, and whether it is safe.
    pub(crate) fn done(&mut self, now: Time, rng: &mut Rng) -> Option<(StoreTicket, bool)> {
        self.waiting.front().filter(|it| it.0 <= now)?;
        let (_, ticket, op) = self.waiting.pop_front()?;
        if self.failed.is_some() {
            return Some((ticket, false));
        }
        if let Some(failure) = self.fails_next.take() {
            self.failed = Some(failure);
            if failure == DiskFailure::Error && rng.percent(50) {
                self.carry_out(op);
            }
            return Some((ticket, false));
        }
        if self.refuses_record && matches!(op, StoreOp::Record(_)) {
            self.refuses_record = false;
            return Some((ticket, false));
        }
        self.carry_out(op);
        Some((ticket, true))
    }

    fn carry_out(&mut self, op: StoreOp) {
        if let Some(lies) = &mut self.lies {
            lies.said.push(op.clone());
        }
        self.image.carry_out(op);
    }

    /// The process died: of what was written a beginning of any length is on disk. The next process
    /// opens it anew.
    pub(crate) fn lose(&mut self, kept: usize) {
        for _ in 0..kept {
            let Some((_, _, op)) = self.waiting.pop_front() else { break };
            if self.failed.is_none() {
                self.carry_out(op);
            }
        }
        self.waiting.clear();
        (self.failed, self.fails_next) = (None, None);
        self.has_space = false;
        self.refuses_record = false;
    }

    /// From now on it says to have what it has not.
    pub(crate) fn begin_lying(&mut self) {
        if self.lies.is_none() {
            self.lies = Some(Box::new(Lies { safe: self.image.clone(), said: Vec::new() }));
        }
    }

    /// A file of it is set aside: what it said to have done to that does not matter any more.
    pub(crate) fn damage(&mut self, how: impl FnOnce(&mut Image)) {
        self.lies = None;
        how(&mut self.image);
    }

    /// It has now what it said to have.
    pub(crate) fn end_lying(&mut self) {
        self.lies = None;
    }

    /// The power is gone, and with it what it lied about: all but a beginning. Whether anything was.
    pub(crate) fn cut_power(&mut self, rng: &mut Rng) -> bool {
        let Some(lies) = self.lies.take() else { return false };
        let Lies { safe, said } = *lies;
        let kept = usize::try_from(rng.below(said.len() as u64 + 1)).unwrap_or(0);
        let lost = kept < said.len();
        self.image = safe;
        for op in said.into_iter().take(kept) {
            self.image.carry_out(op);
        }
        lost
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Entries of the config journal, for a partner that is far behind.
    pub(crate) fn read(&self, kind: JournalKind, after: u64, until: u64) -> Vec<SharedEntry> {
        read(&self.image, kind, after, until)
    }
}

/// Entries that a disk still has, from the first that is asked for; else none.
pub(crate) fn read(image: &Image, kind: JournalKind, after: u64, until: u64) -> Vec<SharedEntry> {
    let wanted = |it: &&SharedEntry| (after + 1..=until).contains(&it.position.sequence);
    let entries: Vec<_> = image.journal(kind).entries.iter().filter(wanted).cloned().collect();
    if entries.first().is_some_and(|it| it.position.sequence == after + 1) {
        return entries;
    }
    Vec::new()
}
