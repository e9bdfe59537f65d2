//! `hotpair status`: both nodes at a glance, for a person at three in the morning.

use super::ask::{Ask, Question};
use super::terminal::{Screen, bar, clean, table};
use super::words::{bytes, event_line, position, reason_lines, span};
use super::{Context, Exit, Failure, advice};
use hotpair_api::face::{
    AddressState, Alarm, ArbiterReach, ChannelHealth, ChannelStatus, EngineStatus, Fencing,
    GrantStatus, NodeStatus, OutputsStatus, PositionsStatus, ServiceState, ServiceStatus,
    SyncProgress,
};
use hotpair_types::{PerChannel, StateId};
use serde_json::Value;
use std::time::Duration;

pub(super) const PATH: &str = "/api/v1/status";
/// For the partner's alarms, which are shown beside this node's.
const PARTNER_PATIENCE: Duration = Duration::from_secs(1);

/// How a state looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Good,
    Busy,
    Bad,
}

pub(super) async fn status(cx: &Context) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    if cx.screen.json {
        let value: Value = ask.value(Question::get(PATH)).await?;
        cx.screen.json(&value);
        return Ok(Exit::Done);
    }
    let status = fetch(&ask).await?;
    let there = alarms_there(&ask, &status).await;
    for line in page_with(&status, &there, &cx.screen) {
        cx.screen.line(&line);
    }
    Ok(Exit::Done)
}

/// Alarms that the partner has and this node does not; none when it does not answer soon.
async fn alarms_there(ask: &Ask, status: &NodeStatus) -> Vec<Alarm> {
    let Some(Ok(ask)) = status.partner_api.as_deref().map(|it| ask.at(it)) else {
        return Vec::new();
    };
    let asked = ask.here::<NodeStatus>(Question::get(PATH));
    let Ok(Ok(there)) = tokio::time::timeout(PARTNER_PATIENCE, asked).await else {
        return Vec::new();
    };
    let here = |it: &Alarm| status.alarms.iter().any(|own| own.id == it.id && own.text == it.text);
    there.alarms.into_iter().filter(|it| !here(it)).collect()
}

pub(super) async fn fetch(ask: &Ask) -> Result<NodeStatus, Failure> {
    ask.ask(Question::get(PATH)).await
}

/// The engine that is meant, of a node's status.
pub(super) fn engine<'s>(status: &'s NodeStatus, ask: &Ask) -> Result<&'s EngineStatus, Failure> {
    if let Some(name) = ask.engine() {
        let found = status.engines.iter().find(|it| it.name == name.as_str());
        return found.ok_or_else(|| Failure::Failed(format!("there is no engine `{name}`")));
    }
    match status.engines.as_slice() {
        [only] => Ok(only),
        [] => Err(Failure::Failed("no engine is deployed on this node".to_owned())),
        [_, _, ..] => {
            let names: Vec<_> = status.engines.iter().map(|it| clean(&it.name, 40)).collect();
            let names = names.join(", ");
            Err(Failure::WrongUse(format!("there are several engines; add --engine: {names}")))
        }
    }
}

/// The whole page, line by line.
pub(super) fn page(status: &NodeStatus, screen: &Screen) -> Vec<String> {
    page_with(status, &[], screen)
}

fn page_with(status: &NodeStatus, there: &[Alarm], screen: &Screen) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push(format!(
        "{}  {}",
        screen.bold(&clean(&status.node, 40)),
        screen.dim(&format!(
            "hotpair {} | mode {} | running {} | asked at {}",
            clean(&status.version, 40),
            status.mode,
            span(status.uptime_ms),
            clean(&status.api, 80)
        ))
    ));
    for engine in &status.engines {
        lines.push(String::new());
        if status.engines.len() > 1 {
            lines.push(screen.bold(&format!("Engine {}", clean(&engine.name, 40))));
        }
        lines.extend(nodes(status, engine, screen));
        lines.extend(engine_lines(engine, screen));
    }
    lines.push(String::new());
    lines.extend(channels(&status.channels, screen));
    lines.extend(outputs(&status.outputs, screen));
    lines.extend(status.services.iter().map(|it| service_line(it, screen)));
    if !status.alarms.is_empty() || !there.is_empty() {
        lines.push(String::new());
        lines.push(screen.yellow("Alarms"));
        let mut show = |alarm: &Alarm, node: &str| {
            let age = span(status.at_ms.saturating_sub(alarm.since_ms));
            let (id, text) = (clean(&alarm.id, 40), clean(&alarm.text, 300));
            let age = screen.dim(&format!("(for {age})"));
            lines.push(format!("  ! {node}{id}: {text} {age}"));
        };
        status.alarms.iter().for_each(|it| show(it, ""));
        let node = format!("{}: ", clean(&status.partner, 40));
        there.iter().for_each(|it| show(it, &node));
    }
    for check in status.checks.iter().filter(|it| !it.ok) {
        let line = format!("  ! {}: {}", clean(&check.name, 60), clean(&check.detail, 300));
        lines.push(screen.red(&line));
    }
    lines.push(String::new());
    let advice = advice::advice(status, !there.is_empty());
    lines.push(screen.bold("What to do"));
    lines.extend(advice.iter().map(|it| format!("  {}", clean(it, 400))));
    lines
}

fn nodes(status: &NodeStatus, engine: &EngineStatus, screen: &Screen) -> Vec<String> {
    let own = engine.state.map_or(Tone::Bad, tone);
    let (own_lag, partner_lag) = lag(engine);
    let partner = engine.partner.as_ref();
    let empty = PositionsStatus::default();
    let partner_positions = partner.map_or(empty, |it| it.positions);
    let heard = match partner {
        Some(it) => format!("heard {} ago", span(it.heard_ms_ago)),
        None => "never heard".to_owned(),
    };
    let row = |name: String,
               place: String,
               state: &str,
               time: String,
               it: PositionsStatus,
               lag: String| {
        vec![name, place, clean(state, 60), time, position(it.config), position(it.runtime), lag]
    };
    let rows = vec![
        ["  NODE", "PLACE", "STATE", "", "CONFIG", "RUNTIME", ""].map(str::to_owned).to_vec(),
        row(
            format!("* {}", clean(&status.node, 40)),
            engine.designation.to_string(),
            &engine.state_name,
            format!("for {}", span(engine.in_state_for_ms)),
            engine.positions,
            own_lag,
        ),
        row(
            format!("  {}", clean(&status.partner, 40)),
            engine.designation.other().to_string(),
            &engine.partner_state_name,
            heard,
            partner_positions,
            partner_lag,
        ),
    ];
    let partner_tone = tone(engine.partner_state);
    table(&rows, |row, column, cell| match (row, column) {
        (0, _) => screen.dim(&cell),
        (1, 2) => painted(own, &cell, screen),
        (2, 2) => painted(partner_tone, &cell, screen),
        (_, _) => cell,
    })
}

/// How far each is behind the other, in entries.
fn lag(engine: &EngineStatus) -> (String, String) {
    let Some(partner) = &engine.partner else { return (String::new(), String::new()) };
    let (own, other) = (engine.positions, partner.positions);
    let behind = |a: PositionsStatus, b: PositionsStatus| {
        let config = b.config.sequence.saturating_sub(a.config.sequence);
        let runtime = b.runtime.sequence.saturating_sub(a.runtime.sequence);
        match config + runtime {
            0 => String::new(),
            count => format!("{count} behind"),
        }
    };
    (behind(own, other), behind(other, own))
}

fn engine_lines(engine: &EngineStatus, screen: &Screen) -> Vec<String> {
    let mut lines = Vec::new();
    let mut facts = vec![format!("epoch {}", engine.epoch)];
    if let Some(active) = engine.active_for_ms {
        facts.push(format!("active for {}", span(active)));
    }
    let marks = engine.marks;
    let flags = [
        (engine.isolated, "ISOLATED: the partner may be active as well"),
        (engine.degraded, "writes are acknowledged without the standby"),
        (marks.unverified, "UNVERIFIED: started alone, without proof that its data is the newest"),
        (marks.stale, "stale: the partner went on without this node"),
        (marks.sole, "sole: the partner cannot rightly act by itself"),
        (engine.paused, "PAUSED: no automatic change of role until `hotpair resume`"),
    ];
    facts.extend(flags.iter().filter(|it| it.0).map(|it| it.1.to_owned()));
    lines.push(format!("  {}", screen.dim(&facts.join(" | "))));
    if let Some(sync) = &engine.sync {
        lines.push(format!("  Sync     {}", sync_text(sync)));
    }
    if let Some(grant) = &engine.grant {
        lines.push(format!("  Grant    {}", grant_text(grant, screen)));
    }
    if let Some(reason) = &engine.waiting_for {
        lines.push(format!("  Waiting  {}", screen.yellow(&clean(&reason.text, 400))));
    }
    if let Some(reason) = &engine.suspended {
        lines.push(format!(
            "  {}",
            screen.yellow(&format!("Suspended: {}", clean(&reason.text, 400)))
        ));
    }
    if engine.divergence_entries > 0 {
        let count = engine.divergence_entries;
        let entries = if count == 1 { "entry is" } else { "entries are" };
        let text = format!("  {count} losing {entries} kept: hotpair divergence list");
        lines.push(screen.yellow(&text));
    }
    if let Some(event) = &engine.last_change {
        lines.push(format!("  Why      {}", event_line(event, screen)));
    }
    if engine.blockers.is_empty() {
        lines.push(format!("  Switch   {}", screen.green("a planned switchover is possible now")));
    } else {
        lines.push(format!(
            "  Switch   {}",
            screen.yellow("a planned switchover is not possible now:")
        ));
        lines.extend(engine.blockers.iter().flat_map(|it| reason_lines(it, screen)));
    }
    lines
}

/// Whether it is held, who has it, and whether the arbiter answers.
fn grant_text(grant: &GrantStatus, screen: &Screen) -> String {
    let mut facts = Vec::new();
    match (grant.left_ms, &grant.holder) {
        (Some(left), _) => facts.push(format!("held, {} left if it is not renewed", span(left))),
        (None, Some(holder)) => facts.push(format!("held by {}", clean(holder, 80))),
        (None, None) => facts.push("held by nobody".to_owned()),
    }
    if grant.frozen {
        facts.push(screen.yellow("ROLES FROZEN: active without it as long as the partner answers"));
    }
    if grant.by_person {
        facts.push(screen.red("active without it: a person promoted this node"));
    }
    if let Some(node) = &grant.went_alone {
        facts.push(format!("{} went on alone", clean(node, 60)));
    }
    facts.push(match grant.arbiter {
        ArbiterReach::Unknown => "the arbiter was not asked yet".to_owned(),
        ArbiterReach::Answers => "the arbiter answers".to_owned(),
        ArbiterReach::Away => {
            let time = grant.away_for_ms.map_or(String::new(), |it| format!(" for {}", span(it)));
            screen.red(&format!("the arbiter is AWAY{time}"))
        }
    });
    facts.join(" | ")
}

pub(super) fn sync_text(sync: &SyncProgress) -> String {
    let left = sync.left_ms.map_or(String::new(), |it| format!(", {} left", span(it)));
    format!(
        "{} {} {} of {}, {}/s{left}",
        clean(&sync.phase, 40),
        bar(sync.bytes_done, sync.bytes_total, 20),
        bytes(sync.bytes_done),
        bytes(sync.bytes_total),
        bytes(sync.bytes_per_second)
    )
}

fn channels(channels: &PerChannel<ChannelStatus>, screen: &Screen) -> Vec<String> {
    let mut rows = vec![
        ["  CHANNEL", "HEALTH", "MISSED", "ROUND TRIP", "HEARD", "BETWEEN", ""]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (name, it) in channels.iter() {
        let ago = |it: Option<u64>| {
            it.map_or_else(|| "never".to_owned(), |it| format!("{} ago", span(it)))
        };
        let trip =
            it.round_trip_us.map_or_else(String::new, |it| format!("{:.2} ms", it as f64 / 1e3));
        rows.push(vec![
            format!("  {name}"),
            health_text(it.health).to_owned(),
            format!("{} of {}", it.missed, it.missed_max),
            trip,
            ago(it.heard_ms_ago),
            format!("{} - {}", clean(&it.local, 50), clean(&it.remote, 50)),
            if it.carries_data { "data".to_owned() } else { String::new() },
        ]);
    }
    let health = [channels.redundancy.health, channels.primary.health];
    let mut lines = table(&rows, |row, column, cell| match (row, column) {
        (0, _) => screen.dim(&cell),
        (row, 1) => match health[row - 1] {
            ChannelHealth::Up => screen.green(&cell),
            ChannelHealth::Missing | ChannelHealth::Connecting => screen.yellow(&cell),
            ChannelHealth::NotHeard | ChannelHealth::Down | ChannelHealth::Refused => {
                screen.red(&cell)
            }
        },
        (_, _) => cell,
    });
    for (name, it) in channels.iter() {
        if let Some(detail) = &it.detail {
            lines.push(format!("  {name}: {}", clean(detail, 300)));
        }
    }
    lines
}

/// How far the fence reaches, and where the virtual addresses are.
fn outputs(outputs: &OutputsStatus, screen: &Screen) -> Vec<String> {
    let fence = match outputs.fencing {
        Fencing::Process => "by this process alone (fencing level process)",
        Fencing::Guard => "by this process and its guard (fencing level guard)",
        Fencing::KernelLease => {
            "by process, guard and a lease in the kernel (fencing level kernel-lease)"
        }
    };
    let mut lines = vec![format!("  {}", screen.dim(&format!("Outputs are held {fence}")))];
    lines.extend(outputs.addresses.iter().map(|it| {
        let state = match it.state {
            AddressState::Absent => "not here".to_owned(),
            AddressState::Asking => screen.yellow("asking who has it"),
            AddressState::Held => screen.green("here"),
        };
        format!("  Address  {} {state}", clean(&it.address, 80))
    }));
    lines
}

fn service_line(service: &ServiceStatus, screen: &Screen) -> String {
    let ran = service.running_for_ms.map_or(String::new(), |it| format!(" for {}", span(it)));
    let next = service.starts_in_ms.map_or(String::new(), |it| format!(" in {}", span(it)));
    let mut facts = vec![match service.state {
        ServiceState::Stopped => "not running here".to_owned(),
        ServiceState::Running => screen.green(&format!("running{ran}")),
        ServiceState::Stopping => screen.yellow("ending"),
        ServiceState::Waiting => screen.red(&format!("FAILED, starts again{next}")),
    }];
    if service.restarts > 0 {
        facts.push(format!("restarts {}", service.restarts));
    }
    if let Some(end) = service.last_end.as_deref().filter(|_| service.failures > 0) {
        facts.push(format!("failed {} times lately: {}", service.failures, clean(end, 120)));
    }
    format!("  Service  {} {}", clean(&service.name, 40), facts.join(" | "))
}

pub(super) const fn health_text(health: ChannelHealth) -> &'static str {
    match health {
        ChannelHealth::Up => "up",
        ChannelHealth::Missing => "missing beats",
        ChannelHealth::NotHeard => "not heard there",
        ChannelHealth::Down => "down",
        ChannelHealth::Connecting => "connecting",
        ChannelHealth::Refused => "refused",
    }
}

const fn tone(state: StateId) -> Tone {
    match state {
        StateId::Active | StateId::StandbyReady => Tone::Good,
        StateId::DeterminingFailoverStatus
        | StateId::StandbySyncingWithActive
        | StateId::StandbySyncingCode
        | StateId::StandbySyncingData
        | StateId::StandbyMissedHeartbeats
        | StateId::SwitchingToActive
        | StateId::SwitchingToStandby => Tone::Busy,
        StateId::ActiveStandbyNotAvailable
        | StateId::StandbyNotReady
        | StateId::Failed
        | StateId::Unknown => Tone::Bad,
    }
}

fn painted(tone: Tone, text: &str, screen: &Screen) -> String {
    match tone {
        Tone::Good => screen.green(text),
        Tone::Busy => screen.yellow(text),
        Tone::Bad => screen.red(text),
    }
}
