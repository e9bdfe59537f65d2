//! What the invariants remember of a run.
use super::changes_are_told::Told;
use super::failed_commit::Failures;
use super::words_in_order::Words;
use crate::net::Net;
use crate::node::Node;
use hotpair_fsm::{Record, RoleChange, Rule};
use hotpair_types::{Channel, Epoch, Mode, PerChannel, Position, StateId, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// After a disk hung it has to catch up.
const TROUBLE_LASTS: Duration = Duration::from_millis(900);

/// What the invariants remember.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) mode: Mode,
    /// By engine and epoch: who opened its outputs under it.
    pub(crate) owners: BTreeMap<(usize, Epoch), usize>,
    /// The first thing seen that may not be.
    pub(crate) broken_epoch: Option<String>,
    pub(crate) broken_proof: Option<String>,
    pub(crate) broken_promise: Option<String>,
    /// By node and engine: the highest epoch it opened under.
    highest: BTreeMap<(usize, usize), Epoch>,
    left: BTreeMap<(usize, usize), bool>,
    /// By node and engine: what its promotion under way is for.
    rules: BTreeMap<(usize, usize), Rule>,
    /// By engine: a person, or a disk that went back, made a promise void until it is level again.
    excused: Vec<bool>,
    /// By engine: a disk lost what it promised or had; who acts then may have less.
    data_excused: Vec<bool>,
    /// By engine: a person paused both, and nobody resumed since.
    paused: Vec<bool>,
    /// Some fault took away the proof of who has the newest data.
    pub(crate) took_proof: bool,
    /// When disks were slow to store, from and until.
    disk_troubles: Vec<(usize, Time, Option<Time>)>,
    /// When a disk lost something last.
    damaged: [Option<Time>; 2],
    /// When processes stood still, from and until.
    pauses: Vec<(usize, Time, Option<Time>)>,
    /// When a process last began to run: started or went on.
    pub(crate) running_since: [Time; 2],
    /// Since when a channel is connected and delivers both ways.
    pub(crate) whole_since: PerChannel<Option<Time>>,
    pub(crate) words: Words,
    pub(crate) told: Told,
    pub(crate) failures: Failures,
    pub(crate) broken_gate: Option<String>,
    /// Where config entries have their place that an election handed in.
    pub(crate) handed_in: BTreeSet<(usize, Position)>,
    pub(crate) broken_config: Option<String>,
    /// By engine: since when two act.
    pub(crate) two_since: Vec<Option<Time>>,
    /// By engine: since when nobody acts though somebody says that it comes by itself.
    pub(crate) nobody_since: Vec<Option<Time>>,
    pub(crate) healed_since: Option<Time>,
}

/// Holds a `sole` that is not void.
fn is_sole(durable: &Record) -> bool {
    durable.marks.sole.is_some() && durable.marks.sole == Some(durable.last_used)
}

impl Watch {
    pub(crate) fn new(mode: Mode, engines: usize) -> Self {
        Self {
            mode,
            owners: BTreeMap::new(),
            broken_epoch: None,
            broken_proof: None,
            broken_promise: None,
            highest: BTreeMap::new(),
            left: BTreeMap::new(),
            rules: BTreeMap::new(),
            excused: vec![false; engines],
            data_excused: vec![false; engines],
            paused: vec![false; engines],
            took_proof: false,
            disk_troubles: Vec::new(),
            damaged: [None; 2],
            pauses: Vec::new(),
            running_since: [Time::ZERO; 2],
            whole_since: PerChannel::default(),
            words: Words::default(),
            told: Told::new(engines),
            failures: Failures::default(),
            broken_gate: None,
            handed_in: BTreeSet::new(),
            broken_config: None,
            two_since: vec![None; engines],
            nobody_since: vec![None; engines],
            healed_since: None,
        }
    }

    /// Outputs were opened.
    pub(crate) fn opened(&mut self, node: usize, engine: usize, epoch: Epoch, durable: Epoch) {
        if durable < epoch {
            self.broken_epoch = Some(format!(
                "node {node} opened outputs under {epoch} while {durable} was on its disk"
            ));
        }
        if let Some(owner) = self.owners.insert((engine, epoch), node)
            && owner != node
        {
            self.broken_epoch = Some(format!("both nodes opened outputs under {epoch}"));
        }
        let highest = self.highest.entry((node, engine)).or_insert(Epoch::NONE);
        if epoch <= *highest {
            self.broken_epoch = Some(format!("node {node} opened under {epoch} after {highest:?}"));
        }
        *highest = epoch.max(*highest);
    }

    /// A write was answered as degraded: what must stand on the disk and be known to the guard.
    pub(crate) fn degraded(&mut self, node: usize, durable: &Record, guard_says_behind: bool) {
        let sole = is_sole(durable) || durable.marks.unverified;
        if !sole || !guard_says_behind {
            self.broken_promise.get_or_insert_with(|| {
                format!(
                    "node {node} answers as degraded with {durable:?}, guard {guard_says_behind}"
                )
            });
        }
    }

    /// A standby is told that it is level.
    pub(crate) fn told_level(&mut self, node: usize, durable: &Record, guard_says_behind: bool) {
        if is_sole(durable) || guard_says_behind {
            self.broken_promise.get_or_insert_with(|| {
                format!("node {node} tells level with {durable:?}, guard {guard_says_behind}")
            });
        }
    }

    /// The role changed; `durable` is what the disk says at that moment.
    pub(crate) fn changed(
        &mut self,
        node: usize,
        engine: usize,
        change: &RoleChange,
        durable: &Record,
    ) {
        self.left.insert((node, engine), false);
        if change.to == StateId::SwitchingToActive {
            let by_person = matches!(change.rule, Rule::Promoted | Rule::Offered);
            // A grant is as good as proof.
            let by_silence = self.mode != Mode::Arbiter
                && matches!(change.rule, Rule::Silent | Rule::HintUnanswered);
            if (self.paused[engine] && !by_person) || (durable.damping.suspended && by_silence) {
                self.broken_proof.get_or_insert_with(|| {
                    let rule = change.rule.id();
                    format!("node {node} moves by {rule} though it may not: {durable:?}")
                });
            }
            self.rules.insert((node, engine), change.rule);
            if change.rule == Rule::Promoted {
                (self.excused[engine], self.took_proof) = (true, true);
            }
        }
        // The last word of a process that is gone says nothing of what its disk lost with it.
        let runs = self.running_since[1 - node] != Time(u64::MAX);
        if change.rule == Rule::Level && runs {
            (self.excused[engine], self.data_excused[engine]) = (false, false);
        }
        if change.to == StateId::SwitchingToActive
            && change.rule != Rule::Promoted
            && change.from == StateId::DeterminingFailoverStatus
            && durable.marks.stale
            && change.partner.is_none()
        {
            self.broken_proof = Some(format!(
                "node {node} is stale and acts by {} though it hears nobody",
                change.rule.id()
            ));
        }
    }

    pub(crate) fn left(&mut self, node: usize, engine: usize) {
        self.left.insert((node, engine), true);
    }

    pub(crate) fn has_left(&self, node: usize, engine: usize) -> bool {
        self.left.get(&(node, engine)).copied().unwrap_or(false)
    }

    pub(crate) fn take_rule(&mut self, node: usize, engine: usize) -> Option<Rule> {
        self.rules.remove(&(node, engine))
    }

    /// A person was told that both nodes are paused, or asked to end it.
    pub(crate) fn set_paused(&mut self, engine: usize, paused: bool) {
        self.paused[engine] = paused;
    }

    pub(crate) fn excuse(&mut self, engine: usize) {
        (self.excused[engine], self.took_proof) = (true, true);
    }

    pub(crate) fn is_excused(&self, engine: usize) -> bool {
        self.excused[engine]
    }

    pub(crate) fn is_data_excused(&self, engine: usize) -> bool {
        self.excused[engine] || self.data_excused[engine]
    }

    pub(crate) fn begin_disk_trouble(&mut self, now: Time, node: usize) {
        self.disk_troubles.push((node, now, None));
    }

    pub(crate) fn end_disk_trouble(&mut self, now: Time, node: usize) {
        for trouble in &mut self.disk_troubles {
            if trouble.0 == node && trouble.2.is_none() {
                trouble.2 = Some(now);
            }
        }
    }

    /// Whether what was given to this disk since then may not have been stored as soon as usual.
    pub(crate) fn disk_troubled(&self, node: usize, since: Time) -> bool {
        let meets = |it: &&(usize, Time, Option<Time>)| {
            it.0 == node && it.2.is_none_or(|until| until + TROUBLE_LASTS >= since)
        };
        self.disk_troubles.iter().any(|it| meets(&it))
    }

    /// A disk has less than it had: epochs, too.
    pub(crate) fn damaged(&mut self, now: Time, node: usize) {
        self.damaged[node] = Some(now);
        self.paused.fill(false);
        self.data_excused.fill(true);
        self.took_proof = true;
        self.highest.retain(|(it, _), _| *it != node);
    }

    pub(crate) fn damaged_since(&self, node: usize, since: Time) -> bool {
        self.damaged[node].is_some_and(|it| it >= since)
    }

    /// Whether a disk ever had less than before.
    pub(crate) fn was_damaged(&self) -> bool {
        self.damaged.iter().any(Option::is_some)
    }

    /// The disks of both nodes changed places.
    pub(crate) fn swap_disks(&mut self, now: Time) {
        self.damaged = [Some(now); 2];
        let old = std::mem::take(&mut self.highest);
        self.highest = old.into_iter().map(|((it, engine), at)| ((1 - it, engine), at)).collect();
    }

    pub(crate) fn died(&mut self, now: Time, node: usize) {
        self.end_pause(now, node);
        self.end_disk_trouble(now, node);
        self.running_since[node] = Time(u64::MAX);
        self.left.retain(|(it, _), _| *it != node);
        self.words.died(node);
        self.told.died(node);
        self.failures.died(node);
    }

    pub(crate) fn paused(&mut self, now: Time, node: usize) {
        self.pauses.push((node, now, None));
        self.running_since[node] = Time(u64::MAX);
    }

    pub(crate) fn resumed(&mut self, now: Time, node: usize) {
        self.end_pause(now, node);
        self.running_since[node] = now;
    }

    fn end_pause(&mut self, now: Time, node: usize) {
        for pause in &mut self.pauses {
            if pause.0 == node && pause.2.is_none() {
                pause.2 = Some(now);
            }
        }
    }

    /// How long a process really ran between two moments.
    pub(crate) fn ran(&self, node: usize, from: Time, until: Time) -> Duration {
        let stood = self.pauses.iter().filter(|it| it.0 == node).map(|(_, begin, end)| {
            let end = end.unwrap_or(until).min(until);
            end.since((*begin).max(from))
        });
        until.since(from).saturating_sub(stood.sum())
    }

    /// Keeps the facts about the way between the nodes.
    pub(crate) fn look(&mut self, now: Time, nodes: &[Node; 2], net: &Net) {
        let [one, other] = nodes;
        let runs = [one.is_running(), other.is_running()];
        for (runs, since) in runs.into_iter().zip(&mut self.running_since) {
            if runs && *since == Time(u64::MAX) {
                *since = now;
            }
        }
        let both_run = runs == [true; 2];
        for channel in Channel::ALL {
            let number = net.connection(channel);
            let greeted = one.greeted[channel] == number && other.greeted[channel] == number;
            let calm = number != 0 && greeted && both_run && net.is_whole(channel);
            let since = &mut self.whole_since[channel];
            *since = if calm { Some(since.unwrap_or(now)) } else { None };
        }
        for (engine, since) in self.two_since.iter_mut().enumerate() {
            let both = both_run && one.gates[engine].is_some() && other.gates[engine].is_some();
            *since = if both { Some(since.unwrap_or(now)) } else { None };
        }
    }

    /// Whether some channel has been whole for so long.
    pub(crate) fn whole_for(&self, now: Time, least: Duration) -> bool {
        let long = |it: &Option<Time>| it.is_some_and(|since| now.since(since) >= least);
        long(&self.whole_since.redundancy) || long(&self.whole_since.primary)
    }

    /// Whether the pair has been healthy long enough to stop looking.
    pub(crate) fn is_healed_for(&self, now: Time) -> bool {
        self.healed_since.is_some_and(|it| now.since(it) >= Duration::from_secs(4))
    }
}
