//! What the node says of itself.
use super::board::Board;
use super::parts::{EngineQuery, Query};
use crate::answer::{Answer, ok};
use crate::face::{Problem, ProblemKind};
use crate::gate::Shared;
use axum::extract::State;

pub(super) fn routes(board: Board) -> Board {
    board.add("get", "/api/v1/status", status).add("get", "/api/v1/engines", engines)
}

async fn status(State(api): State<Shared>, Query(query): Query<EngineQuery>) -> Answer {
    // Once through the node's loop: a process that was frozen first learns what time it is. One
    // that does not answer shows what it said last; `at_ms` tells how old that is.
    api.ask(api.face.alive()).await.ok();
    let status = api.status();
    let Some(engine) = query.engine else { return ok(&*status) };
    let mut one = (*status).clone();
    one.engines.retain(|it| it.name == engine.as_str());
    if one.engines.is_empty() {
        let detail = format!("there is no engine `{engine}`");
        return Err(Problem::new(ProblemKind::UnknownEngine, detail));
    }
    ok(&one)
}

async fn engines(State(api): State<Shared>) -> Answer {
    ok(&serde_json::json!({ "engines": api.status().engines }))
}
