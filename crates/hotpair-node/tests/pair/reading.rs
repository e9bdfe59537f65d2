//! Large reads: in pages, and still of one position; and what a program is given when it connects.
use crate::site::{Site, start_pair};
use hotpair_api::face::{
    ConfigOp, ConfigTransaction, FeedItem, NodeFace, ProviderEncoding, ProviderEvent, ProviderItem,
    ProviderStart, SubscribeRequest, WriteOptions, WriteOutcome,
};
use hotpair_types::StateId;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Several pages.
const ITEMS: usize = 3_500;
const BATCH: usize = 500;
const EXPORTS: usize = 12;
/// Writes between the first and the last of them, at least.
const WRITTEN: u64 = 3;

async fn write(site: &Site, sets: Vec<(String, Value)>) -> u64 {
    let ops = sets.into_iter().map(|(key, value)| ConfigOp::Set { key, value }).collect();
    let transaction = ConfigTransaction { ops, expect: Vec::new() };
    let face = site.node.face();
    match face.config_write(None, transaction, WriteOptions::default()).await.unwrap() {
        WriteOutcome::Done(done) => done.sequence,
        WriteOutcome::Refused(problem) => panic!("{problem:?}"),
        WriteOutcome::Unknown { detail } => panic!("{detail}"),
    }
}

async fn fill(site: &Site, name: impl Fn(usize) -> String, value: &Value) {
    for first in (0..ITEMS).step_by(BATCH) {
        let sets = (first..first + BATCH).map(|n| (name(n), value.clone()));
        write(site, sets.collect()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_in_pages_is_of_one_position() {
    let dir = tempfile::tempdir().unwrap();
    let (_, master, backup) = start_pair(dir.path()).await;
    master.become_state(StateId::Active).await;
    let master = Arc::new(master);
    let key = |n: usize| format!("k/{n:05}");
    fill(&master, key, &json!(0)).await;
    let over = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (master, over) = (master.clone(), over.clone());
        async move {
            let mut count = 0;
            while !over.load(Ordering::Acquire) {
                count += 1;
                // The first and the last page, together; and one comes and goes.
                let ends = [key(0), key(ITEMS - 1)].map(|it| (it, json!(count)));
                write(&master, ends.into()).await;
            }
            count
        }
    });
    let mut values: Vec<(u64, u64)> = Vec::new();
    // A busy disk writes slowly: until some exports had writes between them.
    let enough = |values: &[(u64, u64)]| {
        let ends = values.first().zip(values.last());
        values.len() >= EXPORTS && ends.is_some_and(|(first, last)| last.0 >= first.0 + WRITTEN)
    };
    while !enough(&values) {
        let export = master.node.face().config_export(None).await.unwrap();
        assert_eq!(export.records.len(), ITEMS);
        let (first, last) = (&export.records[&key(0)], &export.records[&key(ITEMS - 1)]);
        assert_eq!(first, last, "two halves of different transactions");
        values.push((first.as_u64().unwrap(), export.position.sequence));
    }
    over.store(true, Ordering::Release);
    let count = writing.await.unwrap();
    assert!(values.is_sorted(), "{values:?}");
    assert!(count > WRITTEN);
    // The fill took one entry for each batch, and then each count is one.
    let before = (ITEMS / BATCH) as u64;
    assert!(values.iter().all(|(value, sequence)| value + before == *sequence), "{values:?}");
    backup.stop().await;
    Arc::into_inner(master).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_begins_with_every_tag_once() {
    let dir = tempfile::tempdir().unwrap();
    let (_, master, backup) = start_pair(dir.path()).await;
    master.become_state(StateId::Active).await;
    let path = |n: usize| format!("t/{n:05}");
    fill(&master, |n| format!("tags/{}", path(n)), &json!({"type": "int", "initial": 7})).await;
    let request = SubscribeRequest { tags: true, ..SubscribeRequest::default() };
    let mut feed = master.node.face().subscribe(None, request).await.unwrap();
    assert!(!feed.start.resumed);
    for n in 0..ITEMS {
        match feed.next().await.unwrap() {
            FeedItem::Tag(tag) => assert_eq!((tag.path, tag.value), (path(n), json!(7))),
            other @ (FeedItem::TagRemoved { .. }
            | FeedItem::Alarm(_)
            | FeedItem::AlarmRemoved { .. }
            | FeedItem::Event { .. }
            | FeedItem::Level { .. }) => {
                panic!("{other:?} after {n}")
            }
        }
    }
    assert!(matches!(feed.next().await, Some(FeedItem::Level { .. })));
    backup.stop().await;
    master.stop().await;
}

async fn connect(site: &Site) -> (ProviderStart, ProviderEvent) {
    let provider = site.node.face().provider(None, "plant".into(), ProviderEncoding::Json);
    let mut start = provider.await.unwrap();
    let role = start.events.next().await.unwrap();
    assert!(matches!(role, ProviderEvent::Role { .. }), "{role:?}");
    let first = start.events.next().await.unwrap();
    (start, first)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_is_asked_for_what_it_has_when_nobody_knows_it_and_else_restored() {
    let dir = tempfile::tempdir().unwrap();
    let (_, master, backup) = start_pair(dir.path()).await;
    master.become_state(StateId::Active).await;
    backup.become_state(StateId::StandbyReady).await;
    let item = |n: usize| ProviderItem { item: format!("{n:05}"), value: b"1".to_vec() };
    let all: Vec<_> = (0..ITEMS).map(item).collect();

    let (start, first) = connect(&master).await;
    let ProviderEvent::SnapshotWanted { id } = first else { panic!("{first:?}") };
    let unasked = start.session.snapshot(id + 1, all.clone()).await;
    assert!(unasked.is_err(), "not what was asked for");
    start.session.snapshot(id, all.clone()).await.unwrap();
    assert!(start.session.snapshot(id, Vec::new()).await.is_err(), "it is asked for once");
    drop(start);

    for site in [&master, &backup] {
        let (_start, first) = connect(site).await;
        let ProviderEvent::Restore { items, sequence, .. } = first else { panic!("{first:?}") };
        assert_eq!((items == all, sequence), (true, 1), "{} items", items.len());
    }
    backup.stop().await;
    master.stop().await;
}
