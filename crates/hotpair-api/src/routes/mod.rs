//! Every path of the API.

mod board;
mod parts;
mod health;
mod status;
mod events;
mod command;
mod config;
mod tags;
mod subscribe;
mod subscribers;
mod history;
mod provider;
mod modules;
mod objects;
mod alarms;
mod divergence;
mod metrics;
mod page;
mod openapi;

use crate::face::{NodeFace, Problem, ProblemKind};
use crate::gate::{Api, Shared, gate};
use crate::serve::ListenerSettings;
use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use board::Board;
use std::sync::Arc;
use tokio::sync::watch;

/// The routes without a listener, for whoever brings the requests itself. What a listener bounds
/// (connections, heads of requests, the time they take) is then the caller's business.
pub fn router(
    settings: &ListenerSettings,
    face: Arc<dyn NodeFace>,
    shutdown: watch::Receiver<bool>,
) -> Router {
    let base = settings.advertise.clone();
    let base = base.unwrap_or_else(|| format!("http://{}", settings.listen()));
    behind_the_gate(&Api::new(face, settings, &base, shutdown))
}

/// All routes, behind the gate.
pub(crate) fn behind_the_gate(api: &Shared) -> Router {
    board()
        .into_router()
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Shared::clone(api), gate))
        .with_state(Shared::clone(api))
}

fn board() -> Board {
    let board = Board::new();
    let board = health::routes(board);
    let board = status::routes(board);
    let board = events::routes(board);
    let board = command::routes(board);
    let board = config::routes(board);
    let board = tags::routes(board);
    let board = subscribe::routes(board);
    let board = subscribers::routes(board);
    let board = history::routes(board);
    let board = provider::routes(board);
    let board = modules::routes(board);
    let board = objects::routes(board);
    let board = alarms::routes(board);
    let board = divergence::routes(board);
    let board = metrics::routes(board);
    let board = page::routes(board);
    openapi::routes(board)
}

async fn nothing_here(request: Request) -> Response {
    let path = crate::name::plain(request.uri().path());
    let detail = format!("no path `{path}`; see /api/v1/openapi.json");
    Problem::new(ProblemKind::NotFound, detail).into_response()
}

async fn wrong_method(request: Request) -> Response {
    let path = crate::name::plain(request.uri().path());
    let method = crate::name::plain(request.method().as_str());
    let detail = format!("`{method}` is not a method of `{path}`");
    Problem::new(ProblemKind::MethodNotAllowed, detail).into_response()
}
