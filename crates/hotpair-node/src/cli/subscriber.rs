//! `hotpair subscriber`: who follows an engine under a name.

use super::arguments::SubscriberCommand;
use super::ask::Question;
use super::terminal::{clean, table};
use super::words::clock;
use super::{Context, Exit, Failure};
use hotpair_api::face::SubscriberStatus;
use serde::Deserialize;

#[derive(Deserialize)]
struct Subscribers {
    subscribers: Vec<SubscriberStatus>,
}

pub(super) async fn carry_out(cx: &Context, command: SubscriberCommand) -> Result<Exit, Failure> {
    let SubscriberCommand::List = command;
    let Subscribers { subscribers } = cx.ask()?.ask(Question::get("/api/v1/subscribers")).await?;
    if cx.screen.json {
        cx.screen.json(&serde_json::json!({ "subscribers": subscribers }));
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = subscribers.iter().map(cells).collect();
    let paint = |row: usize, column: usize, cell: String| match column {
        1 if subscribers[row].connected => cx.screen.green(&cell),
        1 => cx.screen.yellow(&cell),
        _ => cell,
    };
    for line in table(&rows, paint) {
        cx.screen.line(&line);
    }
    Ok(Exit::Done)
}

fn cells(it: &SubscriberStatus) -> Vec<String> {
    let how = if it.confirmed { "has" } else { "was sent" };
    let follows = if it.prefix.is_empty() { "all tags" } else { &it.prefix };
    vec![
        clean(&it.name, 64),
        if it.connected { "connected" } else { "away" }.to_owned(),
        format!("{} {}", if it.connected { "to" } else { "from" }, clean(&it.node, 64)),
        format!("{how} {}", clean(&it.has, 48)),
        clean(follows, 80),
        format!("since {}", clock(it.at_ms)),
    ]
}
