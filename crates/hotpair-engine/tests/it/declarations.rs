//! What a config record may say, and what is said about one that may not.
use expect_test::{Expect, expect};
use hotpair_engine::tags::{Declaration, TagType, Tags, is_path};

fn refused(json: &str, expect: Expect) {
    let error = Declaration::from_json("a", json.as_bytes()).unwrap_err();
    expect.assert_eq(&error.to_string());
}

#[test]
fn a_bad_record_is_refused_with_the_name_of_the_field() {
    refused("{", expect!["not JSON: EOF while parsing an object at line 1 column 1"]);
    refused("[]", expect!["a declaration is an object with `type`, not a list"]);
    refused("{}", expect!["field `type` is missing"]);
    refused(
        r#"{"type":"double"}"#,
        expect!["field `type`: one of bool, int, float, text is needed"],
    );
    refused(
        r#"{"type":"int","units":"m"}"#,
        expect!["field `units` is not known; there are type, unit, initial, limits"],
    );
    refused(
        r#"{"type":"int","unit":"\u001b[2J"}"#,
        expect!["field `unit`: a text of at most 64 bytes is needed"],
    );
    refused(
        r#"{"type":"int","initial":1.5}"#,
        expect!["field `initial`: a value of type int is needed, 1.5 is of type float"],
    );
    refused(
        r#"{"type":"int","initial":9,"limits":{"max":3}}"#,
        expect!["field `initial`: 9 is not within any to 3"],
    );
    refused(
        r#"{"type":"int","limits":{"min":3,"max":1}}"#,
        expect!["field `limits.max`: 1 is below limits.min 3"],
    );
    refused(
        r#"{"type":"bool","limits":{"min":3}}"#,
        expect!["field `limits.min`: a tag of type bool has no such limit"],
    );
    refused(
        r#"{"type":"text","limits":{"max_bytes":0}}"#,
        expect!["field `limits.max_bytes`: a whole number from 1 to 65536 is needed"],
    );
    refused(
        r#"{"type":"text","limits":{"maximum":0}}"#,
        expect!["field `maximum` is not known; there are limits.min, limits.max, limits.max_bytes"],
    );
}

#[test]
fn null_is_the_same_as_not_there() {
    let json = br#"{"type":"int","unit":null,"initial":null,"limits":null}"#;
    let declaration = Declaration::from_json("a", json).unwrap();
    assert_eq!(declaration.of_type, TagType::Int);
    assert_eq!((declaration.unit, declaration.initial), (None, None));
}

#[test]
fn a_path_is_plain() {
    for good in ["a", "line-2/Tank.3/level_mm"] {
        assert!(is_path(good), "{good:?}");
    }
    for bad in ["", "/a", "a/", "a//b", "a/../b", ".", "a b", "ä", "a\0", &"x".repeat(256)] {
        assert!(!is_path(bad), "{bad:?}");
    }
}

#[test]
fn the_whole_set_is_replaced_and_bad_records_are_given_back() {
    let tags = Tags::new();
    tags.config_changed("tags/old", Some(br#"{"type":"int"}"#)).unwrap();
    let good: &[u8] = br#"{"type":"int"}"#;
    let bad = tags.replace_declarations([("tags/new", good), ("tags/bad", b"{}")]);
    let bad: Vec<_> = bad.iter().map(|(key, error)| format!("{key}: {error}")).collect();
    assert_eq!(bad, ["tags/bad: field `type` is missing"]);
    let left: Vec<_> = tags.list("", None, 9).iter().map(|it| it.path.to_string()).collect();
    assert_eq!(left, ["new"]);
}
