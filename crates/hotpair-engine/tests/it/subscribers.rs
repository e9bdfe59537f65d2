//! Both nodes know who follows, and how far each has come.
use expect_test::expect;
use hotpair_engine::subscribers::{AWAY_MAX, SUBSCRIBERS_MAX, Subscriber, Subscribers, is_name};
use hotpair_engine::{Item, Post, RuntimeStateProvider};
use hotpair_types::{NodeTime, Position};
use std::collections::BTreeMap;

fn at(sequence: u64) -> Subscriber {
    Subscriber {
        prefix: "tank/".into(),
        epoch: 3,
        sequence,
        is_confirmed: false,
        node: "gw-a".into(),
        was_connected: true,
        at_millis: 1_000,
    }
}

fn here<const N: usize>(names: [(&str, u64); N]) -> BTreeMap<Box<str>, Subscriber> {
    names.into_iter().map(|(name, sequence)| (name.into(), at(sequence))).collect()
}

/// Posts what is news; both have it then.
fn carry(
    from: &Subscribers,
    here: &BTreeMap<Box<str>, Subscriber>,
    now: u64,
    to: &Subscribers,
) -> usize {
    let posts: Vec<Post> = from.news(here, NodeTime(now));
    for post in &posts {
        let update = post.clone().at(Position::START);
        from.apply(&update).unwrap();
        to.apply(&update).unwrap();
    }
    posts.len()
}

#[test]
fn the_partner_knows_who_was_there_and_who_has_gone() {
    let (active, standby) = (Subscribers::new(), Subscribers::new());
    assert_eq!(carry(&active, &here([("hmi", 7), ("log", 9)]), 1_000, &standby), 2);
    // Nothing new is not posted again, also when the clock has gone on.
    assert_eq!(carry(&active, &here([("hmi", 7), ("log", 9)]), 3_000, &standby), 0);
    assert_eq!(carry(&active, &here([("hmi", 8)]), 5_000, &standby), 2);
    assert_eq!(standby.get("hmi"), Some(at(8)));
    let gone = Subscriber { was_connected: false, at_millis: 5_000, ..at(9) };
    assert_eq!(standby.get("log"), Some(gone));
    assert_eq!(standby.list(), active.list());
    // The new active begins with nobody connected: all are away, none is forgotten.
    assert_eq!(carry(&standby, &BTreeMap::new(), 6_000, &active), 1);
    assert_eq!(standby.get("hmi").map(|it| (it.sequence, it.was_connected)), Some((8, false)));
    let much_later = 6_001 + u64::try_from(AWAY_MAX.as_millis()).unwrap();
    assert_eq!(carry(&standby, &BTreeMap::new(), much_later, &active), 2);
    assert!(active.list().is_empty() && standby.list().is_empty());
}

#[test]
fn a_full_list_takes_no_one_more_and_keeps_whom_it_knows() {
    let (list, other) = (Subscribers::new(), Subscribers::new());
    let names: Vec<String> = (0..SUBSCRIBERS_MAX).map(|it| format!("s{it:04}")).collect();
    let all: BTreeMap<Box<str>, _> = names.iter().map(|it| (it.as_str().into(), at(1))).collect();
    assert_eq!(carry(&list, &all, 0, &other), SUBSCRIBERS_MAX);
    assert!(!list.has_room_for("one-more") && list.has_room_for("s0000"));
    let mut more = all.clone();
    more.insert("one-more".into(), at(1));
    more.insert("s0000".into(), at(2));
    assert_eq!(carry(&list, &more, 0, &other), 1);
    assert_eq!(list.get("s0000"), Some(at(2)));
}

#[test]
fn the_bytes_are_those_of_version_1_and_others_are_refused() {
    let bytes = at(300).encode();
    let hex: Vec<_> = bytes.iter().map(|it| format!("{it:02x}")).collect();
    expect!["01 05 74 61 6e 6b 2f 03 ac 02 00 04 67 77 2d 61 01 e8 07"].assert_eq(&hex.join(" "));
    assert_eq!(Subscriber::decode(&bytes), Ok(at(300)));
    let refused = |bytes: &[u8]| Subscriber::decode(bytes).unwrap_err().to_string();
    assert_eq!(refused(&[]), "no bytes");
    assert_eq!(refused(&[2]), "encoding version 2 is not known");
    assert_eq!(refused(&bytes[..9]), "not the record of a subscriber");
    let bad = Item { position: Position::START, item: "a b".into(), value: bytes.clone() };
    let good = Item { item: "hmi".into(), ..bad.clone() };
    let list = Subscribers::new();
    let error = list.restore(Position::START, &[bad, good]).unwrap_err();
    assert_eq!(error.to_string(), "no name of a subscriber");
    assert_eq!(list.list().len(), 1, "what is sound is taken");
    assert!(
        is_name("hmi-1.left_2") && !is_name("") && !is_name("a/b") && !is_name(&"x".repeat(65))
    );
}
