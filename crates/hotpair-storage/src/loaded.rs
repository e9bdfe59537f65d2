//! Everything a restarted engine needs, read and verified in one go.
use crate::batch::{Item, LocalDocument};
use crate::commit::{document_key, item_table};
use crate::format::{Record, Unreadable, key, read_bytes, read_value};
use crate::table::Table;
use crate::vault::Reader;
use crate::{Answer, EngineReader, Entry, StorageFault, StoreFile};
use bytes::Bytes;
use hotpair_types::{History, JournalKind};
use std::ops::{Bound, ControlFlow};

const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

/// What was stored of an engine when it was last written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Where both journals end.
    pub history: History,
    /// Config records, by key.
    pub config: Vec<Item>,
    /// The newest config entries, oldest first, as many as were asked for.
    pub config_journal: Vec<Entry>,
    /// Runtime items, by provider and key.
    pub runtime: Vec<Item>,
    /// Answers to writes with idempotency keys, config first, by sequence.
    pub answers: Vec<Answer>,
    /// The role record as the caller wrote it.
    pub role: Option<Bytes>,
    /// What was seen of the partner, as the caller wrote it.
    pub partner_seen: Option<Bytes>,
}

impl EngineReader {
    /// Reads everything but local tables, changes of role and the divergence store. Of the config
    /// journal it returns the newest entries up to `journal_bytes_max`, and verifies all.
    ///
    /// # Errors
    /// `StorageFault::Damaged` with the first record that is not as it was written: nothing of
    /// the file may be used then.
    pub fn load(&self, journal_bytes_max: u64) -> Result<Loaded, StorageFault> {
        let mut loaded = Loaded::default();
        self.vault(StoreFile::Replicated).read(|reader| {
            let history = |kind| reader.get(Table::Histories, &[key::journal(kind)]);
            loaded.history = History {
                config: history(JournalKind::Config)?.unwrap_or_default(),
                runtime: history(JournalKind::Runtime)?.unwrap_or_default(),
            };
            loaded.config = items(reader, JournalKind::Config)?;
            loaded.runtime = items(reader, JournalKind::Runtime)?;
            loaded.config_journal = newest_entries(reader, journal_bytes_max)?;
            reader.visit(Table::Answers, ALL, |_, body, _| {
                loaded.answers.push(Answer::read(body)?);
                Ok(ControlFlow::Continue(()))
            })
        })?;
        self.vault(StoreFile::Local).read(|reader| {
            let document = |it| reader.get_with(Table::Documents, document_key(it), read_bytes);
            loaded.role = document(LocalDocument::Role)?;
            loaded.partner_seen = document(LocalDocument::PartnerSeen)?;
            Ok(())
        })?;
        Ok(loaded)
    }
}

fn items(reader: &Reader<'_>, kind: JournalKind) -> Result<Vec<Item>, StorageFault> {
    let mut items = Vec::new();
    reader.visit(item_table(kind), ALL, |key, body, _| {
        let key = key::read_item(kind, key).ok_or(Unreadable)?;
        let (position, value) = read_value(body)?;
        items.push(Item { key, value, position });
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(items)
}

fn newest_entries(reader: &Reader<'_>, bytes_max: u64) -> Result<Vec<Entry>, StorageFault> {
    let mut entries = std::collections::VecDeque::new();
    let mut held = 0;
    reader.visit(Table::Journal, ALL, |_, body, bytes| {
        entries.push_back((Entry::read(body)?, bytes));
        held += bytes;
        while held > bytes_max && entries.len() > 1 {
            held -= entries.pop_front().map_or(0, |(_, bytes)| bytes);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(entries.into_iter().map(|(entry, _)| entry).collect())
}
