//! Writing and reading.
use crate::table::{Journal, at};
use expect_test::{Expect, expect};
use hotpair_engine::tags::{ConfigEffect, Value};
use hotpair_engine::{Item, RuntimeStateProvider};

const TANK: &[(&str, &str)] = &[
    ("tank/level", r#"{"type":"float","unit":"m","initial":1,"limits":{"min":0,"max":4.5}}"#),
    ("tank/name", r#"{"type":"text","limits":{"max_bytes":4}}"#),
    ("tank/pump", r#"{"type":"bool"}"#),
    ("tank/starts", r#"{"type":"int","limits":{"min":0}}"#),
];

fn refused(path: &str, value: impl Into<Value>, expect: Expect) {
    let mut journal = Journal::with(TANK);
    let error = journal.write(path, value).unwrap_err();
    expect.assert_eq(&format!("{}: {error}", error.id()));
    assert_eq!(journal.end.sequence, 0, "nothing is posted");
}

#[test]
fn a_write_that_does_not_fit_is_refused_in_words() {
    refused("tank/levle", 1.0, expect![["unknown-tag: tag `tank/levle` is not declared"]]);
    refused(
        "tank/level",
        "full",
        expect![[
            r#"wrong-type: tag `tank/level`: a value of type float is needed, "full" is of type text"#
        ]],
    );
    refused(
        "tank/level",
        4.6,
        expect!["out-of-limits: tag `tank/level`: 4.6 is not within 0.0 to 4.5"],
    );
    refused(
        "tank/level",
        f64::NAN,
        expect!["not-finite: tag `tank/level`: the number is not finite"],
    );
    refused(
        "tank/starts",
        -1_i64,
        expect!["out-of-limits: tag `tank/starts`: -1 is not within 0 to any"],
    );
    refused(
        "tank/starts",
        1.5,
        expect![
            "wrong-type: tag `tank/starts`: a value of type int is needed, 1.5 is of type float"
        ],
    );
    refused(
        "tank/name",
        "north",
        expect!["too-long: tag `tank/name`: a text of 5 bytes, at most 4 are allowed"],
    );
}

#[test]
fn a_tag_says_its_initial_value_until_somebody_writes() {
    let mut journal = Journal::with(TANK);
    assert_eq!(journal.show("tank/level"), "tank/level=1.0 uncertain @e0:0");
    assert_eq!(journal.show("tank/pump"), "tank/pump=none bad @e0:0");
    journal.write("tank/level", 2_i64).unwrap();
    assert_eq!(journal.show("tank/level"), "tank/level=2.0 good @e1:1");
    assert_eq!(journal.show("tank/depth"), "undeclared");
}

#[test]
fn a_batch_is_written_as_a_whole_or_not_at_all() {
    let mut journal = Journal::with(TANK);
    let error = journal.batch(&[("tank/pump", true.into()), ("tank/level", 9.0.into())]);
    assert!(error.is_err());
    assert_eq!(journal.show("tank/pump"), "tank/pump=none bad @e0:0");
    journal.batch(&[("tank/pump", true.into()), ("tank/level", 2.0.into())]).unwrap();
    assert_eq!(journal.show("tank/pump"), "tank/pump=true good @e1:1");
    assert_eq!(journal.show("tank/level"), "tank/level=2.0 good @e1:1");
    let twice = journal.batch(&[("tank/pump", true.into()), ("tank/pump", false.into())]);
    assert_eq!(twice.unwrap_err().id(), "tag-twice");
}

#[test]
fn the_set_of_tags_follows_the_config() {
    let mut journal = Journal::with(&[("a", r#"{"type":"int"}"#)]);
    journal.write("a", 5_i64).unwrap();
    assert_eq!(journal.declare("a", r#"{"type":"int","unit":"mm"}"#), ConfigEffect::Changed);
    assert_eq!(journal.show("a"), "a=5 good @e1:1");
    let ConfigEffect::TypeChanged(post) = journal.declare("a", r#"{"type":"text"}"#) else {
        panic!("the type changed");
    };
    assert_eq!(journal.show("a"), "a=none bad @e0:0", "a value of another type is not served");
    assert_eq!(journal.tags.orphans(), std::slice::from_ref(&post));
    journal.tags.commit(at(1, 2), vec![post]).unwrap();
    assert_eq!(journal.tags.orphans(), []);

    let ConfigEffect::Removed(_) = journal.tags.config_changed("tags/a", None).unwrap() else {
        panic!("it was removed");
    };
    assert_eq!(journal.show("a"), "undeclared");
    assert!(journal.tags.is_empty());
    assert_eq!(journal.tags.config_changed("modules/a", None), Ok(ConfigEffect::NotATag));
}

#[test]
fn a_value_may_come_before_its_declaration() {
    let mut active = Journal::with(&[("a", r#"{"type":"int"}"#)]);
    active.write("a", 5_i64).unwrap();
    let standby = Journal::with(&[]);
    let (item, value) = active.tags.snapshot().unwrap().remove(0);
    standby.tags.restore(at(1, 1), &[Item { position: at(1, 1), item, value }]).unwrap();
    assert_eq!(standby.show("a"), "undeclared");
    standby.declare("a", r#"{"type":"int"}"#);
    assert_eq!(standby.show("a"), "a=5 good @e1:1");
}

#[test]
fn a_bad_item_of_a_snapshot_is_named_and_the_rest_restored() {
    let mut active = Journal::with(&[("a", r#"{"type":"int"}"#)]);
    active.write("a", 5_i64).unwrap();
    let (item, value) = active.tags.snapshot().unwrap().remove(0);
    let bad = Item { position: at(1, 1), item: "b".into(), value: vec![9].into() };
    let good = Item { position: at(1, 1), item, value };
    let error = active.tags.restore(at(1, 1), &[bad, good]).unwrap_err();
    assert_eq!(error.item.as_deref(), Some("b"));
    assert_eq!(error.to_string(), "tag `b`: encoding version 9 is not known");
    assert_eq!(active.show("a"), "a=5 good @e1:1");
}

#[test]
fn tags_are_listed_by_prefix_page_by_page() {
    let journal = Journal::with(&[
        ("a", r#"{"type":"int"}"#),
        ("t/1", r#"{"type":"int"}"#),
        ("t/2", r#"{"type":"int"}"#),
        ("t/3", r#"{"type":"int"}"#),
        ("z", r#"{"type":"int"}"#),
    ]);
    let list = |prefix, after, limit| {
        let page = journal.tags.list(prefix, after, limit);
        page.iter().map(|it| it.path.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(list("", None, 9), "a t/1 t/2 t/3 z");
    assert_eq!(list("t/", None, 2), "t/1 t/2");
    assert_eq!(list("t/", Some("t/2"), 2), "t/3");
    assert_eq!(list("t/", Some("a"), 1), "t/1");
    assert_eq!(list("t/", Some("z"), 1), "");
}
