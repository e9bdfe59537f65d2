//! Reading in pages: what changed meanwhile is told, and when it cannot be told any more.
use crate::pair::{A, B, Pair};
use hotpair_types::JournalKind;

fn names(pair: &Pair, prefix: &str, after: Option<&str>, count: usize) -> String {
    let items = pair.nodes[A].replica.items_after(JournalKind::Config, "", prefix, after);
    items.take(count).map(|(name, _)| name.to_owned()).collect::<Vec<_>>().join(" ")
}

#[test]
fn pages_follow_each_other() {
    let mut pair = Pair::new();
    pair.activate(A);
    for key in ["b/1", "a", "b/3", "b/2", "c"] {
        pair.config(A, key, "1");
    }
    assert_eq!(names(&pair, "", None, 2), "a b/1");
    assert_eq!(names(&pair, "", Some("b/1"), 2), "b/2 b/3");
    assert_eq!(names(&pair, "b/", None, 2), "b/1 b/2");
    assert_eq!(names(&pair, "b/", Some("b/2"), 9), "b/3");
    assert_eq!(names(&pair, "b/", Some("a"), 9), "b/1 b/2 b/3", "before the first");
    assert_eq!(names(&pair, "b/", Some("c"), 9), "");
}

#[test]
fn what_changed_since_is_told_until_the_image_is_replaced() {
    let mut pair = Pair::new();
    pair.activate(A);
    pair.config(A, "k", "1");
    let point = |pair: &Pair, node: usize| pair.nodes[node].replica.read_point(JournalKind::Config);
    let since = |pair: &Pair, node: usize, at| {
        let entries = pair.nodes[node].replica.entries_since(JournalKind::Config, at);
        entries.map(|it| it.map(|it| it.position.sequence).collect::<Vec<_>>())
    };
    let begun = point(&pair, A);
    assert_eq!(since(&pair, A, begun), Some(vec![]));
    pair.config(A, "k", "2");
    pair.config(A, "l", "1");
    assert_eq!(since(&pair, A, begun), Some(vec![2, 3]));
    // B takes the whole image of A in place of its own.
    let empty = point(&pair, B);
    pair.direct(B, hotpair_replication::Direction::Reinit);
    pair.sync(B);
    assert_eq!(since(&pair, B, empty), None);
    // And once more at the same position, where nothing else would tell.
    let level = point(&pair, B);
    assert_eq!(since(&pair, B, level), Some(vec![]));
    pair.direct(B, hotpair_replication::Direction::Reinit);
    pair.sync(B);
    assert_eq!(since(&pair, B, level), None);
}

#[test]
fn what_is_not_in_memory_any_more_is_not_told() {
    let mut settings = Pair::new().settings;
    settings.limits.config_ring_bytes_max = 1_000;
    let mut pair = Pair::with(settings);
    pair.activate(A);
    let begun = pair.nodes[A].replica.read_point(JournalKind::Config);
    for n in 0..50 {
        pair.config(A, &format!("k{n}"), "1");
    }
    assert!(pair.nodes[A].replica.entries_since(JournalKind::Config, begun).is_none());
}
