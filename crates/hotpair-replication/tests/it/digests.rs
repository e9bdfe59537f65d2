//! What two nodes compare must come out the same in every release: these are kept.
use crate::pair::{A, Pair, set};
use bytes::Bytes;
use expect_test::expect;
use hotpair_replication::{Entry, IdempotencyKey, Op};
use hotpair_types::{Epoch, ItemKey, JournalKind, NodeTime, Position};
use std::fmt::Write as _;

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().fold(String::new(), |mut text, it| {
        let _ = write!(text, "{it:02x}");
        text
    })
}

#[test]
fn the_chain_of_an_entry_is_kept() {
    let position = Position { epoch: Epoch { number: 3, tag: 7 }, sequence: 21 };
    let ops = vec![
        set(ItemKey::config("limit"), "12"),
        Op::Remove { item: ItemKey::config("old") },
        Op::ReplaceAll {
            provider: "tags".into(),
            items: vec![("one".into(), Bytes::from_static(b"1")), ("two".into(), Bytes::new())],
        },
        set(ItemKey::config("large"), &"x".repeat(40_000)),
    ];
    let key = IdempotencyKey { key: "again".into(), issued: Some(NodeTime(4)) };
    let kind = JournalKind::Config;
    let plain = Entry {
        kind,
        position,
        ops: Vec::new(),
        key: None,
        written_at: NodeTime(5),
        origin: None,
        chain: [0; 32],
    };
    let full = Entry { ops, key: Some(key), origin: Some(position), ..plain.clone() };
    expect!["2beaa5bd1367fac6c3fe7160e88294f5a279a9544bf9914b5e175bd481b4045a"]
        .assert_eq(&hex(plain.chain_after(&[0; 32])));
    expect!["7c07f12b22f0b2b56d4a06ee8d7a309aa6a5b09678b7d1107d14962bd897fe3e"]
        .assert_eq(&hex(full.chain_after(&[9; 32])));
}

#[test]
fn the_digest_of_a_journal_is_kept() {
    let mut pair = Pair::level();
    for number in 0..900 {
        pair.tag(A, &format!("t{number:03}"), &number.to_string());
        pair.config(A, &format!("c{}", number % 40), &number.to_string());
    }
    pair.tag(A, "large", &"x".repeat(40_000));
    pair.settle();
    pair.assert_level();
    expect!["7481c53b142ba984d295462a738ffb3411e4156146fd85aaf3d6bf1f5b618c15"]
        .assert_eq(&hex(pair.nodes[A].replica.journal_digest(JournalKind::Config)));
    expect!["4e1cff19a255d85ea44b4c4c17516c36d469970ad1d1a61c22f8577fd25e7ab6"]
        .assert_eq(&hex(pair.nodes[A].replica.journal_digest(JournalKind::Runtime)));
}
