//! What the node says of itself, put together for the API.
use super::Driver;
use crate::reasons;
use crate::settings::Settings;
use hotpair_api::face::{
    Alarm, ChannelHealth, ChannelStatus, Check, EngineStatus, NodeStatus, OutputsStatus, OwnEnd,
    PartnerStatus, Reason, SyncProgress,
};
use hotpair_core::{Engine, EngineIndex};
use hotpair_fsm::{self as fsm, Acknowledge, Command, DetectorStatus, Picture, Pulse};
use hotpair_types::{Channel, Designation, PerChannel, StateId, Time};
use std::time::Duration;

/// The alarms of a state machine that end by themselves, with their ids. The others stay until a
/// person has looked.
const PASSING_ALARMS: [(fsm::Alarm, &str); 5] = [
    (fsm::Alarm::Suspended, "suspended"),
    (fsm::Alarm::Unverified, "unverified"),
    (fsm::Alarm::Stale, "stale"),
    (fsm::Alarm::TwoActives, "two-actives"),
    (fsm::Alarm::ArbiterAway, "arbiter-away"),
];

/// How fast a sync goes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rate {
    at: Time,
    bytes: u64,
    per_second: u64,
}

impl Rate {
    fn note(&mut self, now: Time, bytes: u64) -> u64 {
        if bytes < self.bytes {
            *self = Self { at: now, bytes, per_second: 0 };
        }
        let passed = now.since(self.at);
        if passed >= Duration::from_millis(500) {
            let rate = (bytes - self.bytes) as f64 / passed.as_secs_f64();
            *self = Self { at: now, bytes, per_second: rate as u64 };
        }
        self.per_second
    }
}

pub(super) fn empty(settings: &Settings) -> NodeStatus {
    NodeStatus {
        node: settings.node.name.to_string(),
        partner: settings.partner.name.to_string(),
        designation: settings.node.designation,
        instance: String::new(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        mode: settings.pair.mode,
        at_ms: 0,
        uptime_ms: 0,
        api: String::new(),
        partner_api: None,
        partner_instance: None,
        partner_version: None,
        channels: PerChannel::from_fn(|channel| ChannelStatus {
            health: ChannelHealth::Connecting,
            missed: 0,
            missed_max: 0,
            missed_total: 0,
            round_trip_us: None,
            heard_ms_ago: None,
            acknowledged_ms_ago: None,
            local: settings.channels[channel].listen.to_string(),
            remote: settings.channels[channel].partner.to_string(),
            carries_data: false,
            own_end: OwnEnd::NotWatched,
            required: settings.channels[channel].required,
            detail: None,
        }),
        engines: Vec::new(),
        outputs: OutputsStatus::default(),
        services: Vec::new(),
        alarms: Vec::new(),
        checks: Vec::new(),
    }
}

impl Driver {
    pub(super) fn node_status(&mut self) -> NodeStatus {
        let now = self.clock.now();
        let detector = self.core.channels(now);
        let hello = self.partner.hello.as_ref();
        let mut status = NodeStatus {
            instance: self.store.instance().to_string(),
            at_ms: self.clock.wall().0,
            uptime_ms: now.0 / 1_000,
            api: self.api_base.clone(),
            partner_api: self.partner.api(),
            partner_instance: hello.map(|it| it.instance.to_string()),
            partner_version: hello.map(|it| it.release.clone()),
            channels: PerChannel::from_fn(|it| self.channel_status(it, &detector)),
            ..empty(&self.settings)
        };
        for index in self.indexes() {
            let engine = self.engine_status(index, now);
            if index.0 == 0 {
                status.designation = self.engines[0].designation;
            }
            status.engines.push(engine);
        }
        status.outputs = self.outputs_status();
        status.services = self.services_status();
        self.lower_ended_alarms();
        status.alarms = self.alarms();
        status.checks = self.checks();
        status
    }

    /// An alarm of a state machine holds as long as its cause.
    fn lower_ended_alarms(&mut self) {
        for index in self.indexes() {
            let Some(engine) = self.core.engine(index) else { continue };
            let holding = engine.machine().alarms();
            for (alarm, id) in PASSING_ALARMS {
                if !holding.contains(&alarm) {
                    self.runtime(index).alarms.remove(id);
                }
            }
            if !self.keeps_entries(index) && !holding.contains(&fsm::Alarm::EntriesLost) {
                self.runtime(index).alarms.remove("divergence-kept");
            }
        }
    }

    fn alarms(&self) -> Vec<Alarm> {
        let several = self.engines.len() > 1;
        let mut alarms: Vec<Alarm> = Vec::new();
        for engine in &self.engines {
            for alarm in engine.alarms.values() {
                let mut alarm = alarm.clone();
                if several && !alarms.iter().any(|it| it.text == alarm.text) {
                    alarm.text = format!("{}: {}", engine.name, alarm.text);
                }
                if !alarms.iter().any(|it| it.text == alarm.text) {
                    alarms.push(alarm);
                }
            }
        }
        alarms
    }

    fn checks(&self) -> Vec<Check> {
        let check = |name: &str, ok: bool, detail: &str| Check {
            name: name.to_owned(),
            ok,
            detail: detail.to_owned(),
        };
        let storage = !self.engines.iter().any(|it| it.alarms.contains_key("storage-failed"));
        let deployed = self.engines.iter().any(|it| !it.stopped);
        let deciding = self.engines.iter().any(|it| it.state == StateId::DeterminingFailoverStatus);
        let nobody = self.indexes().find(|it| self.nobody_acts(*it));
        let role = match nobody {
            Some(index) => {
                format!("nobody is active in engine {}: hotpair status", self.name_of(index))
            }
            None if deciding => "still being decided".to_owned(),
            None => "decided".to_owned(),
        };
        vec![
            check("storage", storage, if storage { "works" } else { "failed" }),
            check("engines", deployed, if deployed { "deployed" } else { "none is deployed" }),
            check("role", !deciding && nobody.is_none(), &role),
        ]
    }

    /// Neither this node nor, as far as it is heard, its partner, and nothing is under way.
    fn nobody_acts(&self, index: EngineIndex) -> bool {
        let Some(engine) = self.core.engine(index) else { return false };
        let machine = engine.machine();
        let acts = |it: StateId| {
            it.is_active() || matches!(it, StateId::SwitchingToActive | StateId::SwitchingToStandby)
        };
        let (own, partner) = (machine.state(), machine.partner_state());
        own.is_standby() && !acts(own) && !acts(partner) && machine.waiting().is_last_word()
    }

    fn channel_status(&self, channel: Channel, detector: &DetectorStatus) -> ChannelStatus {
        let seen = detector.channels[channel];
        let picture = self.core.picture();
        let ms = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        let (health, detail) = self.health(channel, &picture, seen.heard_by_partner);
        ChannelStatus {
            health,
            missed: seen.missed,
            missed_max: seen.limit,
            missed_total: seen.missed_total,
            round_trip_us: seen
                .round_trip
                .map(|it| u64::try_from(it.as_micros()).unwrap_or(u64::MAX)),
            heard_ms_ago: seen.last_heard.map(ms),
            acknowledged_ms_ago: detector.acknowledged.map(ms),
            local: self.transport.local_addr(channel).to_string(),
            remote: self.settings.channels[channel].partner.to_string(),
            carries_data: self.transport.data_channel() == Some(channel),
            own_end: self.ends[channel].state,
            required: self.settings.channels[channel].required,
            detail: self.ends[channel].why_down().or(detail),
        }
    }

    fn health(
        &self,
        channel: Channel,
        picture: &Picture,
        heard: bool,
    ) -> (ChannelHealth, Option<String>) {
        if let Some(why) = self.partner.refused.as_ref().filter(|_| picture.refused) {
            return (ChannelHealth::Refused, Some(why.clone()));
        }
        let or_refused = |otherwise: &str| {
            let refused = self.partner.handshake.as_ref().map(|it| it.text.clone());
            Some(refused.unwrap_or_else(|| otherwise.to_owned()))
        };
        match picture.channels[channel] {
            Pulse::Never => (ChannelHealth::Connecting, or_refused("nothing was heard yet")),
            Pulse::Silent => {
                (ChannelHealth::Down, or_refused("the limit of missed beats is reached"))
            }
            Pulse::OnTime | Pulse::Missed if !heard => {
                (ChannelHealth::NotHeard, Some("the partner does not hear this node".to_owned()))
            }
            Pulse::Missed => (ChannelHealth::Missing, Some("beats are missing".to_owned())),
            Pulse::OnTime => (ChannelHealth::Up, None),
        }
    }

    fn engine_status(&mut self, index: EngineIndex, now: Time) -> EngineStatus {
        let ms = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        let sync = self.sync_progress(index, now);
        let grant = self.grant_status(index, now);
        let engine: &Engine = self.core.engine(index).expect("an index of this node");
        let runtime = &self.engines[usize::from(index.0)];
        let machine = engine.machine();
        let (state, partner_state) = (machine.state(), machine.partner_state());
        let record = machine.record();
        let shown = (!runtime.stopped).then_some(state);
        let name = |it: StateId| it.display_name().to_owned();
        let replica = engine.replica();
        EngineStatus {
            name: runtime.name.to_string(),
            designation: runtime.designation,
            state: shown,
            state_name: shown.map_or_else(|| "not deployed".to_owned(), name),
            partner_state,
            partner_state_name: name(partner_state),
            epoch: machine.epoch().number,
            active_for_ms: runtime.active_since.map(|it| ms(now.since(it))),
            in_state_for_ms: ms(now.since(runtime.state_since)),
            positions: replica.positions().into(),
            partner: engine.partner_view().map(|(at, view)| PartnerStatus {
                epoch: view.epoch.number,
                positions: view.positions.into(),
                active_for_ms: None,
                heard_ms_ago: ms(now.since(at)),
            }),
            sync,
            blockers: machine
                .why_not(Command::Switchover)
                .iter()
                .map(reasons::of_refusal)
                .collect(),
            waiting_for: reasons::of_waiting(machine.waiting()),
            grant,
            marks: record.marks.into(),
            paused: record.paused,
            suspended: record.damping.suspended.then(|| {
                let text = "too many changes of role: neither recovery nor silence moves anybody \
                            until a quiet window has passed, or `hotpair resume`";
                Reason::new("suspended", text)
            }),
            isolated: state.is_active() && !self.core.picture().is_reachable(),
            degraded: state.is_active() && machine.acknowledge() == Acknowledge::Degraded,
            divergence_entries: replica.divergence().filter(|it| !it.fate.is_settled()).count()
                as u64,
            last_change: self.events.changes(&runtime.name, 1).pop(),
        }
    }

    fn sync_progress(&mut self, index: EngineIndex, now: Time) -> Option<SyncProgress> {
        let engine = self.core.engine(index).expect("an index of this node");
        let state = engine.machine().state();
        let progress = *engine.progress().filter(|_| state.is_syncing())?;
        let rate = self.runtime(index).sync_rate.note(now, progress.bytes);
        let left = progress.total.saturating_sub(progress.done);
        let left_ms = (rate > 0 && progress.done > 0).then(|| {
            let bytes_left = progress.bytes as f64 / progress.done as f64 * left as f64;
            (bytes_left / rate as f64 * 1_000.0) as u64
        });
        Some(SyncProgress {
            phase: state.display_name().to_owned(),
            bytes_done: progress.bytes,
            bytes_total: progress.bytes_total.max(progress.bytes),
            bytes_per_second: rate,
            left_ms,
        })
    }

    /// The designation for the default engine.
    pub(crate) fn designation(&self, engine: EngineIndex) -> Designation {
        self.engines[usize::from(engine.0)].designation
    }
}
