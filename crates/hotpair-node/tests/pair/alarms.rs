//! Alarms of objects: commands to them, answered once, and followed.
use crate::site::{Site, start_pair};
use hotpair_api::face::EngineFace as _;
use hotpair_api::face::{
    AlarmCommand, AlarmOrder, Caller, ConfigOp, ConfigTransaction, Feed, FeedItem, ModuleBody,
    NodeFace, ProblemKind, SubscribeRequest, TagQuality, TagWrite, WriteOptions, WriteOutcome,
};
use hotpair_types::{Ack, StateId};
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A module that does nothing when it is scanned: `memory` and `hotpair_v1_scan` are exported.
const IDLE: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\x07\x1c\
    \x02\x06memory\x02\0\x0fhotpair_v1_scan\0\0\x0a\x04\x01\x02\0\x0b";

async fn config(site: &Site, key: &str, value: Option<Value>) {
    let key = key.to_owned();
    let op = match value {
        Some(value) => ConfigOp::Set { key, value },
        None => ConfigOp::Delete { key },
    };
    let transaction = ConfigTransaction { ops: vec![op], expect: Vec::new() };
    let face = site.node.face();
    let outcome = face.config_write(None, transaction, WriteOptions::default()).await.unwrap();
    assert!(matches!(outcome, WriteOutcome::Done(_)), "{outcome:?}");
}

/// The object `tank` watches the tag `level`.
async fn deploy(site: &Site) {
    let (pieces, body) = ModuleBody::new(1);
    pieces.send(Ok(IDLE.to_vec())).await.unwrap();
    drop(pieces);
    let options = WriteOptions::default();
    site.node.face().module_add(None, "idle".into(), body, options).await.unwrap();
    config(site, "tags/level", Some(json!({"type": "float", "initial": 1}))).await;
    let object = json!({
        "module": "idle", "period": "10ms", "scan_limit": "10s",
        "attributes": {"level": {"type": "float"}}, "inputs": {"level": "level"},
        "alarms": {"high": {"attribute": "level", "when": "high", "limit": 3}},
    });
    config(site, "objects/tank", Some(object)).await;
}

async fn level(site: &Site, value: f64) {
    let path = "level".to_owned();
    let value = json!(value);
    let write = TagWrite { path, value, quality: TagQuality::Good, timestamp: None };
    site.node.face().tag_write(None, vec![write], WriteOptions::default()).await.unwrap();
}

async fn order(site: &Site, alarm: &str, command: AlarmCommand, key: &str) -> WriteOutcome {
    let name = ("tank".to_owned(), alarm.to_owned());
    let order = AlarmOrder { command, who: Some("ann".into()), comment: "seen".into() };
    let caller = Caller { address: "here".into(), agent: "test".into() };
    let options = WriteOptions { ack: None, idempotency_key: Some(key.into()) };
    site.node.face().alarm_order(None, name, order, caller, options).await.unwrap()
}

/// The kind of a refusal.
fn refusal(outcome: WriteOutcome) -> ProblemKind {
    match outcome {
        WriteOutcome::Refused(problem) => problem.kind,
        other @ (WriteOutcome::Done(_) | WriteOutcome::Unknown { .. }) => panic!("{other:?}"),
    }
}

/// Goes on until an item is as wanted.
async fn until(feed: &mut Feed, wanted: impl Fn(&FeedItem) -> bool) -> FeedItem {
    let reached = tokio::time::timeout(PATIENCE, async {
        loop {
            let item = feed.next().await.expect("the feed goes on");
            if wanted(&item) {
                return item;
            }
        }
    });
    reached.await.expect("in time")
}

fn is_in(state: &str) -> impl Fn(&FeedItem) -> bool {
    move |it| matches!(it, FeedItem::Alarm(it) if it.state == state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_to_an_alarm_is_done_once_and_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (_, master, backup) = start_pair(dir.path()).await;
    master.become_state(StateId::Active).await;
    backup.become_state(StateId::StandbyReady).await;
    deploy(&master).await;
    let request = SubscribeRequest { alarms: true, ..SubscribeRequest::default() };
    let mut feed = master.node.face().subscribe(None, request.clone()).await.unwrap();
    until(&mut feed, is_in("normal")).await;
    let ack = AlarmCommand::Acknowledge { occurrence: None };
    assert_eq!(refusal(order(&master, "high", ack, "0").await), ProblemKind::AlarmRefused);
    assert_eq!(refusal(order(&master, "gone", ack, "0").await), ProblemKind::UnknownAlarm);
    level(&master, 3.5).await;
    until(&mut feed, is_in("unacknowledged")).await;
    assert_eq!(refusal(order(&backup, "high", ack, "1").await), ProblemKind::NotActive);
    let WriteOutcome::Done(done) = order(&master, "high", ack, "1").await else {
        panic!("acknowledged");
    };
    assert_eq!((done.acknowledged, done.degraded), (Ack::Replicated, false));
    let item = until(&mut feed, is_in("acknowledged")).await;
    let FeedItem::Alarm(told) = item else { panic!("{item:?}") };
    assert_eq!(told.sequence, done.sequence);
    let word = told.acknowledgement.as_ref().unwrap();
    assert_eq!((word.who.as_str(), word.comment.as_str()), ("ann", "seen"));
    // The same again is answered as it was; another one has nothing to do.
    assert_eq!(order(&master, "high", ack, "1").await, WriteOutcome::Done(done));
    assert_eq!(refusal(order(&master, "high", ack, "2").await), ProblemKind::AlarmRefused);
    let face = backup.node.face();
    assert_eq!(face.object_alarm(None, "tank".into(), "high".into()).await, Ok(*told));
    let mut feed_there = face.subscribe(None, request).await.unwrap();
    until(&mut feed_there, is_in("acknowledged")).await;
    let shelf = AlarmCommand::Shelve { for_ms: 1_000 };
    assert!(matches!(order(&master, "high", shelf, "3").await, WriteOutcome::Done(_)));
    until(&mut feed_there, is_in("shelved")).await;
    let item = until(&mut feed_there, is_in("unacknowledged")).await;
    assert!(matches!(item, FeedItem::Alarm(it) if it.occurrence == 2), "announced anew");
    config(&master, "objects/tank", None).await;
    for feed in [&mut feed, &mut feed_there] {
        until(feed, |it| matches!(it, FeedItem::AlarmRemoved { .. })).await;
    }
    backup.stop().await;
    master.stop().await;
}
