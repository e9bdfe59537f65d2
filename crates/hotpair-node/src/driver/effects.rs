//! Carries out what the decisions of an engine ask for.
use super::grant::GrantOrder;
use super::{Driver, Ended};
use crate::store::KeptChange;
use crate::wire;
use hotpair_api::face::Alarm;
use hotpair_core::{EngineIndex, EngineInput, EngineOutput};
use hotpair_fsm::{self as fsm, RoleChange};
use hotpair_replication as replication;
use hotpair_transport::Lane;
use hotpair_types::StateId;

impl Driver {
    pub(super) fn effect(&mut self, engine: EngineIndex, output: EngineOutput) {
        match output {
            EngineOutput::Summary(summary) => {
                let bytes = wire::encode_summary(engine, &summary);
                self.send_frame(None, Lane::Control, bytes);
            }
            EngineOutput::Send { lane, message } => {
                let bytes = wire::encode_message(engine, &message);
                self.send_frame(None, lane_of(lane), bytes);
            }
            EngineOutput::Store { ticket, op } => {
                let now = self.clock.now();
                self.runtime(engine).figures.submitted(now, ticket);
                self.store.submit(engine, ticket, op);
            }
            EngineOutput::OpenOutputs { epoch } => {
                tracing::info!(engine = %self.name_of(engine), %epoch, "outputs are open");
                let now = self.clock.now();
                let until = self.outputs_until(engine);
                let runtime = self.runtime(engine);
                runtime.gate.open(epoch, until);
                if let Some(since) = runtime.takeover_since.take() {
                    runtime.takeover_seconds.observe(now.since(since).as_secs_f64());
                }
                self.open_objects(engine);
                self.claim_addresses(engine, epoch);
                self.changed();
            }
            EngineOutput::CloseOutputs => {
                // The gate is looked at for every output; from here on none passes.
                self.runtime(engine).gate.shut();
                self.close_objects(engine);
                self.fail_waiting_writes(engine);
                self.close_outputs(engine);
                self.changed();
            }
            // Objects are made by their first scan, off this thread.
            EngineOutput::PrepareObjects => self.engine_input(engine, EngineInput::ObjectsReady),
            EngineOutput::StopObjects => self.close_objects(engine),
            EngineOutput::TellGuard { behind } => self.guard.tell(usize::from(engine.0), behind),
            EngineOutput::AskGrant(ask) => self.order_grant(engine, GrantOrder::Ask(ask)),
            EngineOutput::ReleaseGrant => self.order_grant(engine, GrantOrder::Release),
            EngineOutput::GoAlone => self.order_grant(engine, GrantOrder::GoAlone),
            EngineOutput::EndAlone => self.order_grant(engine, GrantOrder::EndAlone),
            EngineOutput::Reply { id, reply } => self.answer_command(engine, id, reply),
            EngineOutput::RoleChanged(change) => self.role_changed(engine, &change),
            EngineOutput::Alarm(alarm) => self.fsm_alarm(engine, alarm),
            EngineOutput::Stopped { process, seen } => self.engine_stopped(engine, process, seen),
            EngineOutput::Data(output) => self.data(engine, output),
            EngineOutput::Step(step) => self.runtime(engine).record(*step),
        }
    }

    fn role_changed(&mut self, engine: EngineIndex, change: &RoleChange) {
        let (now, wall) = (self.clock.now(), self.clock.wall());
        let instance = self.store.instance();
        let name = self.name_of(engine).clone();
        tracing::info!(
            engine = %name, from = %change.from, to = %change.to, rule = change.rule.id(),
            epoch = %change.epoch, why = change.rule.why(), "state"
        );
        let evidence = super::journal::evidence_text(change);
        let kept = hotpair_storage::RoleChange {
            at: wall,
            instance,
            from: change.from,
            to: change.to,
            rule: change.rule.id().to_owned(),
            evidence,
            epoch_before: change.epoch_before,
            epoch_after: change.epoch,
            positions: change.positions,
        };
        self.events.push_change(&name, &kept, change);
        self.store.keep_change(engine, KeptChange { at: wall, instance, change: kept });
        let runtime = self.runtime(engine);
        runtime.state = change.to;
        runtime.state_since = now;
        if change.to == StateId::SwitchingToActive && change.from != StateId::SwitchingToActive {
            runtime.takeover_since = Some(now);
        }
        if change.to.is_active() {
            runtime.active_since.get_or_insert(now);
        } else {
            runtime.active_since = None;
        }
        *runtime.role_changes.entry(change.rule.id().to_owned()).or_default() += 1;
        runtime.role.send_replace((change.to, change.epoch));
        if change.to.is_active() {
            runtime.alarms.remove("stale");
        }
        self.tell_services(engine, change);
        // At once: a balancer that asks must not be told of a role that is over.
        self.publish_status();
    }

    fn engine_stopped(&mut self, engine: EngineIndex, process: bool, seen: bool) {
        let leaving = self.leaving;
        let runtime = self.runtime(engine);
        runtime.stopped = true;
        runtime.left_seen = leaving.then_some(seen);
        self.changed();
        if process || leaving {
            // Each engine stores what it has only in memory before it says so.
            if self.engines.iter().all(|it| it.stopped) {
                let how = if process { Ended::GuardLost } else { Ended::Stopped };
                self.ended.get_or_insert(how);
            }
        } else {
            self.store.keep_undeployed(engine, true);
        }
    }

    pub(super) fn engine_deployed(&mut self, engine: EngineIndex) {
        self.runtime(engine).stopped = false;
        self.store.keep_undeployed(engine, false);
        if self.leaving {
            // It leaves with the others; the next start runs it.
            self.command(engine, fsm::Command::Leave, None);
        }
        self.changed();
    }

    /// The causes that a restart does not end: a state machine tells what is new to it.
    pub(super) fn raise_kept_alarms(&mut self) {
        for index in self.indexes() {
            let alarms = self.core.engine(index).map(|it| it.machine().alarms());
            for alarm in alarms.unwrap_or_default() {
                self.fsm_alarm(index, alarm);
            }
        }
    }

    fn fsm_alarm(&mut self, engine: EngineIndex, alarm: fsm::Alarm) {
        let (id, text) = match alarm {
            fsm::Alarm::PartnerRefused => return, // Raised with its reason where it was refused.
            fsm::Alarm::Suspended => {
                ("suspended", "too many changes of role: recovery and silence move nobody for now")
            }
            fsm::Alarm::Unverified => {
                ("unverified", "active without knowing whether the partner has newer data")
            }
            fsm::Alarm::EntriesLost => (
                "divergence-kept",
                "entries that lost a conflict are kept: hotpair divergence list",
            ),
            fsm::Alarm::Stale => ("stale", "the partner went on without this node's data"),
            fsm::Alarm::RolledBack => ("rolled-back", "a store was rolled back to an older copy"),
            fsm::Alarm::StorageFailed => ("storage-failed", "the storage of this node failed"),
            fsm::Alarm::ChannelDegraded(channel) => {
                // For the log alone: the status tells it by the channel itself.
                tracing::warn!(%channel, "a channel is silent, the other one works");
                return;
            }
            fsm::Alarm::TwoActives => ("two-actives", "both nodes are active; an election follows"),
            fsm::Alarm::ArbiterAway => {
                let why = self.runtime(engine).third.away.clone();
                let why = why.unwrap_or_else(|| "the arbiter gives no answer".to_owned());
                let text = format!("{why}; no role changes until it does, but by a person");
                tracing::warn!(engine = %self.name_of(engine), id = "arbiter-away", text, "alarm");
                return self.raise(engine, "arbiter-away", text);
            }
        };
        tracing::warn!(engine = %self.name_of(engine), id, text, "alarm");
        self.raise(engine, id, text.to_owned());
    }

    /// Raises an alarm of an engine; the first time counts as its beginning.
    pub(crate) fn raise(&mut self, engine: EngineIndex, id: &'static str, text: String) {
        let since_ms = self.clock.wall().0;
        let alarms = &mut self.runtime(engine).alarms;
        let since_ms = alarms.get(id).map_or(since_ms, |it| it.since_ms);
        alarms.insert(id, Alarm { id: id.to_owned(), text, since_ms });
        self.changed();
    }

    pub(super) fn raise_all(&mut self, id: &'static str, text: &str) {
        for engine in self.indexes() {
            self.raise(engine, id, text.to_owned());
        }
    }

    pub(super) fn lower_all(&mut self, id: &'static str) {
        for engine in self.indexes() {
            if self.runtime(engine).alarms.remove(id).is_some() {
                self.changed();
            }
        }
    }
}

const fn lane_of(lane: replication::Lane) -> Lane {
    match lane {
        replication::Lane::Control => Lane::Control,
        replication::Lane::Data => Lane::Data,
        replication::Lane::Bulk => Lane::Bulk,
    }
}
