//! Events of this node for people: changes of role, commands, alarms; bounded, numbered.
use crate::services::Failing;
use hotpair_api::face::{Event, EventKind, Evidence};
use hotpair_fsm::{Command, Picture, Pulse, Reply, RoleChange};
use hotpair_types::{EngineName, NodeTime};
use std::collections::VecDeque;
use tokio::sync::broadcast;

/// Events kept in memory; changes of role are on disk besides.
const EVENTS_MAX: usize = 2_000;

/// The newest events.
#[derive(Debug)]
pub struct EventLog {
    events: VecDeque<Event>,
    last: u64,
    news: broadcast::Sender<Event>,
}

impl Default for EventLog {
    fn default() -> Self {
        Self { events: VecDeque::new(), last: 0, news: broadcast::channel(256).0 }
    }
}

impl EventLog {
    /// Takes what was kept before this start.
    pub fn restore(&mut self, engine: &EngineName, kept: &hotpair_storage::RoleChange) {
        let event = from_kept(engine, kept, Vec::new());
        self.push(event);
    }

    pub(super) fn push_change(
        &mut self,
        engine: &EngineName,
        kept: &hotpair_storage::RoleChange,
        change: &RoleChange,
    ) {
        let mut event = from_kept(engine, kept, evidence(change));
        change.rule.why().clone_into(&mut event.text);
        self.push(event);
    }

    pub(super) fn push_command(
        &mut self,
        engine: &EngineName,
        at: NodeTime,
        command: Command,
        reply: &Reply,
    ) {
        let text = match reply {
            Reply::Accepted => format!("{command:?}: accepted"),
            Reply::Done => format!("{command:?}: done"),
            Reply::Refused(reasons) => {
                let reasons: Vec<_> = reasons.iter().map(ToString::to_string).collect();
                format!("{command:?}: refused: {}", reasons.join("; "))
            }
        };
        self.push(Event {
            number: 0,
            kind: EventKind::Command,
            engine: Some(engine.to_string()),
            at_ms: at.0,
            from: None,
            to: None,
            cause: "command".to_owned(),
            rule: String::new(),
            text,
            evidence: Vec::new(),
            epoch_before: 0,
            epoch_after: 0,
            by: None,
        });
    }

    /// Something a person should look at, that `why` shows among the changes of state.
    pub(super) fn push_alarm(&mut self, engine: &EngineName, at: NodeTime, id: &str, text: &str) {
        self.push(alarm_event(engine, at, id, text));
    }

    /// A service fails, and the node asks to hand over because of it.
    pub(super) fn push_service(&mut self, engine: &EngineName, at: NodeTime, failing: &Failing) {
        let Failing { service, failures, last_end, .. } = failing;
        let text = format!("service {service} fails here: asks to hand over");
        let mut event = alarm_event(engine, at, "service-failing", &text);
        "services.on_failure".clone_into(&mut event.rule);
        event.evidence = vec![
            Evidence::new("service", service),
            Evidence::new("failures", failures),
            Evidence::new("the last one", last_end),
        ];
        self.push(event);
    }

    fn push(&mut self, mut event: Event) {
        self.last += 1;
        event.number = self.last;
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        // Nobody may be listening.
        self.news.send(event.clone()).ok();
        self.events.push_back(event);
    }

    /// Events above a number, oldest first, the newest `count_max` of them.
    #[must_use]
    pub fn since(&self, engine: Option<&EngineName>, number: u64, count_max: usize) -> Vec<Event> {
        let wanted = |it: &&Event| {
            it.number > number
                && engine
                    .is_none_or(|name| it.engine.as_deref().is_none_or(|is| is == name.as_str()))
        };
        let all: Vec<_> = self.events.iter().filter(wanted).cloned().collect();
        all[all.len().saturating_sub(count_max)..].to_vec()
    }

    /// The newest changes of state, and alarms that explain them, newest first.
    #[must_use]
    pub fn changes(&self, engine: &EngineName, count_max: usize) -> Vec<Event> {
        let wanted = |it: &&Event| {
            matches!(it.kind, EventKind::Role | EventKind::State | EventKind::Alarm)
                && it.engine.as_deref() == Some(engine.as_str())
        };
        self.events.iter().rev().filter(wanted).take(count_max).cloned().collect()
    }

    /// The number of the newest.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Follows new events.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Event> {
        self.news.subscribe()
    }
}

fn from_kept(
    engine: &EngineName,
    kept: &hotpair_storage::RoleChange,
    evidence: Vec<Evidence>,
) -> Event {
    let is_role = kept.from.is_active() != kept.to.is_active();
    let evidence = if evidence.is_empty() && !kept.evidence.is_empty() {
        vec![Evidence::new("recorded", &kept.evidence)]
    } else {
        evidence
    };
    Event {
        number: 0,
        kind: if is_role { EventKind::Role } else { EventKind::State },
        engine: Some(engine.to_string()),
        at_ms: kept.at.0,
        from: Some(kept.from),
        to: Some(kept.to),
        cause: kept.rule.clone(),
        rule: kept.rule.clone(),
        // The durable evidence begins with the sentence of the rule.
        text: kept.evidence.split(". ").next().unwrap_or_default().to_owned(),
        evidence,
        epoch_before: kept.epoch_before.number,
        epoch_after: kept.epoch_after.number,
        by: None,
    }
}

/// What a change of role rests on, for people.
fn evidence(change: &RoleChange) -> Vec<Evidence> {
    let Picture { channels, acknowledged, one_way, hint, process_gone, refused, .. } =
        change.picture;
    let mut list = vec![
        Evidence::new("redundancy channel", pulse(channels.redundancy)),
        Evidence::new("primary channel", pulse(channels.primary)),
        Evidence::new("the partner acknowledges our beats", yes(acknowledged)),
    ];
    let mut note = |holds: bool, text: &str| {
        if holds {
            list.push(Evidence::new(text, "yes"));
        }
    };
    note(one_way, "the partner does not hear us");
    note(process_gone, "the partner's host answers, its process does not");
    note(refused, "the partner is alive and refused");
    note(hint != hotpair_fsm::Hint::None, "the sentinel connection was closed");
    if let Some((instance, state)) = change.partner {
        list.push(Evidence::new("partner", format!("{state} (start {instance})")));
    }
    list.push(Evidence::new("journals", change.positions));
    list
}

/// The same as one line, for the durable record.
pub(super) fn evidence_text(change: &RoleChange) -> String {
    let list = evidence(change);
    let text: Vec<_> = list.iter().map(|it| format!("{}: {}", it.name, it.value)).collect();
    format!("{}. {}", change.rule.why(), text.join("; "))
}

const fn pulse(pulse: Pulse) -> &'static str {
    match pulse {
        Pulse::Never => "never heard",
        Pulse::OnTime => "on time",
        Pulse::Missed => "beats missed, below the limit",
        Pulse::Silent => "silent: the limit of missed beats is reached",
    }
}

const fn yes(it: bool) -> &'static str {
    if it { "yes" } else { "no" }
}

fn alarm_event(engine: &EngineName, at: NodeTime, id: &str, text: &str) -> Event {
    Event {
        number: 0,
        kind: EventKind::Alarm,
        engine: Some(engine.to_string()),
        at_ms: at.0,
        from: None,
        to: None,
        cause: id.to_owned(),
        rule: String::new(),
        text: text.to_owned(),
        evidence: Vec::new(),
        epoch_before: 0,
        epoch_after: 0,
        by: None,
    }
}
