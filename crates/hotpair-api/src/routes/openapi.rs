//! The description of the API, tested to be what the router has.
use super::board::Board;
use axum::http::header;
use axum::response::{IntoResponse, Response};

const OPENAPI: &str = include_str!("openapi.json");

pub(super) fn routes(board: Board) -> Board {
    board.add("get", "/api/v1/openapi.json", openapi)
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}
