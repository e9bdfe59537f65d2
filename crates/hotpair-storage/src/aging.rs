//! For tests alone (feature `aging`): a file as a release to come would leave it.
use crate::format::Identity;
use crate::table::Table;
use crate::vault::{Ground, IDENTITY_KEY, Manner, Vault};
use crate::{OpenError, StoreFile};
use hotpair_types::EngineName;
use std::path::Path;

/// Makes a file of an engine say that its data has this schema.
///
/// # Errors
/// `OpenError` when it cannot be opened or written.
pub fn raise_schema(
    file: &Path,
    engine: &EngineName,
    which: StoreFile,
    schema: u32,
) -> Result<(), OpenError> {
    let manner =
        Manner { stopped_cleanly: false, quick_repair: false, two_phase: false, cache_bytes: 0 };
    let of = format!("engine {engine}");
    let vault = Vault::open(file, Ground::File, which, &of, manner)?.vault;
    let identity = Identity { schema, of: format!("{of}, {which}"), replaced: false };
    vault.write(|writer| writer.put(Table::Identity, IDENTITY_KEY, &identity))?;
    Ok(vault.close()?)
}
