//! Tags: live values.
use super::board::Board;
use super::parts::{EngineQuery, ListQuery, Name, Query, WriteQuery, write_options};
use crate::answer::{Answer, ok, written};
use crate::body::json;
use crate::face::{Problem, ProblemKind, TagQuality, TagWrite};
use crate::gate::Shared;
use crate::name::check_item;
use axum::extract::{Request, State};
use serde::Deserialize;
use serde_json::Value;

pub(super) fn routes(board: Board) -> Board {
    board
        .add("get", "/api/v1/tags", list)
        .add("get", "/api/v1/tags/", list)
        .add("get", "/api/v1/tags/{*path}", read)
        .add("put", "/api/v1/tags/{*path}", write)
        .add("post", "/api/v1/tags:batch", batch)
}

async fn list(State(api): State<Shared>, Query(query): Query<ListQuery>) -> Answer {
    let (query, count_max) = query.checked(api.limits.items_max)?;
    let page = api.face.tag_list(query.engine, query.prefix, query.after, count_max);
    ok(&api.ask(page).await?)
}

async fn read(
    State(api): State<Shared>,
    Name(path): Name,
    Query(query): Query<EngineQuery>,
) -> Answer {
    check_item(&path, ProblemKind::BadPath)?;
    ok(&api.ask(api.face.tag_read(query.engine, path)).await?)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WriteBody {
    value: Value,
    #[serde(default)]
    quality: TagQuality,
    #[serde(default)]
    timestamp: Option<u64>,
}

async fn write(
    State(api): State<Shared>,
    Name(path): Name,
    Query(query): Query<WriteQuery>,
    request: Request,
) -> Answer {
    check_item(&path, ProblemKind::BadPath)?;
    let options = write_options(request.headers(), query.ack)?;
    let WriteBody { value, quality, timestamp } = json(&api, request).await?;
    let write = TagWrite { path, value, quality, timestamp };
    written(api.act(api.face.tag_write(query.engine, vec![write], options)).await?)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchBody {
    writes: Vec<TagWrite>,
}

async fn batch(
    State(api): State<Shared>,
    Query(query): Query<WriteQuery>,
    request: Request,
) -> Answer {
    let options = write_options(request.headers(), query.ack)?;
    let BatchBody { writes } = json(&api, request).await?;
    let (count, items_max) = (writes.len(), api.limits.items_max);
    if count == 0 || count > items_max {
        let detail = format!("a batch has 1 to {items_max} writes, not {count}");
        return Err(Problem::new(ProblemKind::Unprocessable, detail));
    }
    for write in &writes {
        check_item(&write.path, ProblemKind::Unprocessable)?;
    }
    written(api.act(api.face.tag_write(query.engine, writes, options)).await?)
}
