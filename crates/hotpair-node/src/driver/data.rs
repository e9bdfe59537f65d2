//! What the replica asks for: answers, entries for providers, reads and blobs.
use super::Driver;
use bytes::Bytes;
use hotpair_core::{EngineIndex, EngineInput};
use hotpair_engine::tags::{CONFIG_PREFIX, ConfigEffect};
use hotpair_engine::{Item, RegistryError, Update};
use hotpair_fsm::Acknowledge;
use hotpair_replication::{self as replication, Entry, Op, Output};
use hotpair_types::{ItemKey, JournalKind, Position};
use std::collections::BTreeMap;

/// A provider took neither a change nor all it has; until it does.
const PROVIDER_FAILED: &str = "provider-failed";

fn told(provider: &str, error: &RegistryError) -> String {
    format!(
        "what the provider `{provider}` shows on this node is not what the journal has: {error}"
    )
}

/// A program outside that is registered as a provider.
pub(crate) struct Session {
    /// Its provider's name.
    pub(crate) name: Box<str>,
    /// Tells two sessions of one name apart.
    pub(crate) number: u64,
}

impl Driver {
    pub(super) fn data(&mut self, engine: EngineIndex, output: Output) {
        match output {
            Output::Reply { ticket, outcome } => self.answer_write(engine, ticket, outcome),
            Output::Apply { entry } => self.apply(engine, &entry),
            Output::Restore { kind, provider } => self.restore(engine, kind, &provider),
            Output::ReadJournal { ticket, kind, after, until, bytes_max } => {
                self.store.read_journal(engine, ticket, kind, after, until, bytes_max);
            }
            Output::ReadBlob { hash, offset, bytes_max } => {
                self.store.read_blob(engine, hash, offset, bytes_max);
            }
            Output::WriteBlob { hash, offset, bytes, last } => {
                self.store.write_blob(engine, hash, offset, bytes, last);
            }
            Output::RemoveBlob { hash } => self.store.remove_blob(engine, hash),
            Output::Alarm(alarm) => self.data_alarm(engine, &alarm),
            Output::DivergenceDiscarded { .. } => self.divergence_changed(engine),
            // The core keeps these to itself.
            Output::Send { .. } | Output::Store { .. } | Output::Fact(_) | Output::Progress(_) => {
                unreachable!("the core does not pass these on")
            }
        }
    }

    fn data_alarm(&mut self, engine: EngineIndex, alarm: &replication::Alarm) {
        match alarm {
            replication::Alarm::Inconsistency { kind, item, what } => {
                let text = format!("{kind} data: {item}: {what}; healed by a new sync");
                tracing::error!(engine = %self.name_of(engine), %kind, %item, %what, "inconsistency");
                let (name, wall) = (self.name_of(engine).clone(), self.clock.wall());
                self.events.push_alarm(&name, wall, "inconsistency", &text);
                self.raise(engine, "inconsistency", text);
            }
            replication::Alarm::Diverged { .. } => self.divergence_changed(engine),
            replication::Alarm::DivergenceLarge { bytes } => {
                let text = format!("the divergence store holds {bytes} bytes; nothing is trimmed");
                self.raise(engine, "divergence-large", text);
            }
        }
    }

    fn divergence_changed(&mut self, engine: EngineIndex) {
        if self.keeps_entries(engine) {
            let text = "entries that lost a conflict are kept: hotpair divergence list";
            self.raise(engine, "divergence-kept", text.to_owned());
        } else {
            self.runtime(engine).alarms.remove("divergence-kept");
        }
        self.changed();
    }

    /// Whether an entry that lost a conflict still waits for a person.
    pub(super) fn keeps_entries(&self, engine: EngineIndex) -> bool {
        self.replica(engine).divergence().any(|it| !it.fate.is_settled())
    }

    pub(crate) fn replica(&self, engine: EngineIndex) -> &replication::Replica {
        self.core.engine(engine).expect("an index of this node").replica()
    }

    fn apply(&mut self, engine: EngineIndex, entry: &Entry) {
        match entry.kind {
            JournalKind::Config => self.apply_config(engine, entry),
            JournalKind::Runtime => self.apply_runtime(engine, entry),
        }
    }

    /// Config records declare tags and objects; whoever else wants to know reads them.
    fn apply_config(&mut self, engine: EngineIndex, entry: &Entry) {
        for op in &entry.ops {
            let (key, value) = match op {
                Op::Set { item, value } => (&item.item, Some(value)),
                Op::Remove { item } => (&item.item, None),
                Op::ReplaceAll { .. } => continue, // Refused in config writes.
            };
            if !key.starts_with(CONFIG_PREFIX) {
                continue;
            }
            let tags = self.runtime(engine).tags.clone();
            match tags.config_changed(key, value.map(|it| &it[..])) {
                Ok(ConfigEffect::NotATag | ConfigEffect::Added | ConfigEffect::Changed) => {}
                Ok(ConfigEffect::TypeChanged(post) | ConfigEffect::Removed(post)) => {
                    self.drop_value(engine, post);
                }
                Err(error) => tracing::warn!(%key, %error, "a record declares no sound tag"),
            }
        }
        self.objects_declared(engine, entry);
        self.changed();
    }

    /// On the active the value of a tag that is gone goes too; a standby gets that from it.
    fn drop_value(&mut self, engine: EngineIndex, post: hotpair_engine::Post) {
        let item = ItemKey::new(hotpair_engine::tags::PROVIDER, &post.item);
        let here = self.replica(engine).get(JournalKind::Runtime, &item).is_some();
        if here && self.runtime(engine).gate.passes().is_some() {
            let write = super::PostedWrite::runtime(hotpair_engine::tags::PROVIDER, &[post]);
            let (reply, _nobody_waits) = tokio::sync::oneshot::channel();
            self.write(engine, write, reply);
        }
    }

    fn apply_runtime(&mut self, engine: EngineIndex, entry: &Entry) {
        let mut updates: BTreeMap<&str, Vec<Update>> = BTreeMap::new();
        let position = entry.position;
        let update = |item: &str, value: Option<&Bytes>| Update {
            position,
            item: item.into(),
            value: value.cloned(),
        };
        for op in &entry.ops {
            match op {
                Op::Set { item, value } => {
                    updates
                        .entry(&item.provider)
                        .or_default()
                        .push(update(&item.item, Some(value)));
                }
                Op::Remove { item } => {
                    updates.entry(&item.provider).or_default().push(update(&item.item, None));
                }
                Op::ReplaceAll { provider, items } => {
                    updates.remove(&**provider);
                    self.restore_items(engine, provider, position, items);
                }
            }
        }
        for (provider, updates) in updates {
            let restored = self.runtime(engine).restored.get(provider);
            if restored.is_some_and(|at| position.sequence <= at.sequence) {
                continue;
            }
            let providers = self.runtime(engine).providers.clone();
            // A provider that is not running here gets its items when it registers.
            if providers.get(provider).is_some()
                && let Err(error) = providers.apply(provider, &updates)
            {
                tracing::error!(%error, "a provider cannot apply an update; it is given all it has");
                self.runtime(engine).failed_providers.insert(provider.into());
                self.restore_now(engine, provider);
            }
        }
        self.runtime(engine).tags.journal_at(position);
    }

    fn restore(&mut self, engine: EngineIndex, kind: JournalKind, provider: &str) {
        match kind {
            JournalKind::Config => {
                let tags = self.runtime(engine).tags.clone();
                let records = self.replica(engine).items(kind, "", CONFIG_PREFIX);
                let records: Vec<_> = records.map(|(key, it)| (key, &it.value[..])).collect();
                for (key, error) in tags.replace_declarations(records) {
                    tracing::warn!(%key, %error, "a record declares no sound tag");
                }
                self.restore_objects(engine);
                self.changed();
            }
            JournalKind::Runtime => self.restore_now(engine, provider),
        }
    }

    /// While outputs are carried out: what waits its turn may be in the state already.
    fn restore_now(&mut self, engine: EngineIndex, provider: &str) {
        self.restore_provider(engine, provider);
        let at = self.replica(engine).positions().runtime;
        self.runtime(engine).restored.insert(provider.into(), at);
    }

    fn restore_items(
        &mut self,
        engine: EngineIndex,
        provider: &str,
        position: Position,
        items: &[(Box<str>, Bytes)],
    ) {
        let item = |(name, value): &(Box<str>, Bytes)| Item {
            position,
            item: name.clone(),
            value: value.clone(),
        };
        let items: Vec<_> = items.iter().map(item).collect();
        let providers = self.runtime(engine).providers.clone();
        if providers.get(provider).is_some()
            && let Err(error) = providers.restore(provider, position, &items)
        {
            tracing::error!(%error, "a provider cannot restore its state");
            self.raise(engine, PROVIDER_FAILED, told(provider, &error));
            self.runtime(engine).failed_providers.insert(provider.into());
        }
    }

    /// Gives a provider everything the journal has of it.
    pub(crate) fn restore_provider(&mut self, engine: EngineIndex, provider: &str) {
        let replica = self.replica(engine);
        let at = replica.positions().runtime;
        let items: Vec<Item> = replica
            .items(JournalKind::Runtime, provider, "")
            .map(|(name, record)| Item {
                position: record.position,
                item: name.into(),
                value: record.value.clone(),
            })
            .collect();
        let providers = self.runtime(engine).providers.clone();
        if providers.get(provider).is_some()
            && let Err(error) = providers.restore(provider, at, &items)
        {
            tracing::error!(%error, "a provider cannot restore its state");
            self.raise(engine, PROVIDER_FAILED, told(provider, &error));
            self.runtime(engine).failed_providers.insert(provider.into());
        } else if self.runtime(engine).failed_providers.remove(provider)
            && self.runtime(engine).failed_providers.is_empty()
        {
            self.runtime(engine).alarms.remove(PROVIDER_FAILED);
            self.changed();
        }
    }

    /// At the start: declarations first, then the state of every provider.
    pub(super) fn restore_providers(&mut self, engine: EngineIndex) {
        self.restore(engine, JournalKind::Config, "");
        for name in self.runtime(engine).providers.names() {
            self.restore_provider(engine, &name);
        }
        self.divergence_changed(engine);
    }

    /// A provider was registered while the node runs.
    pub(crate) fn provider_ready(&mut self, engine: EngineIndex, provider: &str) {
        let input = replication::Input::ProviderReady { provider: provider.into() };
        self.restore_provider(engine, provider);
        self.engine_input(engine, EngineInput::Data(input));
    }

    /// Says up to where subscribers may see changes. An active with a level standby shows what that
    /// has: a subscriber who goes on at the other node after a takeover then finds what it saw.
    pub(super) fn release_changes(&mut self) {
        for index in self.indexes() {
            self.note_lag(index);
            let engine = self.core.engine(index).expect("an index of this node");
            let replica = engine.replica();
            let last = replica.positions().runtime.sequence;
            let acts = engine.machine().state().is_active();
            let released = match engine.machine().acknowledge() {
                _ if !acts => Some(last),
                Acknowledge::Degraded => Some(last),
                Acknowledge::WhenReplicated => replica.received_by_partner().map(|it| it.runtime),
                Acknowledge::Wait => None,
            };
            let Some(released) = released else { continue };
            self.runtime(index).released.send_if_modified(|it| {
                let changed = *it != released;
                *it = released;
                changed
            });
        }
    }
}
