//! Code modules: bytes go straight on to the node, piece by piece.
use super::board::Board;
use super::parts::{EngineQuery, Name, Query, WriteQuery, write_options};
use crate::answer::{Answer, json, ok, written};
use crate::body::{drain, piece};
use crate::face::{ModuleBody, ModuleSender, Problem, ProblemKind, UploadBroken, WriteOutcome};
use crate::gate::{Api, Shared};
use crate::name::{check_plain_name, plain};
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::json as object;
use tokio::time::Instant;

/// Pieces on their way to the node.
const PIECES_MAX: usize = 8;

pub(super) fn routes(board: Board) -> Board {
    board.add("get", "/api/v1/modules", list).add("put", "/api/v1/modules/{name}", add).add(
        "delete",
        "/api/v1/modules/{name}",
        remove,
    )
}

async fn list(State(api): State<Shared>, Query(query): Query<EngineQuery>) -> Answer {
    let modules = api.ask(api.face.modules(query.engine)).await?;
    ok(&object!({ "modules": modules }))
}

async fn add(
    State(api): State<Shared>,
    Name(name): Name,
    Query(query): Query<WriteQuery>,
    request: Request,
) -> Answer {
    check_plain_name(&name)?;
    let options = write_options(request.headers(), query.ack)?;
    check_type(request.headers())?;
    let body = request.into_body();
    if body.size_hint().lower() > api.limits.module_bytes_max as u64 {
        drain(body, api.limits.body_bytes_max).await;
        return Err(too_large(&api));
    }
    let (sender, pieces) = ModuleBody::new(PIECES_MAX);
    let stored = api.face.module_add(query.engine, name, pieces, options);
    // The node may answer before it has read everything; the upload's own problem goes first.
    let (sent, stored) = tokio::join!(pump(&api, body, sender), stored);
    sent?;
    let (module, outcome) = stored?;
    if let WriteOutcome::Done(done) = &outcome {
        let mut answer = serde_json::to_value(done).expect("it has string keys");
        answer["module"] = object!(module);
        return Ok(json(StatusCode::OK, &answer));
    }
    written(outcome)
}

/// Carries the body to the node.
async fn pump(api: &Api, mut body: Body, sender: ModuleSender) -> Result<(), Problem> {
    let mut bytes = 0;
    loop {
        let deadline = Instant::now() + api.limits.body_patience;
        let arrived = match piece(&mut body, deadline).await {
            Ok(Some(piece)) => piece,
            Ok(None) if bytes == 0 => {
                let problem = Problem::new(ProblemKind::Unprocessable, "the module is empty");
                return Err(broken(&sender, problem).await);
            }
            Ok(None) => return Ok(()),
            Err(problem) => return Err(broken(&sender, problem).await),
        };
        bytes += arrived.len();
        if bytes > api.limits.module_bytes_max {
            let problem = broken(&sender, too_large(api)).await;
            drain(body, api.limits.body_bytes_max).await;
            return Err(problem);
        }
        if sender.send(Ok(arrived.into())).await.is_err() {
            // The node has made up its mind; its answer tells.
            drain(body, api.limits.body_bytes_max).await;
            return Ok(());
        }
    }
}

/// Tells the node that the rest will not come.
async fn broken(sender: &ModuleSender, problem: Problem) -> Problem {
    // A node that is gone need not be told.
    let _ = sender.send(Err(UploadBroken(problem.detail.clone()))).await;
    problem
}

async fn remove(
    State(api): State<Shared>,
    Name(name): Name,
    Query(query): Query<WriteQuery>,
    headers: HeaderMap,
) -> Answer {
    check_plain_name(&name)?;
    let options = write_options(&headers, query.ack)?;
    written(api.act(api.face.module_remove(query.engine, name, options)).await?)
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |it| it.as_bytes());
    if [&b"application/wasm"[..], b"application/octet-stream"].contains(&given) {
        return Ok(());
    }
    let given = plain(&String::from_utf8_lossy(given));
    let detail = format!("a module is application/wasm or application/octet-stream, not `{given}`");
    Err(Problem::new(ProblemKind::WrongContentType, detail))
}

fn too_large(api: &Api) -> Problem {
    let detail = format!("a module may have {} bytes", api.limits.module_bytes_max);
    Problem::new(ProblemKind::BodyTooLarge, detail)
}
