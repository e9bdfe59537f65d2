//! Alarms of objects. They are declared with their objects.
use super::board::Board;
use super::parts::{EngineQuery, ListQuery, Query, WriteQuery, write_options};
use crate::answer::{Answer, ok, written};
use crate::body::json_or_default;
use crate::face::{AlarmCommand, AlarmOrder, Problem, ProblemKind};
use crate::gate::{Shared, caller};
use crate::name::{check_plain_name, plain};
use axum::extract::{Path, Request, State};
use serde::Deserialize;

pub(super) fn routes(board: Board) -> Board {
    board
        .add("get", "/api/v1/alarms", list)
        .add("get", "/api/v1/alarms/{object}/{alarm}", show)
        .add("post", "/api/v1/alarms/{object}/{alarm}/{action}", act)
}

async fn list(State(api): State<Shared>, Query(query): Query<ListQuery>) -> Answer {
    let (query, count_max) = query.checked(api.limits.items_max)?;
    let page = api.face.object_alarms(query.engine, query.prefix, query.after, count_max);
    ok(&api.ask(page).await?)
}

async fn show(
    State(api): State<Shared>,
    Path((object, alarm)): Path<(String, String)>,
    Query(query): Query<EngineQuery>,
) -> Answer {
    check_plain_name(&object)?;
    check_plain_name(&alarm)?;
    ok(&api.ask(api.face.object_alarm(query.engine, object, alarm)).await?)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderBody {
    who: Option<String>,
    #[serde(default)]
    comment: String,
    occurrence: Option<u64>,
    for_ms: Option<u64>,
}

async fn act(
    State(api): State<Shared>,
    Path((object, alarm, action)): Path<(String, String, String)>,
    Query(query): Query<WriteQuery>,
    request: Request,
) -> Answer {
    check_plain_name(&object)?;
    check_plain_name(&alarm)?;
    let options = write_options(request.headers(), query.ack)?;
    let caller = caller(&request);
    let body: OrderBody = json_or_default(&api, request).await?;
    let command = command(&action, &body)?;
    let order = AlarmOrder { command, who: body.who, comment: body.comment };
    let name = (object, alarm);
    written(api.act(api.face.alarm_order(query.engine, name, order, caller, options)).await?)
}

fn command(action: &str, body: &OrderBody) -> Result<AlarmCommand, Problem> {
    let command = match action {
        "ack" => AlarmCommand::Acknowledge { occurrence: body.occurrence },
        "shelve" => {
            let needed = || {
                let detail = "`for_ms` is needed: for how long it is put aside";
                Problem::new(ProblemKind::Unprocessable, detail)
            };
            AlarmCommand::Shelve { for_ms: body.for_ms.ok_or_else(needed)? }
        }
        "unshelve" => AlarmCommand::Unshelve,
        "suppress" => AlarmCommand::Suppress,
        "unsuppress" => AlarmCommand::Unsuppress,
        "out-of-service" => AlarmCommand::TakeOut,
        "in-service" => AlarmCommand::PutBack,
        other => {
            let detail = format!("an alarm has no action `{}`", plain(other));
            return Err(Problem::new(ProblemKind::NotFound, detail));
        }
    };
    // What would be passed over without a word is refused.
    for (name, is_given, is_taken) in [
        ("occurrence", body.occurrence.is_some(), action == "ack"),
        ("for_ms", body.for_ms.is_some(), action == "shelve"),
    ] {
        if is_given && !is_taken {
            let detail = format!("`{name}` is not a choice of `{action}`");
            return Err(Problem::new(ProblemKind::BadRequest, detail));
        }
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_of_another_action_is_refused() {
        let said = |action: &str, occurrence, for_ms| {
            let body = OrderBody { occurrence, for_ms, ..OrderBody::default() };
            command(action, &body).map_err(|it| it.kind)
        };
        assert_eq!(
            said("ack", Some(3), None),
            Ok(AlarmCommand::Acknowledge { occurrence: Some(3) })
        );
        assert_eq!(said("shelve", None, Some(9)), Ok(AlarmCommand::Shelve { for_ms: 9 }));
        assert_eq!(said("shelve", None, None), Err(ProblemKind::Unprocessable));
        assert_eq!(said("ack", None, Some(9)), Err(ProblemKind::BadRequest));
        assert_eq!(said("suppress", Some(1), None), Err(ProblemKind::BadRequest));
        assert_eq!(said("silence", None, None), Err(ProblemKind::NotFound));
    }
}
