//! What is held, in order: sealed blocks, then open scans. Entries change it at its ends alone.
use super::block::{self, BlockId};
use super::head::Head;
use super::sample::Recorded;
use crate::tags::DecodeError;
use bytes::Bytes;
use hotpair_types::{NodeTime, Position};
use std::collections::VecDeque;

/// The item that every change carries.
const HEAD: &str = "head";
/// Items of scans that are not sealed yet: this, and the sequence of the first sample.
const OPEN: &str = "o/";
/// Items of blocks: this, and the sequence of the first sample.
const BLOCK: &str = "b/";

/// What an item costs beside its value: its name and its places in tables. So that small ones are bounded, too.
pub(super) const ITEM_BYTES: u64 = 256;

/// A scan that is not sealed yet.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) first: u64,
    pub(super) count: u64,
    pub(super) at: NodeTime,
    pub(super) bytes: Bytes,
}

/// A sealed block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) id: BlockId,
    pub(super) at: NodeTime,
    /// The entry that sealed it.
    pub(super) position: Position,
    pub(super) bytes: Bytes,
}

/// All that is held of one engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    pub(super) head: Head,
    pub(super) blocks: VecDeque<Block>,
    pub(super) open: VecDeque<Open>,
    pub(super) open_records: u64,
    pub(super) open_bytes: u64,
    pub(super) block_records: u64,
    pub(super) block_bytes: u64,
}

/// Which item of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Head,
    Open(u64),
    Block(u64),
}

impl Place {
    pub(super) fn item(self) -> Box<str> {
        match self {
            Self::Head => HEAD.into(),
            Self::Open(first) => format!("{OPEN}{first}").into(),
            Self::Block(first) => format!("{BLOCK}{first}").into(),
        }
    }

    /// `None`: no release of ours wrote it.
    pub(super) fn of(item: &str) -> Option<Self> {
        // One name each: no sign, no zeros before it.
        let number = |it: &str| it.parse::<u64>().ok().filter(|at| at.to_string() == it);
        match item {
            HEAD => Some(Self::Head),
            _ if item.starts_with(OPEN) => number(&item[OPEN.len()..]).map(Self::Open),
            _ => number(item.strip_prefix(BLOCK)?).map(Self::Block),
        }
    }
}

impl Open {
    pub(super) fn read(first: u64, bytes: Bytes) -> Result<Self, DecodeError> {
        let (said, count, at) = Recorded::place(&bytes)?;
        if said != first || said == 0 || said.checked_add(count).is_none() {
            return Err(DecodeError::Malformed { reason: "samples of another place" });
        }
        Ok(Self { first, count, at, bytes })
    }

    pub(super) const fn end(&self) -> u64 {
        self.first + self.count
    }
}

impl Block {
    pub(super) fn read(first: u64, position: Position, bytes: Bytes) -> Result<Self, DecodeError> {
        let (id, at) = block::place(&bytes)?;
        if id.first != first {
            return Err(DecodeError::Malformed { reason: "a block of another place" });
        }
        Ok(Self { id, at, position, bytes })
    }
}

/// What one entry changes.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) head: Option<Head>,
    pub(super) opened: Vec<Open>,
    /// Open scans that are sealed.
    pub(super) closed: Vec<u64>,
    pub(super) sealed: Vec<Block>,
    /// Blocks that are done.
    pub(super) gone: Vec<u64>,
}

impl Change {
    /// In the order of sequences, whatever the order in the entry.
    pub(super) fn sort(&mut self) {
        self.opened.sort_by_key(|it| it.first);
        self.closed.sort_unstable();
        self.sealed.sort_by_key(|it| it.id.first);
        self.gone.sort_unstable();
    }
}

impl Held {
    /// Whether a change follows what is held: it adds at one end, and takes from the other.
    pub(super) fn check(&self, change: &Change) -> Result<(), String> {
        let Some(head) = &change.head else { return Err("a change without the head".into()) };
        let mut next = self.head.next;
        for it in &change.opened {
            if it.first != next {
                return Err(format!("sample {} does not follow sample {}", it.first, next - 1));
            }
            next = it.end();
        }
        if head.next != next {
            return Err(format!("the head goes on with {}, the samples with {next}", head.next));
        }
        self.check_sealed(change)?;
        let all = self.blocks.iter().chain(&change.sealed);
        let mut done = self.head.done;
        let mut blocks = all.take(change.gone.len());
        for first in &change.gone {
            match blocks.next() {
                Some(it) if it.id.first == *first => done = it.id.last,
                Some(_) | None => return Err(format!("block {first} is not the oldest")),
            }
        }
        if head.done != done {
            return Err(format!("the head is done with {}, the blocks with {done}", head.done));
        }
        Ok(())
    }

    fn check_sealed(&self, change: &Change) -> Result<(), String> {
        let mut open = self.open.iter().chain(&change.opened).peekable();
        let mut closed = change.closed.iter().peekable();
        for block in &change.sealed {
            let BlockId { first, last, .. } = block.id;
            let mut next = first;
            while next <= last {
                let scan = open.next().filter(|it| it.first == next);
                let scan = scan.filter(|it| closed.next() == Some(&it.first));
                let scan = scan.ok_or_else(|| format!("block {first} has not what was open"))?;
                next = scan.end();
            }
            if next != last + 1 {
                return Err(format!("block {first} ends within a scan"));
            }
        }
        match closed.next() {
            Some(first) => Err(format!("the scan of sample {first} is gone, and in no block")),
            None => Ok(()),
        }
    }

    /// Takes a change that was checked.
    pub(super) fn take(&mut self, change: Change) {
        self.head = change.head.expect("checked before it is taken");
        change.opened.into_iter().for_each(|it| self.push_open(it));
        for _ in &change.closed {
            let it = self.open.pop_front().expect("checked before it is taken");
            self.open_records -= it.count;
            self.open_bytes -= it.bytes.len() as u64;
        }
        change.sealed.into_iter().for_each(|it| self.push_block(it));
        for _ in &change.gone {
            let it = self.blocks.pop_front().expect("checked before it is taken");
            self.block_records = self.block_records.saturating_sub(it.id.count());
            self.block_bytes -= it.bytes.len() as u64;
        }
    }

    pub(super) fn push_open(&mut self, it: Open) {
        self.open_records += it.count;
        self.open_bytes += it.bytes.len() as u64;
        self.open.push_back(it);
    }

    pub(super) fn push_block(&mut self, it: Block) {
        // Of a snapshot that is not whole it may be any number; it is refused after this.
        self.block_records = self.block_records.saturating_add(it.id.count());
        self.block_bytes += it.bytes.len() as u64;
        self.blocks.push_back(it);
    }

    /// All that it costs to hold it.
    pub(super) fn bytes(&self) -> u64 {
        let items = self.blocks.len() as u64 + self.open.len() as u64;
        self.block_bytes + self.open_bytes + items * ITEM_BYTES
    }

    /// Whether all of it follows each other: from what is done to what comes next.
    pub(super) fn check_whole(&self) -> Result<(), String> {
        let mut next = self.head.done + 1;
        let blocks = self.blocks.iter().map(|it| (it.id.first, it.id.last + 1));
        let open = self.open.iter().map(|it| (it.first, it.end()));
        for (first, end) in blocks.chain(open) {
            if first != next {
                return Err(format!("sample {first} follows sample {}", next - 1));
            }
            next = end;
        }
        if next == self.head.next {
            return Ok(());
        }
        Err(format!("samples end at {}, and the next is {}", next - 1, self.head.next))
    }
}
