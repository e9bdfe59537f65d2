//! Orders about the grant of mode `arbiter`, what came of them, and what people see of it.
use super::Driver;
use crate::grants::{Report, Said};
use hotpair_api::face::{ArbiterReach, GrantStatus};
use hotpair_arbiter::Seen;
use hotpair_core::{EngineIndex, EngineInput};
use hotpair_fsm::{GrantAsk, GrantEvent, Reach};
use hotpair_types::Time;
use std::time::Duration;

/// What the third party said last, for people.
#[derive(Clone, Debug, Default)]
pub(crate) struct ThirdSeen {
    seen: Option<Seen>,
    /// Why it gave no answer, if it did not.
    pub(super) away: Option<String>,
}

/// One order about the grant.
#[derive(Clone, Copy, Debug)]
pub(super) enum GrantOrder {
    Ask(GrantAsk),
    Release,
    GoAlone,
    EndAlone,
}

impl Driver {
    pub(super) fn order_grant(&mut self, engine: EngineIndex, order: GrantOrder) {
        tracing::debug!(engine = %self.name_of(engine), ?order, "grant");
        // Only mode `arbiter` orders, and in that mode there is somebody to order.
        let Some(orders) = &self.runtime(engine).grant else { return };
        match order {
            GrantOrder::Ask(ask) => orders.ask(ask),
            GrantOrder::Release => orders.release(),
            GrantOrder::GoAlone => orders.alone(true),
            GrantOrder::EndAlone => orders.alone(false),
        }
    }

    pub(super) fn on_grant(&mut self, report: Report) {
        let engine = report.engine;
        let Some(orders) = &self.runtime(engine).grant else { return };
        let current = orders.is_current(&report);
        let said = report.said;
        tracing::debug!(engine = %self.name_of(engine), ?said, current, "arbiter");
        self.note_third(engine, &said);
        let own = self.settings.node.name.as_str();
        let event = match said {
            Said::Away { .. } => GrantEvent::Away,
            // It answered, if only to what is not asked any more.
            _ if !current => GrantEvent::Reachable,
            Said::Reachable(_) => GrantEvent::Reachable,
            Said::Held { revision, until } => GrantEvent::Held { revision, until },
            Said::Lost => GrantEvent::Lost,
            Said::Busy(seen) => GrantEvent::Busy { alone: seen.alone.is_some_and(|it| it != own) },
            Said::AloneWritten => GrantEvent::AloneWritten,
            Said::AloneEnded => GrantEvent::AloneEnded,
        };
        self.engine_input(engine, EngineInput::Grant(event));
        self.changed();
    }

    fn note_third(&mut self, engine: EngineIndex, said: &Said) {
        let own = self.store.instance();
        let own = crate::grants::holder(&self.settings.node.name, own).to_string();
        let node = self.settings.node.name.to_string();
        let third = &mut self.runtime(engine).third;
        third.away = None;
        match said {
            Said::Away { why } => third.away = Some(why.clone()),
            Said::Reachable(seen) | Said::Busy(seen) => third.seen = Some(seen.clone()),
            Said::Held { .. } => third.seen.get_or_insert_default().holder = Some(own),
            Said::Lost => third.seen = None,
            Said::AloneWritten => third.seen.get_or_insert_default().alone = Some(node),
            Said::AloneEnded => third.seen.get_or_insert_default().alone = None,
        }
    }

    /// How an engine stands with the third party; `None`: its mode has none.
    pub(crate) fn grant_status(&self, engine: EngineIndex, now: Time) -> Option<GrantStatus> {
        let shown = self.core.engine(engine)?.machine().grant()?;
        let third = &self.engines[usize::from(engine.0)].third;
        let ms = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        let held = shown.held.filter(|(_, until)| *until > now);
        let seen = third.seen.clone().unwrap_or_default();
        Some(GrantStatus {
            arbiter: match shown.reach {
                Reach::Unknown => ArbiterReach::Unknown,
                Reach::Fine => ArbiterReach::Answers,
                Reach::Away { .. } => ArbiterReach::Away,
            },
            away_for_ms: match shown.reach {
                Reach::Away { since } => Some(ms(now.since(since))),
                Reach::Unknown | Reach::Fine => None,
            },
            away_why: third.away.clone(),
            held: held.is_some(),
            revision: held.map(|it| it.0),
            left_ms: held.map(|it| ms(it.1.since(now))),
            asked: shown.asks,
            frozen: shown.frozen,
            by_person: shown.by_person,
            holder: seen.holder,
            went_alone: seen.alone,
        })
    }
}
