//! `hotpair config`: records, transactions, history, export and import.

use super::arguments::{ConfigCommand, WriteArguments};
use super::ask::{Ask, Question, encoded};
use super::confirm::confirm;
use super::terminal::{clean, table};
use super::words::clock;
use super::{Context, Exit, Failure, tag};
use hotpair_api::face::{
    ConfigChange, ConfigExport, ConfigOp, ConfigPage, ConfigRecord, ConfigTransaction, Done,
    Expectation,
};
use serde::Deserialize;
use serde_json::Value;
use std::io::Read as _;
use std::path::Path;

const PATH: &str = "/api/v1/config";
/// The largest document that is read from a file.
const DOCUMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(super) async fn carry_out(cx: &Context, command: ConfigCommand) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    match command {
        ConfigCommand::Get { key, long } => get(cx, &ask, &key, long).await,
        ConfigCommand::Set { pairs, expect, delete, write } => {
            let mut ops = Vec::new();
            for pair in &pairs {
                let (key, value) = split(pair, "KEY=VALUE")?;
                ops.push(ConfigOp::Set { key: key.to_owned(), value: value_of(value)? });
            }
            ops.extend(delete.into_iter().map(|key| ConfigOp::Delete { key }));
            run(cx, &ask, ops, &expect, &write).await
        }
        ConfigCommand::Delete { keys, expect, write } => {
            let question = format!("Delete {} records?", keys.len());
            let shown: Vec<_> = keys.iter().map(|it| format!("  {}", clean(it, 200))).collect();
            confirm(cx, &shown, &question)?;
            let ops = keys.into_iter().map(|key| ConfigOp::Delete { key }).collect();
            run(cx, &ask, ops, &expect, &write).await
        }
        ConfigCommand::List { prefix } => list(cx, &ask, &prefix).await,
        ConfigCommand::History { key, last } => history(cx, &ask, key, last).await,
        ConfigCommand::Export { output } => export(cx, &ask, output.as_deref()).await,
        ConfigCommand::Import { file, replace, write } => {
            import(cx, &ask, &file, replace, &write).await
        }
    }
}

async fn get(cx: &Context, ask: &Ask, key: &str, long: bool) -> Result<Exit, Failure> {
    let record: ConfigRecord = ask.ask(Question::get(format!("{PATH}/{}", encoded(key)))).await?;
    if cx.screen.json {
        cx.screen.json(&record);
        return Ok(Exit::Done);
    }
    let text = serde_json::to_string_pretty(&record.value).expect("JSON can be written as JSON");
    cx.screen.line(&harmless(&text));
    if long {
        let ConfigRecord { version, epoch, written_at_ms, .. } = record;
        let at = clock(written_at_ms);
        cx.screen.note(&format!("version {version}, written {at} under epoch {epoch}"));
    }
    Ok(Exit::Done)
}

/// JSON text: serde_json escapes what is below a space; the rest is made harmless line by line.
fn harmless(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|it| clean(it, usize::MAX)).collect();
    lines.join("\n")
}

async fn list(cx: &Context, ask: &Ask, prefix: &str) -> Result<Exit, Failure> {
    let mut after: Option<String> = None;
    let mut records = Vec::new();
    loop {
        let mut question = Question::get(PATH).query("prefix", prefix);
        if let Some(after) = &after {
            question = question.query("after", after);
        }
        let page: ConfigPage = ask.ask(question).await?;
        records.extend(page.records);
        if page.next.is_none() || page.next == after {
            break;
        }
        after = page.next;
    }
    if cx.screen.json {
        cx.screen.json(&serde_json::json!({ "records": records }));
        return Ok(Exit::Done);
    }
    let row = |it: &ConfigRecord| {
        let value = clean(&it.value.to_string(), 80);
        vec![clean(&it.key, 100), format!("v{}", it.version), value]
    };
    let rows: Vec<_> = records.iter().map(row).collect();
    for line in
        table(&rows, |_, column, cell| if column == 1 { cx.screen.dim(&cell) } else { cell })
    {
        cx.screen.line(&line);
    }
    Ok(Exit::Done)
}

async fn run(
    cx: &Context,
    ask: &Ask,
    ops: Vec<ConfigOp>,
    expect: &[String],
    write: &WriteArguments,
) -> Result<Exit, Failure> {
    let expect: Result<Vec<_>, _> = expect.iter().map(|it| expectation(it)).collect();
    let transaction = ConfigTransaction { ops, expect: expect? };
    let question = Question::post(format!("{PATH}:transaction")).json(&transaction);
    let done: Done = ask.ask(tag::wanted(question, write)?).await?;
    tag::show_done(cx, &done);
    Ok(Exit::Done)
}

/// `KEY=17`, or `KEY=none`: it is not there.
fn expectation(text: &str) -> Result<Expectation, Failure> {
    let (key, version) = split(text, "KEY=VERSION")?;
    let wrong =
        || Failure::WrongUse(format!("`{}`: a version is a number or `none`", clean(text, 120)));
    let version = match version {
        "none" => None,
        number => Some(number.parse().map_err(|_| wrong())?),
    };
    Ok(Expectation { key: key.to_owned(), version })
}

/// A name and what follows the first `=`; `shape` is how that is written.
pub(super) fn split<'t>(text: &'t str, shape: &str) -> Result<(&'t str, &'t str), Failure> {
    let wrong = || Failure::WrongUse(format!("`{}` is not {shape}", clean(text, 120)));
    text.split_once('=').filter(|it| !it.0.is_empty()).ok_or_else(wrong)
}

/// A value as JSON; what is not JSON is a string; `@FILE` and `-` read one.
fn value_of(text: &str) -> Result<Value, Failure> {
    let file = if text == "-" { Some("-") } else { text.strip_prefix('@') };
    let Some(file) = file else {
        return Ok(tag::value_of(text));
    };
    let document = document(Path::new(file))?;
    serde_json::from_str(&document)
        .map_err(|error| Failure::WrongUse(format!("{} holds no JSON: {error}", clean(file, 200))))
}

pub(super) fn document(file: &Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| {
        Failure::Failed(format!("cannot read {}: {error}", clean(&file.to_string_lossy(), 200)))
    };
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(DOCUMENT_BYTES_MAX).read_to_string(&mut text)
    } else {
        let file = std::fs::File::open(file).map_err(failed)?;
        file.take(DOCUMENT_BYTES_MAX).read_to_string(&mut text)
    };
    read.map_err(failed)?;
    Ok(text)
}

#[derive(Deserialize)]
struct Changes {
    changes: Vec<ConfigChange>,
}

async fn history(cx: &Context, ask: &Ask, key: Option<String>, last: u32) -> Result<Exit, Failure> {
    let mut question = Question::get(format!("{PATH}:history")).query("last", last);
    if let Some(key) = &key {
        question = question.query("key", key);
    }
    if cx.screen.json {
        let value = ask.value(question).await?;
        cx.screen.json(&value);
        return Ok(Exit::Done);
    }
    let Changes { changes } = ask.ask(question).await?;
    for change in &changes {
        let head = format!(
            "{}  e{}:{}  {}",
            clock(change.written_at_ms),
            change.epoch,
            change.sequence,
            clean(&change.hash, 12)
        );
        cx.screen.line(&cx.screen.dim(&head));
        for op in &change.ops {
            cx.screen.line(&match op {
                ConfigOp::Set { key, value } => {
                    format!("  {} = {}", clean(key, 100), clean(&value.to_string(), 100))
                }
                ConfigOp::Delete { key } => format!("  {} deleted", clean(key, 100)),
            });
        }
    }
    if changes.is_empty() {
        cx.screen.note("no change is remembered");
    }
    Ok(Exit::Done)
}

async fn export(cx: &Context, ask: &Ask, output: Option<&Path>) -> Result<Exit, Failure> {
    let export: ConfigExport = ask.ask(Question::get(format!("{PATH}:export"))).await?;
    let text = serde_json::to_string_pretty(&export).expect("JSON can be written as JSON");
    let Some(output) = output else {
        cx.screen.line(&harmless(&text));
        return Ok(Exit::Done);
    };
    let shown = clean(&output.to_string_lossy(), 200);
    std::fs::write(output, text + "\n")
        .map_err(|error| Failure::Failed(format!("cannot write {shown}: {error}")))?;
    cx.screen.note(&format!("{} records written to {shown}", export.records.len()));
    Ok(Exit::Done)
}

async fn import(
    cx: &Context,
    ask: &Ask,
    file: &Path,
    replace: bool,
    write: &WriteArguments,
) -> Result<Exit, Failure> {
    let text = document(file)?;
    let export: Result<ConfigExport, _> = serde_json::from_str(&text);
    let export = export.map_err(|error| Failure::WrongUse(format!("not an export: {error}")))?;
    let count = export.records.len();
    if replace {
        let question = format!("Replace all config data by these {count} records?");
        confirm(cx, &[], &question)?;
    }
    let question = Question::post(format!("{PATH}:import")).json(&export);
    let question = if replace { question.query("replace", true) } else { question };
    let done: Done = ask.ask(tag::wanted(question, write)?).await?;
    tag::show_done(cx, &done);
    Ok(Exit::Done)
}
