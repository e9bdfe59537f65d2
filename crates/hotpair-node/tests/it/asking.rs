//! What is asked of a node, and how its answers look.

use crate::command::hotpair;
use crate::fake::{FakeNode, whole_status};
use expect_test::expect;
use serde_json::{Value, json};

fn done() -> Value {
    json!({"sequence": 7, "epoch": 3, "acknowledged": "durable", "degraded": false})
}

fn whole() -> FakeNode {
    FakeNode::new(|question| match question {
        "GET /api/v1/status" => (200, whole_status()),
        other => (404, json!({ "detail": other })),
    })
}

#[test]
fn the_status_of_a_whole_pair() {
    let node = whole();
    expect![[r#"
        status 0
        -- out
        gw-a  hotpair 0.1.0 | mode availability | running 2h 5m | asked at http://127.0.0.1:8650

          NODE  PLACE   STATE                             CONFIG  RUNTIME
        * gw-a  master  Active           for 2m 11s       e3:120  e3:55120
          gw-b  backup  Standby - Ready  heard 34 ms ago  e3:120  e3:55118  2 behind
          epoch 3 | active for 2m 13s
          Why      2023-11-14 22:11:07.000  Standby - Ready -> Active: gw-b's process died
          Switch   a planned switchover is possible now

          CHANNEL     HEALTH  MISSED  ROUND TRIP  HEARD      BETWEEN
          redundancy  up      0 of 5  0.21 ms     34 ms ago  10.10.0.1:4750 - 10.10.0.2:4750        data
          primary     up      0 of 5  0.39 ms     12 ms ago  192.168.1.11:4750 - 192.168.1.12:4750
          Outputs are held by this process and its guard (fencing level guard)
          Address  192.168.1.10/24@eth0 here
          Service  plc running for 4.0 s | restarts 3

        What to do
          Nothing. The pair is whole.
    "#]].assert_eq(&hotpair(&["status", "--api", &node.base]).shown(&[]));
}

#[test]
fn the_status_of_a_broken_pair_says_what_to_do() {
    let node = FakeNode::new(|_| {
        let mut status = whole_status();
        let engine = &mut status["engines"][0];
        engine["state"] = json!("active-standby-not-available");
        engine["state_name"] = json!("Active - Standby not Available");
        engine["partner_state"] = json!("standby-syncing-data");
        engine["partner_state_name"] = json!("Standby - Syncing Data");
        engine["degraded"] = json!(true);
        engine["marks"]["sole"] = json!(true);
        engine["paused"] = json!(true);
        engine["divergence_entries"] = json!(4);
        engine["sync"] = json!({
            "phase": "snapshot", "bytes_done": 12_000_000, "bytes_total": 30_000_000,
            "bytes_per_second": 4_000_000, "left_ms": 4_500,
        });
        engine["blockers"] = json!([{
            "id": "standby-not-ready", "text": "gw-b is Standby - Syncing Data, not Ready",
            "evidence": [{"name": "partner state", "value": "standby-syncing-data", "limit": "standby-ready"}],
        }]);
        status["channels"]["redundancy"]["health"] = json!("down");
        status["channels"]["redundancy"]["missed"] = json!(5);
        status["channels"]["redundancy"]["carries_data"] = json!(false);
        status["channels"]["redundancy"]["detail"] = json!("no beat for 12 s");
        status["channels"]["primary"]["carries_data"] = json!(true);
        status["alarms"] = json!([{
            "id": "channel-degraded", "text": "the redundancy channel is down", "since_ms": 1_699_999_988_000_u64,
        }]);
        (200, status)
    });
    expect![[r#"
        status 0
        -- out
        gw-a  hotpair 0.1.0 | mode availability | running 2h 5m | asked at http://127.0.0.1:8650

          NODE  PLACE   STATE                                            CONFIG  RUNTIME
        * gw-a  master  Active - Standby not Available  for 2m 11s       e3:120  e3:55120
          gw-b  backup  Standby - Syncing Data          heard 34 ms ago  e3:120  e3:55118  2 behind
          epoch 3 | active for 2m 13s | writes are acknowledged without the standby | sole: the partner cannot rightly act by itself | PAUSED: no automatic change of role until `hotpair resume`
          Sync     snapshot [########............]  40 % 11.4 MiB of 28.6 MiB, 3.8 MiB/s, 4.5 s left
          4 losing entries are kept: hotpair divergence list
          Why      2023-11-14 22:11:07.000  Standby - Ready -> Active: gw-b's process died
          Switch   a planned switchover is not possible now:
          - gw-b is Standby - Syncing Data, not Ready (standby-not-ready)
              partner state: standby-syncing-data (limit standby-ready)

          CHANNEL     HEALTH  MISSED  ROUND TRIP  HEARD      BETWEEN
          redundancy  down    5 of 5  0.21 ms     34 ms ago  10.10.0.1:4750 - 10.10.0.2:4750
          primary     up      0 of 5  0.39 ms     12 ms ago  192.168.1.11:4750 - 192.168.1.12:4750  data
          redundancy: no beat for 12 s
          Outputs are held by this process and its guard (fencing level guard)
          Address  192.168.1.10/24@eth0 here
          Service  plc running for 4.0 s | restarts 3

        Alarms
          ! channel-degraded: the redundancy channel is down (for 12 s)

        What to do
          Maintenance is on: `hotpair resume` when it is over.
          gw-b is being brought level; wait.
          Entries that lost a conflict wait for you: `hotpair divergence list`.
          redundancy is down: look at the cable and the network between 10.10.0.1:4750 and 10.10.0.2:4750.
    "#]].assert_eq(&hotpair(&["status", "--api", &node.base]).shown(&[]));
}

#[test]
fn a_paused_pair_whose_active_died_says_that_nobody_is_active() {
    let node = FakeNode::new(|_| {
        let mut status = whole_status();
        let engine = &mut status["engines"][0];
        engine["state"] = json!("standby-ready");
        engine["partner_state"] = json!("standby-not-ready");
        engine["paused"] = json!(true);
        (200, status)
    });
    let shown = hotpair(&["status", "--api", &node.base]).shown(&[]);
    let says = "Nobody is active: the pair is paused and the active is gone. `hotpair resume`";
    assert!(shown.contains(says), "{shown}");
}

#[test]
fn alarms_of_the_partner_are_shown_and_the_pair_is_not_called_well() {
    let partner = FakeNode::new(|_| {
        let mut status = whole_status();
        let alarm =
            json!({"id": "history-behind", "text": "it waits", "since_ms": 1_699_999_988_000_u64});
        status["alarms"] = json!([alarm]);
        (200, status)
    });
    let base = partner.base.clone();
    let node = FakeNode::new(move |_| {
        let mut status = whole_status();
        status["partner_api"] = json!(base);
        (200, status)
    });
    let shown = hotpair(&["status", "--api", &node.base]).shown(&[]);
    assert!(shown.contains("! gw-b: history-behind: it waits"), "{shown}");
    assert!(!shown.contains("Nothing. The pair is whole."), "{shown}");
    // One that does not answer is passed over.
    let node = FakeNode::new(|_| {
        let mut status = whole_status();
        status["partner_api"] = json!("http://127.0.0.1:1");
        (200, status)
    });
    let shown = hotpair(&["status", "--api", &node.base]).shown(&[]);
    assert!(shown.contains("Nothing. The pair is whole."), "{shown}");
}

#[test]
fn a_node_that_may_not_do_it_is_followed_to_the_one_that_may() {
    let active = FakeNode::new(|_| (200, done()));
    let base = active.base.clone();
    let standby = FakeNode::new(move |_| {
        let problem =
            json!({"type": "urn:hotpair:problem:not-active", "detail": "ask gw-b", "active": base});
        (421, problem)
    });
    let called = hotpair(&[
        "config",
        "set",
        "a/b=17",
        "c=text",
        "--delete",
        "d",
        "--expect",
        "a/b=3",
        "--expect",
        "c=none",
        "--ack",
        "durable",
        "--idempotency-key",
        "k1",
        "--api",
        &standby.base,
    ]);
    expect![[r#"
        status 0
        -- out
        e3:7 durable
    "#]]
    .assert_eq(&called.shown(&[]));
    for node in [&standby, &active] {
        let asked = node.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].0, "POST /api/v1/config:transaction?ack=durable");
        assert_eq!(
            asked[0].1,
            json!({
                "ops": [
                    {"op": "set", "key": "a/b", "value": 17},
                    {"op": "set", "key": "c", "value": "text"},
                    {"op": "delete", "key": "d"},
                ],
                "expect": [{"key": "a/b", "version": 3}, {"key": "c", "version": null}],
            })
        );
    }
}

#[test]
fn two_nodes_that_send_each_other_the_request_are_not_asked_for_ever() {
    let to_itself = FakeNode::new(|_| {
        (
            421,
            json!({"type": "urn:hotpair:problem:not-active", "detail": "x", "active": "http://127.0.0.1:1"}),
        )
    });
    let called = hotpair(&["tag", "write", "a=1", "--api", &to_itself.base]);
    assert_eq!(called.status, 3, "{}", called.error);
}

#[test]
fn tags_are_read_and_written() {
    let tag = json!({
        "path": "plant/level", "value": 51.25, "quality": "good", "timestamp": 1_700_000_000_123_u64,
        "sequence": 17, "epoch": 3, "type": "float", "unit": "%",
    });
    let node = FakeNode::new(move |question| match question {
        "GET /api/v1/tags/plant/level" => (200, tag.clone()),
        "GET /api/v1/tags?prefix=plant" => {
            (200, json!({"tags": [tag], "next": null, "position": {"epoch": 3, "sequence": 17}}))
        }
        _ => (200, done()),
    });
    expect![[r#"
        status 0
        -- out
        plant/level  51.25 %  good  2023-11-14 22:13:20.123  e3:17
    "#]]
    .assert_eq(&hotpair(&["tag", "read", "plant/level", "--api", &node.base]).shown(&[]));
    expect![[r#"
        status 0
        -- out
        plant/level  51.25 %  good  2023-11-14 22:13:20.123  e3:17
    "#]]
    .assert_eq(&hotpair(&["tag", "list", "plant", "--api", &node.base]).shown(&[]));
    expect![[r#"
        status 0
        -- out
        51.25
    "#]]
    .assert_eq(
        &hotpair(&["tag", "read", "--value", "plant/level", "--api", &node.base]).shown(&[]),
    );
    let called = hotpair(&[
        "tag",
        "write",
        "plant/level=52",
        "plant/name=north",
        "--quality",
        "uncertain",
        "--json",
        "--api",
        &node.base,
    ]);
    expect![[r#"
        status 0
        -- out
        {"sequence":7,"epoch":3,"acknowledged":"durable","degraded":false}
    "#]]
    .assert_eq(&called.shown(&[]));
    let asked = node.asked();
    assert_eq!(
        asked.last().unwrap().1,
        json!({"writes": [
            {"path": "plant/level", "value": 52, "quality": "uncertain"},
            {"path": "plant/name", "value": "north", "quality": "uncertain"},
        ]})
    );
}

#[test]
fn why_shows_rule_and_evidence() {
    let event = whole_status()["engines"][0]["last_change"].clone();
    let node = FakeNode::new(move |question| match question {
        "GET /api/v1/why?last=5" => (200, json!({ "events": [event] })),
        "GET /api/v1/why-not/promote" => (
            200,
            json!({"command": "promote", "allowed": false, "reasons": [
                {"id": "active-heard", "text": "an active node is heard: use switchover"}]}),
        ),
        "GET /api/v1/why-not/switchover" => {
            (200, json!({"command": "switchover", "allowed": true, "reasons": []}))
        }
        other => (404, json!({ "detail": other })),
    });
    expect![[r#"
        status 0
        -- out
        2023-11-14 22:11:07.000  Standby - Ready -> Active: gw-b's process died
              rule 8 9: Fenced, cause fenced, epoch 2 -> 3
              fenced instance: 1-00c0ffee
              missed beats on redundancy: 0 (limit 5)
    "#]]
    .assert_eq(&hotpair(&["why", "--api", &node.base]).shown(&[]));
    expect![[r#"
        status 1
        -- out
        `promote` is not possible now:
          - an active node is heard: use switchover (active-heard)
    "#]]
    .assert_eq(&hotpair(&["why-not", "promote", "--api", &node.base]).shown(&[]));
    expect![[r#"
        status 0
        -- out
        Nothing forbids `switchover` now.
    "#]]
    .assert_eq(&hotpair(&["why-not", "switchover", "--api", &node.base]).shown(&[]));
}

#[test]
fn a_switchover_waits_until_the_roles_are_changed() {
    let asks = std::sync::atomic::AtomicUsize::new(0);
    let node = FakeNode::new(move |question| match question {
        "GET /api/v1/status" => {
            let mut status = whole_status();
            if asks.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 2 {
                let engine = &mut status["engines"][0];
                engine["epoch"] = json!(4);
                engine["state"] = json!("standby-ready");
                engine["state_name"] = json!("Standby - Ready");
                engine["partner_state"] = json!("active");
                engine["partner_state_name"] = json!("Active");
            }
            (200, status)
        }
        _ => (
            202,
            json!({"command": "switchover", "text": "handing over to gw-b", "since_event": 17, "forwarded": false,
                   "forecast": {"gap_ms": 12.5, "held_writes": 3, "lost_entries": 0, "text": "last round trip 0.2 ms"}}),
        ),
    });
    let called = hotpair(&["switchover", "--yes", "--wait=10s", "--api", &node.base]);
    assert_eq!(called.status, 0, "{}", called.error);
    expect![[r#"
        handing over to gw-b
          forecast: about 12 ms without writes, 3 writes held, 0 entries lost (last round trip 0.2 ms)
    "#]].assert_eq(&called.out);
    assert!(called.error.contains("gw-a Standby - Ready | gw-b Active"), "{}", called.error);
}

#[test]
fn a_wait_that_ends_too_early_is_no_success() {
    let node = FakeNode::new(|question| match question {
        "GET /api/v1/status" => (200, whole_status()),
        _ => (
            202,
            json!({"command": "pause", "text": "pausing", "since_event": 1, "forwarded": false}),
        ),
    });
    let called = hotpair(&["pause", "--wait=100ms", "--api", &node.base]);
    assert_eq!(called.status, 1);
    assert!(called.error.contains("did not end within 100 ms"), "{}", called.error);
}

#[test]
fn with_several_engines_the_one_that_is_meant_must_be_named() {
    let node = FakeNode::new(|question| {
        if question.starts_with("GET /api/v1/status") {
            let mut status = whole_status();
            let mut other = status["engines"][0].clone();
            other["name"] = json!("line-2");
            if question.contains("engine=line-2") {
                status["engines"] = json!([other]);
            } else {
                status["engines"].as_array_mut().unwrap().push(other);
            }
            return (200, status);
        }
        (202, json!({"command": "reinit", "text": question, "since_event": 1, "forwarded": false}))
    });
    let called = hotpair(&["reinit", "--yes", "--api", &node.base]);
    expect![[r#"
        status 2
        -- error
        error: there are several engines; add --engine: main, line-2
    "#]]
    .assert_eq(&called.shown(&[]));
    let called = hotpair(&["reinit", "--yes", "--engine", "line-2", "--api", &node.base]);
    expect![[r#"
        status 0
        -- out
        POST /api/v1/reinit?engine=line-2
    "#]]
    .assert_eq(&called.shown(&[]));
}
