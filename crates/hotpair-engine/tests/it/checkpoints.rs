//! Units of objects: golden bytes, whole or not at all, in order.
use crate::table::at;
use expect_test::{Expect, expect};
use hotpair_engine::objects::{
    CHUNK_BYTES_MAX, Checkpoints, Chunk, Fault, FaultKind, Name, UNIT_BYTES_MAX, Unit,
};
use hotpair_engine::tags::{Quality, TagRecord, Value};
use hotpair_engine::{Item, Post, RuntimeStateProvider, Update};
use hotpair_types::NodeTime;
use proptest::prelude::*;

fn name(it: &str) -> Name {
    Name::new(it).unwrap()
}

fn unit(scan: u64, attributes: &[(&str, f64)], chunks: &[(u32, Option<&'static [u8]>)]) -> Unit {
    let record = |value: f64| TagRecord {
        value: Value::Float(value),
        quality: Quality::Good,
        timestamp: NodeTime(scan),
    };
    let mut unit = Unit::of_fault(name("tank"), scan, None);
    unit.program = Some("tank/1".into());
    unit.whole = scan == 1;
    unit.attributes = attributes.iter().map(|(it, value)| (name(it), record(*value))).collect();
    let chunk = |(at, bytes): &(u32, Option<&'static [u8]>)| Chunk {
        at: *at,
        bytes: bytes.map(bytes::Bytes::from_static),
    };
    unit.chunks = chunks.iter().map(chunk).collect();
    unit
}

fn take(checkpoints: &Checkpoints, unit: &Unit) -> Vec<Post> {
    let posts = checkpoints.prepare(unit).unwrap();
    checkpoints.commit(at(1, unit.scan), posts.clone()).unwrap();
    posts
}

fn updates(posts: Vec<Post>, sequence: u64) -> Vec<Update> {
    posts.into_iter().map(|it| it.at(at(1, sequence))).collect()
}

fn shown(posts: &[Post]) -> String {
    let hex =
        |bytes: &bytes::Bytes| bytes.iter().map(|it| format!(" {it:02x}")).collect::<String>();
    let line = |it: &Post| {
        let value = it.value.as_ref().map_or_else(|| " gone".into(), hex);
        format!("{}:{value}", it.item)
    };
    posts.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn golden(checkpoints: &Checkpoints, unit: &Unit, expect: Expect) {
    expect.assert_eq(&shown(&take(checkpoints, unit)));
}

#[test]
fn the_items_and_bytes_are_those_of_version_1() {
    let checkpoints = Checkpoints::new();
    let first = unit(1, &[("level", 1.5), ("pump", 2.0)], &[(0, Some(b"ab")), (7, Some(b"c"))]);
    golden(
        &checkpoints,
        &first,
        expect![[r#"
        tank: 01 01 04 02 02 06 74 61 6e 6b 2f 31 00
        tank/a/level: 01 00 01 02 00 00 00 00 00 00 f8 3f
        tank/a/pump: 01 00 01 02 00 00 00 00 00 00 00 40
        tank/m/0: 61 62
        tank/m/7: 63"#]],
    );
    golden(
        &checkpoints,
        &unit(2, &[("level", 1.0)], &[(7, None), (300, Some(b"d"))]),
        expect![[r#"
            tank: 01 02 03 02 02 06 74 61 6e 6b 2f 31 00
            tank/a/level: 01 00 02 02 00 00 00 00 00 00 f0 3f
            tank/m/7: gone
            tank/m/300: 64"#]],
    );
    let fault = Fault::new(FaultKind::Overran, "long");
    golden(
        &checkpoints,
        &Unit::of_fault(name("tank"), 3, Some(fault)),
        expect!["tank: 01 03 00 02 02 06 74 61 6e 6b 2f 31 01 02 04 6c 6f 6e 67"],
    );
    let held = checkpoints.get("tank").unwrap();
    assert_eq!((held.scan, held.position, &*held.program), (3, at(1, 3), "tank/1"));
    assert_eq!(held.fault.unwrap().to_string(), "overran: long");
    assert_eq!(held.attributes[&name("level")].value, Value::Float(1.0));
    assert_eq!(held.chunks.keys().copied().collect::<Vec<_>>(), [0, 300]);
}

#[test]
fn a_unit_that_says_everything_leaves_nothing_else() {
    let checkpoints = Checkpoints::new();
    take(
        &checkpoints,
        &unit(1, &[("level", 1.5), ("old", 2.0)], &[(0, Some(b"ab")), (1, Some(b"c"))]),
    );
    let mut whole = unit(2, &[("level", 1.5), ("new", 0.0)], &[(0, Some(b"x"))]);
    whole.whole = true;
    let posts = checkpoints.prepare(&whole).unwrap();
    let gone: Vec<_> = posts.iter().filter(|it| it.value.is_none()).map(|it| &*it.item).collect();
    assert_eq!(gone, ["tank/a/old", "tank/m/1"]);
    checkpoints.commit(at(1, 2), posts).unwrap();
    assert_eq!(checkpoints.get("tank").unwrap().attributes.len(), 2);
}

#[test]
fn a_unit_out_of_order_is_refused_on_both_nodes() {
    let checkpoints = Checkpoints::new();
    let first = unit(1, &[("level", 1.0)], &[]);
    let posts = take(&checkpoints, &first);
    for scan in [0, 1, 3] {
        let error = checkpoints.prepare(&unit(scan, &[], &[])).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("step {scan} of object `tank` does not follow step 1")
        );
    }
    let again = checkpoints.apply_entry(&updates(posts, 2)).unwrap_err();
    assert_eq!(
        (again.item.as_deref(), &*again.reason),
        (Some("tank"), "step 1 does not follow step 1")
    );
    let late = Checkpoints::new().prepare(&unit(5, &[], &[])).unwrap_err();
    assert_eq!(late.to_string(), "step 5 of object `tank` does not follow step 0");
}

#[test]
fn part_of_a_unit_is_refused() {
    let refused = |checkpoints: &Checkpoints, posts: &[Post]| {
        let before = checkpoints.snapshot().unwrap();
        let error = checkpoints.apply_entry(&updates(posts.to_vec(), 9)).unwrap_err();
        assert_eq!(checkpoints.snapshot().unwrap(), before, "nothing of it was taken");
        error.reason
    };
    let checkpoints = Checkpoints::new();
    let posts = checkpoints.prepare(&unit(1, &[("level", 1.0), ("pump", 2.0)], &[])).unwrap();
    assert_eq!(refused(&checkpoints, &posts[..2]), "1 parts of step 1, which has 2");
    assert_eq!(refused(&checkpoints, &posts[1..]), "part of a unit without its head");
    let twice = [&posts[..], &posts[1..2]].concat();
    assert_eq!(refused(&checkpoints, &twice), "twice in one entry");
    let mut other = posts.clone();
    other[1].item = "tank/a/no name".into();
    assert_eq!(refused(&checkpoints, &other), "no item of an object");
    other[1].item = "tank/m/01".into();
    assert_eq!(refused(&checkpoints, &other), "no item of an object");
    other = posts.clone();
    other[1].value = None;
    assert!(refused(&checkpoints, &other).contains("where it says"));
    other = posts.clone();
    other[1].value = Some(b"\x01".as_slice().into());
    assert_eq!(refused(&checkpoints, &other), "attribute `level`: not a tag's value");
    take(&checkpoints, &unit(1, &[("level", 1.0), ("pump", 2.0)], &[]));
    let mut removal = checkpoints.removal(&name("tank"));
    assert_eq!(refused(&checkpoints, &removal[..2]), "removed, but for a part of it");
    removal.reverse();
    checkpoints.apply_entry(&updates(removal, 9)).unwrap();
    assert_eq!(checkpoints.get("tank"), None);
    assert_eq!(checkpoints.removal(&name("tank")), []);
}

#[test]
fn a_unit_is_bounded() {
    let checkpoints = Checkpoints::new();
    let mut large = unit(1, &[], &[]);
    let bytes = bytes::Bytes::from(vec![0; CHUNK_BYTES_MAX + 1]);
    large.chunks = vec![Chunk { at: 0, bytes: Some(bytes.clone()) }];
    let error = checkpoints.prepare(&large).unwrap_err();
    assert_eq!(
        error.to_string(),
        "object `tank`: piece 0 of its state has 65537 bytes, at most 65536 are possible"
    );
    let bytes = bytes.slice(1..);
    let count = u32::try_from(UNIT_BYTES_MAX / CHUNK_BYTES_MAX).unwrap();
    large.chunks = (0..count).map(|at| Chunk { at, bytes: Some(bytes.clone()) }).collect();
    let error = checkpoints.prepare(&large).unwrap_err().to_string();
    assert!(error.starts_with("step 1 of object `tank` changes 31"), "{error}");
    large.chunks.pop();
    checkpoints.prepare(&large).unwrap();
    large.program = Some("x".repeat(129).into());
    assert!(checkpoints.prepare(&large).is_err());
}

fn items(checkpoints: &Checkpoints) -> Vec<Item> {
    let item = |(item, value)| Item { position: at(1, 4), item, value };
    checkpoints.snapshot().unwrap().into_iter().map(item).collect()
}

#[test]
fn a_snapshot_without_a_part_is_not_restored() {
    let checkpoints = Checkpoints::new();
    take(&checkpoints, &unit(1, &[("level", 1.0)], &[(0, Some(b"ab"))]));
    let mut other = unit(1, &[("level", 3.0)], &[]);
    other.object = name("other");
    take(&checkpoints, &other);
    let whole = items(&checkpoints);
    let restored = Checkpoints::new();
    restored.restore(at(1, 4), &whole).unwrap();
    assert_eq!(restored.snapshot().unwrap(), checkpoints.snapshot().unwrap());
    assert_eq!(restored.get("tank").unwrap().position, at(1, 4));
    assert_eq!(restored.scans(), [(name("other"), 1), (name("tank"), 1)]);
    let torn: Vec<_> = whole.into_iter().filter(|it| *it.item != *"tank/m/0").collect();
    let error = restored.restore(at(1, 4), &torn).unwrap_err();
    assert_eq!(error.item.as_deref(), Some("tank"));
    assert_eq!(error.reason, "1 attributes and 0 pieces of state, where its head counts 1 and 1");
    assert!(restored.get("tank").is_none() && restored.get("other").is_some(), "the rest is");
}

proptest! {
    #[test]
    fn no_bytes_make_a_checkpoint_panic(
        parts in prop::collection::vec(
            ("(tank|tank/a/level|tank/m/[0-9]{1,2}|[a-z/]{0,9})", prop::option::of(prop::collection::vec(0..4_u8, 0..12))),
            0..6,
        ),
    ) {
        let checkpoints = Checkpoints::new();
        take(&checkpoints, &unit(1, &[("level", 1.0)], &[(0, Some(b"ab"))]));
        let post = |(item, value): (String, Option<Vec<u8>>)| Post {
            item: item.into(),
            value: value.map(Into::into),
        };
        let posts: Vec<_> = parts.into_iter().map(post).collect();
        let before = checkpoints.snapshot().unwrap();
        if checkpoints.apply_entry(&updates(posts, 2)).is_err() {
            prop_assert_eq!(checkpoints.snapshot().unwrap(), before);
        }
    }

    /// What the active commits, the partner applies, and what a third restores are the same.
    #[test]
    fn the_partner_has_what_the_active_has(
        steps in prop::collection::vec(
            (any::<bool>(), prop::collection::btree_map(0..6_u32, prop::option::of(0..3_usize), 0..5)),
            1..20,
        ),
    ) {
        let (active, standby) = (Checkpoints::new(), Checkpoints::new());
        for (scan, (whole, chunks)) in (1..).zip(steps) {
            let bytes: [&'static [u8]; 3] = [b"", b"a", b"bc"];
            let chunks: Vec<_> = chunks.into_iter().map(|(at, it)| (at, it.map(|it| bytes[it]))).collect();
            let mut unit = unit(scan, &[("level", 0.5)], &chunks);
            unit.whole |= whole;
            let posts = take(&active, &unit);
            standby.apply_entry(&updates(posts, scan)).unwrap();
            prop_assert_eq!(active.get("tank"), standby.get("tank"));
        }
        let third = Checkpoints::new();
        third.restore(at(1, 4), &items(&standby)).unwrap();
        prop_assert_eq!(third.snapshot().unwrap(), active.snapshot().unwrap());
    }
}
