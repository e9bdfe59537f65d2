//! Whether a batch makes sense, looked at before any of it is done.
use super::{KEY_BYTES_MAX, RECORD_BYTES_MAX};
use crate::{Change, Entry, Op, Refusal};
use bytes::Bytes;
use hotpair_types::{Epoch, History, ItemKey, JournalHistory, JournalKind};

/// Whether a batch makes sense after `history`, and the history after it.
pub(crate) fn plan(batch: &[Op], history: &History) -> Result<History, Refusal> {
    let mut history = history.clone();
    for op in batch {
        match op {
            Op::Append { journal, entries } => {
                let history = of_mut(&mut history, *journal);
                entries.iter().try_for_each(|it| plan_entry(it, history))?;
            }
            Op::Swap(swaps) => {
                for swap in swaps {
                    swap.sets.iter().try_for_each(|it| fits(&it.key, it.value.len()))?;
                    *of_mut(&mut history, swap.journal) = swap.head.history.clone();
                }
            }
            Op::PutRole(bytes) => fits_bytes(bytes.len())?,
            Op::PutLocal { table, key, value } => fits_pair(table, key, value.len())?,
            Op::PutDivergence(records) => {
                for it in records {
                    fits_entry(&it.entry)?;
                    let value = |it: &crate::Winning| it.value.as_ref().map_or(0, Bytes::len);
                    fits_bytes(it.winning.iter().map(value).sum())?;
                }
            }
            Op::RemoveLocal { .. } | Op::AppendRoleChange(_) | Op::DropDivergence(_) => {}
        }
    }
    Ok(history)
}

fn plan_entry(entry: &Entry, history: &mut JournalHistory) -> Result<(), Refusal> {
    let last = history.last;
    let found = entry.position.sequence;
    if found != last + 1 {
        return Err(Refusal::Gap { last, found });
    }
    let last = history.lineage.spans().last().map_or(Epoch::NONE, |it| it.epoch);
    let found = entry.position.epoch;
    if found < last || found.is_none() {
        return Err(Refusal::EpochWentBack { last, found });
    }
    fits_entry(entry)?;
    history.note(entry.position);
    Ok(())
}

fn fits_entry(entry: &Entry) -> Result<(), Refusal> {
    let mut bytes = entry.key.as_ref().map_or(0, |it| it.name.len());
    for change in &entry.changes {
        match change {
            Change::Set { item, value } => {
                fits(item, value.len())?;
                bytes += item.item.len() + value.len();
            }
            Change::Remove { item } => fits(item, 0)?,
            Change::ReplaceAll { provider, items } => {
                for (item, value) in items {
                    fits_pair(provider, item, value.len())?;
                    bytes += item.len() + value.len();
                }
            }
        }
    }
    fits_bytes(bytes)
}

fn fits(item: &ItemKey, value_bytes: usize) -> Result<(), Refusal> {
    fits_pair(&item.provider, &item.item, value_bytes)
}

const fn fits_pair(first: &str, second: &str, value_bytes: usize) -> Result<(), Refusal> {
    let bytes = first.len() + second.len();
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
