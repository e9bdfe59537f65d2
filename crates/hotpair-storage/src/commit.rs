//! What each thing asked of a store does to its tables.
use crate::format::{Record, key, write_bytes, write_value};
use crate::table::Table;
use crate::vault::{Vault, Writer};
use crate::{
    Change, Conflict, ConflictId, DivergenceUsage, Entry, Item, LocalDocument, LosingItem,
    LosingStatus, Op, Options, Refusal, RoleChange, Scope, StorageFault, Swap,
};
use bytes::Bytes;
use hotpair_types::{History, ItemKey, JournalHistory, JournalKind, Position};
use std::collections::BTreeMap;

/// The largest record.
pub(crate) const RECORD_BYTES_MAX: usize = 64 << 20;
/// The longest name of an item, a table or a key.
pub(crate) const KEY_BYTES_MAX: usize = 64 << 10;

/// What a store knows of its own content without looking.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    pub(crate) history: History,
    pub(crate) journal_bytes: u64,
    pub(crate) divergence: DivergenceUsage,
    role_changes: u64,
    role_change_next: u64,
}

impl Accounts {
    pub(crate) fn read(
        replicated: &Vault,
        local: &Vault,
        options: Options,
    ) -> Result<Self, StorageFault> {
        let (history, journal_bytes) = replicated.read(|reader| {
            let history = |kind| reader.get(Table::Histories, &[key::journal(kind)]);
            let history = History {
                config: history(JournalKind::Config)?.unwrap_or_default(),
                runtime: history(JournalKind::Runtime)?.unwrap_or_default(),
            };
            Ok((history, reader.sum(Table::Journal)?.1))
        })?;
        let (divergence, role_changes, role_change_next) = local.read(|reader| {
            let (conflicts, conflict_bytes) = reader.sum(Table::Conflicts)?;
            let (items, item_bytes) = reader.sum(Table::LosingItems)?;
            let bytes = conflict_bytes + item_bytes;
            let alarm = bytes > options.divergence_bytes_alarm;
            let (role_changes, _) = reader.sum(Table::RoleChanges)?;
            let last = reader.ends(Table::RoleChanges)?.and_then(|it| key::read_sequence(&it.1));
            let usage = DivergenceUsage { conflicts, items, bytes, alarm };
            Ok((usage, role_changes, last.map_or(1, |it| it + 1)))
        })?;
        Ok(Self { history, journal_bytes, divergence, role_changes, role_change_next })
    }
}

/// Whether a batch makes sense after `history`, and the history after it.
pub(crate) fn plan(batch: &[Op], history: &History) -> Result<History, Refusal> {
    let mut history = history.clone();
    for op in batch {
        match op {
            Op::AppendConfig(entries) => {
                entries.iter().try_for_each(|it| plan_entry(it, &mut history.config))?;
            }
            Op::PutRuntime { items, removed, answers: _, history: after } => {
                items.iter().try_for_each(|it| fits(&it.key, it.value.len()))?;
                removed.iter().try_for_each(|it| fits(it, 0))?;
                history.runtime = after.clone();
            }
            Op::Swap(swap) => {
                swap.items.iter().try_for_each(|it| fits(&it.key, it.value.len()))?;
                swap.journal.iter().try_for_each(fits_entry)?;
                *of_mut(&mut history, swap.kind) = swap.history.clone();
            }
            Op::PutDocument { document: _, bytes } => fits_bytes(bytes.len())?,
            Op::PutLocal { table, key, value } => {
                fits(&ItemKey::new(table, key), value.len())?;
            }
            Op::PutDivergence { conflict: _, items } => {
                for it in items {
                    let bytes = |it: &Option<Bytes>| it.as_ref().map_or(0, Bytes::len);
                    fits(&it.item, bytes(&it.losing) + bytes(&it.winning))?;
                }
            }
            Op::TrimConfigJournal { .. }
            | Op::TrimAnswers { .. }
            | Op::RemoveLocal { .. }
            | Op::AppendRoleChange(_)
            | Op::MarkDivergence { .. }
            | Op::DiscardDivergence { .. } => {}
        }
    }
    Ok(history)
}

fn plan_entry(entry: &Entry, history: &mut JournalHistory) -> Result<(), Refusal> {
    let last = history.position();
    if entry.position.sequence != last.sequence + 1 {
        return Err(Refusal::Gap { last: last.sequence, found: entry.position.sequence });
    }
    if entry.position.epoch < last.epoch {
        return Err(Refusal::EpochWentBack { last: last.epoch, found: entry.position.epoch });
    }
    fits_entry(entry)?;
    history.note(entry.position);
    Ok(())
}

fn fits_entry(entry: &Entry) -> Result<(), Refusal> {
    let mut bytes = entry.answer.as_ref().map_or(0, |it| it.key.len() + it.answer.len());
    for change in &entry.changes {
        match change {
            Change::Set { item, value } => {
                fits(item, value.len())?;
                bytes += item.item.len() + value.len();
            }
            Change::Remove { item } => fits(item, 0)?,
            Change::ReplaceAll { provider, items } => {
                for (item, value) in items {
                    fits(&ItemKey { provider: provider.clone(), item: item.clone() }, value.len())?;
                    bytes += item.len() + value.len();
                }
            }
        }
    }
    fits_bytes(bytes)
}

fn fits(item: &ItemKey, value_bytes: usize) -> Result<(), Refusal> {
    let bytes = item.provider.len() + item.item.len();
    if bytes > KEY_BYTES_MAX {
        return Err(Refusal::KeyTooLong { bytes, max: KEY_BYTES_MAX });
    }
    fits_bytes(value_bytes)
}

const fn fits_bytes(bytes: usize) -> Result<(), Refusal> {
    if bytes > RECORD_BYTES_MAX {
        return Err(Refusal::TooLarge { bytes, max: RECORD_BYTES_MAX });
    }
    Ok(())
}

const fn of_mut(history: &mut History, kind: JournalKind) -> &mut JournalHistory {
    match kind {
        JournalKind::Config => &mut history.config,
        JournalKind::Runtime => &mut history.runtime,
    }
}

pub(crate) const fn document_key(document: LocalDocument) -> &'static [u8] {
    match document {
        LocalDocument::Role => b"role",
        LocalDocument::PartnerSeen => b"partner-seen",
    }
}

pub(crate) const fn item_table(kind: JournalKind) -> Table {
    match kind {
        JournalKind::Config => Table::Records,
        JournalKind::Runtime => Table::Runtime,
    }
}

/// Items to write or remove, each once, in the order of their keys: what a B-tree takes fastest.
type Pending = BTreeMap<Vec<u8>, Option<(Position, Bytes)>>;

fn flush(writer: &mut Writer<'_>, table: Table, pending: &mut Pending) -> Result<(), StorageFault> {
    for (key, value) in std::mem::take(pending) {
        match value {
            Some((position, value)) => {
                writer.put_with(table, &key, |to| write_value(position, &value, to))?;
            }
            None => {
                writer.remove(table, &key)?;
            }
        }
    }
    Ok(())
}

/// Does what concerns the replicated file.
pub(crate) fn replicated<'a>(
    writer: &mut Writer<'_>,
    ops: impl Iterator<Item = &'a Op>,
    accounts: &mut Accounts,
) -> Result<(), StorageFault> {
    let mut records = Pending::new();
    let mut runtime = Pending::new();
    let mut touched = [false; 2];
    for op in ops {
        match op {
            Op::AppendConfig(entries) => {
                for entry in entries {
                    append(writer, entry, accounts)?;
                    accounts.history.config.note(entry.position);
                    change_records(writer, entry, &mut records)?;
                }
                touched[0] = true;
            }
            Op::PutRuntime { items, removed, answers, history } => {
                let key = |it: &ItemKey| key::item(JournalKind::Runtime, it);
                for it in removed {
                    runtime.insert(key(it), None);
                }
                for it in items {
                    runtime.insert(key(&it.key), Some((it.position, it.value.clone())));
                }
                for it in answers {
                    put_answer(writer, it)?;
                }
                accounts.history.runtime = history.clone();
                touched[1] = true;
            }
            Op::Swap(it) => {
                flush(writer, Table::Records, &mut records)?;
                flush(writer, Table::Runtime, &mut runtime)?;
                swap(writer, it, accounts)?;
                touched[it.kind as usize] = true;
            }
            Op::TrimConfigJournal { bytes_max } => {
                let mut left = accounts.journal_bytes;
                let more = |bytes| {
                    let go_on = left > *bytes_max;
                    left -= if go_on { bytes } else { 0 };
                    go_on
                };
                let (_, bytes) = writer.remove_range(Table::Journal, &[], None, more)?;
                accounts.journal_bytes -= bytes;
            }
            Op::TrimAnswers { journal, before } => {
                let (from, to) = (key::answer(*journal, 0), key::answer(*journal, *before));
                writer.remove_range(Table::Answers, &from, Some(&to), |_| true)?;
            }
            Op::PutDocument { .. }
            | Op::PutLocal { .. }
            | Op::RemoveLocal { .. }
            | Op::AppendRoleChange(_)
            | Op::PutDivergence { .. }
            | Op::MarkDivergence { .. }
            | Op::DiscardDivergence { .. } => panic!("a local operation for the replicated file"),
        }
    }
    flush(writer, Table::Records, &mut records)?;
    flush(writer, Table::Runtime, &mut runtime)?;
    for kind in JournalKind::ALL {
        if touched[kind as usize] {
            writer.put(Table::Histories, &[key::journal(kind)], accounts.history.of(kind))?;
        }
    }
    Ok(())
}

fn append(
    writer: &mut Writer<'_>,
    entry: &Entry,
    accounts: &mut Accounts,
) -> Result<(), StorageFault> {
    let key = key::sequence(entry.position.sequence);
    let (now, before) = writer.put_with(Table::Journal, &key, |to| entry.write(to))?;
    accounts.journal_bytes += now;
    accounts.journal_bytes -= before.unwrap_or(0);
    if let Some(answer) = &entry.answer {
        put_answer(writer, answer)?;
    }
    Ok(())
}

fn put_answer(writer: &mut Writer<'_>, answer: &crate::Answer) -> Result<(), StorageFault> {
    writer.put(Table::Answers, &key::answer(answer.journal, answer.position.sequence), answer)
}

fn change_records(
    writer: &mut Writer<'_>,
    entry: &Entry,
    records: &mut Pending,
) -> Result<(), StorageFault> {
    let key = |it: &ItemKey| key::item(JournalKind::Config, it);
    for change in &entry.changes {
        match change {
            Change::Set { item, value } => {
                records.insert(key(item), Some((entry.position, value.clone())));
            }
            Change::Remove { item } => {
                records.insert(key(item), None);
            }
            Change::ReplaceAll { provider: _, items } => {
                records.clear();
                writer.remove_range(Table::Records, &[], None, |_| true)?;
                for (item, value) in items {
                    records
                        .insert(key(&ItemKey::config(item)), Some((entry.position, value.clone())));
                }
            }
        }
    }
    Ok(())
}

fn swap(writer: &mut Writer<'_>, swap: &Swap, accounts: &mut Accounts) -> Result<(), StorageFault> {
    let table = item_table(swap.kind);
    match &swap.scope {
        Scope::Whole => {
            writer.remove_range(table, &[], None, |_| true)?;
        }
        Scope::Ranges(ranges) => {
            for (from, to) in ranges {
                let from = key::item(swap.kind, from);
                let to = to.as_ref().map(|it| key::item(swap.kind, it));
                writer.remove_range(table, &from, to.as_deref(), |_| true)?;
            }
        }
    }
    let mut sorted: Vec<(Vec<u8>, &Item)> =
        swap.items.iter().map(|it| (key::item(swap.kind, &it.key), it)).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    for (key, item) in sorted {
        writer.put_with(table, &key, |to| write_value(item.position, &item.value, to))?;
    }
    let (from, to) = (key::answer(swap.kind, 0), key::answer(swap.kind, u64::MAX));
    writer.remove_range(Table::Answers, &from, Some(&to), |_| true)?;
    for it in &swap.answers {
        put_answer(writer, it)?;
    }
    if swap.kind == JournalKind::Config {
        let from = key::sequence(swap.journal_keeps_to.saturating_add(1));
        let (_, bytes) = writer.remove_range(Table::Journal, &from, None, |_| true)?;
        accounts.journal_bytes -= bytes;
        for entry in &swap.journal {
            append(writer, entry, accounts)?;
        }
    }
    *of_mut(&mut accounts.history, swap.kind) = swap.history.clone();
    Ok(())
}

/// Does what concerns the local file.
pub(crate) fn local<'a>(
    writer: &mut Writer<'_>,
    ops: impl Iterator<Item = &'a Op>,
    accounts: &mut Accounts,
    options: Options,
) -> Result<(), StorageFault> {
    for op in ops {
        match op {
            Op::PutDocument { document, bytes } => {
                let key = document_key(*document);
                writer.put_with(Table::Documents, key, |to| write_bytes(bytes, to))?;
            }
            Op::PutLocal { table, key, value } => {
                let key = key::pair(table, key);
                writer.put_with(Table::LocalValues, &key, |to| write_bytes(value, to))?;
            }
            Op::RemoveLocal { table, key } => {
                writer.remove(Table::LocalValues, &key::pair(table, key))?;
            }
            Op::AppendRoleChange(change) => append_role_change(writer, change, accounts, options)?,
            Op::PutDivergence { conflict, items } => {
                put_divergence(writer, conflict, items, accounts)?
            }
            Op::MarkDivergence { conflict, sequence, index, status } => {
                let key = key::losing(conflict.0, *sequence, *index);
                mark(writer, &key, *status, accounts)?;
            }
            Op::DiscardDivergence { conflict } => discard(writer, *conflict, accounts)?,
            Op::AppendConfig(_)
            | Op::PutRuntime { .. }
            | Op::Swap(_)
            | Op::TrimConfigJournal { .. }
            | Op::TrimAnswers { .. } => panic!("a replicated operation for the local file"),
        }
    }
    accounts.divergence.alarm = accounts.divergence.bytes > options.divergence_bytes_alarm;
    Ok(())
}

fn append_role_change(
    writer: &mut Writer<'_>,
    change: &RoleChange,
    accounts: &mut Accounts,
    options: Options,
) -> Result<(), StorageFault> {
    writer.put(Table::RoleChanges, &key::sequence(accounts.role_change_next), change)?;
    accounts.role_change_next += 1;
    accounts.role_changes += 1;
    if accounts.role_changes > options.role_changes_max {
        let first = accounts.role_change_next - options.role_changes_max;
        let (gone, _) =
            writer.remove_range(Table::RoleChanges, &[], Some(&key::sequence(first)), |_| true)?;
        accounts.role_changes -= gone;
    }
    Ok(())
}

fn put_divergence(
    writer: &mut Writer<'_>,
    conflict: &Conflict,
    items: &[LosingItem],
    accounts: &mut Accounts,
) -> Result<(), StorageFault> {
    let id = conflict.id().0;
    let usage = &mut accounts.divergence;
    let known: Option<Conflict> = writer.get(Table::Conflicts, &key::sequence(id))?;
    if known.is_none() {
        let (bytes, _) =
            writer.put_with(Table::Conflicts, &key::sequence(id), |to| conflict.write(to))?;
        usage.conflicts += 1;
        usage.bytes += bytes;
    }
    for item in items {
        let key = key::losing(id, item.position.sequence, item.index);
        // A second export must not undo what a person or the winning history has settled.
        if writer.get::<LosingItem>(Table::LosingItems, &key)?.is_some() {
            continue;
        }
        let (bytes, _) = writer.put_with(Table::LosingItems, &key, |to| item.write(to))?;
        usage.items += 1;
        usage.bytes += bytes;
    }
    Ok(())
}

fn mark(
    writer: &mut Writer<'_>,
    key: &[u8],
    status: LosingStatus,
    accounts: &mut Accounts,
) -> Result<(), StorageFault> {
    if let Some(item) = writer.get::<LosingItem>(Table::LosingItems, key)? {
        let item = LosingItem { status, ..item };
        let (now, before) = writer.put_with(Table::LosingItems, key, |to| item.write(to))?;
        accounts.divergence.bytes += now;
        accounts.divergence.bytes -= before.unwrap_or(0);
    }
    Ok(())
}

fn discard(
    writer: &mut Writer<'_>,
    conflict: ConflictId,
    accounts: &mut Accounts,
) -> Result<(), StorageFault> {
    let usage = &mut accounts.divergence;
    if let Some(bytes) = writer.remove(Table::Conflicts, &key::sequence(conflict.0))? {
        usage.conflicts -= 1;
        usage.bytes -= bytes;
    }
    let from = key::losing(conflict.0, 0, 0);
    let to = conflict.0.checked_add(1).map(|it| key::losing(it, 0, 0));
    let to = to.as_ref().map(|it| &it[..]);
    let (count, bytes) = writer.remove_range(Table::LosingItems, &from, to, |_| true)?;
    usage.items -= count;
    usage.bytes -= bytes;
    Ok(())
}
