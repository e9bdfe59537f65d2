//! Objects. They are deployed as config records `objects/NAME`.
use super::board::Board;
use super::parts::{EngineQuery, ListQuery, Name, Query, WriteQuery, write_options};
use crate::answer::{Answer, ok, written};
use crate::body::json;
use crate::face::AttributeValue;
use crate::gate::{Shared, caller};
use crate::name::check_plain_name;
use axum::extract::{Path, Request, State};

pub(super) fn routes(board: Board) -> Board {
    board
        .add("get", "/api/v1/objects", list)
        .add("get", "/api/v1/objects/{name}", show)
        .add("post", "/api/v1/objects/{name}/restart", restart)
        .add("put", "/api/v1/objects/{name}/attributes/{attribute}", set)
}

async fn list(State(api): State<Shared>, Query(query): Query<ListQuery>) -> Answer {
    let (query, count_max) = query.checked(api.limits.items_max)?;
    let page = api.face.objects(query.engine, query.prefix, query.after, count_max);
    ok(&api.ask(page).await?)
}

async fn show(
    State(api): State<Shared>,
    Name(name): Name,
    Query(query): Query<EngineQuery>,
) -> Answer {
    check_plain_name(&name)?;
    ok(&api.ask(api.face.object(query.engine, name)).await?)
}

async fn restart(
    State(api): State<Shared>,
    Name(name): Name,
    Query(query): Query<EngineQuery>,
    request: Request,
) -> Answer {
    check_plain_name(&name)?;
    let caller = caller(&request);
    ok(&api.act(api.face.object_restart(query.engine, name, caller)).await?)
}

async fn set(
    State(api): State<Shared>,
    Path((name, attribute)): Path<(String, String)>,
    Query(query): Query<WriteQuery>,
    request: Request,
) -> Answer {
    check_plain_name(&name)?;
    check_plain_name(&attribute)?;
    let options = write_options(request.headers(), query.ack)?;
    let caller = caller(&request);
    let value: AttributeValue = json(&api, request).await?;
    let name = (name, attribute);
    written(api.act(api.face.object_set(query.engine, name, value, caller, options)).await?)
}
