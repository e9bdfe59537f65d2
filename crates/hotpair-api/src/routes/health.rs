//! For supervisors and load balancers: the meaning is in the status code.
use super::board::Board;
use crate::answer::json;
use crate::face::{EngineStatus, NodeStatus, Problem, ProblemKind};
use crate::gate::Shared;
use crate::name::plain;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hotpair_types::StateId;
use serde_json::json;
use std::fmt::Write;

pub(super) fn routes(mut board: Board) -> Board {
    board = board.add("get", "/livez", live).add("options", "/livez", live);
    board = board.add("get", "/readyz", ready).add("options", "/readyz", ready);
    for path in ["/active", "/primary"] {
        board = board.add("get", path, active).add("options", path, active);
    }
    for path in ["/standby", "/replica"] {
        board = board.add("get", path, standby).add("options", path, standby);
    }
    board
}

async fn live(State(api): State<Shared>) -> Response {
    match api.ask(api.face.alive()).await {
        Ok(()) => text(StatusCode::OK, "ok\n".into()),
        Err(problem) => problem.into_response(),
    }
}

async fn ready(State(api): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let alive = api.ask(api.face.alive()).await.is_ok();
    let status = api.status();
    let good = alive && status.checks.iter().all(|it| it.ok);
    let code = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // `?verbose` tells more than the status code: that takes the token where there is one.
    let verbose = parameter(&uri, "verbose").is_some() && api.check_token(&headers).is_ok();
    let mut body = String::new();
    if verbose {
        let mark = |it: bool| if it { '+' } else { '-' };
        let _ = writeln!(body, "[{}]loop answers", mark(alive));
        for check in &status.checks {
            let _ = writeln!(body, "[{}]{}: {}", mark(check.ok), check.name, plain(&check.detail));
        }
    }
    body.push_str(if good { "ok\n" } else { "not ready\n" });
    text(code, body)
}

async fn active(State(api): State<Shared>, uri: Uri) -> Response {
    let sure = is_current(&api).await;
    let status = api.status();
    // The gate, as late as can be: a balancer that is told "active" sends this node the plant's clients.
    let may_act = |it: &EngineStatus| api.face.may_act(&it.name);
    judge(&status, sure, &uri, "active", |it| acts(it) && may_act(it))
}

async fn standby(State(api): State<Shared>, uri: Uri) -> Response {
    let sure = is_current(&api).await;
    let is_ready = |it: &EngineStatus| it.state == Some(StateId::StandbyReady);
    judge(&api.status(), sure, &uri, "standby", is_ready)
}

fn acts(engine: &EngineStatus) -> bool {
    engine.state.is_some_and(StateId::is_active)
}

/// Whether the published status is what the loop believes now: a process that was frozen must not
/// answer from what it believed before.
async fn is_current(api: &Shared) -> bool {
    api.ask(api.face.alive()).await.is_ok()
}

/// 200 if the state of the asked engine, or of all engines, is as wanted.
fn judge(
    status: &NodeStatus,
    sure: bool,
    uri: &Uri,
    role: &str,
    is_it: impl Fn(&EngineStatus) -> bool,
) -> Response {
    let wanted = parameter(uri, "engine");
    let asked = status.engines.iter().filter(|it| wanted.is_none_or(|name| it.name == name));
    let asked: Vec<_> = asked.collect();
    if asked.is_empty() && wanted.is_some() {
        return Problem::new(ProblemKind::UnknownEngine, "there is no such engine").into_response();
    }
    let yes = sure && !asked.is_empty() && asked.iter().all(|it| is_it(it));
    let code = if yes { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let engines: Vec<_> = asked
        .iter()
        .map(|it| json!({"name": it.name, "state": it.state.map(StateId::id), "epoch": it.epoch}))
        .collect();
    let mut response = json(code, &json!({ role: yes, "node": status.node, "engines": engines }));
    if !yes {
        response.headers_mut().insert(header::RETRY_AFTER, 1.into());
    }
    response
}

/// One parameter of the query as it stands there; health checks send no fancy encodings.
fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let mut pairs = uri.query()?.split('&').map(|it| it.split_once('=').unwrap_or((it, "")));
    pairs.find(|it| it.0 == name).map(|it| it.1)
}

fn text(code: StatusCode, body: String) -> Response {
    let mut response = (code, body).into_response();
    if !code.is_success() {
        response.headers_mut().insert(header::RETRY_AFTER, 1.into());
    }
    response
}
