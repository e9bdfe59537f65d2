//! `hotpair alarm`: alarms of objects, and what people do about them.

use super::arguments::{AlarmArguments, AlarmCommand};
use super::ask::{Ask, Question, encoded};
use super::terminal::{clean, table};
use super::words::{clock, span};
use super::{Context, Exit, Failure, tag};
use hotpair_api::face::{AlarmCondition, Done, ObjectAlarm, ObjectAlarmPage};
use serde_json::{Map, Value, json};

const PATH: &str = "/api/v1/alarms";

pub(super) async fn carry_out(cx: &Context, command: AlarmCommand) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    let (of, action, choice) = match command {
        AlarmCommand::List { prefix, state } => {
            let wanted: Vec<_> = state.iter().map(|it| it.as_str()).collect();
            return list(cx, &ask, &prefix, &wanted).await;
        }
        AlarmCommand::Ack { of, occurrence } => {
            (of, "ack", occurrence.map(|it| ("occurrence", it)))
        }
        AlarmCommand::Shelve { of, time } => {
            let for_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            (of, "shelve", Some(("for_ms", for_ms)))
        }
        AlarmCommand::Unshelve(of) => (of, "unshelve", None),
        AlarmCommand::Suppress(of) => (of, "suppress", None),
        AlarmCommand::Unsuppress(of) => (of, "unsuppress", None),
        AlarmCommand::OutOfService(of) => (of, "out-of-service", None),
        AlarmCommand::InService(of) => (of, "in-service", None),
    };
    let user = std::env::var("USER").ok();
    let question = question(&of, action, choice, user)?;
    let done: Done = ask.ask(tag::wanted(question, &of.write)?).await?;
    tag::show_done(cx, &done);
    Ok(Exit::Done)
}

fn question(
    of: &AlarmArguments,
    action: &str,
    choice: Option<(&str, u64)>,
    user: Option<String>,
) -> Result<Question, Failure> {
    let (object, alarm) = (encoded(&of.object), encoded(&of.alarm));
    if object.contains('/') || alarm.contains('/') {
        let text = "an alarm is named by its object and its name there, without `/`";
        return Err(Failure::WrongUse(text.to_owned()));
    }
    let mut body = Map::new();
    body.insert("comment".to_owned(), of.comment.clone().into());
    if let Some(who) = of.who.clone().or_else(|| user.filter(|it| !it.is_empty())) {
        body.insert("who".to_owned(), who.into());
    }
    body.extend(choice.map(|(name, value)| (name.to_owned(), Value::from(value))));
    Ok(Question::post(format!("{PATH}/{object}/{alarm}/{action}")).json(&body))
}

async fn list(cx: &Context, ask: &Ask, prefix: &str, wanted: &[&str]) -> Result<Exit, Failure> {
    let mut after: Option<String> = None;
    let mut alarms = Vec::new();
    loop {
        let mut question = Question::get(PATH).query("prefix", prefix);
        if let Some(after) = &after {
            question = question.query("after", after);
        }
        let page: ObjectAlarmPage = ask.ask(question).await?;
        alarms.extend(page.alarms);
        if page.next.is_none() || page.next == after {
            break;
        }
        after = page.next;
    }
    alarms.retain(|it| wanted.is_empty() || wanted.contains(&it.state.as_str()));
    if cx.screen.json {
        cx.screen.json(&json!({ "alarms": alarms }));
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = alarms.iter().map(cells).collect();
    let paint = |row: usize, column: usize, cell: String| match (column, alarms[row].state.as_str())
    {
        (1, "unacknowledged") => cx.screen.red(&cell),
        (1, "returned-unacknowledged") => cx.screen.yellow(&cell),
        (1, "normal") => cx.screen.green(&cell),
        (1, _) => cx.screen.dim(&cell),
        _ => cell,
    };
    for line in table(&rows, paint) {
        cx.screen.line(&line);
    }
    Ok(Exit::Done)
}

fn cells(it: &ObjectAlarm) -> Vec<String> {
    vec![
        clean(&format!("{}/{}", it.object, it.alarm), 130),
        clean(&it.state, 24),
        clean(&it.priority, 10),
        condition(&it.condition),
        it.last.as_ref().map_or_else(|| "never".to_owned(), |it| clock(it.timestamp)),
        clean(&notes(it).join("; "), 900),
    ]
}

/// `level above 3 m`
fn condition(it: &AlarmCondition) -> String {
    let AlarmCondition { attribute, when, limit, unit, .. } = it;
    let Some(limit) = limit else { return clean(&format!("{attribute} {when}"), 100) };
    let side = if when.starts_with("high") { "above" } else { "below" };
    // "1" is how a number without a unit is declared.
    let unit = unit.as_ref().filter(|it| *it != "1").map_or(String::new(), |it| format!(" {it}"));
    clean(&format!("{attribute} {side} {limit}{unit}"), 100)
}

/// What there is to say beside the state.
fn notes(it: &ObjectAlarm) -> Vec<String> {
    let said = |what: &str, who: &str, comment: &str| match comment {
        "" => format!("{what} {who}"),
        comment => format!("{what} {who}: {comment}"),
    };
    let mut notes = Vec::new();
    if !it.message.is_empty() {
        notes.push(it.message.clone());
    }
    if let Some(word) = &it.acknowledgement {
        notes.push(said("acknowledged by", &word.who, &word.comment));
    }
    let last = it.last.as_ref().filter(|it| it.cause != "acknowledge");
    if let Some((last, who)) = last.and_then(|it| Some((it, it.who.as_deref()?))) {
        notes.push(said(&format!("{} by", last.cause), who, last.comment.as_deref().unwrap_or("")));
    }
    if let Some(left) = it.shelf_ms {
        notes.push(format!("{} left on the shelf", span(left)));
    }
    if let Some(over) = it.delay_ms {
        notes.push(format!("its delay runs: {} over", span(over)));
    }
    if it.bad {
        notes.push("its value cannot be used".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(value: Value) -> ObjectAlarm {
        let mut all = json!({
            "object": "tank", "alarm": "high", "state": "shelved", "present": true, "bad": false,
            "occurrence": 1, "priority": "high", "message": "Nearly full", "sequence": 9, "epoch": 3,
            "condition": {"attribute": "level", "when": "high", "limit": 3.0, "unit": "m"},
        });
        all.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn who_did_what_and_why_is_said() {
        let it = alarm(json!({
            "acknowledgement": {"who": "ann", "comment": "on my way", "timestamp": 5},
            "last": {"from": "acknowledged", "cause": "shelve", "timestamp": 7, "who": "bob", "comment": ""},
            "shelf_ms": 65_000,
        }));
        assert_eq!(
            notes(&it).join("; "),
            "Nearly full; acknowledged by ann: on my way; shelve by bob; 1m 5s left on the shelf"
        );
        assert_eq!(condition(&it.condition), "level above 3 m");
        let it = alarm(
            json!({"condition": {"attribute": "pump", "when": "false"}, "delay_ms": 900, "bad": true}),
        );
        assert_eq!(condition(&it.condition), "pump false");
        assert_eq!(notes(&it)[1..], ["its delay runs: 900 ms over", "its value cannot be used"]);
    }
}
