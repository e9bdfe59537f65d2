//! Kept entries: look at them, write them again, forget them.
use super::board::Board;
use super::parts::{EngineQuery, Name, Query};
use crate::answer::{Answer, ok};
use crate::body::json_or_default;
use crate::gate::{Shared, caller};
use crate::name::check_plain_name;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes(board: Board) -> Board {
    board
        .add("get", "/api/v1/divergence", list)
        .add("get", "/api/v1/divergence/{id}", show)
        .add("delete", "/api/v1/divergence/{id}", discard)
        .add("post", "/api/v1/divergence/{id}/replay", replay)
}

async fn list(State(api): State<Shared>, Query(query): Query<EngineQuery>) -> Answer {
    let divergences = api.ask(api.face.divergences(query.engine)).await?;
    ok(&json!({ "divergences": divergences }))
}

async fn show(
    State(api): State<Shared>,
    Name(id): Name,
    Query(query): Query<EngineQuery>,
) -> Answer {
    check_plain_name(&id)?;
    ok(&api.ask(api.face.divergence(query.engine, id)).await?)
}

async fn discard(
    State(api): State<Shared>,
    Name(id): Name,
    Query(query): Query<EngineQuery>,
    request: Request,
) -> Answer {
    check_plain_name(&id)?;
    let caller = caller(&request);
    tracing::info!(by = %caller, id, "kept entries are discarded");
    api.act(api.face.divergence_discard(query.engine, id, caller)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayBody {
    #[serde(default)]
    entries: Option<Vec<u64>>,
}

async fn replay(
    State(api): State<Shared>,
    Name(id): Name,
    Query(query): Query<EngineQuery>,
    request: Request,
) -> Answer {
    check_plain_name(&id)?;
    let caller = caller(&request);
    let body: ReplayBody = json_or_default(&api, request).await?;
    let replay = api.face.divergence_replay(query.engine, id, body.entries, caller);
    ok(&api.act(replay).await?)
}
