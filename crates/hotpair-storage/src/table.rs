//! The files of a store and the tables in them.
use std::fmt;

/// One file of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreFile {
    /// `replicated.redb` of an engine: may travel to the partner.
    Replicated,
    /// `local.redb` of an engine: never travels.
    Local,
    /// `node.redb`: facts of the node.
    Node,
}

impl StoreFile {
    /// The two of an engine.
    pub const OF_ENGINE: [Self; 2] = [Self::Local, Self::Replicated];

    /// Its name in its directory.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Replicated => "replicated.redb",
            Self::Local => "local.redb",
            Self::Node => "node.redb",
        }
    }

    /// Its tables, in the order in which they are loaded and scrubbed.
    pub(crate) const fn tables(self) -> &'static [Table] {
        match self {
            Self::Replicated => &[
                Table::Identity,
                Table::Heads,
                Table::ConfigItems,
                Table::RuntimeItems,
                Table::Entries,
                Table::Keys,
            ],
            Self::Local => &[
                Table::Identity,
                Table::Documents,
                Table::LocalValues,
                Table::RoleChanges,
                Table::Divergence,
            ],
            Self::Node => &[Table::Identity, Table::Documents, Table::LocalValues],
        }
    }
}

impl fmt::Display for StoreFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file_name())
    }
}

/// A table. Keys and values of all are bytes: the order of the keys is ours, the values are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Table {
    /// What the file is.
    Identity,
    /// Journal -> lineage, chain and end.
    Heads,
    /// Config key -> value and the entry that wrote it.
    ConfigItems,
    /// Provider, item -> value and the entry that wrote it.
    RuntimeItems,
    /// Journal, last sequence -> entries up to it, a few or many.
    Entries,
    /// Journal, sequence -> idempotency key.
    Keys,
    /// Document -> bytes.
    Documents,
    /// Local table, key -> bytes.
    LocalValues,
    /// Counter -> change of role.
    RoleChanges,
    /// Journal, position -> what lost.
    Divergence,
}

impl Table {
    /// Its name in the file, with the version of its layout.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity/v1",
            Self::Heads => "heads/v1",
            Self::ConfigItems => "config/v1",
            Self::RuntimeItems => "runtime/v1",
            Self::Entries => "entries/v1",
            Self::Keys => "keys/v1",
            Self::Documents => "documents/v1",
            Self::LocalValues => "local/v1",
            Self::RoleChanges => "role_changes/v1",
            Self::Divergence => "divergence/v1",
        }
    }

    pub(crate) const fn definition(
        self,
    ) -> redb::TableDefinition<'static, &'static [u8], &'static [u8]> {
        redb::TableDefinition::new(self.name())
    }
}
