//! What each thing asked of a store does to its tables.
mod local;
mod plan;

pub(crate) use local::local;
pub(crate) use plan::plan;

use crate::format::{Record as _, StoredHead, key, write_entries, write_item};
use crate::table::Table;
use crate::vault::{Vault, Writer};
use crate::{Change, DivergenceUsage, Entry, Item, KeptKey, Op, Options, StorageFault, Swap};
use bytes::Bytes;
use hotpair_types::{History, ItemKey, JournalKind, NodeTime, Position};
use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};

/// The largest record.
pub(crate) const RECORD_BYTES_MAX: usize = 64 << 20;
/// The longest name of an item, a table or a key.
pub(crate) const KEY_BYTES_MAX: usize = 64 << 10;
/// Entries of one group share records up to about this size.
const ENTRIES_RECORD_BYTES: usize = 32 << 10;
/// Where the record of the state machine is.
pub(crate) const ROLE_KEY: &[u8] = b"role";

/// What a store knows of its own content without looking.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    pub(crate) journals: [JournalAccount; 2],
    pub(crate) divergence: DivergenceUsage,
    role_changes: u64,
    role_change_next: u64,
}

/// The same of one journal.
#[derive(Clone, Debug, Default)]
pub(crate) struct JournalAccount {
    pub(crate) head: StoredHead,
    /// Of its entries.
    pub(crate) bytes: u64,
    keys: u64,
}

impl Index<JournalKind> for Accounts {
    type Output = JournalAccount;

    fn index(&self, kind: JournalKind) -> &JournalAccount {
        &self.journals[kind as usize]
    }
}

impl IndexMut<JournalKind> for Accounts {
    fn index_mut(&mut self, kind: JournalKind) -> &mut JournalAccount {
        &mut self.journals[kind as usize]
    }
}

impl Accounts {
    pub(crate) fn read(
        replicated: &Vault,
        local: &Vault,
        options: Options,
    ) -> Result<Self, StorageFault> {
        let account = |kind| {
            replicated.read(|reader| {
                let head = reader.get(Table::Heads, &[key::journal(kind)])?.unwrap_or_default();
                let (from, to) = (key::entry(kind, 0), key::entries_end(kind));
                let (_, bytes) = reader.sum(Table::Entries, &from, Some(&to))?;
                let (keys, _) = reader.sum(Table::Keys, &from, Some(&to))?;
                Ok(JournalAccount { head, bytes, keys })
            })
        };
        let journals = [account(JournalKind::Config)?, account(JournalKind::Runtime)?];
        let (divergence, role_changes, role_change_next) = local.read(|reader| {
            let (records, bytes) = reader.sum(Table::Divergence, &[], None)?;
            let alarm = bytes > options.divergence_bytes_alarm;
            let (role_changes, _) = reader.sum(Table::RoleChanges, &[], None)?;
            let last = reader.last_key(Table::RoleChanges)?.and_then(|it| key::read_sequence(&it));
            let usage = DivergenceUsage { records, bytes, alarm };
            Ok((usage, role_changes, last.map_or(1, |it| it + 1)))
        })?;
        Ok(Self { journals, divergence, role_changes, role_change_next })
    }

    pub(crate) fn history(&self) -> History {
        History {
            config: self[JournalKind::Config].head.history.clone(),
            runtime: self[JournalKind::Runtime].head.history.clone(),
        }
    }
}

pub(crate) const fn item_table(kind: JournalKind) -> Table {
    match kind {
        JournalKind::Config => Table::ConfigItems,
        JournalKind::Runtime => Table::RuntimeItems,
    }
}

/// Items to write or remove, each once however often it changed, in the order of their keys: what
/// a B-tree takes fastest.
#[derive(Default)]
struct Pending(BTreeMap<Vec<u8>, Option<(Position, NodeTime, Bytes)>>);

impl Pending {
    fn set(&mut self, key: Vec<u8>, position: Position, written_at: NodeTime, value: &Bytes) {
        self.0.insert(key, Some((position, written_at, value.clone())));
    }

    fn flush(&mut self, writer: &mut Writer<'_>, table: Table) -> Result<(), StorageFault> {
        for (key, value) in std::mem::take(&mut self.0) {
            match value {
                Some((position, written_at, value)) => {
                    writer
                        .put_with(table, &key, |to| write_item(position, written_at, &value, to))?;
                }
                None => {
                    writer.remove(table, &key)?;
                }
            }
        }
        Ok(())
    }
}

/// Does what concerns the replicated file.
pub(crate) fn replicated<'a>(
    writer: &mut Writer<'_>,
    ops: impl Iterator<Item = &'a Op>,
    accounts: &mut Accounts,
    options: Options,
) -> Result<(), StorageFault> {
    let mut pending = [Pending::default(), Pending::default()];
    // Entries of all batches of a group share records.
    let mut appended: [Vec<&Entry>; 2] = [Vec::new(), Vec::new()];
    let mut touched = [false; 2];
    for op in ops {
        match op {
            Op::Append { journal, entries } => {
                let index = *journal as usize;
                touched[index] |= !entries.is_empty();
                for entry in entries {
                    append(writer, *journal, entry, &mut accounts[*journal])?;
                    change_items(writer, *journal, entry, &mut pending[index])?;
                }
                appended[index].extend(entries);
            }
            Op::Swap(swaps) => {
                for it in swaps {
                    let index = it.journal as usize;
                    touched[index] = true;
                    // The swap makes entries void that came before it in the group.
                    appended[index].clear();
                    pending[index].flush(writer, item_table(it.journal))?;
                    swap(writer, it, &mut accounts[it.journal])?;
                }
            }
            Op::PutRole(_)
            | Op::PutLocal { .. }
            | Op::RemoveLocal { .. }
            | Op::AppendRoleChange(_)
            | Op::PutDivergence(_)
            | Op::DropDivergence(_) => panic!("a local operation for the replicated file"),
        }
    }
    for kind in JournalKind::ALL {
        pending[kind as usize].flush(writer, item_table(kind))?;
        put_entries(writer, kind, &appended[kind as usize], &mut accounts[kind], options)?;
        if touched[kind as usize] {
            trim(writer, kind, &mut accounts[kind], options)?;
            writer.put(Table::Heads, &[key::journal(kind)], &accounts[kind].head)?;
        }
    }
    Ok(())
}

fn append(
    writer: &mut Writer<'_>,
    kind: JournalKind,
    entry: &Entry,
    account: &mut JournalAccount,
) -> Result<(), StorageFault> {
    if let Some(key) = &entry.key {
        let kept = KeptKey {
            key: key.clone(),
            answer: entry.origin.unwrap_or(entry.position),
            sequence: entry.position.sequence,
            written_at: entry.written_at,
        };
        writer.put(Table::Keys, &key::entry(kind, entry.position.sequence), &kept)?;
        account.keys += 1;
    }
    account.head.history.note(entry.position);
    account.head.chain = entry.chain;
    Ok(())
}

/// Writes entries, many to a record.
fn put_entries(
    writer: &mut Writer<'_>,
    kind: JournalKind,
    mut entries: &[&Entry],
    account: &mut JournalAccount,
    options: Options,
) -> Result<(), StorageFault> {
    if options.journal_bytes_max(kind) == 0 {
        return Ok(());
    }
    while !entries.is_empty() {
        let mut bytes = 0;
        let more = |it: &&Entry| {
            bytes += entry_bytes(it);
            bytes < ENTRIES_RECORD_BYTES
        };
        let count = entries.iter().copied().take_while(more).count().max(1);
        let (chunk, rest) = entries.split_at(count);
        let last = chunk[count - 1].position.sequence;
        let key = key::entry(kind, last);
        let (now, before) = writer.put_with(Table::Entries, &key, |to| write_entries(chunk, to))?;
        account.bytes += now;
        account.bytes -= before.unwrap_or(0);
        entries = rest;
    }
    Ok(())
}

/// About what an entry takes on disk.
fn entry_bytes(entry: &Entry) -> usize {
    const HEAD: usize = 80;
    let change = |it: &Change| match it {
        Change::Set { item, value } => item.provider.len() + item.item.len() + value.len() + 4,
        Change::Remove { item } => item.provider.len() + item.item.len() + 4,
        Change::ReplaceAll { provider, items } => {
            let each = |(item, value): &(Box<str>, Bytes)| item.len() + value.len() + 4;
            provider.len() + items.iter().map(each).sum::<usize>()
        }
    };
    HEAD + entry.changes.iter().map(change).sum::<usize>()
}

/// Forgets the oldest entries and keys beyond the bounds.
fn trim(
    writer: &mut Writer<'_>,
    kind: JournalKind,
    account: &mut JournalAccount,
    options: Options,
) -> Result<(), StorageFault> {
    let (from, to) = (key::entry(kind, 0), key::entries_end(kind));
    let bytes_max = options.journal_bytes_max(kind);
    if account.bytes > bytes_max {
        let mut left = account.bytes;
        let (_, bytes) = writer.remove_range(Table::Entries, &from, Some(&to), |bytes, _| {
            let go_on = left > bytes_max;
            left -= if go_on { bytes } else { 0 };
            go_on
        })?;
        account.bytes -= bytes;
    }
    if account.keys > options.keys_max {
        let mut surplus = account.keys - options.keys_max;
        let mut forgotten = account.head.keys_forgotten;
        let (count, _) = writer.remove_range(Table::Keys, &from, Some(&to), |_, body| {
            let go_on = surplus > 0;
            if go_on {
                surplus -= 1;
                // A damaged one is going away anyway.
                forgotten =
                    forgotten.max(KeptKey::read(body).map_or(forgotten, |it| it.written_at));
            }
            go_on
        })?;
        account.keys -= count;
        account.head.keys_forgotten = forgotten;
    }
    Ok(())
}

fn change_items(
    writer: &mut Writer<'_>,
    kind: JournalKind,
    entry: &Entry,
    pending: &mut Pending,
) -> Result<(), StorageFault> {
    let (position, written_at) = (entry.position, entry.written_at);
    for change in &entry.changes {
        match change {
            Change::Set { item, value } => {
                pending.set(key::item(kind, item), position, written_at, value);
            }
            Change::Remove { item } => {
                pending.0.insert(key::item(kind, item), None);
            }
            Change::ReplaceAll { provider, items } => {
                let (from, to) = key::provider(kind, provider);
                pending.0.retain(|key, _| *key < from || to.as_ref().is_some_and(|to| key >= to));
                writer.remove_range(item_table(kind), &from, to.as_deref(), |_, _| true)?;
                for (item, value) in items {
                    let item = ItemKey { provider: provider.clone(), item: item.clone() };
                    pending.set(key::item(kind, &item), position, written_at, value);
                }
            }
        }
    }
    Ok(())
}

fn swap(
    writer: &mut Writer<'_>,
    swap: &Swap,
    account: &mut JournalAccount,
) -> Result<(), StorageFault> {
    let table = item_table(swap.journal);
    if swap.clear {
        writer.remove_range(table, &[], None, |_, _| true)?;
    }
    let mut pending = Pending::default();
    for it in &swap.removes {
        pending.0.insert(key::item(swap.journal, it), None);
    }
    for Item { key, value, position, written_at } in &swap.sets {
        pending.set(key::item(swap.journal, key), *position, *written_at, value);
    }
    pending.flush(writer, table)?;
    let (from, to) = (key::entry(swap.journal, 0), key::entries_end(swap.journal));
    writer.remove_range(Table::Entries, &from, Some(&to), |_, _| true)?;
    writer.remove_range(Table::Keys, &from, Some(&to), |_, _| true)?;
    let mut keys: Vec<&KeptKey> = swap.head.keys.iter().collect();
    keys.sort_unstable_by_key(|it| it.sequence);
    for it in keys {
        writer.put(Table::Keys, &key::entry(swap.journal, it.sequence), it)?;
    }
    *account = JournalAccount {
        head: StoredHead {
            history: swap.head.history.clone(),
            chain: swap.head.chain,
            keys_forgotten: swap.head.keys_forgotten,
        },
        bytes: 0,
        keys: swap.head.keys.len() as u64,
    };
    Ok(())
}
