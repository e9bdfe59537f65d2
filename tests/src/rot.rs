//! What only a fault of hardware does to data: other contents under right checksums, and a look at
//! what a disk holds.
use std::path::Path;

use anyhow::{Context as _, Result};
use hotpair_storage::{DataDirectory, EngineStore, Item, Loaded, Op, Options, Swap};
use hotpair_types::{EngineName, ItemKey, JournalKind};

fn open(data: &Path) -> Result<(EngineStore, Loaded)> {
    let directory = DataDirectory::lock(data)?;
    let (store, _) = EngineStore::open(&directory, &EngineName::default(), Options::default())?;
    let loaded = store.reader().load(u64::MAX)?;
    Ok((store, loaded))
}

/// Gives an item of the default engine the value of another one, as if it had always been so: position,
/// history and checksums are right. The node must not run.
///
/// # Errors
/// When the data cannot be opened, or has no such items.
pub fn confuse(data: &Path, kind: JournalKind, item: &ItemKey, with: &ItemKey) -> Result<()> {
    let (mut store, loaded) = open(data)?;
    let journal = match kind {
        JournalKind::Config => loaded.config,
        JournalKind::Runtime => loaded.runtime,
    };
    let find = |key: &ItemKey| {
        let found = journal.items.iter().find(|it| it.key == *key).cloned();
        found.with_context(|| format!("{key} is in {}", data.display()))
    };
    let value = find(with)?.value;
    let sets = vec![Item { value, ..find(item)? }];
    let swap = Swap { journal: kind, head: journal.head, clear: false, sets, removes: vec![] };
    store.commit(&[Op::Swap(vec![swap])])?;
    Ok(store.close()?)
}

/// What the disk holds of the default engine. It is opened as a node would; look at a copy.
///
/// # Errors
/// When it cannot be opened, or is damaged.
pub fn load(data: &Path) -> Result<Loaded> {
    let (store, loaded) = open(data)?;
    store.close()?;
    Ok(loaded)
}
