//! A user's client over switches (docs/design/faults.md, P35): it goes on by itself, and its
//! subscription has no gap and no double.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects")]

use crate::site::{Site, start_pair};
use hotpair_client::{Client, FeedItem, SubscribeOptions};
use hotpair_types::StateId;
use serde_json::json;
use std::time::Duration;
use tokio::sync::watch;

const PATIENCE: Duration = Duration::from_secs(30);
/// Written after the last number.
const END: i64 = -1;

/// Writes 1, 2, 3 … to a tag, until told to stop. Gives the last number.
async fn count(
    client: Client,
    mut stop: watch::Receiver<bool>,
    counted: watch::Sender<i64>,
) -> i64 {
    let mut number = 0;
    while !*stop.borrow_and_update() {
        number += 1;
        let written = client.write_tag("count", number).await;
        assert!(written.is_ok(), "{number}: {written:?}");
        counted.send_replace(number);
    }
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_counts_through_switches_and_a_subscriber_hears_every_number_once() {
    let dir = tempfile::tempdir().unwrap();
    let (settings, master, backup) = start_pair(dir.path()).await;
    master.become_state(StateId::Active).await;
    backup.become_state(StateId::StandbyReady).await;
    let client = Client::new([backup.base(), master.base()]).unwrap();
    client.config_put("tags/count", &json!({"type": "int", "initial": 0}), None).await.unwrap();

    let (stop, stopped) = watch::channel(false);
    let (counted, mut count_so_far) = watch::channel(0);
    let mut subscription = client.subscribe(SubscribeOptions::default());
    assert_eq!(subscription.next().await.unwrap(), FeedItem::Reset);
    let counting = tokio::spawn(count(client.clone(), stopped, counted));
    let mut reach = async |more: i64| {
        let goal = *count_so_far.borrow() + more;
        let reached = tokio::time::timeout(PATIENCE, count_so_far.wait_for(|it| *it >= goal));
        assert!(matches!(reached.await, Ok(Ok(_))), "the count stands still");
    };

    let play = async {
        reach(20).await;
        backup.take_over().await;
        reach(20).await;
        master.become_state(StateId::StandbyReady).await;
        backup.stop().await;
        reach(20).await;
        let backup = Site::start_again(&settings[1]).await;
        backup.become_state(StateId::StandbyReady).await;
        reach(20).await;
        stop.send_replace(true);
        let last = counting.await.unwrap();
        client.write_tag("count", END).await.unwrap();
        (last, backup)
    };
    let listen = async {
        let mut heard = Vec::new();
        loop {
            match subscription.next().await.unwrap() {
                FeedItem::Tag(tag) if tag.value == json!(END) => return heard,
                FeedItem::Tag(tag) => heard.push(tag.value.as_i64().unwrap()),
                FeedItem::Level => {}
                other => panic!("{other:?} after {heard:?}"),
            }
        }
    };
    let ((last, backup), heard) =
        tokio::time::timeout(2 * PATIENCE, async { tokio::join!(play, listen) }).await.unwrap();
    let expected: Vec<_> = (heard[0]..=last).collect();
    assert_eq!(heard, expected, "each once and none left out");
    assert!(heard[0] <= 1, "from the beginning");
    backup.stop().await;
    master.stop().await;
}
