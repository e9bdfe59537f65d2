//! Config data: JSON documents by key, ETags, transactions.
use super::board::Board;
use super::parts::{LastQuery, ListQuery, Name, Query, WriteQuery, write_options};
use crate::answer::{Answer, ok, with_header, written};
use crate::body::{json, json_value};
use crate::face::{
    ConfigExport, ConfigOp, ConfigTransaction, Expectation, Problem, ProblemKind, WriteOutcome,
};
use crate::gate::Shared;
use crate::name::check_item;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use hotpair_types::{Ack, EngineName};
use serde::Deserialize;
use serde_json::json as object;

/// How many changes are given without `last`.
const CHANGES_DEFAULT: usize = 50;

pub(super) fn routes(board: Board) -> Board {
    board
        .add("get", "/api/v1/config", list)
        .add("get", "/api/v1/config/", list)
        .add("get", "/api/v1/config/{*key}", get)
        .add("put", "/api/v1/config/{*key}", put)
        .add("delete", "/api/v1/config/{*key}", delete)
        .add("post", "/api/v1/config:transaction", transaction)
        .add("get", "/api/v1/config:history", history)
        .add("get", "/api/v1/config:export", export)
        .add("post", "/api/v1/config:import", import)
}

async fn list(State(api): State<Shared>, Query(query): Query<ListQuery>) -> Answer {
    let (query, count_max) = query.checked(api.limits.items_max)?;
    let page = api.face.config_list(query.engine, query.prefix, query.after, count_max);
    ok(&api.ask(page).await?)
}

async fn get(
    State(api): State<Shared>,
    Name(key): Name,
    Query(query): Query<super::parts::EngineQuery>,
    headers: HeaderMap,
) -> Answer {
    check_item(&key, ProblemKind::BadPath)?;
    let record = api.ask(api.face.config_get(query.engine, key)).await?;
    let tag = etag(record.version);
    if matches_any(&headers, &header::IF_NONE_MATCH, &tag) {
        let mut response = axum::response::Response::default();
        *response.status_mut() = axum::http::StatusCode::NOT_MODIFIED;
        return Ok(with_header(response, header::ETAG, &tag));
    }
    Ok(with_header(ok(&record)?, header::ETAG, &tag))
}

async fn put(
    State(api): State<Shared>,
    Name(key): Name,
    Query(query): Query<WriteQuery>,
    request: Request,
) -> Answer {
    check_item(&key, ProblemKind::BadPath)?;
    let options = write_options(request.headers(), query.ack)?;
    let expect = expectation(request.headers(), &key)?;
    let value = json_value(&api, request).await?;
    let transaction = ConfigTransaction { ops: vec![ConfigOp::Set { key, value }], expect };
    let outcome = api.act(api.face.config_write(query.engine, transaction, options)).await?;
    let tag = match &outcome {
        WriteOutcome::Done(done) => Some(etag(done.sequence)),
        WriteOutcome::Refused(_) | WriteOutcome::Unknown { .. } => None,
    };
    let response = written(outcome)?;
    Ok(match tag {
        Some(tag) => with_header(response, header::ETAG, &tag),
        None => response,
    })
}

async fn delete(
    State(api): State<Shared>,
    Name(key): Name,
    Query(query): Query<WriteQuery>,
    headers: HeaderMap,
) -> Answer {
    check_item(&key, ProblemKind::BadPath)?;
    let options = write_options(&headers, query.ack)?;
    let expect = expectation(&headers, &key)?;
    let transaction = ConfigTransaction { ops: vec![ConfigOp::Delete { key }], expect };
    written(api.act(api.face.config_write(query.engine, transaction, options)).await?)
}

async fn transaction(
    State(api): State<Shared>,
    Query(query): Query<WriteQuery>,
    request: Request,
) -> Answer {
    let options = write_options(request.headers(), query.ack)?;
    let transaction: ConfigTransaction = json(&api, request).await?;
    let (ops, expectations) = (transaction.ops.len(), transaction.expect.len());
    let items_max = api.limits.items_max;
    if ops == 0 || ops > items_max || expectations > items_max {
        let detail = format!("a transaction has 1 to {items_max} operations, not {ops}");
        return Err(Problem::new(ProblemKind::Unprocessable, detail));
    }
    for op in &transaction.ops {
        let (ConfigOp::Set { key, .. } | ConfigOp::Delete { key }) = op;
        check_item(key, ProblemKind::Unprocessable)?;
    }
    for expected in &transaction.expect {
        check_item(&expected.key, ProblemKind::Unprocessable)?;
    }
    written(api.act(api.face.config_write(query.engine, transaction, options)).await?)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    engine: Option<EngineName>,
    key: Option<String>,
    last: Option<usize>,
}

async fn history(State(api): State<Shared>, Query(query): Query<HistoryQuery>) -> Answer {
    if let Some(key) = &query.key {
        check_item(key, ProblemKind::BadRequest)?;
    }
    let count_max = query.last.unwrap_or(CHANGES_DEFAULT).clamp(1, api.limits.items_max);
    let changes = api.ask(api.face.config_history(query.engine, query.key, count_max)).await?;
    ok(&object!({ "changes": changes }))
}

async fn export(State(api): State<Shared>, Query(query): Query<LastQuery>) -> Answer {
    let export = api.ask(api.face.config_export(query.engine)).await?;
    let name = "attachment; filename=\"hotpair-config.json\"";
    // All records: writing them out would hold a thread that others need.
    let written = tokio::task::spawn_blocking(move || ok(&export)).await;
    let response =
        written.map_err(|_| Problem::new(ProblemKind::Unavailable, "the node is ending"))?;
    Ok(with_header(response?, header::CONTENT_DISPOSITION, name))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportQuery {
    engine: Option<EngineName>,
    ack: Option<Ack>,
    #[serde(default)]
    replace: bool,
}

async fn import(
    State(api): State<Shared>,
    Query(query): Query<ImportQuery>,
    request: Request,
) -> Answer {
    let options = write_options(request.headers(), query.ack)?;
    let export: ConfigExport = json(&api, request).await?;
    if export.format != ConfigExport::FORMAT {
        let detail = format!("`format` must be `{}`", ConfigExport::FORMAT);
        return Err(Problem::new(ProblemKind::Unprocessable, detail));
    }
    for key in export.records.keys() {
        check_item(key, ProblemKind::Unprocessable)?;
    }
    let import = api.face.config_import(query.engine, export, query.replace, options);
    written(api.act(import).await?)
}

fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// Whether a list of entity tags has this one or `*`.
fn matches_any(headers: &HeaderMap, name: &HeaderName, tag: &str) -> bool {
    let texts = headers.get_all(name).iter().filter_map(|it| it.to_str().ok());
    let mut tags = texts.flat_map(|it| it.split(',')).map(str::trim);
    tags.any(|it| it == "*" || it.trim_start_matches("W/") == tag)
}

/// What `If-Match: "<version>"` or `If-None-Match: *` expects.
fn expectation(headers: &HeaderMap, key: &str) -> Result<Vec<Expectation>, Problem> {
    let bad = |text: &str| Err(Problem::new(ProblemKind::BadRequest, text));
    let expected = |version| Ok(vec![Expectation { key: key.into(), version }]);
    match (headers.get(header::IF_MATCH), headers.get(header::IF_NONE_MATCH)) {
        (None, None) => Ok(Vec::new()),
        (Some(tag), None) => {
            let text = tag.to_str().unwrap_or_default().trim();
            let version = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
            match version.and_then(|it| it.parse().ok()) {
                Some(version) => expected(Some(version)),
                None => bad("`If-Match` takes one ETag of this API, for example \"17\""),
            }
        }
        (None, Some(tag)) if tag == "*" => expected(None),
        (None, Some(_)) => bad("a write takes `If-None-Match: *` alone"),
        (Some(_), Some(_)) => bad("`If-Match` and `If-None-Match` exclude each other"),
    }
}
