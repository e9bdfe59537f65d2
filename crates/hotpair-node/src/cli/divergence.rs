//! `hotpair divergence`: entries that lost, kept until a person has looked at them.

use super::arguments::DivergenceCommand;
use super::ask::{Ask, Question, encoded};
use super::confirm::confirm;
use super::terminal::{clean, table};
use super::words::{clock, position};
use super::{Context, Exit, Failure};
use hotpair_api::face::{DivergedEntry, Divergence, DivergenceSummary, ReplayReport};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

const PATH: &str = "/api/v1/divergence";

#[derive(Deserialize)]
struct Divergences {
    divergences: Vec<DivergenceSummary>,
}

pub(super) async fn carry_out(cx: &Context, command: DivergenceCommand) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    match command {
        DivergenceCommand::List => list(cx, &ask).await,
        DivergenceCommand::Show { id } => {
            let divergence = fetch(&ask, &id).await?;
            if cx.screen.json {
                cx.screen.json(&divergence);
            } else {
                page(cx, &divergence).iter().for_each(|it| cx.screen.line(it));
            }
            Ok(Exit::Done)
        }
        DivergenceCommand::Replay { id, entries } => replay(cx, &ask, &id, &entries).await,
        DivergenceCommand::Discard { id } => {
            let divergence = fetch(&ask, &id).await?;
            let open = divergence.summary.entries.saturating_sub(divergence.summary.settled);
            let question =
                format!("Forget this conflict and its {open} unsettled entries for good?");
            confirm(cx, &page(cx, &divergence), &question)?;
            let question = Question::new(Method::DELETE, format!("{PATH}/{}", encoded(&id)));
            let answer = ask.value(question).await?;
            if cx.screen.json {
                let answer = if answer.is_null() { json!({"discarded": id}) } else { answer };
                cx.screen.json(&answer);
            } else {
                cx.screen.line(&format!("forgotten: {}", clean(&id, 80)));
            }
            Ok(Exit::Done)
        }
    }
}

async fn fetch(ask: &Ask, id: &str) -> Result<Divergence, Failure> {
    ask.ask(Question::get(format!("{PATH}/{}", encoded(id)))).await
}

async fn list(cx: &Context, ask: &Ask) -> Result<Exit, Failure> {
    let Divergences { divergences } = ask.ask(Question::get(PATH)).await?;
    if cx.screen.json {
        cx.screen.json(&json!({ "divergences": divergences }));
        return Ok(Exit::Done);
    }
    if divergences.is_empty() {
        cx.screen.line("Nothing is kept: no write lost.");
        return Ok(Exit::Done);
    }
    let mut rows = vec![
        ["ID", "WHEN", "JOURNAL", "LOST", "SETTLED", "LOSER", "RULE"].map(str::to_owned).to_vec(),
    ];
    rows.extend(divergences.iter().map(|it| {
        vec![
            clean(&it.id, 80),
            clock(it.at_ms),
            it.journal.to_string(),
            it.entries.to_string(),
            it.settled.to_string(),
            clean(&it.losing_node, 40),
            clean(&it.rule, 80),
        ]
    }));
    for line in table(&rows, |row, _, cell| if row == 0 { cx.screen.dim(&cell) } else { cell }) {
        cx.screen.line(&line);
    }
    cx.screen.note("look: hotpair divergence show ID; write again: replay ID; forget: discard ID");
    Ok(Exit::Done)
}

fn page(cx: &Context, divergence: &Divergence) -> Vec<String> {
    let it = &divergence.summary;
    let mut lines = vec![
        format!(
            "{}: the {} journals of the two nodes forked after {}",
            cx.screen.bold(&clean(&it.id, 80)),
            it.journal,
            position(it.fork)
        ),
        format!(
            "  epoch {} won, epoch {} of {} lost, by rule: {}",
            it.winning_epoch,
            it.losing_epoch,
            clean(&it.losing_node, 40),
            clean(&it.rule, 120)
        ),
    ];
    let value = |it: &Option<Value>, absent: &str| {
        it.as_ref().map_or_else(|| absent.to_owned(), |it| clean(&it.to_string(), 60))
    };
    let row = |it: &DivergedEntry| {
        vec![
            it.number.to_string(),
            clean(&it.item, 80),
            value(&it.losing_value, "(removed)"),
            clock(it.losing_at_ms),
            value(&it.winning_value, "(absent)"),
            it.winning_at_ms.map_or_else(String::new, clock),
            if it.settled { "settled".to_owned() } else { String::new() },
        ]
    };
    let mut rows =
        vec![["  #", "ITEM", "LOST", "WRITTEN", "NOW", "WRITTEN", ""].map(str::to_owned).to_vec()];
    rows.extend(divergence.kept.iter().map(row).map(|mut row| {
        row[0] = format!("  {}", row[0]);
        row
    }));
    lines.extend(table(&rows, |row, _, cell| if row == 0 { cx.screen.dim(&cell) } else { cell }));
    lines
}

async fn replay(cx: &Context, ask: &Ask, id: &str, entries: &[u64]) -> Result<Exit, Failure> {
    let divergence = fetch(ask, id).await?;
    let what = match entries.len() {
        0 => "all unsettled entries".to_owned(),
        count => format!("{count} entries"),
    };
    confirm(cx, &page(cx, &divergence), &format!("Write {what} again, over what is there now?"))?;
    let body = if entries.is_empty() { json!({}) } else { json!({ "entries": entries }) };
    let question = Question::post(format!("{PATH}/{}/replay", encoded(id))).json(&body);
    let report: ReplayReport = ask.ask(question).await?;
    let refused = report.entries.iter().filter(|it| it.sequence.is_none()).count();
    if cx.screen.json {
        cx.screen.json(&report);
    } else {
        for entry in &report.entries {
            cx.screen.line(&match (entry.sequence, &entry.refused) {
                (Some(sequence), _) => format!("  {} written again as {sequence}", entry.number),
                (None, refused) => {
                    let why = refused.as_deref().unwrap_or("no reason given");
                    cx.screen.yellow(&format!(
                        "  {} not written: {}",
                        entry.number,
                        clean(why, 200)
                    ))
                }
            });
        }
    }
    Ok(if refused == 0 { Exit::Done } else { Exit::Failed })
}
