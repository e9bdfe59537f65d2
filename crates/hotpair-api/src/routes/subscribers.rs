//! Who follows under a name: the same list on both nodes.
use super::board::Board;
use super::parts::{EngineQuery, Query};
use crate::answer::{Answer, ok};
use crate::gate::Shared;
use axum::extract::State;
use serde_json::json as object;

pub(super) fn routes(board: Board) -> Board {
    board.add("get", "/api/v1/subscribers", list)
}

async fn list(State(api): State<Shared>, Query(query): Query<EngineQuery>) -> Answer {
    let subscribers = api.ask(api.face.subscribers(query.engine)).await?;
    ok(&object!({ "subscribers": subscribers }))
}
