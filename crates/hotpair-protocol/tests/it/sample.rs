//! One message of each kind.
use hotpair_protocol::{
    Beat, Blob, Comparison, Conflict, DivergenceId, DivergenceRecord, Entry, Fate, Flags, Found,
    Heard, Hello, IdempotencyKey, JournalHead, KeptKey, KeyRange, List, Message, ModuleEntry, Op,
    PartnerSeen, RangeDigest, Record, Refusal, ReplicaMessage, Scope, Session, Step, Summary, Text,
    VersionRange, View, Winning,
};
use hotpair_types::{
    Designation, EngineName, Epoch, History, Instance, ItemKey, JournalHistory, JournalKind,
    Lineage, NodeName, NodeTime, PerChannel, Position, Positions, Span, StateId,
};

pub(crate) const EPOCH: Epoch = Epoch { number: 3, tag: 0x55 };
pub(crate) const AT: Position = Position { epoch: EPOCH, sequence: 300 };
pub(crate) const INSTANCE: Instance = Instance { count: 7, tag: 0x66 };
const SESSION: Session = Session { instance: INSTANCE, count: 2 };

pub(crate) fn list<T, const MAX: usize>(elements: Vec<T>) -> List<T, MAX> {
    List::new(elements).unwrap()
}

pub(crate) fn text<const MAX: usize>(text: &str) -> Text<MAX> {
    Text::new(text.to_owned()).unwrap()
}

fn blob(bytes: &'static [u8]) -> Blob {
    Blob(bytes.into())
}

pub(crate) fn history() -> History {
    let lineage = Lineage::new(vec![Span { epoch: EPOCH, first: 1 }]).unwrap();
    let journal = JournalHistory { lineage, last: AT.sequence };
    History { config: journal, runtime: JournalHistory::default() }
}

pub(crate) fn entry() -> Entry {
    Entry {
        kind: JournalKind::Config,
        position: AT,
        ops: list(vec![
            Op::Set { item: ItemKey::config("a"), value: blob(b"1") },
            Op::Remove { item: ItemKey::config("b") },
            Op::ReplaceAll { provider: "p".into(), items: list(vec![("i".into(), blob(b"2"))]) },
        ]),
        key: Some(IdempotencyKey { key: text("k"), issued: Some(NodeTime(9)) }),
        written_at: NodeTime(1000),
        origin: Some(Position::START),
        chain: [0xcc; 32],
    }
}

fn view() -> View {
    View {
        state: StateId::StandbyReady,
        epoch: EPOCH,
        positions: Positions { config: AT, runtime: Position::START },
        about: Some(INSTANCE),
        sees: Some(StateId::Active),
        round: 1,
        echo: 2,
        flags: Flags::default().with(Flags::IN_SYNC, true).with(Flags::NETWORK_OK, true),
        step: Step::Accept(5),
        summary: Some(6),
        pair: None,
    }
}

fn hello() -> Hello {
    Hello {
        versions: VersionRange { min: 1, max: 2 },
        data_schema: 1,
        pair: [0xaa; 16],
        node: NodeName::new("gw-a").unwrap(),
        instance: INSTANCE,
        guard_key: Some([0xbb; 32]),
        settings: list(vec![(text("mode"), text("availability"))]),
        engines: list(vec![EngineName::default()]),
        api: text("http://x"),
        release: text("0.1.0"),
    }
}

fn summary() -> Summary {
    Summary {
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
        active_for_ms: 1234,
        history: history(),
        partner_seen: Some(PartnerSeen { instance: INSTANCE, positions: Positions::default() }),
    }
}

fn losing() -> DivergenceRecord {
    DivergenceRecord {
        id: DivergenceId { kind: JournalKind::Runtime, entry: AT },
        conflict: Conflict {
            fork: Some(4),
            winner: EPOCH,
            loser: Epoch { number: 2, tag: 2 },
            rule: text("master"),
            both_active: true,
        },
        entry: Entry { ops: list(vec![]), key: None, origin: None, ..entry() },
        winning: list(vec![Winning {
            item: ItemKey::config("a"),
            value: Some(blob(b"w")),
            position: Some(AT),
            written_at: Some(NodeTime(1)),
        }]),
        noted_at: NodeTime(2),
        fate: Fate::InHistory(AT),
    }
}

/// Of every kind, with a name.
pub(crate) fn messages() -> Vec<(&'static str, Message)> {
    let heard = Heard { sequence: 200, held_us: 300, on_time: true };
    let beat = Beat {
        instance: INSTANCE,
        sequence: 128,
        of: Some(INSTANCE),
        heard: PerChannel { redundancy: heard, primary: Heard::default() },
        ask: true,
        number: 9,
        views: list(vec![view()]),
    };
    let mut all = vec![
        ("hello", Message::Hello(hello())),
        ("refusal", Message::Refusal(Refusal { why: text("another pair") })),
        ("beat", Message::Beat(beat)),
        ("summary", Message::Summary(1, summary())),
    ];
    let replica = replica_messages().into_iter();
    all.extend(replica.map(|(name, it)| (name, Message::Replica(1, it))));
    all
}

fn replica_messages() -> Vec<(&'static str, ReplicaMessage)> {
    use ReplicaMessage as It;
    let (session, kind) = (SESSION, JournalKind::Runtime);
    let range = KeyRange { from: Some(ItemKey::config("a")), until: None };
    let kept = KeptKey {
        key: IdempotencyKey { key: text("k"), issued: None },
        answer: AT,
        sequence: 5,
        written_at: NodeTime(6),
    };
    let head = JournalHead {
        kind,
        history: JournalHistory::default(),
        chain: [0; 32],
        keys: list(vec![kept]),
        keys_forgotten: NodeTime(7),
    };
    let chunk_wanted = |scope| It::ChunkWanted { session, kind, request: 3, scope, credit: 8 };
    let module = ModuleEntry { name: "mix".into(), hash: [1; 32], size: 700 };
    let record = Record { value: blob(b"v"), position: AT, written_at: NodeTime(3) };
    let fates = vec![(losing().id, Fate::Kept), (losing().id, Fate::Repeated(AT))];
    let bytes = blob(b"wasm");
    let item = ItemKey::config("a");
    let comparison = Comparison {
        kind,
        request: 3,
        at: AT,
        range: range.clone(),
        items: 9,
        digest: [4; 32],
        each: list(vec![(item.clone(), [5; 32])]),
    };
    let compared = |found| It::Compared { session, request: 3, found };
    vec![
        ("begin", It::Begin { session }),
        ("manifest", It::Manifest { session, modules: list(vec![module]) }),
        ("module wanted", It::ModuleWanted { session, hash: [1; 32], offset: 5 }),
        ("module chunk", It::ModuleChunk { session, hash: [1; 32], offset: 5, bytes, last: true }),
        ("way wanted", It::WayWanted { session, history: history() }),
        (
            "way",
            It::Way {
                session,
                history: history(),
                entries_after: (1, 2),
                removals_after: (3, 4),
                chain: Some([2; 32]),
            },
        ),
        ("losing", It::Losing { session, records: list(vec![losing()]) }),
        ("losing taken", It::LosingTaken { session, fates: list(fates) }),
        ("entries wanted", It::EntriesWanted { session, kind, after: AT }),
        ("snapshot wanted", It::SnapshotWanted { session, kind }),
        ("snapshot begins", It::SnapshotBegins { session, head, items: 9, bytes: 10 }),
        (
            "chunk wanted, changed",
            chunk_wanted(Scope::ChangedAfter { sequence: 4, from: Some(ItemKey::config("x")) }),
        ),
        ("chunk wanted, range", chunk_wanted(Scope::Range(range.clone()))),
        ("chunk wanted, items", chunk_wanted(Scope::Items(list(vec![ItemKey::new("p", "i")])))),
        ("more wanted", It::MoreWanted { session, kind, request: 3, credit: 2 }),
        (
            "chunk",
            It::Chunk {
                session,
                kind,
                request: 3,
                at: 300,
                sets: list(vec![(ItemKey::config("a"), record)]),
                removes: list(vec![(ItemKey::config("b"), AT)]),
                next: Some(ItemKey::config("c")),
            },
        ),
        (
            "digests wanted",
            It::DigestsWanted {
                session,
                kind,
                request: 1,
                ranges: list(vec![RangeDigest { range, digest: [4; 32] }]),
            },
        ),
        ("digests", It::Digests { session, kind, request: 1, differing: list(vec![0, 7]) }),
        (
            "entries",
            It::Entries { session, kind, previous: AT, entries: list(vec![entry()]), urgent: true },
        ),
        ("entries gone", It::EntriesGone { session, kind }),
        ("ack", It::Ack { session, received: (1, 2), durable: (3, 4) }),
        ("resend wanted", It::ResendWanted { session, kind, after: 4 }),
        ("caught up", It::CaughtUp { session, positions: Positions { config: AT, runtime: AT } }),
        ("ahead wanted", It::AheadWanted { session, history: history() }),
        (
            "ahead",
            It::Ahead { session, kind, previous: Position::START, entries: list(vec![entry()]) },
        ),
        ("ahead end", It::AheadEnd { session, history: history() }),
        ("module offered", It::ModuleOffered { session, hash: [1; 32], size: 700 }),
        ("module taken", It::ModuleTaken { session, hash: [1; 32], here: true }),
        ("compare", It::Compare { session, comparison }),
        ("compared, same", compared(Found::Same)),
        ("compared, elsewhere", compared(Found::Elsewhere)),
        ("compared, differs", compared(Found::Differs)),
        ("compared, item", compared(Found::Item { item, active: Some([5; 32]), standby: None })),
    ]
}
