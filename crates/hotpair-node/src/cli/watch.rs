//! `hotpair status --watch`: redrawn in place on a terminal, a line a change when piped.

use super::ask::{Ask, Question};
use super::terminal::clean;
use super::words::{clock, now_ms};
use super::{Context, Exit, Failure, status};
use hotpair_api::face::NodeStatus;
use serde_json::Value;
use std::time::Duration;

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

pub(super) async fn watch(cx: &Context) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    let mut last = String::new();
    // The first answer decides whether the command can work at all; later silence is only shown.
    let mut first = true;
    loop {
        let seen = look(cx, &ask).await;
        if let (true, Err(failure)) = (first, &seen)
            && !matches!(failure, Failure::NotReachable(_))
        {
            return seen.map(|_| Exit::Done);
        }
        let is_terminal = cx.screen.is_terminal && !cx.screen.json;
        let shown = match seen {
            Ok(shown) => shown,
            Err(failure) if first => return Err(failure),
            Err(failure) => Shown::of_failure(cx, &failure),
        };
        first = false;
        if is_terminal {
            let page: String = shown.page.iter().map(|it| format!("{it}\u{1b}[K\n")).collect();
            let clear = if last.is_empty() { "\u{1b}[2J" } else { "" };
            cx.screen.write(&format!("{clear}\u{1b}[H{page}\u{1b}[J"));
            last = shown.key;
        } else if shown.key != last {
            cx.screen.line(&shown.line);
            last = shown.key;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
        }
    }
}

struct Shown {
    /// On a terminal.
    page: Vec<String>,
    /// When piped.
    line: String,
    /// Changes when the line is worth saying again.
    key: String,
}

impl Shown {
    fn of_failure(cx: &Context, failure: &Failure) -> Self {
        let text = &failure.text();
        let line = if cx.screen.json {
            serde_json::json!({"error": {"id": "not-reachable", "text": text}}).to_string()
        } else {
            format!("{}  {text}", clock(now_ms()))
        };
        let page = vec![cx.screen.red(&clean(text, 300)), String::new(), "trying again".to_owned()];
        Self { page, line, key: text.clone() }
    }
}

async fn look(cx: &Context, ask: &Ask) -> Result<Shown, Failure> {
    let value: Value = ask.value(Question::get(status::PATH)).await?;
    let status: NodeStatus = serde_json::from_value(value.clone())
        .map_err(|error| Failure::Failed(format!("an answer of another shape: {error}")))?;
    let key = one_line(&status);
    let line =
        if cx.screen.json { value.to_string() } else { format!("{}  {key}", clock(status.at_ms)) };
    let mut page = status::page(&status, &cx.screen);
    page.push(String::new());
    page.push(cx.screen.dim(&format!("{}  Ctrl-C ends", clock(status.at_ms))));
    Ok(Shown { page, line, key })
}

/// The states of both nodes in one line.
pub(super) fn one_line(status: &NodeStatus) -> String {
    let engines: Vec<_> = status
        .engines
        .iter()
        .map(|it| {
            let name = if status.engines.len() > 1 {
                format!("[{}] ", clean(&it.name, 40))
            } else {
                String::new()
            };
            format!(
                "{name}{} {} | {} {} | epoch {}",
                clean(&status.node, 40),
                clean(&it.state_name, 60),
                clean(&status.partner, 40),
                clean(&it.partner_state_name, 60),
                it.epoch
            )
        })
        .collect();
    let channels: Vec<_> = status
        .channels
        .iter()
        .map(|(channel, it)| format!("{channel} {}", status::health_text(it.health)))
        .collect();
    format!("{} | {}", engines.join("; "), channels.join(", "))
}
