//! Two replicas, a wire that can be cut, and a stand-in for the state machine.
use crate::disk::Disk;
use crate::show::{name, show_outcome, show_record, tail, weight};
use bytes::Bytes;
use hotpair_replication::{
    AckRule, Alarm, Direction, Fact, Input, Lane, Message, Op, Outcome, Output, Replica, Settings,
};
use hotpair_types::{Designation, Epoch, Instance, ItemKey, JournalKind, NodeTime, Time};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

pub const A: usize = 0;
pub const B: usize = 1;

pub struct Node {
    pub replica: Replica,
    pub disk: Disk,
    pub instance: Instance,
    pub replies: BTreeMap<u64, Outcome>,
    pub facts: Vec<Fact>,
    pub alarms: Vec<Alarm>,
    /// What the providers here have, and what config's readers have: as told by `Apply` and
    /// `Restore`, and what was written here.
    pub applied: BTreeMap<ItemKey, Bytes>,
    /// Operations given to the disk are committed at once.
    pub disk_works: bool,
    pub blob_bytes: BTreeMap<[u8; 32], Vec<u8>>,
}

pub struct Pair {
    pub nodes: [Node; 2],
    pub settings: Settings,
    wires: [BTreeMap<Lane, VecDeque<Message>>; 2],
    pub cut: bool,
    pub now: Time,
    pub tickets: u64,
    epochs: u64,
    /// Which messages went, for transcripts.
    pub log: String,
    /// Bytes of entries, items and modules that went.
    pub bytes: usize,
    pub seed: u64,
    /// Both understand comparisons.
    pub compares: bool,
    /// Follow on from one step of a sync to the next as the state machine does.
    pub drive: bool,
}

pub fn tag(item: &str) -> ItemKey {
    ItemKey::new("tags", item)
}

pub fn set(item: ItemKey, value: &str) -> Op {
    Op::Set { item, value: Bytes::copy_from_slice(value.as_bytes()) }
}

impl Pair {
    pub fn new() -> Self {
        Self::with(Settings { resend_after: Duration::from_millis(50), ..Settings::default() })
    }

    pub fn with(settings: Settings) -> Self {
        let node = |index: usize| {
            let instance = Instance { count: 1, tag: index as u64 };
            let mut disk = Disk::new();
            let boot = disk.boot(Designation::ALL[index], instance, 8);
            Node {
                replica: Replica::new(settings.clone(), boot),
                disk,
                instance,
                replies: BTreeMap::new(),
                facts: Vec::new(),
                alarms: Vec::new(),
                applied: BTreeMap::new(),
                disk_works: true,
                blob_bytes: BTreeMap::new(),
            }
        };
        Self {
            nodes: [node(A), node(B)],
            settings,
            wires: Default::default(),
            cut: false,
            now: Time::from_millis(1),
            tickets: 0,
            epochs: 0,
            log: String::new(),
            bytes: 0,
            seed: 1,
            compares: false,
            drive: true,
        }
    }

    /// A pair with A active and B level.
    pub fn level() -> Self {
        let mut pair = Self::new();
        pair.activate(A);
        pair.sync(B);
        pair
    }

    pub fn random(&mut self, below: usize) -> usize {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) as usize % below
    }

    pub fn give(&mut self, node: usize, input: Input) {
        let mut out = Vec::new();
        self.nodes[node].replica.handle(self.now, input, &mut out);
        for output in out {
            self.carry_out(node, output);
        }
    }

    pub fn direct(&mut self, node: usize, direction: Direction) {
        self.give(node, Input::Direction(direction));
        self.give(node, Input::Flush);
    }

    fn carry_out(&mut self, node: usize, output: Output) {
        match output {
            Output::Send { lane, message } => {
                self.bytes += weight(&message);
                if !self.cut {
                    self.wires[node].entry(lane).or_default().push_back(message);
                }
            }
            Output::Store { ticket, op } => {
                self.nodes[node].disk.take(ticket, op);
            }
            Output::ReadJournal { ticket, kind, after, until, .. } => {
                let entries = self.nodes[node].disk.read(kind, after, until);
                self.give(node, Input::JournalRead { ticket, entries });
            }
            Output::Apply { entry } => {
                for op in &entry.ops {
                    apply(&mut self.nodes[node].applied, op);
                }
            }
            Output::Restore { kind, provider } => {
                let Node { applied, replica, .. } = &mut self.nodes[node];
                applied.retain(|it, _| it.provider != provider);
                let items = replica.items(kind, &provider, "");
                let item = |(name, it): (&str, &hotpair_replication::Record)| {
                    (ItemKey::new(&provider, name), it.value.clone())
                };
                applied.extend(items.map(item));
            }
            Output::Reply { ticket, outcome } => {
                let before = self.nodes[node].replies.insert(ticket.0, outcome);
                assert_eq!(before, None, "answered twice");
            }
            Output::Fact(fact) => {
                self.nodes[node].facts.push(fact.clone());
                if self.drive {
                    self.drive(node, &fact);
                }
            }
            Output::Progress(_) => {}
            Output::Alarm(alarm) => self.nodes[node].alarms.push(alarm),
            Output::ReadBlob { hash, offset, bytes_max } => {
                let blob = self.nodes[node].blob_bytes.get(&hash).cloned().unwrap_or_default();
                let from = (offset as usize).min(blob.len());
                let until = (from + bytes_max).min(blob.len());
                let bytes = Bytes::copy_from_slice(&blob[from..until]);
                let last = !blob.is_empty() && until == blob.len();
                self.give(node, Input::BlobRead { hash, offset, bytes, last });
            }
            Output::WriteBlob { hash, offset, bytes, last } => {
                let blob = self.nodes[node].blob_bytes.entry(hash).or_default();
                blob.truncate(offset as usize);
                blob.extend_from_slice(&bytes);
                let until = blob.len() as u64;
                let right = *blake3::hash(blob).as_bytes() == hash;
                self.give(node, Input::BlobWritten { hash, until });
                if last && right {
                    self.nodes[node].disk.blobs.insert(hash);
                    self.give(node, Input::BlobHere { hash });
                } else if last {
                    self.give(node, Input::BlobLost { hash });
                }
            }
            Output::RemoveBlob { hash } => {
                self.nodes[node].disk.blobs.remove(&hash);
                self.nodes[node].blob_bytes.remove(&hash);
            }
            Output::DivergenceDiscarded { .. } => {}
        }
    }

    /// What the state machine does about a fact.
    fn drive(&mut self, node: usize, fact: &Fact) {
        let direct = |direction| Input::Direction(direction);
        match fact {
            Fact::ModulesMatch => self.give(node, direct(Direction::SettleWay)),
            Fact::WaySettled => self.give(node, direct(Direction::TransferData)),
            Fact::PartnerCaughtUp { .. } => {
                self.give(node, direct(Direction::AcknowledgeBy(AckRule::WithPartner)));
                self.give(1 - node, direct(Direction::Follow));
            }
            Fact::SyncFailed { .. } | Fact::Gap(_) => {
                let partner = self.nodes[1 - node].instance;
                self.give(1 - node, direct(Direction::AcknowledgeBy(AckRule::Alone)));
                self.give(node, direct(Direction::StopSync));
                self.give(node, direct(Direction::BeginSync { partner }));
            }
            Fact::PartnerBegan
            | Fact::DataTransferred { .. }
            | Fact::Swapped
            | Fact::DataUnacknowledged(_)
            | Fact::DegradedWanted
            | Fact::Drained { .. }
            | Fact::LosingEntriesStored
            | Fact::AheadFetched
            | Fact::StorageFailed => {}
        }
    }

    /// One thing happens: a message arrives, or a disk commits. `false`: nothing is under way.
    pub fn step(&mut self) -> bool {
        self.step_with(|_, _, message| message)
    }

    /// As `step`; a message arrives as `bend` makes it.
    pub fn step_with(&mut self, bend: impl FnOnce(&mut Self, usize, Message) -> Message) -> bool {
        let mut choices: Vec<(usize, Option<Lane>)> = Vec::new();
        for node in [A, B] {
            for (lane, queue) in &self.wires[node] {
                if !queue.is_empty() {
                    choices.push((node, Some(*lane)));
                }
            }
            if self.nodes[node].disk_works && self.nodes[node].disk.is_busy() {
                choices.push((node, None));
            }
        }
        if choices.is_empty() {
            return false;
        }
        let (node, lane) = choices[self.random(choices.len())];
        match lane {
            Some(lane) => {
                let queue = self.wires[node].get_mut(&lane).expect("it was just there");
                let message = queue.pop_front().expect("it is not empty");
                let _ = writeln!(self.log, "{} {}", ["a", "b"][node], name(&message));
                let from = self.nodes[node].instance;
                let message = bend(self, node, message);
                self.give(1 - node, Input::Message { from, message });
            }
            None => {
                let ticket = self.nodes[node].disk.commit().expect("it is busy");
                self.give(node, Input::Stored { ticket });
            }
        }
        for node in [A, B] {
            self.give(node, Input::Flush);
        }
        true
    }

    /// Data takes another channel: what was sent later may arrive first.
    pub fn overtake(&mut self) {
        for queue in self.wires.iter_mut().flat_map(BTreeMap::values_mut) {
            queue.make_contiguous().reverse();
        }
    }

    /// Until nothing is under way and no deadline is near.
    pub fn settle(&mut self) {
        for _ in 0..40 {
            let mut steps = 0;
            while self.step() {
                steps += 1;
                assert!(steps < 100_000, "the two talk for ever:\n{}", tail(&self.log));
            }
            self.pass(20);
        }
    }

    pub fn pass(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
        for node in [A, B] {
            self.give(node, Input::Tick { wall: NodeTime(self.now.0 / 1_000) });
        }
    }

    pub fn next_epoch(&mut self, node: usize) -> Epoch {
        let epoch = Epoch { number: self.epochs, tag: 0 }.next(Designation::ALL[node], 7);
        self.epochs = epoch.number;
        epoch
    }

    /// The node acts alone.
    pub fn activate(&mut self, node: usize) -> Epoch {
        let epoch = self.next_epoch(node);
        self.direct(node, Direction::BecomeActive { epoch });
        self.direct(node, Direction::AcknowledgeBy(AckRule::Alone));
        epoch
    }

    /// The node begins to become level with the other, which is active.
    pub fn begin_sync(&mut self, node: usize) {
        let (partner, active) = (self.nodes[node].instance, self.nodes[1 - node].instance);
        self.direct(1 - node, Direction::StopServing);
        self.direct(1 - node, Direction::AcknowledgeBy(AckRule::Alone));
        self.direct(1 - node, Direction::ServePartner { partner });
        self.direct(node, Direction::StopSync);
        self.direct(node, Direction::BeginSync { partner: active });
    }

    pub fn sync(&mut self, node: usize) {
        self.begin_sync(node);
        self.settle();
        self.assert_level();
    }

    /// No message arrives any more, and what is on its way is lost.
    pub fn cut_wire(&mut self) {
        self.cut = true;
        self.wires = Default::default();
        for node in [A, B] {
            self.give(node, Input::LinkLost);
        }
    }

    pub fn mend_wire(&mut self) {
        self.cut = false;
        for node in [A, B] {
            self.give(node, Input::LinkUp);
            self.give(node, Input::Flush);
        }
    }

    /// The process dies; what its disk had committed is found by the next one.
    pub fn restart(&mut self, index: usize) {
        self.wires[index].clear();
        self.wires[1 - index].clear();
        let node = &mut self.nodes[index];
        node.instance.count += 1;
        let boot = node.disk.boot(Designation::ALL[index], node.instance, 8);
        node.replica = Replica::new(self.settings.clone(), boot);
        node.facts.clear();
        node.applied.clear();
        node.disk_works = true;
        self.give(index, Input::PartnerCompares(self.compares));
        self.give(index, Input::ProviderReady { provider: "tags".into() });
        let config = self.nodes[index].replica.items(JournalKind::Config, "", "");
        let config: Vec<_> =
            config.map(|(key, it)| (ItemKey::config(key), it.value.clone())).collect();
        self.nodes[index].applied.extend(config);
    }

    pub fn reply(&self, node: usize, ticket: u64) -> String {
        show_outcome(self.nodes[node].replies.get(&ticket))
    }

    pub fn value(&self, node: usize, kind: JournalKind, item: &ItemKey) -> Option<String> {
        let record = self.nodes[node].replica.get(kind, item)?;
        Some(String::from_utf8_lossy(&record.value).into_owned())
    }

    /// Both have the same in memory, on disk and at their providers.
    pub fn assert_level(&self) {
        let [a, b] = &self.nodes;
        for kind in JournalKind::ALL {
            assert_eq!(a.disk.show(kind), b.disk.show(kind), "the disks differ in {kind}");
        }
        assert_eq!(a.replica.history(), b.replica.history());
        assert_eq!(a.replica.state_digest(), b.replica.state_digest());
        assert_eq!(a.applied, b.applied, "providers differ");
    }

    pub fn divergence(&self, node: usize) -> String {
        let records = self.nodes[node].replica.divergence();
        records.map(show_record).collect::<Vec<_>>().join("\n")
    }
}

pub fn apply(applied: &mut BTreeMap<ItemKey, Bytes>, op: &Op) {
    match op {
        Op::Set { item, value } => {
            applied.insert(item.clone(), value.clone());
        }
        Op::Remove { item } => {
            applied.remove(item);
        }
        Op::ReplaceAll { provider, items } => {
            applied.retain(|it, _| it.provider != *provider);
            let item =
                |(name, value): &(Box<str>, Bytes)| (ItemKey::new(provider, name), value.clone());
            applied.extend(items.iter().map(item));
        }
    }
}
