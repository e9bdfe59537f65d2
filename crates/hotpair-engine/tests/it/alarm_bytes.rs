//! The bytes of an alarm's record are a contract: they lie on disks and travel between releases.
use crate::alarms::{AT, SECOND, good, high, word};
use expect_test::{Expect, expect};
use hotpair_engine::alarms::{AlarmRecord, Command};
use proptest::prelude::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_bytes_are_those_of_version_1() {
    let golden = |it: &AlarmRecord, expect: Expect| {
        expect.assert_eq(&hex(&it.encode()));
        assert_eq!(AlarmRecord::decode(&it.encode()).as_ref(), Ok(it));
    };
    let mut it = AlarmRecord::default();
    golden(&it, expect!["01 00 00 00 04 00 00 00 00 00 00 00"]);
    it = it.observed(&high(), good(3.1).as_ref(), SECOND, AT).unwrap();
    it = it.observed(&high(), good(3.1).as_ref(), SECOND, AT).unwrap();
    golden(&it, expect!["01 02 00 d7 a3 b3 a6 04 05 c0 84 3d 00 00 00 00 00 00"]);
    it = it.observed(&high(), good(3.1).as_ref(), SECOND, AT).unwrap();
    golden(&it, expect!["01 03 01 d7 a3 b3 a6 04 03 00 00 00 00 01 00 07"]);
    it = it.commanded(&Command::Acknowledge { occurrence: None }, word(), AT).unwrap();
    golden(
        &it,
        expect![
            "01 04 01 d7 a3 b3 a6 04 07 00 00 01 03 61 6e 6e 09 6f 6e 20 6d 79 20 77 61 79 07 01 03 01 03 61 6e 6e 09 6f 6e 20 6d 79 20 77 61 79 07"
        ],
    );
    it = it.commanded(&Command::Shelve { time: SECOND }, word(), AT).unwrap();
    it = it.commanded(&Command::Suppress, word(), AT).unwrap();
    it = it.commanded(&Command::TakeOut, word(), AT).unwrap();
    golden(
        &it,
        expect![
            "01 07 01 d7 a3 b3 a6 04 37 00 01 c0 84 3d 01 03 61 6e 6e 09 6f 6e 20 6d 79 20 77 61 79 07 05 0a 01 03 61 6e 6e 09 6f 6e 20 6d 79 20 77 61 79 07"
        ],
    );
    let refused = |bytes: &[u8]| AlarmRecord::decode(bytes).unwrap_err().to_string();
    assert_eq!(refused(&[]), "no bytes");
    assert_eq!(refused(&[2]), "encoding version 2 is not known");
    assert_eq!(refused(&[1, 0]), "not the record of an alarm");
    assert_eq!(refused(&[1, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0]), "a flag that is not known");
    assert_eq!(refused(&[1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0]), "a state that is not known");
    assert_eq!(refused(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0]), "a cause that is not known");
    assert_eq!(refused(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), "bytes after the record");
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(0..16_u8, 0..24)) {
        let bytes = [&[1_u8][..], &bytes[..]].concat();
        if let Ok(record) = AlarmRecord::decode(&bytes) {
            prop_assert_eq!(AlarmRecord::decode(&record.encode()), Ok(record));
        }
    }
}
