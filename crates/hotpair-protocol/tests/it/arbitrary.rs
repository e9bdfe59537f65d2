//! Whatever arrives, decoding ends, without a panic, within the limits.
use crate::sample::{AT, EPOCH, INSTANCE, entry, list, messages, text};
use hotpair_protocol::{
    Blob, DecodeError, Entry, FRAME_BYTES_MAX, Fenced, Message, Op, ReplicaMessage, Session,
    decode, encode,
};
use hotpair_types::{ItemKey, JournalKind, NodeTime, Position};
use proptest::collection::vec;
use proptest::prelude::*;

fn position() -> impl Strategy<Value = Position> {
    any::<u64>().prop_map(|sequence| Position { epoch: EPOCH, sequence })
}

fn item() -> impl Strategy<Value = ItemKey> {
    (".{0,8}", ".{0,20}").prop_map(|(provider, item)| ItemKey::new(&provider, &item))
}

fn blob() -> impl Strategy<Value = Blob> {
    vec(any::<u8>(), 0..200).prop_map(|it| Blob(it.into()))
}

fn op() -> impl Strategy<Value = Op> {
    let named = (".{0,8}", blob()).prop_map(|(name, value)| (name.into_boxed_str(), value));
    prop_oneof![
        (item(), blob()).prop_map(|(item, value)| Op::Set { item, value }),
        item().prop_map(|item| Op::Remove { item }),
        (".{0,8}", vec(named, 0..8)).prop_map(|(provider, items)| Op::ReplaceAll {
            provider: provider.into(),
            items: list(items)
        }),
    ]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    (position(), vec(op(), 0..8), any::<Option<u64>>(), any::<[u8; 32]>(), any::<bool>()).prop_map(
        |(position, ops, time, chain, is_config)| Entry {
            kind: if is_config { JournalKind::Config } else { JournalKind::Runtime },
            position,
            ops: list(ops),
            written_at: NodeTime(time.unwrap_or_default()),
            chain,
            ..entry()
        },
    )
}

fn frame() -> impl Strategy<Value = Message> {
    (vec(any_entry(), 0..10), any::<u64>(), 0..8u8, any::<bool>()).prop_map(
        |(entries, count, engine, ahead)| {
            let session = Session { instance: INSTANCE, count };
            let (kind, previous, entries) = (JournalKind::Config, AT, list(entries));
            let message = if ahead {
                ReplicaMessage::Ahead { session, kind, previous, entries }
            } else {
                ReplicaMessage::Entries { session, kind, previous, entries, urgent: false }
            };
            Message::Replica(engine, message)
        },
    )
}

/// A sample with some bytes changed, cut or put in.
fn bent() -> impl Strategy<Value = Vec<u8>> {
    let samples: Vec<_> = messages().into_iter().map(|(_, it)| encode(&it).to_vec()).collect();
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..3u8);
    (prop::sample::select(samples), vec(change, 1..6)).prop_map(|(mut bytes, changes)| {
        for (index, byte, how) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = index.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_is_decoded(message in frame()) {
        prop_assert_eq!(decode(&encode(&message)), Ok(message));
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_understood(bytes in vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
        let _ = Fenced::decode(&bytes);
        // Past the header, where the work is.
        for kind in 0..8 {
            for packing in 0..3 {
                let _ = decode(&[&[0xb7, kind, packing], &bytes[..]].concat());
            }
        }
        let _ = Fenced::decode(&[&[0x11, 1], &bytes[..]].concat());
    }

    #[test]
    fn bent_messages_are_refused_or_mean_what_they_say(bytes in bent()) {
        if let Ok(message) = decode(&bytes) {
            // What was understood can be said again; Hello may have had more at its end.
            prop_assert_eq!(decode(&encode(&message)), Ok(message));
        }
    }
}

#[test]
fn a_byte_after_the_end_is_refused_except_after_hello() {
    for (name, message) in messages() {
        let mut bytes = encode(&message).to_vec();
        bytes.push(0);
        let decoded = decode(&bytes);
        match message {
            Message::Hello(_) | Message::Refusal(_) => assert_eq!(decoded, Ok(message)),
            Message::Beat(_) | Message::Summary(..) | Message::Replica(..) => {
                assert_eq!(decoded, Err(DecodeError::Trailing(1)), "{name}");
            }
        }
    }
}

#[test]
fn a_cut_message_is_refused_wherever_it_is_cut() {
    for (name, message) in messages() {
        let bytes = encode(&message);
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_err(), "{name} cut at {end}");
        }
    }
}

#[test]
fn limits_are_checked_before_the_body() {
    let long = vec![0xb7; FRAME_BYTES_MAX + 1];
    assert!(matches!(decode(&long), Err(DecodeError::Kind(0xb7))));
    let mut long = vec![0; FRAME_BYTES_MAX + 1];
    long[..3].copy_from_slice(&[0xb7, 5, 0]);
    assert!(matches!(decode(&long), Err(DecodeError::TooLong { .. })));
    long.truncate(2000);
    long[1] = 3;
    assert!(matches!(decode(&long), Err(DecodeError::TooLong { limit_bytes: 1162, .. })));
    assert_eq!(decode(b"GET / HTTP/1.1"), Err(DecodeError::Mark(b'G')));
    assert_eq!(decode(&[0xb7, 99, 0]), Err(DecodeError::Kind(99)));
    assert_eq!(decode(&[0xb7, 3, 1]), Err(DecodeError::Packing(1)));
    assert_eq!(decode(&[0xb7]), Err(DecodeError::Cut));
}

#[test]
fn an_engine_that_cannot_be_is_refused() {
    let (_, Message::Summary(_, summary)) = messages().swap_remove(3) else { panic!("moved") };
    let decoded = decode(&encode(&Message::Summary(8, summary)));
    assert_eq!(decoded, Err(DecodeError::Engine(8)));
}

#[test]
fn a_later_hello_with_more_at_its_end_is_understood() {
    let (_, Message::Hello(mut hello)) = messages().swap_remove(0) else { panic!("moved") };
    hello.versions.max = 9;
    hello.release = text("0.9.0");
    let later = [&encode(&Message::Hello(hello.clone()))[..], b"what comes later"].concat();
    assert_eq!(decode(&later), Ok(Message::Hello(hello)));
}
