//! Answers are what the description says: each is held against its schema.
use crate::client::{Running, start};
use hotpair_api::face::{Evidence, Reason, SyncProgress};
use serde_json::{Value, json};

/// The smallest check that finds a member that is missing, undescribed or of another type.
fn check(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let path = name.trim_start_matches('#');
        return check(document, document.pointer(path).ok_or(name)?, value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let results: Vec<_> = choices.iter().map(|it| check(document, it, value, at)).collect();
        return results
            .iter()
            .any(Result::is_ok)
            .then_some(())
            .ok_or_else(|| format!("{at}: {results:?}"));
    }
    if let Some(expected) = schema.get("const") {
        return (expected == value).then_some(()).ok_or_else(|| format!("{at}: not {expected}"));
    }
    let actual = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(it) if it.is_u64() || it.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = |wanted: &Value| wanted == actual || (wanted == "number" && actual == "integer");
    let wanted = &schema["type"];
    let one_of = wanted.as_array().is_some_and(|types| types.iter().any(fits));
    let typed = wanted.is_null() || one_of || fits(wanted);
    if !typed {
        return Err(format!("{at}: {actual} is not {}", schema["type"]));
    }
    if let Some(choices) = schema["enum"].as_array()
        && !choices.contains(value)
    {
        return Err(format!("{at}: {value} is not one of {choices:?}"));
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (index, value) in values.iter().enumerate() {
            check(document, items, value, &format!("{at}/{index}"))?;
        }
    }
    let (Some(properties), Some(members)) = (schema["properties"].as_object(), value.as_object())
    else {
        return Ok(());
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        members.get(name).ok_or_else(|| format!("{at}: no {name}"))?;
    }
    for (name, member) in members {
        let schema =
            properties.get(name).ok_or_else(|| format!("{at}: {name} is not described"))?;
        check(document, schema, member, &format!("{at}/{name}"))?;
    }
    Ok(())
}

async fn hold(api: &Running, line: &str, body: &str, path: &str) {
    let document = api.get("/api/v1/openapi.json").await.json();
    let got = api.send(line, body).await;
    let method = line.split(' ').next().unwrap().to_lowercase();
    let responses = &document["paths"][path][method.as_str()]["responses"];
    let problem = &document["components"]["responses"]["Problem"];
    let response = responses.get(got.status.to_string()).unwrap_or(problem);
    let content_type = got.header("content-type").unwrap().split(';').next().unwrap();
    let schema = &response["content"][content_type]["schema"];
    assert!(schema.is_object(), "{line}: {} as {content_type} is not described", got.status);
    if let Err(problem) = check(&document, schema, &got.json(), "") {
        panic!("{line} {}: {problem}", got.status);
    }
}

#[tokio::test]
async fn answers_are_what_the_description_says() {
    let api = start().await;
    api.node.change(|it| {
        let engine = &mut it.engines[0];
        engine.sync = Some(SyncProgress {
            phase: "snapshot".into(),
            bytes_done: 1,
            bytes_total: 2,
            bytes_per_second: 3,
            left_ms: Some(4),
        });
        let reason = Reason::new("a", "b").with(Evidence::new("c", 1).against(2));
        engine.blockers = vec![reason.clone()];
        engine.waiting_for = Some(reason.clone());
        engine.suspended = Some(reason);
    });
    for (line, body, path) in [
        ("GET /api/v1/status", "", "/api/v1/status"),
        ("GET /api/v1/status?engine=x", "", "/api/v1/status"),
        ("GET /api/v1/engines", "", "/api/v1/engines"),
        ("GET /api/v1/events", "", "/api/v1/events"),
        ("GET /api/v1/why", "", "/api/v1/why"),
        ("GET /api/v1/why-not/promote", "", "/api/v1/why-not/{command}"),
        ("GET /active", "", "/active"),
        ("GET /standby", "", "/standby"),
        ("POST /api/v1/switchover", "", "/api/v1/switchover"),
        ("POST /api/v1/switchover?dry_run=true", "", "/api/v1/switchover"),
        ("POST /api/v1/become-active", "", "/api/v1/become-active"),
        ("PUT /api/v1/config/a/b", "{}", "/api/v1/config/{key}"),
        ("GET /api/v1/config/a/b", "", "/api/v1/config/{key}"),
        ("GET /api/v1/config/none", "", "/api/v1/config/{key}"),
        ("GET /api/v1/config", "", "/api/v1/config"),
        ("GET /api/v1/config:export", "", "/api/v1/config:export"),
        ("GET /api/v1/config:history", "", "/api/v1/config:history"),
        ("GET /api/v1/tags/tank/level", "", "/api/v1/tags/{path}"),
        ("GET /api/v1/tags/tank/title", "", "/api/v1/tags/{path}"),
        ("PUT /api/v1/tags/tank/level", r#"{"value":1}"#, "/api/v1/tags/{path}"),
        ("GET /api/v1/tags", "", "/api/v1/tags"),
        ("GET /api/v1/modules", "", "/api/v1/modules"),
        ("GET /api/v1/subscribers", "", "/api/v1/subscribers"),
        ("GET /api/v1/history", "", "/api/v1/history"),
        ("GET /api/v1/objects", "", "/api/v1/objects"),
        ("GET /api/v1/objects/tank-1", "", "/api/v1/objects/{name}"),
        ("GET /api/v1/objects/none", "", "/api/v1/objects/{name}"),
        ("POST /api/v1/objects/tank-1/restart", "", "/api/v1/objects/{name}/restart"),
        (
            "PUT /api/v1/objects/tank-1/attributes/setpoint",
            r#"{"value":1.5,"quality":"uncertain"}"#,
            "/api/v1/objects/{name}/attributes/{attribute}",
        ),
        ("GET /api/v1/alarms", "", "/api/v1/alarms"),
        ("GET /api/v1/alarms/tank-1/level-high", "", "/api/v1/alarms/{object}/{alarm}"),
        ("GET /api/v1/alarms/tank-1/none", "", "/api/v1/alarms/{object}/{alarm}"),
        (
            "POST /api/v1/alarms/tank-1/level-high/shelve",
            r#"{"who":"ann","for_ms":60000}"#,
            "/api/v1/alarms/{object}/{alarm}/{action}",
        ),
        (
            "POST /api/v1/alarms/tank-1/level-high/ack",
            "",
            "/api/v1/alarms/{object}/{alarm}/{action}",
        ),
        ("GET /api/v1/divergence", "", "/api/v1/divergence"),
        ("GET /api/v1/divergence/x", "", "/api/v1/divergence/{id}"),
        ("POST /api/v1/divergence/x/replay", "", "/api/v1/divergence/{id}/replay"),
    ] {
        hold(&api, line, body, path).await;
    }
}

#[test]
fn the_check_itself_finds_what_is_wrong() {
    let document = json!({"s": {"type": "object", "properties": {"a": {"type": ["string", "null"]}},
        "required": ["a"], "additionalProperties": false}});
    let schema = json!({"$ref": "#/s"});
    assert!(check(&document, &schema, &json!({"a": null}), "").is_ok());
    for wrong in [json!({}), json!({"a": 1}), json!({"a": "x", "b": 1}), json!([])] {
        assert!(check(&document, &schema, &wrong, "").is_err(), "{wrong}");
    }
}
