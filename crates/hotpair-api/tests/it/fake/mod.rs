//! A node without an inside: answers as it is told, remembers what it was asked.
mod alarms;
mod answers;
mod engine_answers;
mod config;
mod figures;
mod objects;
mod session;

use hotpair_api::face::*;
use hotpair_types::{Ack, Designation, Mode, PerChannel, StateId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Everything a `FakeNode` knows; tests change it at will.
pub struct Inside {
    pub config: BTreeMap<String, ConfigRecord>,
    pub tags: BTreeMap<String, Tag>,
    pub events: Vec<Event>,
    pub sequence: u64,
    /// What every write is answered with instead of being done.
    pub write_answer: Option<WriteOutcome>,
    /// What every read is answered with instead.
    pub read_problem: Option<Problem>,
    pub refusals: Vec<Reason>,
    pub modules: BTreeMap<String, Vec<u8>>,
    pub upload_broke: Option<String>,
    pub divergences: Vec<Divergence>,
    pub feeds: Vec<(SubscribeRequest, FeedSender, FeedProgress)>,
    pub feed_items_max: usize,
    pub seen: Vec<String>,
    pub provider: Option<ProviderEventSender>,
    pub stuck: bool,
    pub shut: bool,
}

/// The node.
pub struct FakeNode {
    pub inside: Mutex<Inside>,
    pub status: watch::Sender<Arc<NodeStatus>>,
}

pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_millis() as u64)
}

pub fn tag(path: &str, value: Value, value_type: &str, unit: Option<&str>) -> Tag {
    Tag {
        path: path.into(),
        value,
        quality: TagQuality::Good,
        timestamp: now_ms(),
        sequence: 0,
        epoch: 0,
        value_type: value_type.into(),
        unit: unit.map(Into::into),
    }
}

fn channel(round_trip_us: u64, carries_data: bool, port: u16) -> ChannelStatus {
    ChannelStatus {
        health: ChannelHealth::Up,
        missed: 0,
        missed_max: 5,
        missed_total: 3,
        round_trip_us: Some(round_trip_us),
        heard_ms_ago: Some(41),
        acknowledged_ms_ago: Some(57),
        local: format!("10.10.0.1:{port}"),
        remote: format!("10.10.0.2:{port}"),
        carries_data,
        own_end: OwnEnd::Up,
        required: !carries_data,
        detail: None,
    }
}

pub fn status() -> NodeStatus {
    let positions = PositionsStatus {
        config: PositionStatus { epoch: 3, sequence: 128 },
        runtime: PositionStatus { epoch: 3, sequence: 48_213 },
    };
    let event = Event {
        number: 7,
        kind: EventKind::Role,
        engine: Some("main".into()),
        at_ms: now_ms() - 93_000,
        from: Some(StateId::StandbyMissedHeartbeats),
        to: Some(StateId::Active),
        cause: "fenced".into(),
        rule: "9 -> 10: Fenced not behind".into(),
        text: "Became active: the partner's guard said that its process has died.".into(),
        evidence: vec![
            Evidence::new("fenced instance", "12-5f3a91c2"),
            Evidence::new("missed beats on redundancy", 1).against(5),
            Evidence::new("missed beats on primary", 0).against(5),
        ],
        epoch_before: 2,
        epoch_after: 3,
        by: None,
    };
    NodeStatus {
        node: "gw-a".into(),
        partner: "gw-b".into(),
        designation: Designation::Master,
        instance: "13-9c1d22aa".into(),
        version: "0.1.0".into(),
        mode: Mode::Availability,
        at_ms: now_ms(),
        uptime_ms: 5_403_000,
        api: "http://127.0.0.1:8650".into(),
        partner_api: Some("http://127.0.0.1:8651".into()),
        partner_instance: Some("14-77aa0031".into()),
        partner_version: Some("0.1.0".into()),
        channels: PerChannel {
            redundancy: channel(212, true, 4750),
            primary: channel(391, false, 4751),
        },
        engines: vec![EngineStatus {
            name: "main".into(),
            designation: Designation::Master,
            state: Some(StateId::Active),
            state_name: StateId::Active.display_name().into(),
            partner_state: StateId::StandbyReady,
            partner_state_name: StateId::StandbyReady.display_name().into(),
            epoch: 3,
            active_for_ms: Some(93_000),
            in_state_for_ms: 91_000,
            positions,
            partner: Some(PartnerStatus {
                epoch: 3,
                positions,
                active_for_ms: None,
                heard_ms_ago: 41,
            }),
            sync: None,
            blockers: Vec::new(),
            waiting_for: None,
            grant: None,
            marks: MarksStatus::default(),
            paused: false,
            suspended: None,
            isolated: false,
            degraded: false,
            divergence_entries: 0,
            last_change: Some(event),
        }],
        services: vec![ServiceStatus {
            name: "plc".into(),
            engine: "main".into(),
            state: ServiceState::Running,
            pid: Some(4711),
            running_for_ms: Some(90_000),
            starts_in_ms: None,
            restarts: 1,
            failures: 1,
            last_end: Some("ended with status 3".into()),
        }],
        outputs: OutputsStatus {
            fencing: Fencing::Guard,
            addresses: vec![AddressStatus {
                address: "192.168.1.10/24@eth0".into(),
                state: AddressState::Held,
                trouble: None,
            }],
        },
        alarms: Vec::new(),
        checks: vec![
            Check { name: "storage".into(), ok: true, detail: "last commit 12 ms ago".into() },
            Check { name: "guard".into(), ok: true, detail: "answers".into() },
        ],
    }
}

impl FakeNode {
    pub fn new() -> Arc<Self> {
        let status = status();
        let events: Vec<_> = status.engines[0].last_change.clone().into_iter().collect();
        let tags = [
            tag("tank/level", json!(41.5), "float", Some("%")),
            tag("tank/pump", json!(true), "bool", None),
            tag("tank/title", json!("Tank 1"), "string", None),
        ];
        let inside = Inside {
            config: BTreeMap::new(),
            tags: tags.into_iter().map(|it| (it.path.clone(), it)).collect(),
            events,
            sequence: 100,
            write_answer: None,
            read_problem: None,
            refusals: Vec::new(),
            modules: BTreeMap::new(),
            upload_broke: None,
            divergences: Vec::new(),
            feeds: Vec::new(),
            feed_items_max: 256,
            seen: Vec::new(),
            provider: None,
            stuck: false,
            shut: false,
        };
        Arc::new(Self { inside: Mutex::new(inside), status: watch::Sender::new(Arc::new(status)) })
    }

    pub fn change(&self, change: impl FnOnce(&mut NodeStatus)) {
        self.status.send_modify(|it| change(Arc::make_mut(it)));
    }

    pub fn with<T>(&self, work: impl FnOnce(&mut Inside) -> T) -> T {
        work(&mut self.inside.lock().unwrap())
    }

    /// Gives an item to every subscription.
    pub fn publish(&self, item: &FeedItem) {
        self.with(|it| it.feeds.retain(|feed| feed.1.offer(item.clone()).is_ok()));
    }

    /// Sets a tag and tells subscribers.
    pub fn set_tag(&self, path: &str, value: Value) {
        let item = self.with(|it| {
            it.sequence += 1;
            let sequence = it.sequence;
            let tag = it.tags.get_mut(path).unwrap();
            tag.value = value;
            tag.sequence = sequence;
            tag.epoch = 3;
            tag.timestamp = now_ms();
            FeedItem::Tag(tag.clone())
        });
        self.publish(&item);
    }

    fn read<T>(
        &self,
        answer: impl FnOnce(&mut Inside) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.with(|it| match it.read_problem.clone() {
            Some(problem) => Err(problem),
            None => answer(it),
        })
    }

    fn write(
        &self,
        options: &WriteOptions,
        act: impl FnOnce(&mut Inside, u64) -> Result<(), Problem>,
    ) -> WriteOutcome {
        self.with(|it| {
            it.seen.push(format!("{options:?}"));
            if let Some(answer) = it.write_answer.clone() {
                return answer;
            }
            let sequence = it.sequence + 1;
            if let Err(problem) = act(it, sequence) {
                return WriteOutcome::Refused(problem);
            }
            it.sequence = sequence;
            let acknowledged = options.ack.unwrap_or(Ack::Replicated);
            WriteOutcome::Done(Done { sequence, epoch: 3, acknowledged, degraded: false })
        })
    }
}

pub fn reply<'a, T: Send + 'a>(answer: Result<T, Problem>) -> Reply<'a, T> {
    Box::pin(async move { answer })
}
