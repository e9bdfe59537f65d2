//! A node without an inside: answers as it is told, remembers what it was asked.
use hotpair_api::NodeFace;
use hotpair_api::face::*;
use hotpair_types::{Ack, Designation, EngineName, Mode, PerChannel, StateId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};

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
    pub feeds: Vec<(SubscribeRequest, FeedSender)>,
    pub feed_items_max: usize,
    pub seen: Vec<String>,
    pub provider: Option<mpsc::Sender<ProviderEvent>>,
    pub stuck: bool,
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
            marks: MarksStatus::default(),
            paused: false,
            suspended: None,
            isolated: false,
            degraded: false,
            divergence_entries: 0,
            last_change: Some(event),
        }],
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

fn reply<'a, T: Send + 'a>(answer: Result<T, Problem>) -> Reply<'a, T> {
    Box::pin(async move { answer })
}

fn apply(inside: &mut Inside, ops: Vec<ConfigOp>, sequence: u64) -> Result<(), Problem> {
    for op in ops {
        match op {
            ConfigOp::Set { key, value } => {
                let record = ConfigRecord {
                    key: key.clone(),
                    value,
                    version: sequence,
                    epoch: 3,
                    written_at_ms: 1,
                };
                inside.config.insert(key, record);
            }
            ConfigOp::Delete { key } => {
                if inside.config.remove(&key).is_none() {
                    return Err(Problem::new(ProblemKind::UnknownKey, format!("no `{key}`")));
                }
            }
        }
    }
    Ok(())
}

impl NodeFace for FakeNode {
    fn status(&self) -> watch::Receiver<Arc<NodeStatus>> {
        self.status.subscribe()
    }

    fn alive(&self) -> Reply<'_, ()> {
        if self.with(|it| it.stuck) {
            return Box::pin(std::future::pending());
        }
        reply(Ok(()))
    }

    fn measures(&self) -> Reply<'_, Measures> {
        let mut trips = HistogramValue::with_bounds(&[0.001, 0.01]);
        trips.observe(0.0002);
        trips.observe(0.5);
        reply(Ok(Measures {
            engines: vec![EngineMeasures {
                name: "main".into(),
                state: Some(StateId::Active),
                partner_state: StateId::StandbyReady,
                epoch: 3,
                role_changes: vec![("fenced".into(), 2)],
                config_lag_entries: 0,
                runtime_lag_entries: 4,
                lag_seconds: 0.25,
                sync_bytes_done: 10,
                sync_bytes_total: 20,
                divergence_entries: 1,
                paused: false,
                takeover_seconds: trips.clone(),
                commit_seconds: trips.clone(),
            }],
            beat_missed: PerChannel { redundancy: 3, primary: 1 },
            beat_round_trip_seconds: PerChannel { redundancy: trips.clone(), primary: trips },
            queues: vec![QueueMeasure { name: "redundancy-data".into(), bytes: 512 }],
            certificate_expiry_seconds: Some(1_000.0),
            refused: vec![("hello".into(), 1)],
        }))
    }

    fn events(&self, _: Option<EngineName>, since: u64, count_max: usize) -> Reply<'_, Vec<Event>> {
        reply(self.read(|it| {
            let events = it.events.iter().filter(|event| event.number > since);
            Ok(events.take(count_max).cloned().collect())
        }))
    }

    fn command(
        &self,
        _: Option<EngineName>,
        caller: Caller,
        command: Command,
    ) -> Reply<'_, Verdict> {
        let verdict = self.with(|it| {
            it.seen.push(format!("{command:?} by {}", caller.agent));
            if it.refusals.is_empty() {
                Verdict::Accepted(Accepted {
                    command: command.kind(),
                    text: "Draining both journals.".into(),
                    since_event: 7,
                    forwarded: false,
                    forecast: Some(Forecast {
                        gap_ms: 4.5,
                        held_writes: 12,
                        lost_entries: 0,
                        text: "from the last 60 s".into(),
                    }),
                })
            } else {
                let active = Some("http://127.0.0.1:8651".into());
                Verdict::Refused { reasons: it.refusals.clone(), active }
            }
        });
        reply(Ok(verdict))
    }

    fn why(&self, _: Option<EngineName>, count_max: usize) -> Reply<'_, Vec<Event>> {
        reply(self.read(|it| Ok(it.events.iter().rev().take(count_max).cloned().collect())))
    }

    fn why_not(&self, _: Option<EngineName>, _: CommandKind) -> Reply<'_, Vec<Reason>> {
        reply(self.read(|it| Ok(it.refusals.clone())))
    }

    fn config_get(&self, _: Option<EngineName>, key: String) -> Reply<'_, ConfigRecord> {
        reply(self.read(|it| {
            let missing = || Problem::new(ProblemKind::UnknownKey, format!("no `{key}`"));
            it.config.get(&key).cloned().ok_or_else(missing)
        }))
    }

    fn config_list(
        &self,
        _: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Reply<'_, ConfigPage> {
        reply(self.read(|it| {
            let mut found = it.config.values().filter(|record| record.key.starts_with(&prefix));
            let mut records: Vec<_> = found
                .by_ref()
                .filter(|record| after.as_ref().is_none_or(|after| record.key > *after))
                .take(count_max + 1)
                .cloned()
                .collect();
            let more = records.len() > count_max;
            records.truncate(count_max);
            let next = records.last().filter(|_| more).map(|it| it.key.clone());
            let position = PositionStatus { epoch: 3, sequence: it.sequence };
            Ok(ConfigPage { records, next, position })
        }))
    }

    fn config_write(
        &self,
        _: Option<EngineName>,
        transaction: ConfigTransaction,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        reply(Ok(self.write(&options, |it, sequence| {
            for expected in &transaction.expect {
                let version = it.config.get(&expected.key).map(|it| it.version);
                if version != expected.version {
                    let detail = format!("`{}` has version {version:?}", expected.key);
                    return Err(Problem::new(ProblemKind::VersionMismatch, detail));
                }
            }
            apply(it, transaction.ops, sequence)
        })))
    }

    fn config_history(
        &self,
        _: Option<EngineName>,
        _: Option<String>,
        _: usize,
    ) -> Reply<'_, Vec<ConfigChange>> {
        reply(Ok(Vec::new()))
    }

    fn config_export(&self, _: Option<EngineName>) -> Reply<'_, ConfigExport> {
        reply(self.read(|it| {
            Ok(ConfigExport {
                format: ConfigExport::FORMAT.into(),
                position: PositionStatus { epoch: 3, sequence: it.sequence },
                hash: "00".into(),
                records: it.config.iter().map(|(k, v)| (k.clone(), v.value.clone())).collect(),
            })
        }))
    }

    fn config_import(
        &self,
        _: Option<EngineName>,
        export: ConfigExport,
        replace: bool,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        reply(Ok(self.write(&options, |it, sequence| {
            if replace {
                it.config.clear();
            }
            let set = export.records.into_iter().map(|(key, value)| ConfigOp::Set { key, value });
            apply(it, set.collect(), sequence)
        })))
    }

    fn tag_read(&self, _: Option<EngineName>, path: String) -> Reply<'_, Tag> {
        if self.with(|it| it.stuck) {
            return Box::pin(std::future::pending());
        }
        reply(self.read(|it| {
            let missing = || Problem::new(ProblemKind::UnknownTag, format!("no tag `{path}`"));
            it.tags.get(&path).cloned().ok_or_else(missing)
        }))
    }

    fn tag_list(
        &self,
        _: Option<EngineName>,
        prefix: String,
        _: Option<String>,
        count_max: usize,
    ) -> Reply<'_, TagPage> {
        reply(self.read(|it| {
            let found = it.tags.values().filter(|tag| tag.path.starts_with(&prefix));
            let tags = found.take(count_max).cloned().collect();
            let position = PositionStatus { epoch: 3, sequence: it.sequence };
            Ok(TagPage { tags, next: None, position })
        }))
    }

    fn tag_write(
        &self,
        _: Option<EngineName>,
        writes: Vec<TagWrite>,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        if self.with(|it| it.stuck) {
            return Box::pin(std::future::pending());
        }
        let outcome = self.write(&options, |it, sequence| {
            for write in &writes {
                let unknown = || {
                    let detail = format!("no tag `{}`", write.path);
                    Problem::new(ProblemKind::UnknownTag, detail)
                };
                let tag = it.tags.get_mut(&write.path).ok_or_else(unknown)?;
                let fits = match tag.value_type.as_str() {
                    "float" => write.value.is_number(),
                    "bool" => write.value.is_boolean(),
                    _ => write.value.is_string(),
                };
                if !fits {
                    let detail = format!("`{}` is of type {}", write.path, tag.value_type);
                    return Err(Problem::new(ProblemKind::WrongType, detail));
                }
                tag.value = write.value.clone();
                tag.sequence = sequence;
            }
            Ok(())
        });
        reply(Ok(outcome))
    }

    fn subscribe(&self, _: Option<EngineName>, request: SubscribeRequest) -> Reply<'_, Feed> {
        reply(self.read(|it| {
            let resumed = request.last.is_some();
            let position = PositionStatus { epoch: 3, sequence: it.sequence };
            let start = FeedStart { resumed, position };
            let (sender, feed) = Feed::new(start, it.feed_items_max);
            let last = request.last.unwrap_or(0);
            if request.tags {
                for tag in it.tags.values() {
                    if tag.path.starts_with(&request.prefix) && (!resumed || tag.sequence > last) {
                        let _ = sender.offer(FeedItem::Tag(tag.clone()));
                    }
                }
                let _ = sender.offer(FeedItem::Level { position });
            }
            if let Some(since) = request.since_event {
                for event in it.events.iter().filter(|it| it.number > since) {
                    let _ = sender.offer(FeedItem::Event { event: event.clone() });
                }
            }
            it.feeds.push((request, sender));
            Ok(feed)
        }))
    }

    fn provider(
        &self,
        _: Option<EngineName>,
        name: String,
        _: ProviderEncoding,
    ) -> Reply<'_, ProviderStart> {
        reply(self.read(|it| {
            if it.provider.as_ref().is_some_and(|it| !it.is_closed()) {
                let detail = format!("`{name}` is registered already");
                return Err(Problem::new(ProblemKind::Conflict, detail));
            }
            let (sender, events) = mpsc::channel(16);
            let role = ProviderEvent::Role { state: StateId::Active, epoch: 3 };
            sender.try_send(role).unwrap();
            it.provider = Some(sender);
            Ok(ProviderStart { session: Box::new(FakeSession(Mutex::new(it.sequence))), events })
        }))
    }

    fn module_add(
        &self,
        _: Option<EngineName>,
        name: String,
        mut body: ModuleBody,
        options: WriteOptions,
    ) -> Reply<'_, (ModuleRecord, WriteOutcome)> {
        Box::pin(async move {
            let mut bytes = Vec::new();
            loop {
                match body.next().await {
                    Ok(Some(piece)) => bytes.extend(piece),
                    Ok(None) => break,
                    Err(broken) => {
                        self.with(|it| it.upload_broke = Some(broken.to_string()));
                        return Err(Problem::new(ProblemKind::BadRequest, broken.to_string()));
                    }
                }
            }
            let size = bytes.len() as u64;
            let record =
                ModuleRecord { name: name.clone(), hash: "ab".repeat(32), size, present: true };
            let outcome = self.write(&options, |it, _| {
                it.modules.insert(name, bytes);
                Ok(())
            });
            Ok((record, outcome))
        })
    }

    fn module_remove(
        &self,
        _: Option<EngineName>,
        name: String,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        reply(Ok(self.write(&options, |it, _| {
            let missing = || Problem::new(ProblemKind::UnknownModule, format!("no `{name}`"));
            it.modules.remove(&name).map(|_| ()).ok_or_else(missing)
        })))
    }

    fn modules(&self, _: Option<EngineName>) -> Reply<'_, Vec<ModuleRecord>> {
        reply(self.read(|it| {
            let modules = it.modules.iter().map(|(name, bytes)| ModuleRecord {
                name: name.clone(),
                hash: "ab".repeat(32),
                size: bytes.len() as u64,
                present: true,
            });
            Ok(modules.collect())
        }))
    }

    fn divergences(&self, _: Option<EngineName>) -> Reply<'_, Vec<DivergenceSummary>> {
        reply(self.read(|it| Ok(it.divergences.iter().map(|it| it.summary.clone()).collect())))
    }

    fn divergence(&self, _: Option<EngineName>, id: String) -> Reply<'_, Divergence> {
        reply(self.read(|it| {
            let missing = || Problem::new(ProblemKind::UnknownDivergence, format!("no `{id}`"));
            it.divergences.iter().find(|it| it.summary.id == id).cloned().ok_or_else(missing)
        }))
    }

    fn divergence_replay(
        &self,
        _: Option<EngineName>,
        _: String,
        entries: Option<Vec<u64>>,
        _: Caller,
    ) -> Reply<'_, ReplayReport> {
        let entries = entries.unwrap_or_else(|| vec![1]);
        let replayed = |number| ReplayedEntry { number, sequence: Some(200), refused: None };
        reply(Ok(ReplayReport { entries: entries.into_iter().map(replayed).collect() }))
    }

    fn divergence_discard(&self, _: Option<EngineName>, id: String, _: Caller) -> Reply<'_, ()> {
        reply(self.read(|it| {
            it.divergences.retain(|it| it.summary.id != id);
            Ok(())
        }))
    }
}

/// A session that acknowledges every post with the next sequence.
struct FakeSession(Mutex<u64>);

impl ProviderSession for FakeSession {
    fn post(&self, post: ProviderPost) -> Reply<'_, WriteOutcome> {
        let sequence = {
            let mut sequence = self.0.lock().unwrap();
            *sequence += 1;
            *sequence
        };
        Box::pin(async move {
            // The first answers come later than the last: order must not depend on it.
            for _ in 0..(200_u64.saturating_sub(sequence)) {
                tokio::task::yield_now().await;
            }
            let acknowledged = post.options.ack.unwrap_or(Ack::Replicated);
            Ok(WriteOutcome::Done(Done { sequence, epoch: 3, acknowledged, degraded: false }))
        })
    }

    fn snapshot(&self, _: u64, _: Vec<ProviderItem>) -> Reply<'_, ()> {
        reply(Ok(()))
    }
}
