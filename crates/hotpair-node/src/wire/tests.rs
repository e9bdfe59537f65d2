//! What is said arrives as it was meant.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects")]

use super::*;
use hotpair_fsm::{Heard, PartnerSeen, Step};
use hotpair_replication::{
    ComparedItem, Comparison, Conflict, DivergenceId, DivergenceRecord, Entry, Fate, Found,
    IdempotencyKey, JournalHead, KeptKey, KeyRange, ModuleEntry, Op, PerJournal, RangeDigest,
    Record, Scope, Session, SharedEntry, Winning,
};
use hotpair_transport::Identity;
use hotpair_types::{
    Designation, Epoch, History, ItemKey, JournalHistory, JournalKind, Lineage, NodeTime,
    PerChannel, Position, Positions, Span, StateId,
};

const EPOCH: Epoch = Epoch { number: 3, tag: u64::MAX };
const AT: Position = Position { epoch: EPOCH, sequence: 900 };
const INSTANCE: Instance = Instance { count: 7, tag: 1 << 63 };

fn history() -> History {
    let first = Epoch { number: 1, tag: 5 };
    let spans = vec![Span { epoch: first, first: 1 }, Span { epoch: EPOCH, first: 800 }];
    let lineage = Lineage::new(spans).unwrap();
    let journal = JournalHistory { lineage, last: AT.sequence };
    History { config: journal, runtime: JournalHistory::default() }
}

fn key(written_at: u64, name: &str) -> KeptKey {
    KeptKey {
        key: IdempotencyKey { key: name.into(), issued: Some(NodeTime(5)) },
        answer: AT,
        sequence: 4,
        written_at: NodeTime(written_at),
    }
}

fn entry() -> SharedEntry {
    let item = ItemKey::new("tags", "pump/speed");
    SharedEntry::new(Entry {
        kind: JournalKind::Runtime,
        position: AT,
        ops: vec![
            Op::Set { item: item.clone(), value: Bytes::from_static(b"\x01\x02") },
            Op::Remove { item },
            Op::ReplaceAll {
                provider: "alarms".into(),
                items: vec![("a".into(), Bytes::new()), ("b".into(), Bytes::from_static(b"x"))],
            },
        ],
        key: Some(IdempotencyKey { key: "retry-1".into(), issued: None }),
        written_at: NodeTime(1_795_418_278_000),
        origin: Some(Position { epoch: Epoch { number: 2, tag: 9 }, sequence: 3 }),
        chain: [8; 32],
    })
}

fn losing(fate: Fate) -> DivergenceRecord {
    DivergenceRecord {
        id: DivergenceId { kind: JournalKind::Config, entry: AT },
        conflict: Conflict {
            fork: Some(4),
            winner: EPOCH,
            loser: Epoch { number: 2, tag: 2 },
            rule: "longest-active".into(),
            both_active: true,
        },
        entry: entry(),
        winning: vec![
            Winning {
                item: ItemKey::config("a"),
                value: Some(Bytes::from_static(b"1")),
                position: Some(AT),
                written_at: Some(NodeTime(1)),
            },
            Winning { item: ItemKey::config("b"), value: None, position: None, written_at: None },
        ],
        noted_at: NodeTime(2),
        fate,
    }
}

fn messages() -> Vec<Message> {
    let session = Session { instance: INSTANCE, count: 2 };
    let kind = JournalKind::Config;
    let range = KeyRange { from: Some(ItemKey::config("a")), until: None };
    let pair = PerJournal { config: 1, runtime: u64::MAX };
    let fates = [Fate::Kept, Fate::InHistory(AT), Fate::Replayed(AT), Fate::Repeated(AT)];
    let name = DivergenceId { kind, entry: AT };
    let head = JournalHead {
        kind,
        history: history().config,
        chain: [1; 32],
        keys: vec![key(1, "k")],
        keys_forgotten: NodeTime(0),
    };
    let scopes = [
        Scope::ChangedAfter { sequence: 4, from: Some(ItemKey::config("x")) },
        Scope::Range(range.clone()),
        Scope::Items(vec![ItemKey::new("p", "i")]),
    ];
    let record = Record { value: Bytes::from_static(b"v"), position: AT, written_at: NodeTime(3) };
    let item = ItemKey::config("a");
    let comparison = Comparison {
        kind,
        request: 3,
        at: AT,
        range: range.clone(),
        items: 9,
        digest: [4; 32],
        each: vec![(item.clone(), [5; 32])],
    };
    let found = [
        Found::Same,
        Found::Elsewhere,
        Found::Differs,
        Found::Item(ComparedItem { item, active: Some([5; 32]), standby: None }),
    ];
    let mut all = vec![
        Message::Begin { session },
        Message::Manifest {
            session,
            modules: vec![ModuleEntry { name: "mix".into(), hash: [3; 32], size: 70_000 }],
        },
        Message::ModuleWanted { session, hash: [3; 32], offset: 5 },
        Message::ModuleChunk {
            session,
            hash: [3; 32],
            offset: 5,
            bytes: Bytes::from(vec![7; 100_000]),
            last: true,
        },
        Message::WayWanted { session, history: Box::new(history()) },
        Message::Way {
            session,
            history: Box::new(history()),
            entries_after: pair,
            removals_after: pair,
            chain: Some([9; 32]),
        },
        Message::Losing { session, records: fates.map(losing).to_vec() },
        Message::LosingTaken { session, fates: fates.map(|it| (name, it)).to_vec() },
        Message::EntriesWanted { session, kind, after: AT },
        Message::SnapshotWanted { session, kind },
        Message::SnapshotBegins { session, head: Box::new(head), items: 9, bytes: 10 },
        Message::MoreWanted { session, kind, request: 3, credit: 2 },
        Message::Chunk {
            session,
            kind,
            request: 3,
            at: 900,
            sets: vec![(ItemKey::config("a"), record)],
            removes: vec![(ItemKey::config("b"), AT)],
            next: Some(ItemKey::config("c")),
        },
        Message::DigestsWanted {
            session,
            kind,
            request: 1,
            ranges: vec![RangeDigest { range, digest: [4; 32] }],
        },
        Message::Digests { session, kind, request: 1, differing: vec![0, 7] },
        Message::Entries { session, kind, previous: AT, entries: vec![entry()], urgent: true },
        Message::EntriesGone { session, kind },
        Message::Ack { session, received: pair, durable: pair },
        Message::ResendWanted { session, kind, after: 4 },
        Message::CaughtUp { session, positions: Positions { config: AT, runtime: AT } },
        Message::AheadWanted { session, history: Box::new(history()) },
        Message::Ahead { session, kind, previous: Position::START, entries: vec![entry()] },
        Message::AheadEnd { session, history: Box::new(history()) },
        Message::ModuleOffered { session, hash: [3; 32], size: 70_000 },
        Message::ModuleTaken { session, hash: [3; 32], here: true },
        Message::Compare { session, comparison: Box::new(comparison) },
    ];
    all.extend(found.map(|found| Message::Compared { session, request: 3, found }));
    all.extend(scopes.map(|scope| Message::ChunkWanted {
        session,
        kind,
        request: 3,
        scope,
        credit: 8,
    }));
    all
}

#[test]
fn every_message_of_a_replica_arrives_as_it_was_sent() {
    for message in messages() {
        let bytes = encode_message(EngineIndex(2), &message);
        let expected = Incoming::Message { engine: EngineIndex(2), message };
        assert_eq!(decode_frame(&bytes), Ok(expected));
    }
}

#[test]
fn a_summary_arrives_with_the_same_digest() {
    let summary = Summary {
        designation: Designation::Backup,
        instance: INSTANCE,
        active: true,
        sole: false,
        unverified: true,
        stale: false,
        storage_ok: true,
        promoted_by_person: Some(EPOCH),
        last_used: EPOCH,
        epoch: EPOCH,
        active_for_ms: 12_345,
        history: history(),
        partner_seen: Some(PartnerSeen { instance: INSTANCE, positions: Positions::default() }),
    };
    let digest = summary.digest();
    let bytes = encode_summary(EngineIndex(0), &summary);
    let Ok(Incoming::Summary { engine, summary: arrived }) = decode_frame(&bytes) else {
        panic!("not a summary")
    };
    assert_eq!((engine, arrived.digest(), *arrived), (EngineIndex(0), digest, summary));
}

#[test]
fn every_flag_and_step_of_a_view_arrives() {
    let steps = [
        Step::None,
        Step::Offer { id: 1 },
        Step::Accept { id: 2 },
        Step::Released { id: 3 },
        Step::Withdrawn { id: 4 },
        Step::Declined { id: 5 },
    ];
    let setters: [fn(&mut View); 17] = [
        |it| it.outputs_open ^= true,
        |it| it.sole ^= true,
        |it| it.unverified ^= true,
        |it| it.stale ^= true,
        |it| it.in_sync ^= true,
        |it| it.paused ^= true,
        |it| it.suspended ^= true,
        |it| it.level ^= true,
        |it| it.drop ^= true,
        |it| it.storage_ok ^= true,
        |it| it.network_ok ^= true,
        |it| it.leaving ^= true,
        |it| it.undeployed ^= true,
        |it| it.promotion_failed ^= true,
        |it| it.wants_switchover ^= true,
        |it| it.wants_pause = Some(true),
        |it| it.wants_pause = Some(false),
    ];
    let plain = View {
        state: StateId::StandbyReady,
        epoch: EPOCH,
        positions: Positions { config: AT, runtime: Position::START },
        about: Some(INSTANCE),
        sees: Some(StateId::Active),
        round: 4,
        echo: 5,
        summary: Some(6),
        pair: None,
        ..View::empty()
    };
    let flagged = setters.map(|set| {
        let mut view = plain;
        set(&mut view);
        view
    });
    let stepped = steps.map(|step| View { step, ..plain });
    let heard = PerChannel {
        redundancy: Heard { sequence: 8, held_us: 900, on_time: true },
        primary: Heard::default(),
    };
    let beat = BeatToSend {
        channel: Channel::Primary,
        instance: INSTANCE,
        sequence: 77,
        of: None,
        heard,
        ask: true,
    };
    for views in flagged.chunks(4).chain(stepped.chunks(4)) {
        let bytes = encode_beat(&beat, 42, views);
        let (arrived, number, arrived_views) = decode_beat(Channel::Redundancy, &bytes).unwrap();
        assert_eq!((number, arrived_views.as_slice()), (42, views));
        let expected = BeatHeard {
            channel: Channel::Redundancy,
            instance: INSTANCE,
            sequence: 77,
            of: None,
            heard,
            ask: true,
        };
        assert_eq!(arrived, expected);
    }
}

#[test]
fn hello_and_its_refusal_arrive() {
    let hello = OwnHello {
        pair: [3; 16],
        node: NodeName::new("gw-a").unwrap(),
        instance: INSTANCE,
        guard_key: Some([4; 32]),
        settings: vec![("mode".to_owned(), "availability".to_owned())],
        engines: vec![EngineName::default()],
        api: "http://10.0.0.1:8650".to_owned(),
        release: "0.1.0".to_owned(),
    };
    let expected = TheirHello { hello: hello.clone(), version: 2, data_schema: 1 };
    let arrived = decode_frame(&encode_hello(&hello));
    assert_eq!(arrived, Ok(Incoming::Hello(Box::new(expected))));
    let refusal = decode_frame(&encode_refusal("another \u{1b}[2Jpair"));
    let why = "another \\u{1b}[2Jpair".to_owned();
    assert_eq!(refusal, Ok(Incoming::Refusal { why }));
}

#[test]
fn a_notice_of_a_guard_is_believed_only_with_its_key() {
    let (guard, other) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let (datagram, answer) = encode_fenced([1; 16], INSTANCE, &[true, false], |it| guard.sign(it));
    assert_eq!(datagram[0] & 0x40, 0, "it would be taken for QUIC");
    let Ok(Plain::Fenced(notice)) = decode_plain(&datagram) else { panic!("no notice") };
    assert_eq!((notice.instance, &notice.behind[..]), (INSTANCE, &[true, false][..]));
    assert!(notice.is_signed_by(guard.key().as_bytes()));
    assert!(!notice.is_signed_by(other.key().as_bytes()));
    assert_eq!(encode_fenced_answer(&notice), answer);
    for at in 0..datagram.len() {
        let mut bent = datagram.to_vec();
        bent[at] ^= 1;
        if let Ok(Plain::Fenced(notice)) = decode_plain(&bent) {
            assert!(!notice.is_signed_by(guard.key().as_bytes()), "byte {at}");
        }
    }
}

#[test]
fn more_keys_than_a_frame_holds_leave_out_the_oldest_and_say_so() {
    let session = Session { instance: INSTANCE, count: 1 };
    let keys: Vec<_> = (0..100_000).map(|it| key(it / 3, &format!("{it:0>200}"))).collect();
    let head = JournalHead {
        kind: JournalKind::Runtime,
        history: history().runtime,
        chain: [0; 32],
        keys,
        keys_forgotten: NodeTime(1),
    };
    let message =
        Message::SnapshotBegins { session, head: Box::new(head.clone()), items: 0, bytes: 0 };
    let bytes = encode_message(EngineIndex(0), &message);
    assert!(bytes.len() <= protocol::FRAME_BYTES_MAX);
    let Ok(Incoming::Message { message, .. }) = decode_frame(&bytes) else { panic!("refused") };
    let Message::SnapshotBegins { head: arrived, .. } = message else { panic!("not a head") };
    let forgotten = arrived.keys_forgotten;
    assert!(forgotten > NodeTime(1) && arrived.keys.len() > 20_000);
    let (left_out, kept): (Vec<_>, Vec<_>) =
        head.keys.into_iter().partition(|it| it.written_at <= forgotten);
    assert!(!left_out.is_empty());
    assert_eq!(arrived.keys, kept);
}
