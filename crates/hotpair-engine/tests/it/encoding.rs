//! The bytes of a tag's value are a contract: they lie on disks and travel between releases.
use bytes::Bytes;
use expect_test::{Expect, expect};
use hotpair_engine::tags::{Quality, TagRecord, Value};
use hotpair_types::NodeTime;
use proptest::prelude::*;

fn golden(value: impl Into<Value>, quality: Quality, timestamp: u64, expect: Expect) {
    let record = TagRecord { value: value.into(), quality, timestamp: NodeTime(timestamp) };
    let bytes = record.encode();
    let hex: Vec<_> = bytes.iter().map(|it| format!("{it:02x}")).collect();
    expect.assert_eq(&hex.join(" "));
    assert_eq!(TagRecord::decode(&bytes), Ok(record));
}

#[test]
fn the_bytes_are_those_of_version_1() {
    golden(true, Quality::Good, 0, expect!["01 00 00 00 01"]);
    golden(-3_i64, Quality::Uncertain, 300, expect!["01 01 ac 02 01 05"]);
    golden(1.5, Quality::Bad, 1, expect!["01 02 01 02 00 00 00 00 00 00 f8 3f"]);
    golden("ab", Quality::Good, 1, expect!["01 00 01 03 02 61 62"]);
}

#[test]
fn bytes_that_no_release_wrote_are_refused() {
    let refused =
        |bytes: &[u8]| TagRecord::decode(&Bytes::copy_from_slice(bytes)).unwrap_err().to_string();
    assert_eq!(refused(&[]), "no bytes");
    assert_eq!(refused(&[2, 0]), "encoding version 2 is not known");
    assert_eq!(refused(&[1, 0, 0, 0, 1, 7]), "bytes after the value");
    assert_eq!(refused(&[1, 3, 0, 0, 1]), "not a tag's value");
    assert_eq!(refused(&[1, 0, 0, 3, 0xff, 0xff, 0xff, 0xff, 0x0f]), "not a tag's value");
    assert_eq!(refused(&[1, 0, 0, 3, 2, 0xc3, 0x28]), "a text that is not UTF-8");
    assert_eq!(refused(&[1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f]), "not a finite number");
}

/// What a standby with much text lives on: copied, a gigabyte kept its loop busy for more than a second.
#[test]
fn a_text_is_a_part_of_the_bytes_that_it_is_read_from() {
    let record = TagRecord { value: "long".into(), quality: Quality::Good, timestamp: NodeTime(7) };
    let bytes = record.encode();
    let Ok(TagRecord { value: Value::Text(text), .. }) = TagRecord::decode(&bytes) else {
        panic!("a text was encoded");
    };
    assert!(bytes.as_ptr_range().contains(&text.as_ptr()));
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |it| it.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(|it| Value::from(&*it)),
    ]
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(value in value(), quality in 0..3_usize, time in any::<u64>()) {
        let record =
            TagRecord { value, quality: Quality::ALL[quality], timestamp: NodeTime(time) };
        prop_assert_eq!(TagRecord::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        version in any::<bool>(),
    ) {
        let mut bytes = bytes;
        if version && !bytes.is_empty() {
            bytes[0] = 1;
        }
        if let Ok(record) = TagRecord::decode(&bytes.into()) {
            prop_assert_eq!(TagRecord::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn json_and_back_is_the_same(value in value()) {
        let json = serde_json::to_vec(&value.to_json()).unwrap();
        let back = Value::from_json(&serde_json::from_slice(&json).unwrap()).unwrap();
        prop_assert_eq!(back, value);
    }
}
