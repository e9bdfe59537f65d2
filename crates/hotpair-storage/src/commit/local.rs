//! What concerns the local file: the role, its changes, local tables, the divergence store.
use super::{Accounts, ROLE_KEY};
use crate::format::{Record as _, key, write_bytes};
use crate::table::Table;
use crate::vault::Writer;
use crate::{Op, Options, RoleChange, StorageFault};

/// Does what concerns the local file.
pub(crate) fn local<'a>(
    writer: &mut Writer<'_>,
    ops: impl Iterator<Item = &'a Op>,
    accounts: &mut Accounts,
    options: Options,
) -> Result<(), StorageFault> {
    let usage = |accounts: &mut Accounts, now: Option<u64>, before: Option<u64>| {
        let usage = &mut accounts.divergence;
        usage.records = usage.records + u64::from(now.is_some()) - u64::from(before.is_some());
        usage.bytes = usage.bytes + now.unwrap_or(0) - before.unwrap_or(0);
    };
    for op in ops {
        match op {
            Op::PutRole(bytes) => {
                writer.put_with(Table::Documents, ROLE_KEY, |to| write_bytes(bytes, to))?;
            }
            Op::PutLocal { table, key, value } => {
                let key = key::pair(table, key);
                writer.put_with(Table::LocalValues, &key, |to| write_bytes(value, to))?;
            }
            Op::RemoveLocal { table, key } => {
                writer.remove(Table::LocalValues, &key::pair(table, key))?;
            }
            Op::AppendRoleChange(change) => append_role_change(writer, change, accounts, options)?,
            Op::PutDivergence(records) => {
                for it in records {
                    let key = key::losing(it.id.journal, it.id.entry);
                    let (now, before) =
                        writer.put_with(Table::Divergence, &key, |to| it.write(to))?;
                    usage(accounts, Some(now), before);
                }
            }
            Op::DropDivergence(ids) => {
                for it in ids {
                    let before =
                        writer.remove(Table::Divergence, &key::losing(it.journal, it.entry))?;
                    usage(accounts, None, before);
                }
            }
            Op::Append { .. } | Op::Swap(_) => panic!("a replicated operation for the local file"),
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
        let first = key::sequence(accounts.role_change_next - options.role_changes_max);
        let (gone, _) = writer.remove_range(Table::RoleChanges, &[], Some(&first), |_, _| true)?;
        accounts.role_changes -= gone;
    }
    Ok(())
}
