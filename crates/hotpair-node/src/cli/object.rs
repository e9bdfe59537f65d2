//! `hotpair object`: what an engine runs.

use super::arguments::{ObjectCommand, WriteArguments};
use super::ask::{Ask, Question, encoded};
use super::confirm::confirm;
use super::tag::shown;
use super::terminal::{clean, table};
use super::words::clock;
use super::{Context, Exit, Failure, config, tag};
use hotpair_api::face::{
    Done, ObjectAttribute, ObjectBinding, ObjectDetail, ObjectPage, ObjectState, ObjectStatus,
    ObjectTimes, TagQuality,
};
use hyper::Method;
use serde_json::{Value, json};
use std::path::Path;

const PATH: &str = "/api/v1/objects";
/// Objects are config records that begin so.
const RECORDS: &str = "/api/v1/config/objects";

pub(super) async fn carry_out(cx: &Context, command: ObjectCommand) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    match command {
        ObjectCommand::Deploy { name, file, write } => deploy(cx, &ask, &name, &file, &write).await,
        ObjectCommand::Undeploy { name, write } => {
            let text = format!("Undeploy object {}, with its state?", clean(&name, 80));
            confirm(cx, &[], &text)?;
            let question = Question::new(Method::DELETE, format!("{RECORDS}/{}", encoded(&name)));
            let done: Done = ask.ask(tag::wanted(question, &write)?).await?;
            tag::show_done(cx, &done);
            Ok(Exit::Done)
        }
        ObjectCommand::List { prefix } => list(cx, &ask, &prefix).await,
        ObjectCommand::Show { name } => show(cx, &ask, &name).await,
        ObjectCommand::Set { name, pair, quality, write } => {
            let (attribute, value) = config::split(&pair, "ATTRIBUTE=VALUE")?;
            let path = format!("{PATH}/{}/attributes/{}", encoded(&name), encoded(attribute));
            let body = json!({"value": tag::value_of(value), "quality": quality.as_str()});
            let question = Question::new(Method::PUT, path).json(&body);
            let done: Done = ask.ask(tag::wanted(question, &write)?).await?;
            tag::show_done(cx, &done);
            Ok(Exit::Done)
        }
        ObjectCommand::Restart { name } => {
            let question =
                Question::new(Method::POST, format!("{PATH}/{}/restart", encoded(&name)));
            let object: ObjectStatus = ask.ask(question).await?;
            if cx.screen.json {
                cx.screen.json(&object);
            } else {
                show_all(cx, &[object]);
            }
            Ok(Exit::Done)
        }
    }
}

async fn deploy(
    cx: &Context,
    ask: &Ask,
    name: &str,
    file: &Path,
    write: &WriteArguments,
) -> Result<Exit, Failure> {
    let document = config::document(file)?;
    let shown = clean(&file.to_string_lossy(), 200);
    let value: Value = serde_json::from_str(&document)
        .map_err(|error| Failure::WrongUse(format!("{shown} holds no JSON: {error}")))?;
    let question = Question::new(Method::PUT, format!("{RECORDS}/{}", encoded(name))).json(&value);
    let done: Done = ask.ask(tag::wanted(question, write)?).await?;
    tag::show_done(cx, &done);
    Ok(Exit::Done)
}

async fn list(cx: &Context, ask: &Ask, prefix: &str) -> Result<Exit, Failure> {
    let mut after: Option<String> = None;
    let mut objects = Vec::new();
    loop {
        let mut question = Question::get(PATH).query("prefix", prefix);
        if let Some(after) = &after {
            question = question.query("after", after);
        }
        let page: ObjectPage = ask.ask(question).await?;
        objects.extend(page.objects);
        if page.next.is_none() || page.next == after {
            break;
        }
        after = page.next;
    }
    if cx.screen.json {
        cx.screen.json(&json!({ "objects": objects }));
    } else {
        show_all(cx, &objects);
    }
    Ok(Exit::Done)
}

fn show_all(cx: &Context, objects: &[ObjectStatus]) {
    let rows: Vec<_> = objects.iter().map(cells).collect();
    let paint = |row: usize, column: usize, cell: String| match column {
        1 => state(cx, objects[row].state, &cell),
        _ => cell,
    };
    for line in table(&rows, paint) {
        cx.screen.line(&line);
    }
}

fn state(cx: &Context, state: ObjectState, text: &str) -> String {
    match state {
        ObjectState::Running => cx.screen.green(text),
        ObjectState::Waiting => cx.screen.yellow(text),
        ObjectState::Fault => cx.screen.red(text),
        ObjectState::Standby => cx.screen.dim(text),
    }
}

fn cells(object: &ObjectStatus) -> Vec<String> {
    let period = object.schedule.map(|it| format!("every {}", millis(it.period_ms)));
    let reasons: Vec<_> =
        object.reasons.iter().map(|it| format!("{}: {}", it.id, it.text)).collect();
    vec![
        clean(&object.name, 64),
        object.state.as_str().to_owned(),
        clean(object.module.as_deref().unwrap_or("-"), 64),
        period.unwrap_or_default(),
        format!("scan {}", object.scan),
        object.scan_time.map_or_else(String::new, |it| micros(it.mean_us)),
        format!("{} overruns", object.overruns),
        clean(&reasons.join("; "), 400),
    ]
}

fn millis(ms: u64) -> String {
    if ms.is_multiple_of(1_000) { format!("{} s", ms / 1_000) } else { format!("{ms} ms") }
}

fn micros(us: u64) -> String {
    if us < 1_000 { format!("{us} us") } else { format!("{:.1} ms", us as f64 / 1_000.0) }
}

async fn show(cx: &Context, ask: &Ask, name: &str) -> Result<Exit, Failure> {
    let detail: ObjectDetail = ask.ask(Question::get(format!("{PATH}/{}", encoded(name)))).await?;
    if cx.screen.json {
        cx.screen.json(&detail);
        return Ok(Exit::Done);
    }
    let ObjectDetail { object, program, position, attributes, said: lines } = &detail;
    let mut rows = vec![
        ("state", state(cx, object.state, object.state.as_str())),
        ("module", clean(object.module.as_deref().unwrap_or("-"), 64)),
    ];
    if let Some(program) = program {
        rows.push(("program", clean(program, 128)));
    }
    if let Some(it) = object.schedule {
        let (period, phase) = (millis(it.period_ms), millis(it.phase_ms));
        let limit = millis(it.scan_limit_ms);
        rows.push(("schedule", format!("every {period}, phase {phase}, scan limit {limit}")));
    }
    let at = position.map_or_else(|| "none yet".to_owned(), super::words::position);
    rows.push(("scan", format!("{}, in entry {at}", object.scan)));
    for (name, times) in [("scan time", object.scan_time), ("jitter", object.jitter)] {
        rows.extend(times.map(|it| (name, said(&it))));
    }
    rows.push(("overruns", object.overruns.to_string()));
    for (name, text) in rows {
        cx.screen.line(&format!("{name:<10}{text}"));
    }
    for reason in &object.reasons {
        let text = clean(&format!("{}: {}", reason.id, reason.text), 600);
        cx.screen.line(&format!("{:<10}{}", "fault", cx.screen.red(&text)));
    }
    let rows: Vec<_> = attributes.iter().map(attribute).collect();
    for line in table(&rows, |_, column, cell| if column > 2 { cx.screen.dim(&cell) } else { cell })
    {
        cx.screen.line(&line);
    }
    for it in lines {
        cx.screen.line(&format!("said at {}  {}", clock(it.at_ms), clean(&it.text, 300)));
    }
    Ok(Exit::Done)
}

fn said(times: &ObjectTimes) -> String {
    let ObjectTimes { count, last_us, mean_us, longest_us } = *times;
    let [last, mean, longest] = [last_us, mean_us, longest_us].map(micros);
    format!("last {last}, mean {mean}, longest {longest}, of {count}")
}

fn attribute(it: &ObjectAttribute) -> Vec<String> {
    let unit = it.unit.as_ref().filter(|it| *it != "1");
    let unit = unit.map_or(String::new(), |it| format!(" {}", clean(it, 20)));
    let quality = match it.quality {
        TagQuality::Good => "good",
        TagQuality::Uncertain => "uncertain",
        TagQuality::Bad => "bad",
    };
    let tag = clean(it.tag.as_deref().unwrap_or_default(), 100);
    vec![
        clean(&it.name, 64),
        format!("{}{unit}", clean(&shown(&it.value), 80)),
        quality.to_owned(),
        if it.timestamp == 0 { "never written".to_owned() } else { clock(it.timestamp) },
        match it.binding {
            ObjectBinding::Own => String::new(),
            ObjectBinding::Input => format!("from {tag}"),
            ObjectBinding::Output => format!("to {tag}"),
        },
    ]
}
