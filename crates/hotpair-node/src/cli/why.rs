//! `hotpair why` and `why-not`: reasons with evidence.

use super::arguments::Asked;
use super::ask::Question;
use super::terminal::clean;
use super::words::{event_line, evidence_lines, reason_lines};
use super::{Context, Exit, Failure};
use hotpair_api::face::{Event, Reason};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Events {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Reasons {
    reasons: Vec<Reason>,
}

pub(super) async fn why(cx: &Context, last: u32) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    let question = Question::get("/api/v1/why").query("last", last);
    if cx.screen.json {
        let value: Value = ask.value(question).await?;
        cx.screen.json(&value);
        return Ok(Exit::Done);
    }
    let events = ask.ask::<Events>(question).await?.events;
    if events.is_empty() {
        cx.screen.line("No change of role yet.");
    }
    for event in &events {
        cx.screen.line(&event_line(event, &cx.screen));
        if event.rule.is_empty() {
            continue;
        }
        let by =
            event.by.as_ref().map_or(String::new(), |it| format!(", asked by {}", clean(it, 80)));
        let rule = format!(
            "      rule {}, cause {}, epoch {} -> {}{by}",
            clean(&event.rule, 120),
            clean(&event.cause, 60),
            event.epoch_before,
            event.epoch_after
        );
        cx.screen.line(&cx.screen.dim(&rule));
        for line in evidence_lines(&event.evidence, &cx.screen) {
            cx.screen.line(&line);
        }
    }
    Ok(Exit::Done)
}

/// Ends with 0 when nothing forbids it, else with 1 and every reason.
pub(super) async fn why_not(cx: &Context, command: Asked) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    let name = command.as_str();
    let question = Question::get(format!("/api/v1/why-not/{name}"));
    let value: Value = ask.value(question).await?;
    let listed: Result<Reasons, _> = serde_json::from_value(value.clone());
    let reasons = listed.map_err(|error| Failure::Failed(error.to_string()))?.reasons;
    let exit = if reasons.is_empty() { Exit::Done } else { Exit::Failed };
    if cx.screen.json {
        cx.screen.json(&value);
        return Ok(exit);
    }
    if reasons.is_empty() {
        cx.screen.line(&format!("Nothing forbids `{name}` now."));
    } else {
        cx.screen.line(&format!("`{name}` is not possible now:"));
    }
    for line in reasons.iter().flat_map(|it| reason_lines(it, &cx.screen)) {
        cx.screen.line(&line);
    }
    Ok(exit)
}
