//! Two histories that came apart in any way are brought together by the shipping replication crate,
//! with crashes at any durable step: the two must come to the same state, lose nothing and apply no
//! key twice.
mod pair;

use crate::Rng;
use crate::disk::keeps;
use crate::losses::is_at;
use bytes::Bytes;
use hotpair_replication::{Direction, Expectation, Op, Replica, Settings, WriteBody};
use hotpair_types::{Designation, ItemKey, JournalKind, WritableOn};
use pair::Pair;
use std::collections::BTreeMap;
use std::time::Duration;

/// What the forks of a run were.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForkReport {
    /// Writes on either side of the fork.
    pub writes: u64,
    /// Processes that died while they met.
    pub crashes: u64,
    /// Commits while they met.
    pub commits: u64,
    /// Entries of the loser that were kept for a person, and that were taken.
    pub kept: u64,
    /// Entries of the loser that the winner took.
    pub taken: u64,
}

/// What a node shows of an item that was changed since the fork.
type Seen = BTreeMap<(JournalKind, ItemKey), Option<Bytes>>;

/// Makes the fork of a seed and brings it together.
///
/// # Panics
/// When the two do not come to the same state, something is lost, or a key is applied twice.
#[must_use]
pub fn run_fork(seed: u64) -> ForkReport {
    let mut rng = Rng::from_seed(seed);
    let mut report = ForkReport::default();
    let mut pair = Pair::new(Rng::from_seed(rng.next()), settings(&mut rng));
    let mut writer = Writer::default();
    pair.activate(0);
    pair.begin_sync(1);
    pair.settle();
    for _ in 0..rng.below(20) {
        writer.write(&mut pair, 0, &mut rng);
    }
    pair.settle();
    // They come apart.
    pair.cut_wire();
    pair.direct(1, Direction::StopSync);
    pair.direct(0, Direction::AcknowledgeBy(hotpair_replication::AckRule::Alone));
    writer.touched = [Seen::new(), Seen::new()];
    let lengths = [rng.below(25), rng.below(25)];
    let both = rng.percent(80);
    if both {
        pair.activate(1);
    }
    for (side, length) in lengths.into_iter().enumerate() {
        for _ in 0..if side == 0 || both { length } else { 0 } {
            writer.write(&mut pair, side, &mut rng);
            report.writes += 1;
        }
    }
    pair.settle();
    let restarted = [rng.percent(30), rng.percent(30)];
    for (side, restarted) in restarted.into_iter().enumerate() {
        if restarted {
            pair.restart(side);
        }
    }
    // They meet.
    let loser = rng.pick(2);
    let before = [0, 1].map(|side| writer.seen(&pair.sides[side].replica, side));
    pair.mend_wire();
    let was_active = !restarted[loser] && (loser == 0 || both);
    meet(&mut pair, &mut rng, loser, was_active, &mut report);
    check(&pair, loser, &before);
    for record in pair.sides[1 - loser].replica.divergence() {
        let settled = record.fate.is_settled();
        report.taken += u64::from(settled);
        report.kept += u64::from(!settled);
    }
    // And they go on.
    let op = Op::Set { item: ItemKey::new("tags", "end"), value: Bytes::from_static(b"end") };
    let ticket = pair.write(1 - loser, None, WriteBody::Runtime { ops: vec![op] });
    pair.settle();
    let answered = pair.sides[1 - loser].acknowledged.get(&ticket);
    assert_eq!(answered, Some(&true), "a write after the merge has no answer");
    check(&pair, loser, &before);
    report
}

/// Half of them with so little room that everything bounded comes to its bound.
fn settings(rng: &mut Rng) -> Settings {
    let mut settings = Settings {
        config_writable_on: WritableOn::Active,
        resend_after: Duration::from_millis(50),
        ..Settings::default()
    };
    if rng.percent(50) {
        let limits = &mut settings.limits;
        limits.runtime_ring_bytes_max = 1_500 + rng.pick(4_000);
        limits.config_ring_bytes_max = 1_500 + rng.pick(4_000);
        limits.message_bytes_max = 700 + rng.pick(2_000);
        limits.tombstones_max = rng.pick(6);
    }
    settings
}

/// The loser gives way and becomes level; either may die at any durable step, more than once.
fn meet(pair: &mut Pair, rng: &mut Rng, loser: usize, was_active: bool, report: &mut ForkReport) {
    let winner = 1 - loser;
    pair.commits = 0;
    let mut crashes = [0; 3].map(|_| rng.below(30));
    let wanted = rng.pick(4);
    crashes[..wanted].sort_unstable();
    let mut crashes = crashes.into_iter().take(wanted).peekable();
    begin(pair, loser, was_active);
    let mut steps = 0;
    let mut quiet = 0;
    // Until nothing happens for some rounds.
    while quiet < 12 {
        let Some(committed) = pair.step() else {
            pair.pass();
            quiet += 1;
            continue;
        };
        quiet = 0;
        steps += 1;
        assert!(steps < 50_000, "the two talk for ever");
        if committed.is_none() || crashes.next_if(|it| *it <= pair.commits).is_none() {
            continue;
        }
        report.crashes += 1;
        // Either one, and now and then both.
        let dies = rng.pick(3);
        for side in [loser, winner] {
            if dies == side || dies == 2 {
                pair.restart(side);
                if side == winner {
                    pair.activate(winner);
                }
            }
        }
        pair.direct(loser, Direction::BecomeStandby);
        pair.begin_sync(loser);
    }
    pair.settle();
    report.commits += pair.commits;
}

fn begin(pair: &mut Pair, loser: usize, was_active: bool) {
    let winner = 1 - loser;
    if was_active {
        let history = Box::new(pair.sides[winner].replica.history());
        let (winner_epoch, rule) = (history.positions().runtime.epoch, "forks".into());
        pair.direct(loser, Direction::StoreLosingEntries { winner: history, winner_epoch, rule });
        while !pair.sides[loser].losing_stored {
            assert!(pair.step().is_some(), "losing entries are never stored");
        }
    }
    pair.direct(loser, Direction::BecomeStandby);
    pair.activate(winner);
    pair.begin_sync(loser);
}

/// Writes whatever a client may, each value once.
#[derive(Default)]
struct Writer {
    values: u64,
    /// What each side changed since the fork.
    touched: [Seen; 2],
}

impl Writer {
    fn write(&mut self, pair: &mut Pair, side: usize, rng: &mut Rng) {
        self.values += 1;
        let value = Bytes::from(self.values.to_string());
        let config = rng.percent(30);
        let kind = if config { JournalKind::Config } else { JournalKind::Runtime };
        let name = format!("i{}", rng.below(6));
        let item = if config { ItemKey::config(&name) } else { ItemKey::new("tags", &name) };
        let here = pair.sides[side].replica.get(kind, &item).map(|it| it.position);
        let mut touched = vec![item.clone()];
        let op = match rng.below(8) {
            0 | 1 if here.is_some() => Op::Remove { item: item.clone() },
            2 if !config => {
                let names = (0..rng.below(5)).map(|it| format!("i{it}"));
                let items: Vec<_> = names.map(|it| (it.into(), value.clone())).collect();
                let new = items.len() as u64;
                let replica = &pair.sides[side].replica;
                let changes = |(number, item): &(u64, ItemKey)| {
                    *number < new || replica.get(kind, item).is_some()
                };
                let all = (0..6).map(|it| (it, ItemKey::new("tags", &format!("i{it}"))));
                touched = all.filter(changes).map(|it| it.1).collect();
                Op::ReplaceAll { provider: "tags".into(), items }
            }
            _ => Op::Set { item: item.clone(), value },
        };
        // The same keys on both sides: a client that asked again.
        let key = rng.percent(25).then(|| format!("k{}", rng.below(12)));
        let body = match kind {
            JournalKind::Config => {
                let expects = rng.percent(30);
                let expect = expects.then_some(Expectation { item, version: here });
                WriteBody::Config { expect: expect.into_iter().collect(), ops: vec![op] }
            }
            JournalKind::Runtime => WriteBody::Runtime { ops: vec![op] },
        };
        let last = pair.sides[side].replica.positions();
        pair.write(side, key, body);
        if pair.sides[side].replica.positions() != last {
            for item in touched {
                self.touched[side].insert((kind, item), None);
            }
        }
        for _ in 0..rng.below(4) {
            pair.step();
        }
    }

    /// What a side has of what it changed.
    fn seen(&self, replica: &Replica, side: usize) -> Seen {
        let value = |(kind, item): &(JournalKind, ItemKey)| {
            replica.get(*kind, item).map(|it| it.value.clone())
        };
        self.touched[side].keys().map(|it| (it.clone(), value(it))).collect()
    }
}

fn check(pair: &Pair, loser: usize, before: &[Seen; 2]) {
    let replicas = [0, 1].map(|it| &pair.sides[it].replica);
    let [one, other] = replicas;
    assert_eq!(one.history(), other.history(), "their histories differ");
    assert_eq!(one.state_digest(), other.state_digest(), "their data differs");
    for (side, replica) in replicas.into_iter().enumerate() {
        let image = &pair.sides[side].image;
        let boot = image.boot(Designation::ALL[side], pair.sides[side].instance);
        let disk = Replica::new(replica.settings().clone(), boot);
        for kind in JournalKind::ALL {
            assert_eq!(
                shown(&disk, kind),
                shown(replica, kind),
                "the {kind} journal of {side} on its disk and in its memory"
            );
        }
        assert_eq!(disk.state_digest(), replica.state_digest(), "a disk differs from its memory");
        assert!(disk.divergence().eq(replica.divergence()), "a divergence store is not on disk");
        for kind in JournalKind::ALL {
            let mut keys: Vec<_> = image.journal(kind).head.keys.iter().map(|it| &it.key).collect();
            keys.sort();
            assert!(keys.windows(2).all(|it| it[0] != it[1]), "a key is applied twice: {keys:?}");
        }
    }
    let winner = replicas[1 - loser];
    for ((kind, item), value) in &before[1 - loser] {
        let now = winner.get(*kind, item).map(|it| it.value.clone());
        assert_eq!(now, *value, "{item} of the winner was changed");
    }
    for ((kind, item), value) in &before[loser] {
        let Some(value) = value else { continue };
        let kept = |it: &Replica| it.divergence().any(|it| keeps(it, item, value));
        let there = is_at(winner, *kind, item, value) || (kept(one) && kept(other));
        assert!(there, "{item}={value:?} of the loser is gone");
    }
}

/// Every item of a journal, for people.
fn shown(replica: &Replica, kind: JournalKind) -> Vec<String> {
    let provider = if kind == JournalKind::Config { "" } else { "tags" };
    let items = replica.items(kind, provider, "");
    items.map(|(name, it)| format!("{name}={:?} at {}", it.value, it.position)).collect()
}
