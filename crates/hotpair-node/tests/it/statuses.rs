//! Five statuses, each with its words.

use crate::command::hotpair;
use crate::fake::{FakeNode, whole_status};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

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
        "GET /api/v1/status" => (200, whole_status()),
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
        "GET /api/v1/status" => (200, whole_status()),
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

#[test]
fn the_status_of_a_pair_with_an_arbiter_says_who_holds_the_grant() {
    let grant = |mut engine: Value, grant: Value| {
        engine["grant"] = grant;
        engine
    };
    let node = FakeNode::new(move |_| {
        let mut status = whole_status();
        status["mode"] = json!("arbiter");
        let engine = status["engines"][0].take();
        let held = json!({
            "arbiter": "answers", "away_for_ms": null, "away_why": null, "held": true, "revision": 12,
            "left_ms": 2_100, "asked": true, "frozen": false, "by_person": false,
            "holder": "gw-a 3-00000000000000fe", "went_alone": null,
        });
        let frozen = json!({
            "arbiter": "away", "away_for_ms": 93_000,
            "away_why": "the arbiter does not answer: http://192.168.1.20:2379: Connection refused",
            "held": false, "revision": null, "left_ms": null, "asked": true, "frozen": true,
            "by_person": false, "holder": "gw-a 3-00000000000000fe", "went_alone": "gw-a",
        });
        let mut second = grant(engine.clone(), frozen);
        second["name"] = json!("line-2");
        status["engines"] = json!([grant(engine, held), second]);
        (200, status)
    });
    expect![[r#"
        status 0
        -- out
        gw-a  hotpair 0.1.0 | mode arbiter | running 2h 5m | asked at http://127.0.0.1:8650

        Engine main
          NODE  PLACE   STATE                             CONFIG  RUNTIME
        * gw-a  master  Active           for 2m 11s       e3:120  e3:55120
          gw-b  backup  Standby - Ready  heard 34 ms ago  e3:120  e3:55118  2 behind
          epoch 3 | active for 2m 13s
          Grant    held, 2.1 s left if it is not renewed | the arbiter answers
          Why      2023-11-14 22:11:07.000  Standby - Ready -> Active: gw-b's process died
          Switch   a planned switchover is possible now

        Engine line-2
          NODE  PLACE   STATE                             CONFIG  RUNTIME
        * gw-a  master  Active           for 2m 11s       e3:120  e3:55120
          gw-b  backup  Standby - Ready  heard 34 ms ago  e3:120  e3:55118  2 behind
          epoch 3 | active for 2m 13s
          Grant    held by gw-a 3-00000000000000fe | ROLES FROZEN: active without it as long as the partner answers | gw-a went on alone | the arbiter is AWAY for 1m 33s
          Why      2023-11-14 22:11:07.000  Standby - Ready -> Active: gw-b's process died
          Switch   a planned switchover is possible now

          CHANNEL     HEALTH  MISSED  ROUND TRIP  HEARD      BETWEEN
          redundancy  up      0 of 5  0.21 ms     34 ms ago  10.10.0.1:4750 - 10.10.0.2:4750        data
          primary     up      0 of 5  0.39 ms     12 ms ago  192.168.1.11:4750 - 192.168.1.12:4750
          Outputs are held by this process and its guard (fencing level guard)
          Address  192.168.1.10/24@eth0 here
          Service  plc running for 4.0 s | restarts 3

        What to do
          The arbiter does not answer this node (the arbiter does not answer: http://192.168.1.20:2379: Connection refused): look at etcd and the way to it. Roles stay as they are until it does.
    "#]].assert_eq(&hotpair(&["status", "--api", &node.base]).shown(&[]));
}
