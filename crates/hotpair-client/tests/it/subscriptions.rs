//! A subscriber over failures of either node: no gap, no double.
use crate::node::{Act, Node, Socket, problem};
use hotpair_client::{Client, FeedItem, SubscribeOptions, Subscription};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn subscribe(nodes: &[&Node], silence_max: Duration) -> Subscription {
    let client = Client::new(nodes.iter().map(|it| it.base.clone())).unwrap();
    client.subscribe(SubscribeOptions { silence_max, ..SubscribeOptions::default() })
}

async fn node(active: bool) -> Node {
    Node::start(active, |_, _| Act::Break).await
}

async fn tag(socket: &mut Socket, path: &str, sequence: u64) {
    let text = format!(
        r#"{{"kind":"tag","path":"{path}","value":1,"quality":"good","timestamp":5,
        "sequence":{sequence},"epoch":1,"type":"int"}}"#
    );
    socket.send(&text).await;
}

async fn hello(socket: &mut Socket, resumed: bool, sequence: u64) {
    let position = format!(r#""position":{{"epoch":1,"sequence":{sequence}}}"#);
    socket.send(&format!(r#"{{"kind":"hello","node":"a","resumed":{resumed},{position}}}"#)).await;
}

async fn level(socket: &mut Socket, sequence: u64) {
    let position = format!(r#""position":{{"epoch":1,"sequence":{sequence}}}"#);
    socket.send(&format!(r#"{{"kind":"level",{position}}}"#)).await;
}

async fn next(subscription: &mut Subscription) -> String {
    let item = tokio::time::timeout(PATIENCE, subscription.next()).await.unwrap().unwrap();
    match item {
        FeedItem::Reset => "reset".into(),
        FeedItem::Tag(tag) => format!("{}@{}", tag.path, tag.sequence),
        FeedItem::TagRemoved { path, sequence } => format!("{path}@{sequence} gone"),
        FeedItem::Event(event) => format!("event {event}"),
        FeedItem::Level => "level".into(),
    }
}

async fn nexts(subscription: &mut Subscription, count: usize) -> String {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(next(subscription).await);
    }
    all.join(" ")
}

#[tokio::test]
async fn goes_on_at_the_other_node_in_the_middle_of_an_entry() {
    let mut old = node(true).await;
    let mut subscription = subscribe(&[&old], PATIENCE);
    let acts = async {
        let mut socket = old.socket().await;
        assert_eq!(socket.target, "/api/v1/subscribe?tags=true&events=false");
        hello(&mut socket, false, 4).await;
        tag(&mut socket, "x", 3).await;
        tag(&mut socket, "y", 1).await;
        level(&mut socket, 4).await;
        tag(&mut socket, "x", 5).await;
        tag(&mut socket, "x", 6).await;
        drop(socket);
        // The same node stands for the other one: it has to resume from what was heard in full.
        let mut socket = old.socket().await;
        assert_eq!(socket.target, "/api/v1/subscribe?tags=true&events=false&last=1:5");
        hello(&mut socket, true, 7).await;
        tag(&mut socket, "x", 6).await;
        tag(&mut socket, "y", 6).await;
        level(&mut socket, 6).await;
        socket.send(r#"{"kind":"tag-removed","path":"x","sequence":7}"#).await;
        socket.send(r#"{"kind":"something-newer","path":"x"}"#).await;
        tag(&mut socket, "z", 8).await;
        socket
    };
    let (socket, heard) = tokio::join!(acts, nexts(&mut subscription, 9));
    assert_eq!(heard, "reset x@3 y@1 level x@5 x@6 y@6 x@7 gone z@8");
    drop(socket);
}

#[tokio::test]
async fn a_node_that_cannot_resume_begins_anew_and_says_so() {
    let mut node = node(true).await;
    let mut subscription = subscribe(&[&node], PATIENCE);
    let acts = async {
        for sequence in [4, 2] {
            let mut socket = node.socket().await;
            hello(&mut socket, false, sequence).await;
            tag(&mut socket, "x", sequence).await;
            level(&mut socket, sequence).await;
        }
    };
    let ((), heard) = tokio::join!(acts, nexts(&mut subscription, 6));
    assert_eq!(heard, "reset x@4 level reset x@2 level");
    let socket = tokio::select! {
        socket = node.socket() => socket,
        _ = subscription.next() => panic!("nothing was said"),
    };
    assert!(socket.target.ends_with("last=1:2"), "{}", socket.target);
}

#[tokio::test]
async fn follows_the_active_of_the_two() {
    let standby = node(false).await;
    let mut active = node(true).await;
    let mut subscription = subscribe(&[&standby, &active], PATIENCE);
    let acts = async {
        let mut socket = active.socket().await;
        hello(&mut socket, false, 4).await;
        socket
    };
    let (_socket, heard) = tokio::join!(acts, next(&mut subscription));
    assert_eq!(heard, "reset");
}

#[tokio::test]
async fn leaves_a_node_that_is_silent_and_not_active_any_more() {
    let mut old = node(false).await;
    let mut subscription = subscribe(&[&old], Duration::from_millis(20));
    let acts = async {
        let mut socket = old.socket().await;
        hello(&mut socket, false, 4).await;
        level(&mut socket, 4).await;
        socket
    };
    let (mut socket, heard) = tokio::join!(acts, nexts(&mut subscription, 2));
    assert_eq!(heard, "reset level");
    // Nobody else is active: it stays, however long it is silent.
    let silence = tokio::time::timeout(Duration::from_millis(200), subscription.next());
    assert!(silence.await.is_err());
    tag(&mut socket, "x", 5).await;
    assert_eq!(next(&mut subscription).await, "x@5");

    let mut new = node(true).await;
    let mut subscription = subscribe(&[&old, &new], Duration::from_millis(20));
    let acts = async {
        let mut socket = new.socket().await;
        hello(&mut socket, false, 5).await;
        socket
    };
    let (_socket, heard) = tokio::join!(acts, next(&mut subscription));
    assert_eq!(heard, "reset");
}

#[tokio::test]
async fn leaves_a_frozen_node() {
    let mut frozen = Node::start(true, |_, _| Act::Hang).await;
    let mut other = node(true).await;
    let mut subscription = subscribe(&[&frozen], Duration::from_millis(20));
    let socket = tokio::select! {
        socket = frozen.socket() => socket,
        _ = subscription.next() => panic!("nothing was said"),
    };
    // The frozen node says nothing and does not answer who is active: the client hangs up.
    tokio::select! {
        () = socket.gone() => {}
        _ = subscription.next() => panic!("nothing was said"),
    }
    let mut subscription = subscribe(&[&frozen, &other], Duration::from_millis(20));
    let acts = async {
        let mut socket = other.socket().await;
        hello(&mut socket, false, 5).await;
        socket
    };
    let (_socket, heard) = tokio::join!(acts, next(&mut subscription));
    assert_eq!(heard, "reset");
}

#[tokio::test]
async fn a_subscription_that_is_refused_ends() {
    let refuse = |_, _: &_| problem(401, "token-needed", "");
    let node = Node::start(true, refuse).await;
    let mut subscription = subscribe(&[&node], PATIENCE);
    let error = subscription.next().await.unwrap_err();
    assert_eq!(error.refusal().unwrap().id, "token-needed");
}
