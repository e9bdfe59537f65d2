//! Compares settings: of the two nodes, and of one node before and after a change of its file.

use super::field::{Alike, FIELDS, When};
use super::{Settings, duration_text, size_text};
use hotpair_types::Channel;

/// One setting that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub field: String,
    /// Before.
    pub old: String,
    /// After.
    pub new: String,
}

/// What reading the file again brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reload {
    /// Takes effect at once.
    pub applied: Vec<Change>,
    /// Takes effect when the node is started again.
    pub needs_restart: Vec<Change>,
}

impl Settings {
    /// Every setting with its value as text, in the order of the table. Engines are one value.
    #[must_use]
    pub fn flat(&self) -> Vec<(&'static str, String)> {
        FIELDS.iter().filter_map(|it| Some((it.path, self.value_of(it.path)?))).collect()
    }

    /// What both nodes are to say alike, in a fixed order (`Alike`).
    #[must_use]
    pub fn must_agree(&self) -> Vec<(&'static str, String)> {
        let mut list: Vec<_> = FIELDS
            .iter()
            .filter(|it| it.alike != Alike::No)
            .filter_map(|it| Some((it.path, self.value_of(it.path)?)))
            .collect();
        // A channel's limit counts as the limit that is in force, wherever it was written.
        list.retain(|it| it.0 != "heartbeat.max_missed");
        for channel in Channel::ALL {
            let path = match channel {
                Channel::Redundancy => "channels.redundancy.max_missed",
                Channel::Primary => "channels.primary.max_missed",
            };
            list.push((path, self.channels[channel].max_missed.to_string()));
        }
        let mut engines: Vec<_> =
            self.engines.iter().map(|it| format!("{} (master {})", it.name, it.master)).collect();
        engines.sort();
        list.push(("engines", engines.join(", ")));
        list
    }

    /// How many of them must be alike on the partner, and how many should.
    #[must_use]
    pub fn said_alike(&self) -> (usize, usize) {
        let should =
            |path: &str| FIELDS.iter().any(|it| it.path == path && it.alike == Alike::Should);
        let all = self.must_agree();
        let should = all.iter().filter(|it| should(it.0)).count();
        (all.len() - should, should)
    }

    /// The differences between these settings and newer ones of the same node.
    #[must_use]
    pub fn diff_reload(&self, new: &Self) -> Reload {
        let mut reload = Reload::default();
        for field in FIELDS {
            let (old, new) = (self.value_of(field.path), new.value_of(field.path));
            if old == new {
                continue;
            }
            // Whether there is TLS or a token at all is weighed against the address once, at the start; a
            // sink is opened then, too.
            let optional = ["api.", "history."].iter().any(|it| field.path.starts_with(it));
            let appears = optional && (old.is_none() || new.is_none());
            let change = Change {
                field: field.path.to_owned(),
                old: old.unwrap_or_default(),
                new: new.unwrap_or_default(),
            };
            match field.when {
                When::Running if !appears => reload.applied.push(change),
                When::Running | When::Restart => reload.needs_restart.push(change),
            }
        }
        if self.engines != new.engines {
            let text = |it: &Self| {
                let names: Vec<_> =
                    it.engines.iter().map(|it| format!("{} ({})", it.name, it.master)).collect();
                names.join(", ")
            };
            let (old, new) = (text(self), text(new));
            reload.needs_restart.push(Change { field: "engines".to_owned(), old, new });
        }
        if self.services != new.services {
            let (old, new) = (self.services_text(), new.services_text());
            reload.needs_restart.push(Change { field: "services".to_owned(), old, new });
        }
        reload
    }

    /// Takes over from newer settings what may change while running, and says what it took and what it
    /// did not.
    pub fn take_live(&mut self, new: &Self) -> Reload {
        let reload = self.diff_reload(new);
        self.pair.handover_timeout = new.pair.handover_timeout;
        self.pair.drop_after = new.pair.drop_after;
        self.recovery = new.recovery;
        self.config.ack = new.config.ack;
        self.writes = new.writes;
        if self.api.tls.is_some() && new.api.tls.is_some() {
            self.api.tls.clone_from(&new.api.tls);
        }
        if self.api.token_file.is_some() && new.api.token_file.is_some() {
            self.api.token_file.clone_from(&new.api.token_file);
        }
        self.hooks.clone_from(&new.hooks);
        self.take_live_history(new);
        reload
    }

    /// The text of one setting; `None` when it is not set or is one of a list of engines.
    fn value_of(&self, path: &str) -> Option<String> {
        if let Some(rest) = path.strip_prefix("channels.redundancy.") {
            return self.channel_value(Channel::Redundancy, rest);
        }
        if let Some(rest) = path.strip_prefix("channels.primary.") {
            return self.channel_value(Channel::Primary, rest);
        }
        if let Some(rest) = path.strip_prefix("history.") {
            return self.history_value(rest);
        }
        let list = |it: &[std::path::PathBuf]| {
            let names: Vec<_> = it.iter().map(|it| it.display().to_string()).collect();
            names.join(", ")
        };
        let (beat, pair, recovery) = (self.heartbeat, self.pair, self.recovery);
        let (config, writes, api) = (self.config, self.writes, &self.api);
        Some(match path {
            "node.name" => self.node.name.to_string(),
            "node.designation" => self.node.designation.to_string(),
            "node.data_dir" => self.node.data_dir.display().to_string(),
            "partner.name" => self.partner.name.to_string(),
            "partner.key" => self.partner.key.to_string(),
            "heartbeat.interval" => duration_text(beat.interval),
            "heartbeat.max_missed" => beat.max_missed.to_string(),
            "heartbeat.verify_min" => duration_text(beat.verify_min),
            "pair.mode" => pair.mode.to_string(),
            "pair.startup_allowance" => duration_text(pair.startup_allowance),
            "pair.start_alone" => pair.start_alone.to_string(),
            "pair.conflict_winner" => pair.conflict_winner.to_string(),
            "pair.fence_after" => duration_text(pair.fence_after),
            "pair.promote_after" => duration_text(pair.promote_after),
            "pair.handover_timeout" => duration_text(pair.handover_timeout),
            "pair.drop_after" => duration_text(pair.drop_after),
            "pair.restart_on_standby" => pair.restart_on_standby.to_string(),
            "recovery.mode" => recovery.mode.to_string(),
            "recovery.hold" => duration_text(recovery.hold),
            "recovery.suspend_after" => recovery.suspend_after.to_string(),
            "recovery.suspend_window" => duration_text(recovery.suspend_window),
            "config.writable_on" => config.writable_on.to_string(),
            "config.ack" => config.ack.to_string(),
            "config.journal_max" => size_text(config.journal_max_bytes),
            "writes.ack" => writes.ack.to_string(),
            "writes.require_standby" => writes.require_standby.to_string(),
            "writes.persist_interval" => duration_text(writes.persist_interval),
            "writes.compare_interval" => duration_text(writes.compare_interval),
            "writes.ring_max" => size_text(writes.ring_max_bytes),
            "writes.key_retention" => duration_text(writes.key_retention),
            "api.listen" => api.listen.to_string(),
            "api.advertise" => api.advertise.clone(),
            "api.tls_cert" => api.tls.as_ref()?.cert.display().to_string(),
            "api.tls_key" => api.tls.as_ref()?.key.display().to_string(),
            "api.token_file" => api.token_file.as_ref()?.display().to_string(),
            "virtual_addresses.addresses" => {
                let all = self.virtual_addresses.iter();
                all.map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
            "virtual_addresses.lease" => self.address_lease.to_string(),
            "arbiter.etcd" => self.arbiter.as_ref()?.etcd.join(", "),
            "arbiter.lease" => duration_text(self.arbiter.as_ref()?.lease),
            "hooks.on_active" => list(&self.hooks.on_active),
            "hooks.on_standby" => list(&self.hooks.on_standby),
            "hooks.notify" => list(&self.hooks.notify),
            "hooks.time_limit" => duration_text(self.hooks.time_limit),
            "engines.name" | "engines.master" => return None,
            service if service.starts_with("services.") => return None,
            unknown => {
                unreachable!("`{unknown}` is in the table of settings and has no value here")
            }
        })
    }

    fn channel_value(&self, channel: Channel, name: &str) -> Option<String> {
        let it = self.channels[channel];
        Some(match name {
            "listen" => it.listen.to_string(),
            "partner" => it.partner.to_string(),
            "max_missed" => it.max_missed.to_string(),
            "required" => it.required.to_string(),
            unknown => {
                unreachable!("`{unknown}` is in the table of settings and has no value here")
            }
        })
    }
}
