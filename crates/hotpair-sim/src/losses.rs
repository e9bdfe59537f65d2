//! What a loss excuses, and nothing more: a write may be gone when everyone who was said to have it
//! has lost it, and nobody else has it then.
use crate::client::{Carrier, Written};
use crate::disk::keeps;
use crate::world::World;
use hotpair_core::EngineIndex;
use hotpair_types::{History, ItemKey, JournalKind, Time};
use std::time::Duration;

/// What a process has in memory is on its sound disk after this time.
const PERSISTED_WITHIN: Duration = Duration::from_millis(900);

/// What a node lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The process and its memory.
    Memory,
    /// What its disks had since some time: anything.
    Disk,
}

impl World {
    /// Goes through what was acknowledged. The loss has happened already.
    pub(crate) fn lost(&mut self, node: usize, loss: Loss) {
        let mut client = std::mem::take(&mut self.client);
        for write in client.acknowledged_mut().filter(|it| !it.excused) {
            let gone = match (write.carriers[node], loss) {
                (Carrier::No | Carrier::Lost, _) | (Carrier::Disk, Loss::Memory) => false,
                (Carrier::Memory(since), Loss::Memory) => self.may_be_in_memory_only(node, since),
                (Carrier::Memory(_) | Carrier::Disk, Loss::Disk) => true,
            };
            if !gone || self.is_on_disk(node, write) {
                continue;
            }
            write.carriers[node] = Carrier::Lost;
            let other = 1 - node;
            if matches!(write.carriers[other], Carrier::Memory(_) | Carrier::Disk) {
                continue;
            }
            write.carriers[other] = if self.is_on_disk(other, write) {
                Carrier::Disk
            } else if self.is_in_memory(other, write) {
                Carrier::Memory(self.now)
            } else {
                write.excused = true;
                Carrier::Lost
            };
        }
        self.client = client;
    }

    /// The data of both hosts changed places.
    pub(crate) fn swap_carriers(&mut self) {
        for write in self.client.acknowledged_mut() {
            write.carriers.swap(0, 1);
        }
    }

    fn may_be_in_memory_only(&self, node: usize, since: Time) -> bool {
        self.watch.ran(node, since, self.now) <= PERSISTED_WITHIN
            || self.watch.disk_troubled(node, since)
    }

    pub(crate) fn is_on_disk(&self, node: usize, write: &Written) -> bool {
        let image = &self.nodes[node].disks[write.engine].image;
        image.holds(write.kind, &write.item, &write.value)
    }

    /// In its history, or kept for a person.
    pub(crate) fn is_in_memory(&self, node: usize, write: &Written) -> bool {
        let Some(engine) = self.replica(node, write.engine) else { return false };
        is_at(engine, write.kind, &write.item, &write.value)
            || engine.divergence().any(|it| keeps(it, &write.item, &write.value))
    }

    /// What a node has: in memory, or on its disk while it is off.
    pub(crate) fn history(&self, node: usize, engine: usize) -> History {
        self.replica(node, engine).map_or_else(
            || {
                let image = &self.nodes[node].disks[engine].image;
                History {
                    config: image.config.head.history.clone(),
                    runtime: image.runtime.head.history.clone(),
                }
            },
            hotpair_replication::Replica::history,
        )
    }

    /// Whether a node has every runtime entry at hand that the other lacks.
    pub(crate) fn could_send_runtime(&self, node: usize, engine: usize, to: usize) -> bool {
        let kind = JournalKind::Runtime;
        let sequence = self.history(to, engine).runtime.last;
        self.replica(node, engine).is_some_and(|it| {
            let point = it.read_point(kind).after_sequence(sequence);
            it.entries_since(kind, point).is_some()
        })
    }

    pub(crate) fn replica(
        &self,
        node: usize,
        engine: usize,
    ) -> Option<&hotpair_replication::Replica> {
        let index = EngineIndex(u8::try_from(engine).unwrap_or(u8::MAX));
        Some(self.nodes[node].core.as_ref()?.engine(index)?.replica())
    }
}

/// Whether a history has this value of an item.
pub(crate) fn is_at(
    replica: &hotpair_replication::Replica,
    kind: JournalKind,
    item: &ItemKey,
    value: &[u8],
) -> bool {
    replica.get(kind, item).is_some_and(|it| it.value[..] == *value)
}
