//! History that is held until a sink has it: on either node, as that one holds it.
use super::board::Board;
use super::parts::{EngineQuery, Query};
use crate::answer::{Answer, ok};
use crate::gate::Shared;
use axum::extract::State;

pub(super) fn routes(board: Board) -> Board {
    board.add("get", "/api/v1/history", show)
}

async fn show(State(api): State<Shared>, Query(query): Query<EngineQuery>) -> Answer {
    ok(&api.ask(api.face.history(query.engine)).await?)
}
