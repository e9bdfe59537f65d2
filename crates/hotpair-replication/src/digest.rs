//! BLAKE3 over many small parts. They are collected first: to hand over a few bytes costs more than to
//! hash them, and a long run of them is hashed several chunks at a time.
use crate::Record;
use hotpair_types::Position;

/// So much is collected: as many chunks as the widest vectors take.
const COLLECTED_MAX: usize = 16 << 10;
/// An entry or a record has seldom more.
const ENTRY_BYTES: usize = 256;

/// A digest in the making.
pub(crate) struct Digest {
    /// Of what did not fit into `collected`.
    hash: Option<blake3::Hasher>,
    collected: Vec<u8>,
}

impl Digest {
    pub(crate) fn new() -> Self {
        Self { hash: None, collected: Vec::with_capacity(ENTRY_BYTES) }
    }

    /// Adds bytes as they are.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        if self.collected.len() + bytes.len() > COLLECTED_MAX {
            let hash = self.hash.get_or_insert_default();
            hash.update(&self.collected);
            self.collected.clear();
            if bytes.len() > COLLECTED_MAX {
                hash.update(bytes);
                return;
            }
        }
        self.collected.extend_from_slice(bytes);
    }

    /// Adds bytes and how many they are.
    pub(crate) fn add_sized(&mut self, bytes: &[u8]) {
        self.add(&(bytes.len() as u64).to_le_bytes());
        self.add(bytes);
    }

    pub(crate) fn add_position(&mut self, position: Position) {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&position.epoch.number.to_le_bytes());
        bytes[8..16].copy_from_slice(&position.epoch.tag.to_le_bytes());
        bytes[16..].copy_from_slice(&position.sequence.to_le_bytes());
        self.add(&bytes);
    }

    /// Adds one item: key, value, position.
    pub(crate) fn add_record(&mut self, provider: &str, item: &str, record: &Record) {
        self.add_sized(provider.as_bytes());
        self.add_sized(item.as_bytes());
        self.add_sized(&record.value);
        self.add_position(record.position);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        let hash = match self.hash {
            Some(mut hash) => hash.update(&self.collected).finalize(),
            None => blake3::hash(&self.collected),
        };
        *hash.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_hash_of_the_parts_in_a_row(lengths in prop::collection::vec(prop_oneof![
            0..100_usize, COLLECTED_MAX - 2..COLLECTED_MAX + 2, 0..40_000_usize
        ], 0..12)) {
            let (mut digest, mut all) = (Digest::new(), Vec::new());
            for (length, byte) in lengths.into_iter().zip(0..) {
                let part = vec![byte; length];
                digest.add(&part);
                all.extend(part);
            }
            prop_assert_eq!(digest.finish(), *blake3::hash(&all).as_bytes());
        }
    }
}
