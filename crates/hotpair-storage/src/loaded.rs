//! Everything a restarted engine needs, read and verified in one go.
use crate::commit::{ROLE_KEY, item_table};
use crate::format::{
    Record as _, StoredHead, Unreadable, key, read_bytes, read_entries, read_item,
};
use crate::table::Table;
use crate::vault::{ALL, Reader};
use crate::{DivergenceRecord, EngineReader, Entry, Head, Item, KeptKey, StorageFault, StoreFile};
use bytes::Bytes;
use hotpair_types::JournalKind;
use std::collections::VecDeque;
use std::ops::{Bound, ControlFlow};

/// What was stored of an engine when it was last written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The config journal.
    pub config: LoadedJournal,
    /// The runtime journal.
    pub runtime: LoadedJournal,
    /// Everything that lost.
    pub divergence: Vec<DivergenceRecord>,
    /// The record of the state machine as the caller wrote it.
    pub role: Option<Bytes>,
}

/// One journal as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadedJournal {
    /// Where it stands.
    pub head: Head,
    /// All its items, by key.
    pub items: Vec<Item>,
    /// Its newest entries without a gap, oldest first, as many as were asked for.
    pub entries: Vec<Entry>,
    /// Entries after this sequence can be read.
    pub stored_after: u64,
}

impl EngineReader {
    /// Reads everything but local tables and changes of role. Of each journal it returns the
    /// newest entries up to `entries_bytes_max`, and verifies all.
    ///
    /// # Errors
    /// `StorageFault::Damaged` with the first record that is not as it was written: nothing of
    /// the file may be used then.
    pub fn load(&self, entries_bytes_max: u64) -> Result<Loaded, StorageFault> {
        let mut loaded = Loaded::default();
        self.vault(StoreFile::Replicated).read(|reader| {
            loaded.config = journal(reader, JournalKind::Config, entries_bytes_max)?;
            loaded.runtime = journal(reader, JournalKind::Runtime, entries_bytes_max)?;
            reader.verify_count(Table::Entries)?;
            reader.verify_count(Table::Keys)
        })?;
        self.vault(StoreFile::Local).read(|reader| {
            loaded.role = reader.get_with(Table::Documents, ROLE_KEY, read_bytes)?;
            reader.visit(Table::Divergence, ALL, |_, body, _| {
                loaded.divergence.push(DivergenceRecord::read(body)?);
                Ok(ControlFlow::Continue(()))
            })
        })?;
        Ok(loaded)
    }
}

fn journal(
    reader: &Reader<'_>,
    kind: JournalKind,
    entries_bytes_max: u64,
) -> Result<LoadedJournal, StorageFault> {
    let head: StoredHead = reader.get(Table::Heads, &[key::journal(kind)])?.unwrap_or_default();
    let mut items = Vec::new();
    reader.visit(item_table(kind), ALL, |key, body, _| {
        let key = key::read_item(kind, key).ok_or(Unreadable)?;
        let (position, written_at, value) = read_item(body)?;
        items.push(Item { key, value, position, written_at });
        Ok(ControlFlow::Continue(()))
    })?;
    let (from, to) = (key::entry(kind, 0), key::entries_end(kind));
    let range = (Bound::Included(&from[..]), Bound::Excluded(&to[..]));
    let mut keys = Vec::new();
    reader.visit(Table::Keys, range, |_, body, _| {
        keys.push(KeptKey::read(body)?);
        Ok(ControlFlow::Continue(()))
    })?;
    let (entries, stored_after) = newest_entries(reader, kind, &head, entries_bytes_max)?;
    let StoredHead { history, chain, keys_forgotten } = head;
    let head = Head { history, chain, keys, keys_forgotten };
    Ok(LoadedJournal { head, items, entries, stored_after })
}

/// The newest entries, and the sequence after which entries can be read.
fn newest_entries(
    reader: &Reader<'_>,
    kind: JournalKind,
    head: &StoredHead,
    bytes_max: u64,
) -> Result<(Vec<Entry>, u64), StorageFault> {
    let (from, to) = (key::entry(kind, 0), key::entries_end(kind));
    let range = (Bound::Included(&from[..]), Bound::Excluded(&to[..]));
    let mut newest = VecDeque::new();
    let mut held = 0;
    let mut first = None;
    let mut last = None;
    reader.visit(Table::Entries, range, |_, body, _| {
        read_entries(body, |entry, bytes| {
            let sequence = entry.position.sequence;
            if last.is_some_and(|last| last + 1 != sequence) {
                return Err(Unreadable);
            }
            last = Some(sequence);
            first = first.or(last);
            newest.push_back((entry, bytes));
            held += bytes;
            while held > bytes_max {
                held -= newest.pop_front().map_or(0, |(_, bytes)| bytes);
            }
            Ok(ControlFlow::Continue(()))
        })
    })?;
    if last.is_some_and(|it| it != head.history.last) {
        return Err(reader.damaged(Table::Entries, "its entries do not end where its head does"));
    }
    let stored_after = first.map_or(head.history.last, |it: u64| it - 1);
    Ok((newest.into_iter().map(|(entry, _)| entry).collect(), stored_after))
}
