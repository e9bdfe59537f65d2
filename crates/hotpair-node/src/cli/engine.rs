//! `hotpair engine` and `hotpair log`: the asked node itself.

use super::arguments::{EngineCommand, Level};
use super::ask::Question;
use super::confirm::confirm;
use super::terminal::{clean, table};
use super::{Context, Exit, Failure, role, status};
use hotpair_api::face::Accepted;
use serde_json::json;

pub(super) async fn list(cx: &Context) -> Result<Exit, Failure> {
    let ask = cx.ask()?;
    let status = status::fetch(&ask).await?;
    if cx.screen.json {
        cx.screen.json(&json!({ "engines": status.engines }));
        return Ok(Exit::Done);
    }
    let mut rows =
        vec![["ENGINE", "PLACE", "STATE", "PARTNER", "EPOCH"].map(str::to_owned).to_vec()];
    rows.extend(status.engines.iter().map(|it| {
        let state =
            if it.state.is_some() { clean(&it.state_name, 60) } else { "not deployed".to_owned() };
        let partner = clean(&it.partner_state_name, 60);
        vec![clean(&it.name, 40), it.designation.to_string(), state, partner, it.epoch.to_string()]
    }));
    for line in table(&rows, |row, _, cell| if row == 0 { cx.screen.dim(&cell) } else { cell }) {
        cx.screen.line(&line);
    }
    Ok(Exit::Done)
}

pub(super) async fn change(cx: &Context, command: EngineCommand) -> Result<Exit, Failure> {
    let (name, action) = match command {
        EngineCommand::List => return list(cx).await,
        EngineCommand::Deploy { name } => (name, "deploy"),
        EngineCommand::Undeploy { name } => (name, "undeploy"),
        EngineCommand::Restart { name } => (name, "restart"),
    };
    let ask = cx.ask()?;
    if action != "deploy" {
        let now = status::fetch(&ask).await?;
        let node = clean(&now.node, 40);
        let lines = if cx.global.yes { Vec::new() } else { status::page(&now, &cx.screen) };
        confirm(cx, &lines, &format!("{action} engine {name} on {node}?"))?;
    }
    let question = Question::post(format!("/api/v1/engines/{name}/{action}"));
    let accepted: Accepted = ask.ask(question).await?;
    role::show_accepted(cx, &accepted);
    role::settle(cx, &ask.about(&name), action, |it| it.state.is_some() == (action != "undeploy"))
        .await
}

pub(super) async fn log(cx: &Context, level: Level) -> Result<Exit, Failure> {
    let question = Question::post("/api/v1/log").json(&json!({ "level": level.as_str() }));
    let accepted: Accepted = cx.ask()?.ask(question).await?;
    role::show_accepted(cx, &accepted);
    Ok(Exit::Done)
}
