//! Kept losing entries: listed by conflict, shown, replayed, discarded.
use super::Face;
use super::config::{hex, value_of};
use crate::driver::Driver;
use bytes::Bytes;
use hotpair_api::face::{
    Caller, DivergedEntry, Divergence, DivergenceSummary, PositionStatus, Problem, ProblemKind,
    ReplayReport, ReplayedEntry,
};
use hotpair_core::{EngineIndex, EngineInput};
use hotpair_engine::alarms::{self, AlarmRecord};
use hotpair_engine::{history, objects};
use hotpair_replication::{
    self as replication, Conflict, DivergenceId, DivergenceRecord, Fate, Op, Outcome,
};
use hotpair_types::{Designation, EngineName, Epoch, JournalKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// What makes a conflict one conflict.
type Name = (JournalKind, Option<u64>, Epoch, Epoch);

fn name_of(record: &DivergenceRecord) -> Name {
    let Conflict { fork, winner, loser, .. } = record.conflict;
    (record.id.kind, fork, winner, loser)
}

/// The same on both nodes, and after a second export.
fn id_of(name: &Name) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(name.0.to_string().as_bytes());
    hash.update(&name.1.unwrap_or(u64::MAX).to_le_bytes());
    for epoch in [name.2, name.3] {
        hash.update(&epoch.number.to_le_bytes());
        hash.update(&epoch.tag.to_le_bytes());
    }
    hex(&hash.finalize().as_bytes()[..8])
}

fn unknown(id: &str) -> Problem {
    let id: String = id.escape_default().take(40).collect();
    Problem::new(ProblemKind::UnknownDivergence, format!("there is no conflict `{id}`"))
}

impl Face {
    pub(super) async fn do_divergences(
        &self,
        engine: Option<EngineName>,
    ) -> Result<Vec<DivergenceSummary>, Problem> {
        self.with(engine, |driver, index| {
            let conflicts = driver.conflicts(index);
            conflicts.values().map(|records| driver.summary(index, records)).collect()
        })
        .await
    }

    pub(super) async fn do_divergence(
        &self,
        engine: Option<EngineName>,
        id: String,
    ) -> Result<Divergence, Problem> {
        self.with(engine, move |driver, index| {
            let records = driver.conflict(index, &id).ok_or_else(|| unknown(&id))?;
            let summary = driver.summary(index, &records);
            let kept = (1..).zip(&records).flat_map(|(number, it)| diverged(number, it)).collect();
            Ok(Divergence { summary, kept })
        })
        .await?
    }

    pub(super) async fn do_divergence_replay(
        &self,
        engine: Option<EngineName>,
        id: String,
        entries: Option<Vec<u64>>,
        caller: Caller,
    ) -> Result<ReplayReport, Problem> {
        let index = self.engine(engine.as_ref())?;
        let wanted = move |number: u64| entries.as_ref().is_none_or(|it| it.contains(&number));
        let ids: Vec<(u64, DivergenceId, Option<&str>)> = self
            .call(move |driver| {
                tracing::info!(conflict = %id, %caller, "losing entries are written again");
                let records = driver.conflict(index, &id).ok_or_else(|| unknown(&id))?;
                let ids = (1..).zip(&records).filter(|(number, _)| wanted(*number));
                Ok::<_, Problem>(
                    ids.map(|(number, it)| (number, it.id, out_of_order(it))).collect(),
                )
            })
            .await??;
        let mut report = ReplayReport::default();
        for (number, id, out_of_order) in ids {
            if let Some(text) = out_of_order.map(str::to_owned) {
                report.entries.push(ReplayedEntry { number, sequence: None, refused: Some(text) });
                continue;
            }
            let (sender, receiver) = oneshot::channel();
            let answering = self
                .call(move |driver| {
                    driver.replay_divergence(index, id, sender);
                    driver.answering(index)
                })
                .await?;
            let entry = match answering.outcome(receiver).await {
                Ok(Outcome::Acknowledged(it)) => {
                    ReplayedEntry { number, sequence: Some(it.position.sequence), refused: None }
                }
                Ok(Outcome::Refused(refusal)) => {
                    let mut text = refusal.to_string();
                    if let Some(partner) = answering.partner {
                        text = format!("{text} (the partner: {partner})");
                    }
                    ReplayedEntry { number, sequence: None, refused: Some(text) }
                }
                Ok(Outcome::Unknown { .. }) | Err(_) => {
                    let text = "unknown: it may have been written or not".to_owned();
                    ReplayedEntry { number, sequence: None, refused: Some(text) }
                }
            };
            report.entries.push(entry);
        }
        Ok(report)
    }

    pub(super) async fn do_divergence_discard(
        &self,
        engine: Option<EngineName>,
        id: String,
        caller: Caller,
    ) -> Result<(), Problem> {
        self.with(engine, move |driver, index| {
            let records = driver.conflict(index, &id).ok_or_else(|| unknown(&id))?;
            tracing::warn!(conflict = %id, entries = records.len(), %caller, "losing entries are discarded");
            let ids = records.iter().map(|it| it.id).collect();
            let input = replication::Input::DiscardDivergence { ids };
            driver.engine_input(index, EngineInput::Data(input));
            Ok(())
        })
        .await?
    }
}

impl Driver {
    fn conflicts(&self, index: EngineIndex) -> BTreeMap<Name, Vec<DivergenceRecord>> {
        let mut conflicts: BTreeMap<Name, Vec<DivergenceRecord>> = BTreeMap::new();
        for record in self.replica(index).divergence() {
            conflicts.entry(name_of(record)).or_default().push(record.clone());
        }
        conflicts
    }

    fn conflict(&self, index: EngineIndex, id: &str) -> Option<Vec<DivergenceRecord>> {
        self.conflicts(index).into_iter().find(|(name, _)| id_of(name) == id).map(|it| it.1)
    }

    fn summary(&self, index: EngineIndex, records: &[DivergenceRecord]) -> DivergenceSummary {
        let first = &records[0];
        let name = name_of(first);
        let own = self.designation(index);
        let losing_node = match first.conflict.loser.owner() {
            Some(owner) if owner == own => self.settings.node.name.to_string(),
            Some(Designation::Master | Designation::Backup) => {
                self.settings.partner.name.to_string()
            }
            None => String::new(),
        };
        DivergenceSummary {
            id: id_of(&name),
            at_ms: records.iter().map(|it| it.noted_at.0).min().unwrap_or(0),
            fork: PositionStatus { epoch: 0, sequence: first.conflict.fork.unwrap_or(0) },
            journal: first.id.kind,
            winning_epoch: first.conflict.winner.number,
            losing_epoch: first.conflict.loser.number,
            losing_node,
            rule: first.conflict.rule.to_string(),
            entries: records.len() as u64,
            settled: records.iter().filter(|it| it.fate.is_settled()).count() as u64,
        }
    }

    fn replay_divergence(
        &mut self,
        index: EngineIndex,
        id: DivergenceId,
        reply: oneshot::Sender<Outcome>,
    ) {
        let written_at = self.clock.wall();
        self.write_input(index, reply, |ticket| replication::Input::ReplayDivergence {
            ticket,
            id,
            written_at,
        });
    }
}

/// Why it is not written again: what it has is of no use in another order.
fn out_of_order(record: &DivergenceRecord) -> Option<&'static str> {
    let has = |wanted: &str| {
        record.entry.ops.iter().any(|op| match op {
            Op::Set { item, .. } | Op::Remove { item } => *item.provider == *wanted,
            Op::ReplaceAll { provider, .. } => **provider == *wanted,
        })
    };
    if has(objects::PROVIDER) {
        Some("a step of an object: it does not follow the newest one")
    } else if has(alarms::PROVIDER) {
        Some("a change of an alarm: it does not follow the newest one; acknowledge it anew")
    } else if has(history::PROVIDER) {
        Some("a change of history: it does not follow the newest one")
    } else {
        None
    }
}

/// Every change of a losing entry is shown for itself.
fn diverged(number: u64, record: &DivergenceRecord) -> Vec<DivergedEntry> {
    let settled = match record.fate {
        Fate::Kept => false,
        Fate::InHistory(_) | Fate::Replayed(_) | Fate::Repeated(_) => true,
    };
    let kind = record.id.kind;
    let ops = record.entry.ops.iter().flat_map(|op| match op {
        Op::Set { item, value } => vec![(item.clone(), Some(value.clone()))],
        Op::Remove { item } => vec![(item.clone(), None)],
        Op::ReplaceAll { provider, items } => items
            .iter()
            .map(|(name, value)| (hotpair_types::ItemKey::new(provider, name), Some(value.clone())))
            .collect(),
    });
    ops.map(|(item, losing)| {
        let winning = record.winning.iter().find(|it| it.item == item);
        DivergedEntry {
            number,
            position: record.id.entry.into(),
            item: item.to_string(),
            losing_value: losing.map(|it| shown(kind, &item.provider, &it)),
            losing_at_ms: record.entry.written_at.0,
            winning_value: winning
                .and_then(|it| it.value.as_ref())
                .map(|it| shown(kind, &item.provider, it)),
            winning_at_ms: winning.and_then(|it| it.written_at).map(|it| it.0),
            settled,
        }
    })
    .collect()
}

/// A value for people: config, tags and alarms as what they mean, others as base64.
fn shown(kind: JournalKind, provider: &str, bytes: &Bytes) -> Value {
    use base64::Engine as _;
    if kind == JournalKind::Config {
        return value_of(bytes);
    }
    if provider == hotpair_engine::tags::PROVIDER
        && let Ok(record) = hotpair_engine::tags::TagRecord::decode(bytes)
    {
        return record.value.to_json();
    }
    if provider == alarms::PROVIDER
        && let Ok(record) = AlarmRecord::decode(bytes)
    {
        return alarm(&record);
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(base64::engine::general_purpose::STANDARD.encode(bytes)))
}

/// The state of an alarm, and whose last word it was.
fn alarm(record: &AlarmRecord) -> Value {
    let by = record.last.by.as_ref();
    json!({
        "state": record.state().id(),
        "occurrence": record.occurrence,
        "cause": record.last.cause.id(),
        "who": by.map(|it| it.who()),
        "comment": by.map(|it| it.comment()),
    })
}
