//! Alarms of objects: as they stand, and what people want of them.
use super::Face;
use super::again::NotNow;
use super::config::key_of;
use crate::driver::{AlarmWanted, Driver, WriteEnd};
use hotpair_api::face::{
    AlarmChange, AlarmCommand, AlarmCondition, AlarmOrder, AlarmWord, Caller, Evidence,
    ObjectAlarm, ObjectAlarmPage, Problem, ProblemKind, Reason, WriteOptions, WriteOutcome,
};
use hotpair_core::EngineIndex;
use hotpair_engine::alarms::{
    AlarmError, AlarmRefusal, AlarmShown, Alarms, Command, Priority, WHO_BYTES_MAX, Word,
};
use hotpair_types::{EngineName, StateId};
use std::sync::Arc;
use std::time::Duration;

impl Face {
    /// Not through the driver: there may be many.
    async fn alarms_of(&self, engine: Option<EngineName>) -> Result<Arc<Alarms>, Problem> {
        self.with(engine, |driver, index| driver.runtime(index).objects.alarms.clone()).await
    }

    pub(super) async fn do_object_alarms(
        &self,
        engine: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Result<ObjectAlarmPage, Problem> {
        let alarms = self.alarms_of(engine).await?;
        let mut listed = alarms.list(&prefix, after.as_deref(), count_max + 1);
        let more = listed.len() > count_max;
        listed.truncate(count_max);
        let next = listed.last().filter(|_| more).map(|it| format!("{}/{}", it.object, it.alarm));
        Ok(ObjectAlarmPage { alarms: listed.iter().map(alarm_of).collect(), next })
    }

    pub(super) async fn do_object_alarm(
        &self,
        engine: Option<EngineName>,
        object: String,
        alarm: String,
    ) -> Result<ObjectAlarm, Problem> {
        let shown = self.alarms_of(engine).await?.get(&object, &alarm);
        shown.as_ref().map(alarm_of).ok_or_else(|| problem(&AlarmError::unknown(&object, &alarm)))
    }

    pub(super) async fn do_alarm_order(
        &self,
        engine: Option<EngineName>,
        (object, alarm): (String, String),
        order: AlarmOrder,
        caller: Caller,
        options: WriteOptions,
    ) -> Result<WriteOutcome, Problem> {
        let index = self.engine(engine.as_ref())?;
        let wanted = AlarmWanted {
            object,
            alarm,
            command: command_of(order.command),
            by: word_of(order.who, &order.comment, &caller)?,
            ack: options.ack,
            key: key_of(&options),
        };
        self.write_again(index, move |driver, reply| {
            driver.order_alarm(index, wanted.clone(), &caller, reply)
        })
        .await
    }
}

impl Driver {
    fn order_alarm(
        &mut self,
        index: EngineIndex,
        wanted: AlarmWanted,
        caller: &Caller,
        reply: WriteEnd,
    ) -> Result<(), NotNow> {
        // During a switchover it is tried again; elsewhere what the alarm says may be old.
        let switching = self.state_of(index) == StateId::SwitchingToStandby;
        if !switching && self.runtime(index).gate.passes().is_none() {
            return Err(NotNow::Refused(self.not_active_here(index)));
        }
        let AlarmWanted { object, alarm, command, by, .. } = &wanted;
        tracing::info!(
            engine = %self.name_of(index), object, alarm, ?command, who = by.who(), %caller, "alarm"
        );
        let asked = self.command_alarm(index, wanted, reply);
        asked.map_err(|error| NotNow::Refused(problem(&error)))
    }

    /// How many alarms are in each state.
    pub(super) fn alarm_measures(&self, index: EngineIndex) -> Vec<(&'static str, u64)> {
        let alarms = &self.engines[usize::from(index.0)].objects.alarms;
        alarms.counts().map(|(state, count)| (state.id(), count)).into()
    }
}

const fn command_of(command: AlarmCommand) -> Command {
    match command {
        AlarmCommand::Acknowledge { occurrence } => Command::Acknowledge { occurrence },
        AlarmCommand::Shelve { for_ms } => Command::Shelve { time: Duration::from_millis(for_ms) },
        AlarmCommand::Unshelve => Command::Unshelve,
        AlarmCommand::Suppress => Command::Suppress,
        AlarmCommand::Unsuppress => Command::Unsuppress,
        AlarmCommand::TakeOut => Command::TakeOut,
        AlarmCommand::PutBack => Command::PutBack,
    }
}

/// Who is named, or else the caller as far as there is room for that.
fn word_of(who: Option<String>, comment: &str, caller: &Caller) -> Result<Word, Problem> {
    let who = who.unwrap_or_else(|| {
        let mut text = caller.to_string();
        text.truncate(text.floor_char_boundary(WHO_BYTES_MAX));
        text
    });
    Word::new(&who, comment)
        .map_err(|error| Problem::new(ProblemKind::Unprocessable, error.to_string()))
}

fn problem(error: &AlarmError) -> Problem {
    let text = error.to_string();
    let AlarmError::Refused { refusal, .. } = error else {
        return Problem::new(ProblemKind::UnknownAlarm, text);
    };
    let (kind, id, evidence) = match refusal {
        AlarmRefusal::WrongState { state, .. } => {
            (ProblemKind::AlarmRefused, "wrong-state", Evidence::new("state", state.id()))
        }
        AlarmRefusal::Over { given, occurrence } => {
            let evidence = Evidence::new("occurrence", given).against(occurrence);
            (ProblemKind::AlarmRefused, "occurrence-over", evidence)
        }
        AlarmRefusal::ShelfTime { time } => {
            let evidence = Evidence::new("for_ms", time.as_millis());
            (ProblemKind::Unprocessable, "shelf-time", evidence)
        }
    };
    let reason = Reason::new(id, refusal.to_string()).with(evidence);
    Problem::new(kind, text).because(vec![reason])
}

/// An alarm in the words of the API.
pub(super) fn alarm_of(it: &AlarmShown) -> ObjectAlarm {
    let AlarmShown { object, alarm, declaration, record, told_at } = it;
    let millis = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
    let limit = declaration.condition.limit();
    let acknowledgement = record.acknowledgement.as_ref().map(|(word, at)| AlarmWord {
        who: word.who().to_owned(),
        comment: word.comment().to_owned(),
        timestamp: at.0,
    });
    let last = (record.last.at.0 != 0).then(|| AlarmChange {
        from: record.last.from.id().to_owned(),
        cause: record.last.cause.id().to_owned(),
        timestamp: record.last.at.0,
        who: record.last.by.as_ref().map(|it| it.who().to_owned()),
        comment: record.last.by.as_ref().map(|it| it.comment().to_owned()),
    });
    ObjectAlarm {
        object: object.to_string(),
        alarm: alarm.to_string(),
        state: record.state().id().to_owned(),
        present: record.is_present(),
        bad: record.is_bad,
        occurrence: record.occurrence,
        priority: Priority::id(declaration.priority).to_owned(),
        message: declaration.message.to_string(),
        condition: AlarmCondition {
            attribute: declaration.attribute.to_string(),
            when: declaration.condition.id().to_owned(),
            limit: limit.map(|it| it.at),
            deadband: limit.map(|it| it.deadband),
            unit: limit.and_then(|_| declaration.unit.as_deref()).map(str::to_owned),
        },
        delay_ms: record.delay().map(millis),
        shelf_ms: record.shelf.map(millis),
        acknowledgement,
        last,
        sequence: told_at.sequence,
        epoch: told_at.epoch.number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotpair_engine::alarms::AlarmState;

    fn caller(agent: &str) -> Caller {
        Caller { address: "127.0.0.1:9".to_owned(), agent: agent.to_owned() }
    }

    #[test]
    fn who_is_not_named_is_the_caller() {
        let who = |who: Option<&str>, agent: &str| {
            word_of(who.map(Into::into), "", &caller(agent)).map(|it| it.who().to_owned())
        };
        assert_eq!(who(Some("ann"), "x").as_deref(), Ok("ann"));
        assert_eq!(who(None, "hotpair/1").as_deref(), Ok("hotpair/1 at 127.0.0.1:9"));
        assert_eq!(who(None, &"\u{e4}".repeat(99)).map(|it| it.len()), Ok(WHO_BYTES_MAX));
        let refused = who(Some(""), "x").unwrap_err();
        assert_eq!(refused.kind, ProblemKind::Unprocessable);
    }

    #[test]
    fn a_refusal_has_a_kind_and_a_sentence() {
        let unknown = problem(&AlarmError::unknown("tank", "gone"));
        assert_eq!(unknown.to_string(), "unknown-alarm: object `tank` has no alarm `gone`");
        let name = |it| hotpair_engine::objects::Name::new(it).unwrap();
        let refused = |refusal| {
            let (object, alarm) = (name("tank"), name("high"));
            problem(&AlarmError::Refused { object, alarm, refusal })
        };
        let state = AlarmState::Normal;
        let wrong = refused(AlarmRefusal::WrongState { state, needed: "nothing waits" });
        assert_eq!(wrong.detail, "alarm `tank/high`: the alarm is normal: nothing waits");
        assert_eq!(
            (wrong.kind, wrong.reasons[0].id.as_str()),
            (ProblemKind::AlarmRefused, "wrong-state")
        );
        let over = refused(AlarmRefusal::Over { given: 1, occurrence: 2 });
        assert_eq!(over.reasons[0].id, "occurrence-over");
        let time = Duration::from_secs(90_000);
        assert_eq!(refused(AlarmRefusal::ShelfTime { time }).kind, ProblemKind::Unprocessable);
    }
}
