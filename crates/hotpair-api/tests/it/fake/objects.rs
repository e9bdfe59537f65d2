//! The fake node's objects, two, in fault, and modules.
use hotpair_api::face::*;

fn object(name: &str) -> ObjectStatus {
    let times = ObjectTimes { count: 4, last_us: 90, mean_us: 80, longest_us: 120 };
    ObjectStatus {
        name: name.into(),
        module: Some("tank".into()),
        state: ObjectState::Fault,
        reasons: vec![Reason::new("trapped", "trapped: unreachable")],
        schedule: Some(ObjectSchedule { period_ms: 100, phase_ms: 0, scan_limit_ms: 1_000 }),
        scan: 4,
        overruns: 0,
        scan_time: Some(times),
        jitter: Some(times),
    }
}

pub fn page(prefix: &str, after: Option<&str>, count_max: usize) -> ObjectPage {
    let wanted = |it: &ObjectStatus| {
        it.name.starts_with(prefix) && after.is_none_or(|after| it.name.as_str() > after)
    };
    let mut objects: Vec<_> = ["tank-1", "tank-2"].map(object).into_iter().filter(wanted).collect();
    let next = objects.get(count_max.saturating_sub(1)).map(|it| it.name.clone());
    let next = next.filter(|_| objects.len() > count_max);
    objects.truncate(count_max);
    ObjectPage { objects, next }
}

pub fn detail(name: &str) -> Result<ObjectDetail, Problem> {
    if name != "tank-1" {
        let text = format!("there is no object `{name}`");
        return Err(Problem::new(ProblemKind::UnknownObject, text));
    }
    Ok(ObjectDetail {
        object: object(name),
        program: Some("module/ab".into()),
        position: Some(PositionStatus { epoch: 3, sequence: 9 }),
        attributes: vec![ObjectAttribute {
            name: "level".into(),
            value_type: "float".into(),
            unit: Some("m".into()),
            value: 1.5.into(),
            quality: TagQuality::Good,
            timestamp: 5,
            binding: ObjectBinding::Input,
            tag: Some("tank/level".into()),
        }],
        said: vec![ObjectLine { at_ms: 5, text: "the tank is full".into() }],
    })
}

pub fn restarted(name: &str) -> Result<ObjectStatus, Problem> {
    if name == "tank-1" {
        return Ok(object(name));
    }
    Err(Problem::new(ProblemKind::Conflict, "it is not in fault"))
}

pub fn measures(times: &HistogramValue) -> ObjectMeasures {
    ObjectMeasures {
        name: "tank-1".into(),
        scan_seconds: times.clone(),
        jitter_seconds: times.clone(),
        overruns: 7,
    }
}

pub fn module(name: &str, size: usize) -> ModuleRecord {
    let (hash, size) = ("ab".repeat(32), size as u64);
    ModuleRecord { name: name.into(), hash, size, present: true, refused: Vec::new() }
}

pub fn subscriber() -> SubscriberStatus {
    SubscriberStatus {
        name: "hmi".into(),
        prefix: "tank/".into(),
        has: "3:7".into(),
        confirmed: true,
        connected: false,
        node: "gw-b".into(),
        at_ms: 1_000,
    }
}

pub fn history() -> HistoryStatus {
    let sink = HistorySinkStatus {
        kind: "parquet".into(),
        target: "/var/lib/history".into(),
        held_bytes_max: 1 << 26,
    };
    let why = "no space left on device".into();
    HistoryStatus {
        sink: Some(sink),
        forwards: true,
        held_records: 12,
        open_records: 2,
        held_blocks: 1,
        held_bytes: 700,
        oldest_ms: Some(1_000),
        newest: 4_015,
        done: 4_003,
        committed: 4_000,
        committed_at_ms: Some(900),
        lost: 3,
        lost_at_ms: Some(800),
        failing: Some(HistoryFailing { why, temporary: true, times: 2, for_ms: 70_000 }),
    }
}
