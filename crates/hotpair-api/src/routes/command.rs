//! Commands of people and scripts: accepted, or refused with every reason.
use super::board::Board;
use super::parts::{EngineQuery, Query};
use crate::answer::{Answer, json};
use crate::body::json_or_default;
use crate::face::{Command, LogLevel, Problem, ProblemKind, Verdict};
use crate::gate::{Api, Shared, caller};
use crate::name::plain;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use hotpair_types::EngineName;
use serde::Deserialize;

pub(super) fn routes(mut board: Board) -> Board {
    for (path, command) in [
        ("/api/v1/become-active", Command::BecomeActive),
        ("/api/v1/pause", Command::Pause),
        ("/api/v1/resume", Command::Resume),
        ("/api/v1/reinit", Command::Reinit),
        ("/api/v1/drain", Command::Drain),
        ("/api/v1/drill", Command::Drill),
    ] {
        let handler = move |State(api): State<Shared>,
                            Query(query): Query<EngineQuery>,
                            request: Request| async move {
            plain_command(&api, query, request, command).await
        };
        board = board.add("post", path, handler);
    }
    board
        .add("post", "/api/v1/switchover", switchover)
        .add("post", "/api/v1/promote", promote)
        .add("post", "/api/v1/log", log)
        .add("post", "/api/v1/engines/{engine}/{action}", engine)
}

/// `?engine=`, and the choices of a command where a body is too much to ask.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandQuery {
    engine: Option<EngineName>,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    accept_data_loss: bool,
}

/// A command that takes nothing: not even a query of another command.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SwitchoverBody {
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PromoteBody {
    #[serde(default)]
    accept_data_loss: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogBody {
    level: LogLevel,
}

async fn switchover(
    State(api): State<Shared>,
    Query(query): Query<CommandQuery>,
    request: Request,
) -> Answer {
    let caller = caller(&request);
    let body: SwitchoverBody = json_or_default(&api, request).await?;
    if query.accept_data_loss {
        return Err(not_here("accept_data_loss"));
    }
    let command = Command::Switchover { dry_run: body.dry_run || query.dry_run };
    run(&api, query.engine, caller, command).await
}

async fn promote(
    State(api): State<Shared>,
    Query(query): Query<CommandQuery>,
    request: Request,
) -> Answer {
    let caller = caller(&request);
    let body: PromoteBody = json_or_default(&api, request).await?;
    if query.dry_run {
        return Err(not_here("dry_run"));
    }
    let accept_data_loss = body.accept_data_loss || query.accept_data_loss;
    run(&api, query.engine, caller, Command::Promote { accept_data_loss }).await
}

async fn log(State(api): State<Shared>, request: Request) -> Answer {
    let caller = caller(&request);
    let body: LogBody = crate::body::json(&api, request).await?;
    run(&api, None, caller, Command::Log(body.level)).await
}

async fn engine(
    State(api): State<Shared>,
    parts: axum::extract::Path<(String, String)>,
    request: Request,
) -> Answer {
    let (engine, action) = parts.0;
    let engine = EngineName::new(&engine)
        .map_err(|error| Problem::new(ProblemKind::UnknownEngine, error.to_string()))?;
    let command = match action.as_str() {
        "deploy" => Command::Deploy,
        "undeploy" => Command::Undeploy,
        "restart" => Command::Restart,
        other => {
            let detail = format!("an engine has no action `{}`", plain(other));
            return Err(Problem::new(ProblemKind::NotFound, detail));
        }
    };
    let caller = caller(&request);
    let _: Nothing = json_or_default(&api, request).await?;
    run(&api, Some(engine), caller, command).await
}

async fn plain_command(
    api: &Api,
    query: EngineQuery,
    request: Request,
    command: Command,
) -> Answer {
    let caller = caller(&request);
    let _: Nothing = json_or_default(api, request).await?;
    run(api, query.engine, caller, command).await
}

async fn run(
    api: &Api,
    engine: Option<EngineName>,
    caller: crate::face::Caller,
    command: Command,
) -> Answer {
    let kind = command.kind();
    let by = caller.to_string();
    let forecast_only = matches!(command, Command::Switchover { dry_run: true });
    match api.act(api.face.command(engine, caller, command)).await? {
        Verdict::Accepted(accepted) => {
            tracing::info!(command = %kind, by, forecast_only, "command accepted");
            let code = if forecast_only { StatusCode::OK } else { StatusCode::ACCEPTED };
            Ok(json(code, &accepted))
        }
        Verdict::Refused { reasons, active } => {
            tracing::info!(command = %kind, by, reasons = reasons.len(), "command refused");
            let texts: Vec<_> = reasons.iter().map(|it| it.text.as_str()).collect();
            let detail = format!("{kind} is refused: {}", texts.join("; "));
            let problem = Problem::new(ProblemKind::CommandRefused, detail).because(reasons);
            Err(Problem { active, ..problem })
        }
    }
}

fn not_here(name: &str) -> Problem {
    Problem::new(ProblemKind::BadRequest, format!("`{name}` is not a choice of this command"))
}
