//! The fake node's alarms: one, that somebody has acknowledged.
use hotpair_api::face::*;

fn alarm() -> ObjectAlarm {
    ObjectAlarm {
        object: "tank-1".into(),
        alarm: "level-high".into(),
        state: "acknowledged".into(),
        present: true,
        bad: false,
        occurrence: 2,
        priority: "high".into(),
        message: "Tank nearly full".into(),
        condition: AlarmCondition {
            attribute: "level".into(),
            when: "high".into(),
            limit: Some(3.0),
            deadband: Some(0.1),
            unit: Some("m".into()),
        },
        delay_ms: Some(500),
        shelf_ms: Some(1_000),
        acknowledgement: Some(AlarmWord {
            who: "ann".into(),
            comment: "on my way".into(),
            timestamp: 7,
        }),
        last: Some(AlarmChange {
            from: "unacknowledged".into(),
            cause: "acknowledge".into(),
            timestamp: 7,
            who: Some("ann".into()),
            comment: Some("on my way".into()),
        }),
        sequence: 9,
        epoch: 3,
    }
}

pub fn page(prefix: &str) -> ObjectAlarmPage {
    let is_it = "tank-1/level-high".starts_with(prefix);
    ObjectAlarmPage { alarms: is_it.then(alarm).into_iter().collect(), next: None }
}

pub fn one(object: &str, name: &str) -> Result<ObjectAlarm, Problem> {
    if (object, name) == ("tank-1", "level-high") {
        return Ok(alarm());
    }
    let text = format!("object `{object}` has no alarm `{name}`");
    Err(Problem::new(ProblemKind::UnknownAlarm, text))
}

/// Only an acknowledgement is refused: it has one.
pub fn ordered(order: &AlarmOrder) -> Result<(), Problem> {
    match order.command {
        AlarmCommand::Acknowledge { .. } => {
            Err(Problem::new(ProblemKind::AlarmRefused, "nothing waits for a person"))
        }
        AlarmCommand::Shelve { .. }
        | AlarmCommand::Unshelve
        | AlarmCommand::Suppress
        | AlarmCommand::Unsuppress
        | AlarmCommand::TakeOut
        | AlarmCommand::PutBack => Ok(()),
    }
}
