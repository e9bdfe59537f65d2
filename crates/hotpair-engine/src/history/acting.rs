//! What the active does with history: what to post, so that it is recorded, sealed, done or dropped.
use super::block::{self, BlockId};
use super::head::Head;
use super::held::{ITEM_BYTES, Place};
use super::sample::{Recorded, Sample};
use super::table::History;
use crate::Post;
use crate::objects::Name;
use hotpair_types::NodeTime;

/// No block has more, but for the one scan with which it begins: with its name and the removal of its scans it
/// has its place in an entry.
pub const BLOCK_BYTES_MAX: u64 = 512 * 1024;

/// When a block is sealed, and how much is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// So many samples are a block.
    pub block_records_max: u64,
    /// More bytes than these are not held: the oldest block is dropped.
    pub held_bytes_max: u64,
}

impl History {
    /// What a scan records: what to post in the entry of its unit. Nothing of no samples.
    #[must_use]
    pub fn recorded(
        &self,
        object: &Name,
        step: u64,
        epoch: u64,
        at: NodeTime,
        samples: Vec<Sample>,
    ) -> Vec<Post> {
        if samples.is_empty() {
            return Vec::new();
        }
        let head = self.held().head;
        let first = head.next;
        let recorded = Recorded { first, epoch, object: object.clone(), step, at, samples };
        let head = Head { next: recorded.end(), ..head };
        let open = Post { item: Place::Open(first).item(), value: Some(recorded.encode()) };
        vec![posted(head), open]
    }

    /// Seals the oldest open scans: all of them when it is `due`, otherwise when they are enough for a block. What
    /// to post; nothing when there is no block.
    #[must_use]
    pub fn sealed(&self, epoch: u64, is_due: bool, bounds: &Bounds) -> Option<Vec<Post>> {
        let held = self.held();
        let is_full = held.open_records >= bounds.block_records_max
            || held.open_bytes + ITEM_BYTES * held.open.len() as u64 >= BLOCK_BYTES_MAX;
        if !is_full && !is_due {
            return None;
        }
        let oldest = held.open.front()?;
        let (first, at) = (oldest.first, oldest.at);
        let (mut records, mut bytes, mut count, mut next) = (0, 0, 0, first);
        // A hole, which no journal has, ends a block: what is there goes on.
        for it in
            held.open.iter().take_while(|it| std::mem::replace(&mut next, it.end()) == it.first)
        {
            records += it.count;
            bytes += it.bytes.len() as u64;
            let fits = records <= bounds.block_records_max && bytes <= BLOCK_BYTES_MAX;
            if count > 0 && !fits {
                break;
            }
            count += 1;
        }
        let scans = || held.open.iter().take(count);
        let last = scans().last().map_or(first, |it| it.end() - 1);
        let id = BlockId { epoch, first, last };
        let bytes = block::encode(id, at, scans().map(|it| &it.bytes));
        let block = Post { item: Place::Block(first).item(), value: Some(bytes) };
        let closed = scans().map(|it| Post { item: Place::Open(it.first).item(), value: None });
        Some([posted(held.head), block].into_iter().chain(closed).collect())
    }

    /// The sink has the oldest block: what to post. `None`: it is not that one any more.
    #[must_use]
    pub fn committed(&self, id: BlockId, at: NodeTime) -> Option<Vec<Post>> {
        let held = self.held();
        if held.blocks.front()?.id != id {
            return None;
        }
        let committed = held.head.committed + id.count();
        let head = Head { done: id.last, committed, committed_at: at, ..held.head };
        Some(without_oldest(head, id))
    }

    /// More is held than may be: what to post, so that the oldest block is gone.
    #[must_use]
    pub fn dropped(&self, at: NodeTime, bounds: &Bounds) -> Option<(BlockId, Vec<Post>)> {
        let held = self.held();
        if held.bytes() <= bounds.held_bytes_max {
            return None;
        }
        let id = held.blocks.front()?.id;
        let lost = held.head.lost + id.count();
        let head = Head { done: id.last, lost, lost_at: at, ..held.head };
        Some((id, without_oldest(head, id)))
    }
}

fn without_oldest(head: Head, id: BlockId) -> Vec<Post> {
    vec![posted(head), Post { item: Place::Block(id.first).item(), value: None }]
}

fn posted(head: Head) -> Post {
    Post { item: Place::Head.item(), value: Some(head.encode()) }
}
