//! The bytes of every message. A change here is a change of the wire: it needs a new variant and a
//! new version, not new golden bytes.
use crate::sample::{INSTANCE, list, messages};
use expect_test::expect;
use hotpair_protocol::{Fenced, FencedAnswer, decode, encode};
use std::fmt::Write as _;

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (index, chunk) in bytes.chunk_by(|a, b| a == b).enumerate() {
        let gap = if index == 0 { "" } else { " " };
        match chunk {
            [one] => write!(text, "{gap}{one:02x}"),
            [one, ..] => write!(text, "{gap}{one:02x}*{}", chunk.len()),
            [] => Ok(()),
        }
        .unwrap();
    }
    text
}

#[test]
fn the_bytes_of_every_message_are_those_of_the_first_release() {
    let mut text = String::new();
    for (name, message) in messages() {
        let bytes = encode(&message);
        assert_eq!(decode(&bytes), Ok(message), "{name}");
        writeln!(text, "{name}: {}", hex(&bytes)).unwrap();
    }
    expect![[r#"
        hello: b7 01 00 01 02 01 aa*16 04 67 77 2d 61 07 66 01 bb*32 01 04 6d 6f 64 65 0c 61 76 61 69 6c 61 62 69 6c 69 74 79 01 04 6d 61 69 6e 08 68 74*2 70 3a 2f*2 78 05 30 2e 31 2e 30
        refusal: b7 02 00 0c 61 6e 6f 74 68 65 72 20 70 61 69 72
        beat: b7 03 00 07 66 80 01*2 07 66 c8 01 ac 02 01 00*3 01 09 01 07 03 55 03 55 ac 02 00*3 01 07 66 01*3 02 90 08 02 05 01 06 00
        summary: b7 04 00 01*2 07 66 01 00 01 00 01*2 03 55 03 55 03 55 d2 09 01 03 55 01 ac 02 00*2 01 07 66 00*6
        begin: b7 05 00 01 00 07 66 02
        manifest: b7 05 00 01*2 07 66 02 01 03 6d 69 78 01*32 bc 05
        module wanted: b7 05 00 01 02 07 66 02 01*32 05
        module chunk: b7 05 00 01 03 07 66 02 01*32 05 04 77 61 73 6d 01
        way wanted: b7 05 00 01 04 07 66 02 01 03 55 01 ac 02 00*2
        way: b7 05 00 01 05 07 66 02 01 03 55 01 ac 02 00*2 01 02 03 04 01 02*32
        losing: b7 05 00 01 06 07 66 02 01*2 03 55 ac 02 01 04 03 55 02*2 06 6d 61 73 74 65 72 01 00 03 55 ac 02 00*2 e8 07 00 cc*32 01 00 01 61 01*2 77 01 03 55 ac 02 01*2 02 01 03 55 ac 02
        losing taken: b7 05 00 01 07*2 66 02*2 01 03 55 ac 02 00 01 03 55 ac 02 03*2 55 ac 02
        entries wanted: b7 05 00 01 08 07 66 02 01 03 55 ac 02
        snapshot wanted: b7 05 00 01 09 07 66 02 01
        snapshot begins: b7 05 00 01 0a 07 66 02 01 00*34 01*2 6b 00 03 55 ac 02 05 06 07 09 0a
        chunk wanted, changed: b7 05 00 01 0b 07 66 02 01 03 00 04 01 00 01 78 08
        chunk wanted, range: b7 05 00 01 0b 07 66 02 01 03 01*2 00 01 61 00 08
        chunk wanted, items: b7 05 00 01 0b 07 66 02 01 03 02 01*2 70 01 69 08
        more wanted: b7 05 00 01 0c 07 66 02 01 03 02
        chunk: b7 05 00 01 0d 07 66 02 01 03 ac 02 01 00 01 61 01 76 03 55 ac 02 03 01 00 01 62 03 55 ac 02 01 00 01 63
        digests wanted: b7 05 00 01 0e 07 66 02 01*4 00 01 61 00 04*32
        digests: b7 05 00 01 0f 07 66 02 01*2 02 00 07
        entries: b7 05 00 01 10 07 66 02 01 03 55 ac 02 01 00 03 55 ac 02 03 00*2 01 61 01 31 01 00 01 62 02 01 70 01*2 69 01 32 01*2 6b 01 09 e8 07 01 00*3 cc*32 01
        entries gone: b7 05 00 01 11 07 66 02 01
        ack: b7 05 00 01 12 07 66 02 01 02 03 04
        resend wanted: b7 05 00 01 13 07 66 02 01 04
        caught up: b7 05 00 01 14 07 66 02 03 55 ac 02 03 55 ac 02
        ahead wanted: b7 05 00 01 15 07 66 02 01 03 55 01 ac 02 00*2
        ahead: b7 05 00 01 16 07 66 02 01 00*3 01 00 03 55 ac 02 03 00*2 01 61 01 31 01 00 01 62 02 01 70 01*2 69 01 32 01*2 6b 01 09 e8 07 01 00*3 cc*32
        ahead end: b7 05 00 01 17 07 66 02 01 03 55 01 ac 02 00*2
        module offered: b7 05 00 01 18 07 66 02 01*32 bc 05
        module taken: b7 05 00 01 19 07 66 02 01*33
        compare: b7 05 00 01 1a 07 66 02 01 03*2 55 ac 02 01 00 01 61 00 09 04*32 01 00 01 61 05*32
        compared, same: b7 05 00 01 1b 07 66 02 03 00
        compared, elsewhere: b7 05 00 01 1b 07 66 02 03 01
        compared, differs: b7 05 00 01 1b 07 66 02 03 02
        compared, item: b7 05 00 01 1b 07 66 02 03*2 00 01 61 01 05*32 00
    "#]].assert_eq(&text);
}

#[test]
fn the_bytes_of_a_guards_notice_are_those_of_the_first_release() {
    let notice = Fenced { pair: [0xaa; 16], instance: INSTANCE, behind: list(vec![true, false]) };
    let mut signed = Vec::new();
    let datagram = notice.encode(|content| {
        signed = content.to_vec();
        [0xee; 64]
    });
    expect!["11 01 aa*16 07 66 02 01 00 ee*64"].assert_eq(&hex(&datagram));
    expect!["68 6f 74 70 61 69 72 20 66 65 6e 63 65 64 00 11 01 aa*16 07 66 02 01 00"]
        .assert_eq(&hex(&signed));
    let decoded = Fenced::decode(&datagram).unwrap();
    assert_eq!(decoded, (notice, signed.into(), [0xee; 64]));
    expect!["12 01 ee*32"].assert_eq(&hex(&FencedAnswer::encode(&[0xee; 64])));
}
