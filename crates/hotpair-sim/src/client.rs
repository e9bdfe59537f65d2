//! Writers, and what they were told: the truth that every history is measured by.
use hotpair_replication::{Acknowledged, Op, Outcome};
use hotpair_types::{Ack, ItemKey, JournalKind, Time};

/// One write of which every trace must be kept: it has an item of its own.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) engine: usize,
    pub(crate) kind: JournalKind,
    pub(crate) item: ItemKey,
    pub(crate) value: [u8; 8],
    pub(crate) key: Option<Box<str>>,
    /// On which node it was answered last.
    pub(crate) node: usize,
    /// When it was answered, by the world's clock, and how.
    pub(crate) answer: Option<(Time, Acknowledged)>,
    /// Who was said to have it, by node.
    pub(crate) carriers: [Carrier; 2],
    /// It was asked that it is here, and nothing more.
    pub(crate) here_only: bool,
    /// Answered by one of two that acted, because a promise of exclusivity was void: either may win.
    pub(crate) of_two: bool,
    /// What happened since excuses its loss.
    pub(crate) excused: bool,
    /// A node acts without it because a person said so, or because it may assume: it must still
    /// be kept, and need not be in the history that acts.
    pub(crate) abandoned: bool,
}

/// Whether a node has a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// Nobody said so.
    No,
    /// In memory at least, since then.
    Memory(Time),
    /// On its disk.
    Disk,
    /// It had it, and lost it.
    Lost,
}

/// All writers.
#[derive(Debug, Default)]
pub(crate) struct Client {
    writes: Vec<Written>,
    /// By ticket, from 1 on.
    attempts: Vec<Attempt>,
    acknowledged: usize,
}

/// One try of a write.
#[derive(Clone, Copy, Debug, Default)]
struct Attempt {
    /// Of which write. Others are not looked after.
    of: Option<usize>,
    /// It asked for no more than that it is here.
    here_only: bool,
}

/// Items that are written again and again.
const HOT_ITEMS: u64 = 12;

impl Client {
    /// With room for so many writes.
    pub(crate) fn with_room_for(writes: usize) -> Self {
        Self {
            writes: Vec::with_capacity(writes),
            attempts: Vec::with_capacity(writes * 2),
            acknowledged: 0,
        }
    }

    /// A write with an item of its own.
    pub(crate) fn begin(
        &mut self,
        engine: usize,
        kind: JournalKind,
        node: usize,
        keyed: bool,
    ) -> usize {
        let number = self.writes.len();
        let name = format!("w{number}");
        let item = match kind {
            JournalKind::Config => ItemKey::config(&name),
            JournalKind::Runtime => ItemKey::new("tags", &name),
        };
        let value = (number as u64).to_le_bytes();
        self.writes.push(Written {
            engine,
            kind,
            item,
            value,
            key: keyed.then(|| name.into()),
            node,
            answer: None,
            carriers: [Carrier::No; 2],
            here_only: false,
            of_two: false,
            excused: false,
            abandoned: false,
        });
        number
    }

    /// One more attempt of a write.
    pub(crate) fn attempt(&mut self, number: usize) -> u64 {
        let ticket = self.ticket();
        self.attempt_mut(ticket).of = Some(number);
        ticket
    }

    /// For a write that nobody asks after.
    pub(crate) fn ticket(&mut self) -> u64 {
        self.attempts.push(Attempt::default());
        self.attempts.len() as u64
    }

    fn attempt_of(&self, ticket: u64) -> Attempt {
        self.attempts[usize::try_from(ticket - 1).expect("it was given out")]
    }

    fn attempt_mut(&mut self, ticket: u64) -> &mut Attempt {
        &mut self.attempts[usize::try_from(ticket - 1).expect("it was given out")]
    }

    pub(crate) fn ask_here_only(&mut self, ticket: u64) {
        self.attempt_mut(ticket).here_only = true;
    }

    pub(crate) fn asks_here_only(&self, ticket: u64) -> bool {
        self.attempt_of(ticket).here_only
    }

    pub(crate) fn write(&self, number: usize) -> &Written {
        &self.writes[number]
    }

    pub(crate) fn write_mut(&mut self, number: usize) -> &mut Written {
        &mut self.writes[number]
    }

    /// Notes an answer; which write it was.
    pub(crate) fn answered(
        &mut self,
        now: Time,
        ticket: u64,
        outcome: &Outcome,
        node: usize,
    ) -> Option<usize> {
        let Outcome::Acknowledged(it) = outcome else { return None };
        self.acknowledged += 1;
        let Attempt { of, here_only } = self.attempt_of(ticket);
        let number = of?;
        let write = &mut self.writes[number];
        // A repeated answer may promise more than the first.
        if let Some((_, before)) = write.answer
            && ((it.degraded && !before.degraded) || here_only)
        {
            return None;
        }
        write.answer = Some((now, *it));
        write.here_only = here_only;
        write.node = node;
        // Said anew: what was excused before is not any more.
        (write.excused, write.abandoned, write.of_two) = (false, false, false);
        let disk = it.reached == Ack::Durable;
        let carrier = if disk { Carrier::Disk } else { Carrier::Memory(now) };
        let [own, other] = if node == 0 { [0, 1] } else { [1, 0] };
        write.carriers[own] = carrier;
        if !it.degraded && it.reached != Ack::Local {
            write.carriers[other] = carrier;
        }
        Some(number)
    }

    /// Every write that was acknowledged.
    pub(crate) fn acknowledged(&self) -> impl Iterator<Item = (&Written, Time, Acknowledged)> {
        self.writes.iter().filter_map(|it| it.answer.map(|(at, how)| (it, at, how)))
    }

    pub(crate) fn acknowledged_mut(&mut self) -> impl Iterator<Item = &mut Written> {
        self.writes.iter_mut().filter(|it| it.answer.is_some())
    }

    pub(crate) const fn count(&self) -> (usize, usize) {
        (self.attempts.len(), self.acknowledged)
    }
}

/// A change of an item that many write; only its equality on both nodes is looked after.
pub(crate) fn hot(
    kind: JournalKind,
    draw: u64,
    value: u64,
    there: impl Fn(&ItemKey) -> bool,
) -> Op {
    let name = format!("h{}", draw % HOT_ITEMS);
    let item = match kind {
        JournalKind::Config => ItemKey::config(&name),
        JournalKind::Runtime => ItemKey::new("hot", &name),
    };
    let bytes = || bytes::Bytes::copy_from_slice(&value.to_le_bytes());
    match draw / HOT_ITEMS % 8 {
        0..=1 if there(&item) => Op::Remove { item },
        2 if kind == JournalKind::Runtime => {
            let items = (0..draw % 5).map(|it| (format!("h{it}").into(), bytes())).collect();
            Op::ReplaceAll { provider: "hot".into(), items }
        }
        _ => Op::Set { item, value: bytes() },
    }
}
