//! Native objects of a program that embeds a node: scanned, checkpointed and taken over as modules are.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects")]

use crate::site::{Site, start_pair_with};
use hotpair_api::face::NodeFace as _;
use hotpair_client::{Client, Error, FeedItem, SubscribeOptions};
use hotpair_engine::objects::{Fault, NativeObject, Natives, Port, Scan};
use hotpair_engine::tags::TagType;
use hotpair_types::StateId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// Counts its scans where nobody but it sees that.
#[derive(Serialize, Deserialize)]
struct Counter {
    scans: i64,
}

impl NativeObject for Counter {
    const IDENTITY: &'static str = "counter/1";

    fn scan(&mut self, scan: &mut Scan<'_>) -> Result<(), Fault> {
        self.scans += 1;
        scan.set("count", self.scans)
    }
}

fn counter() -> Natives {
    let mut natives = Natives::default();
    let count = Port { name: "count".into(), of_type: TagType::Int, is_written: true };
    natives.add("counter", vec![count], |_| Ok(Counter { scans: 0 })).unwrap();
    natives
}

async fn deploy(client: &Client, module: &str) -> Result<(), Error> {
    let tag = json!({"type": "int", "initial": 0});
    client.config_put("tags/count", &tag, None).await.unwrap();
    let object = json!({
        "module": module, "period": "10ms", "scan_limit": "10s",
        "attributes": {"count": {"type": "int"}}, "outputs": {"count": "count"},
    });
    client.config_put("objects/counter", &object, None).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_native_object_goes_on_at_the_partner_with_its_state() {
    let dir = tempfile::tempdir().unwrap();
    let (_, master, backup) = start_pair_with(dir.path(), [counter(), counter()]).await;
    master.become_state(StateId::Active).await;
    backup.become_state(StateId::StandbyReady).await;
    let client = Client::new([backup.base(), master.base()]).unwrap();
    let mut subscription = client.subscribe(SubscribeOptions::default());
    assert_eq!(subscription.next().await.unwrap(), FeedItem::Reset);

    deploy(&client, "native:counter").await.unwrap();
    let mut heard = Vec::new();
    let mut count_to = async |goal: usize| {
        while heard.len() < goal {
            match subscription.next().await.unwrap() {
                FeedItem::Tag(tag) => heard.push(tag.value.as_i64().unwrap()),
                FeedItem::Level => {}
                other => panic!("{other:?} after {heard:?}"),
            }
        }
        heard.clone()
    };
    tokio::time::timeout(PATIENCE, count_to(20)).await.unwrap();
    backup.take_over().await;
    let heard = tokio::time::timeout(PATIENCE, count_to(60)).await.unwrap();
    // Each scan once.
    let expected: Vec<i64> = (1..=60).collect();
    assert_eq!(heard, expected);
    master.stop().await;
    backup.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declaration_names_one_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let (_, master, backup) = start_pair_with(dir.path(), [counter(), counter()]).await;
    master.become_state(StateId::Active).await;
    backup.become_state(StateId::StandbyReady).await;
    let client = Client::new([master.base(), backup.base()]).unwrap();
    let refused = format!("{:?}", deploy(&client, "native:pump").await.unwrap_err());
    assert!(refused.contains("native:pump") && refused.contains("native:counter"), "{refused}");
    master.stop().await;
    backup.stop().await;
}

/// The two could not go on for each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_without_them_is_not_ready_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let (_, master, backup) = start_pair_with(dir.path(), [counter(), Natives::default()]).await;
    master.become_state(StateId::Active).await;
    backup.become_state(StateId::StandbyNotReady).await;
    for site in [&master, &backup] {
        let text = alarm(site, "settings-differ").await;
        assert!(text.contains("native objects") && text.contains("counter (counter/1)"), "{text}");
    }
    master.stop().await;
    backup.stop().await;
}

/// The text of an alarm, as soon as there is one.
async fn alarm(site: &Site, id: &str) -> String {
    let mut status = site.node.face().status();
    let raised = status.wait_for(|it| it.alarms.iter().any(|it| it.id == id));
    let status = tokio::time::timeout(PATIENCE, raised).await.unwrap().unwrap();
    let found = status.alarms.iter().find(|it| it.id == id);
    found.unwrap().text.clone()
}
