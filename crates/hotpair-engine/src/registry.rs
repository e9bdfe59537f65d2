//! Who is registered, and one door to all of them. One that fails does not take the others down.
use crate::{Item, ProviderError, RuntimeStateProvider, Update};
use bytes::Bytes;
use hotpair_types::Position;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, RwLock};

/// How many providers one engine may have.
pub const PROVIDERS_MAX: usize = 64;
const NAME_BYTES_MAX: usize = 64;
const PANIC_TEXT_CHARS_MAX: usize = 200;

/// Why a provider could not be registered, reached, or do its part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The name cannot be used.
    #[error("`{name}` is no name for a provider: 1 to 64 of a-z, A-Z, 0-9, `-`, `_`, `.`")]
    BadName {
        /// What was asked for, shortened.
        name: String,
    },
    /// Another one has this name.
    #[error("a provider `{name}` is registered already")]
    Taken {
        /// The name.
        name: Box<str>,
    },
    /// No room.
    #[error("{PROVIDERS_MAX} providers are registered, no more are possible")]
    Full,
    /// Nobody has this name.
    #[error("no provider `{name}` is registered")]
    Unknown {
        /// The name.
        name: Box<str>,
    },
    /// It answered with an error.
    #[error("provider `{name}`: {error}")]
    Failed {
        /// Whose.
        name: Box<str>,
        /// Its error.
        #[source]
        error: ProviderError,
    },
    /// It panicked.
    #[error("provider `{name}` panicked: {text}")]
    Panicked {
        /// Whose.
        name: Box<str>,
        /// What it said.
        text: String,
    },
}

/// The providers of one engine, by name. Shared between the driver and whoever registers.
#[derive(Default)]
pub struct ProviderRegistry {
    providers: RwLock<BTreeMap<Box<str>, Arc<dyn RuntimeStateProvider>>>,
}

impl std::fmt::Debug for ProviderRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ProviderRegistry").field(&self.names()).finish()
    }
}

impl ProviderRegistry {
    /// No providers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a provider.
    ///
    /// # Errors
    /// `BadName`, `Taken` or `Full`.
    pub fn register(&self, provider: Arc<dyn RuntimeStateProvider>) -> Result<(), RegistryError> {
        let name = provider.name();
        if !is_name(name) {
            return Err(RegistryError::BadName { name: name.chars().take(80).collect() });
        }
        let name: Box<str> = name.into();
        let mut providers = self.providers.write().expect(UNPOISONED);
        if providers.contains_key(&name) {
            return Err(RegistryError::Taken { name });
        }
        if providers.len() == PROVIDERS_MAX {
            return Err(RegistryError::Full);
        }
        providers.insert(name, provider);
        Ok(())
    }

    /// Takes a provider out again; its state stays in the journal.
    pub fn unregister(&self, name: &str) -> Option<Arc<dyn RuntimeStateProvider>> {
        self.providers.write().expect(UNPOISONED).remove(name)
    }

    /// The provider of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn RuntimeStateProvider>> {
        self.providers.read().expect(UNPOISONED).get(name).cloned()
    }

    /// All names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<Box<str>> {
        self.providers.read().expect(UNPOISONED).keys().cloned().collect()
    }

    /// Gives the updates of one entry to the provider they are for.
    ///
    /// # Errors
    /// `Unknown`, `Failed` or `Panicked`, with the name.
    pub fn apply(&self, name: &str, updates: &[Update]) -> Result<(), RegistryError> {
        self.guarded(name, |it| it.apply_entry(updates))
    }

    /// The whole state of one provider.
    ///
    /// # Errors
    /// `Unknown`, `Failed` or `Panicked`, with the name.
    pub fn snapshot(&self, name: &str) -> Result<Vec<(Box<str>, Bytes)>, RegistryError> {
        self.guarded(name, |it| it.snapshot())
    }

    /// Replaces the whole state of one provider.
    ///
    /// # Errors
    /// `Unknown`, `Failed` or `Panicked`, with the name.
    pub fn restore(&self, name: &str, at: Position, items: &[Item]) -> Result<(), RegistryError> {
        self.guarded(name, |it| it.restore(at, items))
    }

    /// Replaces the state of every registered provider, those without an item too (they become
    /// empty). Goes on after a failure and gives all failures back.
    #[must_use]
    pub fn restore_all(
        &self,
        at: Position,
        items: &BTreeMap<Box<str>, Vec<Item>>,
    ) -> Vec<RegistryError> {
        let none = Vec::new();
        let mut errors = Vec::new();
        for name in self.names() {
            let items = items.get(&name).unwrap_or(&none);
            errors.extend(self.restore(&name, at, items).err());
        }
        errors
    }

    fn guarded<T>(
        &self,
        name: &str,
        call: impl FnOnce(&dyn RuntimeStateProvider) -> Result<T, ProviderError>,
    ) -> Result<T, RegistryError> {
        let Some(provider) = self.get(name) else {
            return Err(RegistryError::Unknown { name: name.into() });
        };
        // The lock is free by now: a provider that hangs or registers another holds up only itself.
        match catch_unwind(AssertUnwindSafe(|| call(provider.as_ref()))) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(RegistryError::Failed { name: name.into(), error }),
            Err(payload) => {
                let text = payload
                    .downcast_ref::<&str>()
                    .copied()
                    .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
                    .unwrap_or("no message");
                let text = text.chars().take(PANIC_TEXT_CHARS_MAX).collect();
                Err(RegistryError::Panicked { name: name.into(), text })
            }
        }
    }
}

const UNPOISONED: &str = "no code panics while it holds this lock";

fn is_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(legal)
}
