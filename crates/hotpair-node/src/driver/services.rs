//! Services follow their engine: run when its outputs are open, gone before these count as closed.
use super::Driver;
use crate::services::{Failing, Phase, Report, Role, Services, View};
use hotpair_api::face::{ServiceState, ServiceStatus};
use hotpair_core::{EngineIndex, EngineInput};
use hotpair_fsm::{Command, RoleChange};
use hotpair_types::StateId;
use std::collections::BTreeMap;

const ALARM: &str = "service-failing";

/// What the driver keeps of services.
#[derive(Default)]
pub(super) struct KeptServices {
    /// Absent: there are none.
    services: Option<Services>,
    views: Vec<View>,
    /// Outputs that are being closed.
    closing: BTreeMap<EngineIndex, Closing>,
    /// Why each engine came to act.
    reasons: BTreeMap<EngineIndex, &'static str>,
}

/// What is still to be closed.
#[derive(Clone, Copy, Debug)]
struct Closing {
    /// The stop of the services that is waited for.
    services: Option<u64>,
    /// Addresses are kept until the services are gone: who is told to end may still answer.
    keeps_addresses: bool,
    addresses: bool,
}

impl KeptServices {
    pub(super) fn new(services: Option<Services>) -> Self {
        Self { services, ..Self::default() }
    }

    /// Ends all, and waits until that is done.
    pub(super) fn close(&mut self) {
        if let Some(services) = self.services.take() {
            services.close();
        }
    }
}

impl Driver {
    /// Another state of an engine: its services begin, or learn it with their next start.
    pub(super) fn tell_services(&mut self, engine: EngineIndex, change: &RoleChange) {
        if change.to == StateId::SwitchingToActive {
            self.services.reasons.insert(engine, change.rule.id());
        }
        let Some(services) = self.services.services.as_ref().filter(|it| it.has(engine)) else {
            return;
        };
        if !change.to.is_active() {
            return;
        }
        let reason = self.services.reasons.get(&engine).copied();
        let reason = reason.unwrap_or_else(|| change.rule.id());
        let machine = self.core.engine(engine).expect("an index of this node").machine();
        let mut environment = vec![
            ("HOTPAIR_NODE", self.settings.node.name.to_string()),
            ("HOTPAIR_ENGINE", self.name_of(engine).to_string()),
            ("HOTPAIR_STATE", change.to.id().to_owned()),
            ("HOTPAIR_EPOCH", change.epoch.number.to_string()),
            ("HOTPAIR_REASON", reason.to_owned()),
            ("HOTPAIR_PARTNER", machine.partner_state().id().to_owned()),
            ("HOTPAIR_API", self.api_base.clone()),
        ];
        let api = &self.settings.api;
        let files = [
            ("HOTPAIR_API_TOKEN_FILE", api.token_file.as_ref()),
            ("HOTPAIR_API_CA", api.tls.as_ref().map(|it| &it.cert)),
        ];
        for (name, file) in files {
            environment.extend(file.map(|it| (name, it.display().to_string())));
        }
        services.run(engine, Role { environment });
    }

    /// The gate of an engine is shut: ends its services and takes its addresses off. A planned change waits
    /// for the services first; otherwise both go at once.
    pub(super) fn close_outputs(&mut self, engine: EngineIndex) {
        let machine = self.core.engine(engine).expect("an index of this node").machine();
        let in_order = machine.closes_in_order();
        let services = self.services.services.as_mut().filter(|it| it.has(engine));
        let stop = services.map(|it| it.stop(engine, in_order));
        let keeps_addresses = in_order && stop.is_some();
        let closing = Closing { services: stop, keeps_addresses, addresses: true };
        self.services.closing.insert(engine, closing);
        if !keeps_addresses {
            self.release_addresses(engine);
        }
    }

    /// No address of the engine stands here any more.
    pub(super) fn addresses_closed(&mut self, engine: EngineIndex) {
        if let Some(closing) = self.services.closing.get_mut(&engine) {
            closing.addresses = false;
        }
        self.closed_if_all_is(engine);
    }

    fn services_gone(&mut self, engine: EngineIndex, number: u64) {
        let Some(closing) = self.services.closing.get_mut(&engine) else { return };
        if closing.services != Some(number) {
            return;
        }
        closing.services = None;
        if std::mem::take(&mut closing.keeps_addresses) {
            self.release_addresses(engine);
        } else {
            self.closed_if_all_is(engine);
        }
    }

    fn closed_if_all_is(&mut self, engine: EngineIndex) {
        let all = |it: &Closing| it.services.is_none() && !it.addresses;
        if self.services.closing.get(&engine).is_some_and(all) {
            self.services.closing.remove(&engine);
            self.engine_input(engine, EngineInput::OutputsClosed);
        }
    }

    pub(super) fn on_services(&mut self, report: Report) {
        match report {
            Report::Gone(engine, number) => self.services_gone(engine, number),
            Report::Views(views) => {
                self.services.views = views;
                self.service_alarms();
            }
            Report::HandOver(failing) => self.hand_over_for(&failing),
        }
        self.changed();
    }

    /// Asks as a program; whether the partner is ready is the state machine's to say.
    fn hand_over_for(&mut self, failing: &Failing) {
        let engine = failing.engine;
        let (name, at) = (self.name_of(engine).clone(), self.clock.wall());
        tracing::warn!(engine = %name, service = %failing.service, failures = failing.failures, "a service fails: asks for a handover");
        self.events.push_service(&name, at, failing);
        self.command(engine, Command::HandOver, None);
    }

    fn service_alarms(&mut self) {
        for engine in self.indexes() {
            let failing =
                |it: &&View| it.engine == engine && it.failures > 0 && it.phase != Phase::Off;
            let text = |it: &View| {
                let end = it.last_end.as_deref().unwrap_or("it ended");
                format!("service {} failed {} times within its window: {end}", it.name, it.failures)
            };
            let texts: Vec<_> = self.services.views.iter().filter(failing).map(text).collect();
            if texts.is_empty() {
                self.runtime(engine).alarms.remove(ALARM);
            } else {
                self.raise(engine, ALARM, texts.join("; "));
            }
        }
    }

    pub(super) fn services_status(&self) -> Vec<ServiceStatus> {
        let now = self.clock.now();
        let ms = |it: std::time::Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        let status = |it: &View| {
            let (state, since, next) = match it.phase {
                Phase::Off => (ServiceState::Stopped, None, None),
                Phase::Running { since } => (ServiceState::Running, Some(since), None),
                Phase::Ending { .. } | Phase::Killed { .. } => (ServiceState::Stopping, None, None),
                Phase::Waiting { until } => (ServiceState::Waiting, None, Some(until)),
            };
            ServiceStatus {
                name: it.name.clone(),
                engine: self.name_of(it.engine).to_string(),
                state,
                pid: it.pid,
                running_for_ms: since.map(|it| ms(now.since(it))),
                starts_in_ms: next.map(|it| ms(it.since(now))),
                restarts: it.restarts,
                failures: it.failures,
                last_end: it.last_end.clone(),
            }
        };
        self.services.views.iter().map(status).collect()
    }
}
