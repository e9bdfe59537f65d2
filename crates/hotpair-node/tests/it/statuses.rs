//! Five statuses, each with its words.

use crate::command::hotpair;
use crate::fake::FakeNode;
use expect_test::{Expect, expect};
use serde_json::json;

fn check(arguments: &[&str], expected: Expect) {
    expected.assert_eq(&hotpair(arguments).shown(&[]));
}

#[test]
fn wrong_use_is_2() {
    for wrong in [
        &[][..],
        &["frobnicate"],
        &["status", "--frob"],
        &["status", "--engine", "Not A Name"],
        &["why", "--last", "0"],
        &["status", "--wait=5"],
        &["init", "--name", "gw-a", "--redundancy", "10.0.0.1:1", "--primary", "10.0.0.2:1"],
        &[
            "init",
            "--name",
            "gw-a",
            "--master",
            "--redundancy",
            "10.0.0.1",
            "--primary",
            "10.0.0.2:1",
        ],
        &["join", "--name", "gw-b", "--redundancy", "10.0.0.1:1", "--primary", "10.0.0.2:1"],
        &["config", "set"],
        &["why-not", "frobnicate"],
        &["log", "loud"],
    ] {
        let called = hotpair(wrong);
        assert_eq!(called.status, 2, "{wrong:?}: {}", called.error);
        assert!(!called.error.is_empty(), "{wrong:?}");
    }
    check(
        &["status", "--api", "gw-a:8650"],
        expect![[r#"
        status 2
        -- error
        error: `gw-a:8650` is not a URL like http://127.0.0.1:8650
    "#]],
    );
    check(
        &["config", "set", "no-value", "--api", "http://127.0.0.1:1"],
        expect![[r#"
        status 2
        -- error
        error: `no-value` is not KEY=VALUE
    "#]],
    );
    check(
        &["config", "set", "a=1", "--expect", "a=new", "--api", "http://127.0.0.1:1"],
        expect![[r#"
            status 2
            -- error
            error: `a=new`: a version is a number or `none`
        "#]],
    );
    check(
        &["config", "set", "a=@/no/such/file", "--api", "http://127.0.0.1:1"],
        expect![[r#"
        status 1
        -- error
        error: cannot read /no/such/file: No such file or directory (os error 2)
    "#]],
    );
}

#[test]
fn nobody_there_is_3() {
    // Reserved for a service that nobody runs.
    let base = "http://127.0.0.1:1".to_owned();
    let called = hotpair(&["status", "--api", &base]);
    expect![[r#"
        status 3
        -- error
        error: BASE cannot be reached: Connection refused (os error 111)
    "#]]
    .assert_eq(&called.shown(&[(&base, "BASE")]));
    let called = hotpair(&["status", "--json", "--api", &base]);
    expect![[r#"
        status 3
        -- out
        {"error":{"id":"not-reachable","text":"BASE cannot be reached: Connection refused (os error 111)"}}
    "#]].assert_eq(&called.shown(&[(&base, "BASE")]));
}

#[test]
fn a_refusal_is_4_and_says_every_reason() {
    let node = FakeNode::new(|question| match question {
        "GET /api/v1/status" => (200, crate::fake::whole_status()),
        "POST /api/v1/switchover?dry_run=false" => (
            409,
            json!({
                "type": "urn:hotpair:problem:command-refused", "title": "The command is refused", "status": 409,
                "detail": "switchover is refused: the standby is not ready; too many changes",
                "reasons": [
                    {"id": "standby-not-ready", "text": "gw-b is Standby - Not Ready", "evidence": [
                        {"name": "runtime position", "value": "e3:17", "limit": "e3:20"}]},
                    {"id": "suspended", "text": "Too many changes of role"},
                ],
                "active": "http://10.0.0.2:8650",
            }),
        ),
        other => (404, json!({"type": "urn:hotpair:problem:not-found", "detail": other})),
    });
    let called = hotpair(&["switchover", "--yes", "--api", &node.base]);
    expect![[r#"
        status 4
        -- error
        refused: switchover is refused: the standby is not ready; too many changes
          - gw-b is Standby - Not Ready (standby-not-ready)
              runtime position: e3:17 (limit e3:20)
          - Too many changes of role (suspended)
          ask http://10.0.0.2:8650 instead
    "#]]
    .assert_eq(&called.shown(&[]));
    let called = hotpair(&["switchover", "--yes", "--json", "--api", &node.base]);
    expect![[r#"
        status 4
        -- out
        {"error":{"active":"http://10.0.0.2:8650","id":"command-refused","reasons":[{"evidence":[{"limit":"e3:20","name":"runtime position","value":"e3:17"}],"id":"standby-not-ready","text":"gw-b is Standby - Not Ready"},{"evidence":[],"id":"suspended","text":"Too many changes of role"}],"text":"switchover is refused: the standby is not ready; too many changes"}}
    "#]].assert_eq(&called.shown(&[]));
}

#[test]
fn what_is_not_there_is_1() {
    let node = FakeNode::new(|_| {
        (404, json!({"type": "urn:hotpair:problem:unknown-tag", "detail": "`a/b` is not declared"}))
    });
    let called = hotpair(&["tag", "read", "a/b", "--api", &node.base]);
    expect![[r#"
        status 1
        -- error
        error: `a/b` is not declared
          tags are declared in config: hotpair config set 'tags/PATH={"type":"float"}'
    "#]]
    .assert_eq(&called.shown(&[]));
}

#[test]
fn without_a_terminal_nothing_dangerous_is_done_unasked() {
    let node = FakeNode::new(|question| match question {
        "GET /api/v1/status" => (200, crate::fake::whole_status()),
        other => (500, json!({ "detail": other })),
    });
    for dangerous in [
        &["switchover"][..],
        &["promote", "--accept-data-loss"],
        &["reinit"],
        &["engine", "undeploy", "main"],
        &["config", "delete", "a"],
        &["module", "remove", "m"],
    ] {
        let called = hotpair(&[dangerous, &["--api", &node.base]].concat());
        assert_eq!(called.status, 2, "{dangerous:?}: {}", called.error);
        assert!(called.error.contains("--yes"), "{dangerous:?}: {}", called.error);
    }
    assert!(node.asked().iter().all(|it| it.0 == "GET /api/v1/status"), "{:?}", node.asked());
}

#[test]
fn somebody_else_on_the_port_is_not_taken_for_a_node() {
    let node = FakeNode::new(|_| (200, json!({"hello": "world"})));
    let called = hotpair(&["status", "--api", &node.base]);
    assert_eq!(called.status, 1);
    assert!(called.error.contains("another shape"), "{}", called.error);
}
