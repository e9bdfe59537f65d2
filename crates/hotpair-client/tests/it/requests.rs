//! Requests over failures of either node.
use crate::node::{Act, Node, done, problem};
use hotpair_client::{Client, Error};
use std::time::Duration;

fn client(nodes: &[&Node]) -> Client {
    Client::builder(nodes.iter().map(|it| it.base.clone()))
        .token("secret")
        .attempt_time_max(Duration::from_millis(300))
        .total_time_max(Duration::from_secs(5))
        .build()
        .unwrap()
}

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_write_follows_to_the_active_and_the_next_one_goes_there_at_once() {
    let active = Node::start(true, |_, _| done(7)).await;
    let more = format!(r#","active":"{}""#, active.base);
    let standby = Node::start(false, move |_, _| problem(421, "not-active", &more)).await;
    let client = client(&[&standby, &active]);
    let written = client.write_tag("tank/level", 1.5).await.unwrap();
    assert_eq!((written.sequence, written.epoch, written.degraded), (7, 3, false));
    client.write_tag("tank/level", 2.5).await.unwrap();
    assert_eq!(standby.seen().len(), 1);
    let seen = active.seen();
    assert_eq!(seen[0].line, "PUT /api/v1/tags/tank/level");
    assert_eq!(seen[0].body, r#"{"quality":"good","value":1.5}"#);
    assert_eq!(seen[0].authorization, "Bearer secret");
    assert_eq!(seen[0].key, standby.seen()[0].key, "one write, one key");
    assert_ne!(seen[0].key, seen[1].key);
    assert_eq!(seen[0].key.len(), 32);
}

#[tokio::test]
async fn a_node_that_is_not_in_the_list_is_found() {
    let active = Node::start(true, |_, _| done(7)).await;
    let more = format!(r#","active":"{}""#, active.base);
    let standby = Node::start(false, move |_, _| problem(421, "not-active", &more)).await;
    client(&[&standby]).write_tag("a", 1).await.unwrap();
    assert_eq!(active.seen().len(), 1);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_repeated_with_its_key() {
    let dying = Node::start(true, |_, _| Act::Break).await;
    let other = Node::start(true, |_, _| done(8)).await;
    let client = client(&[&dying, &other]);
    assert_eq!(client.write_tag("a", true).await.unwrap().sequence, 8);
    assert_eq!(dying.seen()[0].key, other.seen()[0].key);
}

#[tokio::test]
async fn a_frozen_node_does_not_hold_a_write_up() {
    let frozen = Node::start(true, |_, _| Act::Hang).await;
    let other = Node::start(true, |_, _| done(8)).await;
    client(&[&frozen, &other]).write_tag("a", "x").await.unwrap();
}

#[tokio::test]
async fn a_refusal_is_final_and_has_its_reason() {
    let node = Node::start(true, |_, _| problem(422, "wrong-type", r#","reasons":[1]"#)).await;
    let error = client(&[&node]).write_tag("a", 1).await.unwrap_err();
    let problem = error.refusal().unwrap();
    assert_eq!((problem.id.as_str(), problem.status), ("wrong-type", 422));
    assert!(problem.extra.contains_key("reasons"));
    assert_eq!(node.seen().len(), 1);
}

#[tokio::test]
async fn a_switch_under_way_is_waited_for() {
    let script = |count, _: &_| match count {
        0..3 => problem(503, "no-active", r#","retry_after_s":1"#),
        _ => done(9),
    };
    let node = Node::start(true, script).await;
    assert_eq!(client(&[&node]).write_tag("a", 1).await.unwrap().sequence, 9);
    assert_eq!(node.seen().len(), 4);
}

#[tokio::test]
async fn nobody_there_is_told_from_an_unknown_outcome() {
    let short = |nodes: Vec<String>| {
        let builder = Client::builder(nodes).total_time_max(Duration::from_millis(60));
        builder.build().unwrap()
    };
    let nobody = nobody().await;
    let error = short(vec![nobody.clone()]).write_tag("a", 1).await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable(attempts) if attempts.len() == 1), "{error}");

    let broken = Node::start(true, |_, _| Act::Break).await;
    let error = short(vec![broken.base.clone(), nobody]).write_tag("a", 1).await.unwrap_err();
    assert!(matches!(&error, Error::Unknown(_)), "{error}");

    let unsure = Node::start(true, |_, _| problem(504, "outcome-unknown", "")).await;
    let error = short(vec![unsure.base.clone()]).write_tag("a", 1).await.unwrap_err();
    assert!(matches!(&error, Error::Unknown(_)), "{error}");
    assert!(unsure.seen().len() > 1, "asked again, with the key");

    let waiting = Node::start(true, |_, _| problem(503, "no-active", "")).await;
    let error = short(vec![waiting.base.clone()]).write_tag("a", 1).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().id, "no-active", "nothing happened");
}

#[tokio::test]
async fn a_key_that_is_too_old_leaves_the_outcome_unknown() {
    let dying = Node::start(true, |_, _| Act::Break).await;
    let other = Node::start(true, |_, _| problem(409, "idempotency-key-expired", "")).await;
    let error = client(&[&dying, &other]).write_tag("a", 1).await.unwrap_err();
    assert!(matches!(error, Error::Unknown(_)), "{error}");
}

#[tokio::test]
async fn what_has_no_key_is_not_sent_again_once_it_may_have_arrived() {
    let dying = Node::start(true, |_, _| Act::Break).await;
    let other = Node::start(true, |_, _| done(1)).await;
    let client = client(&[&dying, &other]);
    assert!(matches!(client.switchover(false).await, Err(Error::Unknown(_))));
    assert_eq!((dying.seen().len(), other.seen().len()), (1, 0));
    client.status().await.unwrap();
    assert_eq!(other.seen()[0].line, "GET /api/v1/status");
}

#[tokio::test]
async fn what_could_not_be_sent_goes_to_the_other_node() {
    let other = Node::start(true, |_, _| done(1)).await;
    let client = Client::new([nobody().await, other.base.clone()]).unwrap();
    client.promote(true).await.unwrap();
    assert_eq!(other.seen()[0].body, r#"{"accept_data_loss":true}"#);
}

#[tokio::test]
async fn names_are_encoded_and_versions_sent() {
    let record = r#"{"key":"k","value":{"a":1},"version":4}"#;
    let node = Node::start(true, move |count, _| match count {
        0 => Act::Answer(200, record.into()),
        _ => done(5),
    })
    .await;
    let client = client(&[&node]);
    assert_eq!(client.config_get("a b/ü?").await.unwrap().version, 4);
    client.config_put("k", &serde_json::json!({}), Some(4)).await.unwrap();
    let seen = node.seen();
    assert_eq!(seen[0].line, "GET /api/v1/config/a%20b/%C3%BC%3F");
    assert_eq!(seen[1].line, "PUT /api/v1/config/k");
}

#[test]
fn a_client_that_cannot_work_is_not_made() {
    assert!(matches!(Client::new(Vec::<String>::new()), Err(Error::Settings(_))));
    assert!(matches!(Client::new(["gw-a"]), Err(Error::Address(_))));
    assert!(Client::builder(["http://a"]).token("a\nb").build().is_err());
}
