//! History: from two nodes that take over from each other to a sink, no sample missing and none twice.
use crate::table::at;
use hotpair_engine::history::{
    BlockId, Bounds, Forwarding, History, RETRY_FIRST, RETRY_MAX, RETRY_REFUSED, Recorded,
    SAMPLE_TEXT_BYTES_MAX, Sample, scans,
};
use hotpair_engine::objects::Name;
use hotpair_engine::tags::{Quality, TagRecord, Value};
use hotpair_engine::{Item, Post, RuntimeStateProvider as _};
use hotpair_types::{NodeTime, Position, Time};
use proptest::prelude::*;
use std::collections::BTreeMap;

const BOUNDS: Bounds = Bounds { block_records_max: 5, held_bytes_max: u64::MAX };

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn sample(value: i64) -> Sample {
    let record =
        TagRecord { value: Value::Int(value), quality: Quality::Good, timestamp: NodeTime(0) };
    Sample::new(name("count"), Some("pcs".into()), &record)
}

/// What the sink has: by key, which object, step and value.
type Rows = BTreeMap<u64, (u64, Name, u64, Value)>;

fn put(rows: &mut Rows, scans: Vec<Recorded>) {
    for scan in scans {
        for (sequence, it) in (scan.first..).zip(scan.samples) {
            let row = (scan.epoch, scan.object.clone(), scan.step, it.value);
            let before = rows.insert(sequence, row.clone());
            assert!(before.is_none_or(|it| it == row), "sequence {sequence} has two meanings");
        }
    }
}

/// Two nodes, a journal between them, and a sink.
struct Pair {
    active: History,
    standby: History,
    /// Entries that the standby does not have yet.
    on_the_way: Vec<(Position, Vec<Post>)>,
    epoch: u64,
    sequence: u64,
    replicated: u64,
    /// The last step of each object, on the active and on the standby.
    steps: [u64; 3],
    standby_steps: [u64; 3],
    steps_on_the_way: Vec<(u64, usize)>,
    rows: Rows,
}

#[derive(Clone, Debug)]
enum Act {
    Scan {
        object: usize,
        samples: usize,
    },
    Replicate(usize),
    Seal {
        is_due: bool,
    },
    /// To the sink, and whether the active lives to note that.
    Forward {
        is_noted: bool,
    },
    Takeover,
    /// The standby is copied anew.
    Copy,
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..3_usize, 0..4_usize).prop_map(|(object, samples)| Act::Scan { object, samples }),
        6 => (1..6_usize).prop_map(Act::Replicate),
        3 => any::<bool>().prop_map(|is_due| Act::Seal { is_due }),
        3 => any::<bool>().prop_map(|is_noted| Act::Forward { is_noted }),
        1 => Just(Act::Takeover),
        1 => Just(Act::Copy),
    ]
}

impl Pair {
    fn new() -> Self {
        Self {
            active: History::new(),
            standby: History::new(),
            on_the_way: Vec::new(),
            epoch: 1,
            sequence: 0,
            replicated: 0,
            steps: [0; 3],
            standby_steps: [0; 3],
            steps_on_the_way: Vec::new(),
            rows: Rows::new(),
        }
    }

    fn post(&mut self, posts: Vec<Post>) {
        self.sequence += 1;
        let position = at(self.epoch, self.sequence);
        self.on_the_way.push((position, posts.clone()));
        if !posts.is_empty() {
            self.active.commit(position, posts).unwrap();
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Scan { object, samples } => {
                let step = self.steps[object] + 1;
                self.steps[object] = step;
                let value = i64::try_from(step).unwrap();
                let samples = vec![sample(value); samples];
                let object_name = name(&format!("o{object}"));
                let (epoch, time) = (self.epoch, NodeTime(step));
                let posts = self.active.recorded(&object_name, step, epoch, time, samples);
                self.post(posts);
                self.steps_on_the_way.push((self.sequence, object));
            }
            Act::Replicate(count) => self.replicate(count),
            Act::Seal { is_due } => {
                if let Some(posts) = self.active.sealed(self.epoch, is_due, &BOUNDS) {
                    self.post(posts);
                }
            }
            Act::Forward { is_noted } => self.forward(is_noted),
            Act::Takeover => {
                self.on_the_way.clear();
                self.steps_on_the_way.clear();
                self.steps = self.standby_steps;
                self.sequence = self.replicated;
                self.epoch += 1;
                std::mem::swap(&mut self.active, &mut self.standby);
                self.copy();
            }
            Act::Copy => self.copy(),
        }
    }

    fn replicate(&mut self, count: usize) {
        for (position, posts) in self.on_the_way.drain(..count.min(self.on_the_way.len())) {
            if !posts.is_empty() {
                self.standby.commit(position, posts).unwrap();
            }
            self.replicated = position.sequence;
        }
        let replicated = self.replicated;
        for (_, object) in self.steps_on_the_way.extract_if(.., |it| it.0 <= replicated) {
            self.standby_steps[object] += 1;
        }
    }

    fn forward(&mut self, is_noted: bool) {
        let Some(oldest) = self.active.oldest() else { return };
        if oldest.position.sequence > self.replicated {
            return;
        }
        put(&mut self.rows, scans(&oldest.bytes).unwrap());
        if is_noted {
            let posts = self.active.committed(oldest.id, NodeTime(1)).unwrap();
            self.post(posts);
        }
    }

    fn copy(&mut self) {
        self.replicate(usize::MAX);
        let items = self.active.snapshot().unwrap().into_iter();
        let item = |(item, value): (Box<str>, _)| {
            // As the journal has it: sealed in an entry that is replicated.
            Item { position: at(self.epoch, self.replicated), item, value }
        };
        let items: Vec<_> = items.map(item).collect();
        self.standby = History::new();
        self.standby.restore(at(self.epoch, self.replicated), &items).unwrap();
        assert_eq!(self.standby.shown(), self.active.shown());
    }
}

proptest! {
    #[test]
    fn no_sample_is_missing_in_the_sink_and_none_is_there_twice(
        acts in prop::collection::vec(acts(), 1..120)
    ) {
        let mut pair = Pair::new();
        let mut recorded: BTreeMap<(String, u64), usize> = BTreeMap::new();
        for act in acts {
            if let Act::Scan { object, samples } = act {
                recorded.insert((format!("o{object}"), pair.steps[object] + 1), samples);
            }
            pair.act(act);
        }
        // What remains goes to the sink by itself.
        while pair.active.shown().records > 0 {
            pair.act(Act::Seal { is_due: true });
            pair.act(Act::Replicate(usize::MAX));
            pair.act(Act::Forward { is_noted: true });
        }
        pair.act(Act::Replicate(usize::MAX));
        prop_assert_eq!(pair.standby.shown(), pair.active.shown());
        let head = pair.active.shown().head;
        prop_assert_eq!((head.done + 1, head.committed, head.lost), (head.next, head.done, 0));
        prop_assert!(pair.rows.keys().copied().eq(1..head.next), "sequences have a gap");
        let mut found: BTreeMap<(String, u64), usize> = BTreeMap::new();
        for (_, object, step, value) in pair.rows.values() {
            prop_assert_eq!(value, &Value::Int(i64::try_from(*step).unwrap()));
            *found.entry((object.to_string(), *step)).or_default() += 1;
        }
        // What a takeover took back was recorded anew under the same number, or did not happen.
        let last = |object: &str| pair.steps[object[1..].parse::<usize>().unwrap()];
        recorded.retain(|(object, step), samples| *samples > 0 && *step <= last(object));
        prop_assert_eq!(found, recorded);
    }
}

#[test]
fn what_does_not_follow_is_refused_and_changes_nothing() {
    let history = History::new();
    let scan =
        |step| history.recorded(&name("o"), step, 1, NodeTime(7), vec![sample(1), sample(2)]);
    let first = scan(1);
    history.commit(at(1, 1), first.clone()).unwrap();
    let before = history.shown();
    let said = |posts| history.commit(at(1, 2), posts).unwrap_err().reason;
    assert_eq!(said(first), "sample 1 does not follow sample 2");
    let second = scan(2);
    assert_eq!(said(second[1..].to_vec()), "a change without the head");
    assert_eq!(said(second[..1].to_vec()), "the head goes on with 5, the samples with 3");
    let sealed = history.sealed(1, true, &BOUNDS).unwrap();
    assert_eq!(said(sealed[..2].to_vec()), "block 1 has not what was open");
    let without = [sealed[0].clone(), sealed[2].clone()];
    assert_eq!(said(without.to_vec()), "the scan of sample 1 is gone, and in no block");
    assert_eq!(history.shown(), before);
    history.commit(at(1, 2), sealed).unwrap();
    let id = BlockId { epoch: 1, first: 1, last: 2 };
    assert_eq!(history.oldest().map(|it| (it.id, it.position)), Some((id, at(1, 2))));
    let other = BlockId { epoch: 2, ..id };
    assert_eq!(history.committed(other, NodeTime(9)), None, "another block");
    history.commit(at(1, 3), history.committed(id, NodeTime(9)).unwrap()).unwrap();
    let shown = history.shown();
    assert_eq!((shown.records, shown.blocks, shown.bytes, shown.oldest_at), (0, 0, 0, None));
    assert_eq!((shown.head.committed, shown.head.done, shown.head.next), (2, 2, 3));
}

#[test]
fn beyond_the_bound_the_oldest_block_goes_and_is_counted() {
    let history = History::new();
    for step in 1..=3 {
        let posts = history.recorded(&name("o"), step, 1, NodeTime(step), vec![sample(1)]);
        history.commit(at(1, step * 2), posts).unwrap();
        history.commit(at(1, step * 2 + 1), history.sealed(1, true, &BOUNDS).unwrap()).unwrap();
    }
    let bytes = history.shown().bytes;
    let bounds = |held_bytes_max| Bounds { held_bytes_max, ..BOUNDS };
    assert_eq!(history.dropped(NodeTime(9), &bounds(bytes)), None);
    let (id, posts) = history.dropped(NodeTime(9), &bounds(bytes - 1)).unwrap();
    assert_eq!((id.first, id.last), (1, 1));
    history.commit(at(1, 20), posts).unwrap();
    let head = history.shown().head;
    assert_eq!((head.lost, head.lost_at, head.committed), (1, NodeTime(9), 0));
    assert_eq!(history.oldest().map(|it| it.id.first), Some(2));
}

#[test]
fn a_snapshot_with_a_hole_is_told_and_what_is_there_goes_on() {
    let history = History::new();
    for step in 1..=3 {
        let posts = history.recorded(&name("o"), step, 1, NodeTime(1), vec![sample(1)]);
        history.commit(at(1, step), posts).unwrap();
    }
    let items = history.snapshot().unwrap().into_iter();
    let items = items.filter(|it| *it.0 != *"o/2");
    let items: Vec<_> =
        items.map(|(item, value)| Item { position: at(1, 2), item, value }).collect();
    let other = History::new();
    let error = other.restore(at(1, 2), &items).unwrap_err();
    assert_eq!(error.reason, "sample 3 follows sample 1");
    let posts = other.recorded(&name("o"), 4, 2, NodeTime(1), vec![sample(1)]);
    other.commit(at(2, 4), posts).unwrap();
    let mut rows = Rows::new();
    for sequence in 5.. {
        let Some(posts) = other.sealed(2, true, &BOUNDS) else { break };
        other.commit(at(2, sequence), posts).unwrap();
    }
    while let Some(oldest) = other.oldest() {
        put(&mut rows, scans(&oldest.bytes).unwrap());
        other.commit(at(2, 9), other.committed(oldest.id, NodeTime(1)).unwrap()).unwrap();
    }
    assert!(rows.keys().copied().eq([1, 3, 4]), "{rows:?}");
}

#[test]
fn a_long_text_is_cut_and_uncertain() {
    let value = Value::from("\u{e4}".repeat(SAMPLE_TEXT_BYTES_MAX).as_str());
    let record = TagRecord { value, quality: Quality::Good, timestamp: NodeTime(0) };
    let sample = Sample::new(name("note"), None, &record);
    let Value::Text(text) = &sample.value else { panic!("no text") };
    assert_eq!((text.len(), sample.quality), (SAMPLE_TEXT_BYTES_MAX, Quality::Uncertain));
    let it = Recorded {
        first: 1,
        epoch: 3,
        object: name("o"),
        step: 7,
        at: NodeTime(5),
        samples: vec![sample],
    };
    assert_eq!(Recorded::decode(&it.encode()), Ok(it));
}

#[test]
fn the_bytes_of_a_scan_stay_as_they_are() {
    let it = Recorded {
        first: 300,
        epoch: 3,
        object: name("o"),
        step: 7,
        at: NodeTime(5),
        samples: vec![sample(-1)],
    };
    let expected = [
        1, 0xac, 2, 3, 1, b'o', 7, 5, 1, 5, b'c', b'o', b'u', b'n', b't', 1, 3, b'p', b'c', b's',
        0, 1, 1,
    ];
    assert_eq!(&it.encode()[..], expected);
    for end in 0..expected.len() {
        assert!(Recorded::decode(&it.encode().slice(..end)).is_err());
    }
}

#[test]
fn a_block_that_fails_is_tried_again_later_and_later() {
    let id = BlockId { epoch: 1, first: 1, last: 2 };
    let mut forwarding = Forwarding::new();
    let mut now = Time::ZERO;
    let mut waits = Vec::new();
    assert!(forwarding.begin(now, id));
    for _ in 0..8 {
        assert!(!forwarding.begin(now, id), "one at a time");
        assert!(!forwarding.ended(now, id, Err(("no room".into(), true))));
        let failed = now;
        while !forwarding.begin(now, id) {
            now = now + RETRY_FIRST;
        }
        waits.push(now.since(failed).as_millis());
    }
    let longest = RETRY_MAX.as_millis();
    assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, longest, longest]);
    let failing = forwarding.failing().unwrap();
    assert_eq!((failing.since, failing.count, &*failing.why), (Time::ZERO, 8, "no room"));
    assert!(!forwarding.ended(now, BlockId { first: 9, ..id }, Ok(())), "another block's end");
    assert!(forwarding.ended(now, id, Ok(())) && forwarding.failing().is_none());
    assert!(forwarding.begin(now, id), "what works goes on at once");
    // Who acts again later, after the other did, begins anew.
    assert!(!forwarding.ended(now, id, Err(("a lock".into(), false))));
    forwarding.forget();
    assert_eq!(forwarding.failing(), None);
    assert!(forwarding.begin(now, id), "and without a wait");
    forwarding.ended(now, id, Err(("another table".into(), false)));
    assert!(!forwarding.begin(now + RETRY_FIRST, id) && forwarding.begin(now + RETRY_REFUSED, id));
}
