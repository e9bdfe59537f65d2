//! Which steps can be taken from a world.
use crate::host::{Disk, Todo};
use crate::step::{Fault, Step};
use crate::world::{OTHER, SyncPace, World};
use hotpair_fsm::Acknowledge;
use hotpair_types::{Channel, PerChannel, StateId};

/// In which order what is to do is offered.
const TODOS: [Todo; 4] =
    [Todo::OutputsClosed, Todo::ObjectsReady, Todo::GuardTold, Todo::GuardToldBehind];
/// The steps of a sync.
pub(crate) const SYNC: [Todo; 3] = [Todo::Modules, Todo::Way, Todo::Transfer];

impl World {
    /// What the present of a host waits for: its clock does not go on before it is done.
    pub(crate) fn due(&self, host: usize, out: &mut Vec<Step>) {
        if self.can_deliver(host) {
            out.push(Step::Deliver(host));
        }
        let Some(live) = self.awake(host) else { return };
        if !live.storing.is_empty() && self.hosts[host].disk_is == Disk::Fine {
            out.push(Step::Stored(host));
        }
        let done = |it: &&Todo| live.todo.contains(it);
        out.extend(TODOS.iter().filter(done).map(|it| Step::Done(host, *it)));
        if self.setup.sync == SyncPace::WithinATick {
            self.sync_steps(host, out);
        }
        if self.has_arbiter() {
            let calls = [
                (self.can_call(host), Step::Call(host)),
                (self.can_note(host), Step::Note(host)),
                (self.can_give_back(host), Step::GiveBack(host)),
            ];
            out.extend(calls.into_iter().filter(|it| it.0).map(|it| it.1));
        }
        if self.can_catch_up(host) {
            out.push(Step::CatchUp(host));
        }
    }

    /// The steps of a sync that is served.
    fn sync_steps(&self, host: usize, out: &mut Vec<Step>) {
        let Some(live) = self.awake(host).filter(|_| self.is_served(host)) else { return };
        let open = SYNC.into_iter().filter(|it| live.todo.contains(it));
        out.extend(open.map(|it| Step::Done(host, it)));
    }

    /// What may happen at any time, or never.
    pub(crate) fn possible(&self, host: usize, out: &mut Vec<Step>) {
        let it = &self.hosts[host];
        if self.setup.sync == SyncPace::Whenever {
            self.sync_steps(host, out);
        }
        if it.notice.is_some() && self.is_linked(host) && self.awake(OTHER[host]).is_some() {
            out.push(Step::Notice(host));
        }
        if it.sentinel_broke && self.awake(host).is_some() {
            out.push(Step::Hint(host));
        }
        if self.can_lapse(host) {
            out.push(Step::LeaseEnds(host));
        }
        if self.live(host).is_some_and(|it| it.asleep.is_some()) {
            out.push(Step::Wake(host));
        }
        if self.needs_mending(host) {
            out.push(Step::Mend(host));
        }
        if self.third.away[host] {
            out.push(Step::ArbiterBack(host));
        }
        if host == 0 && self.cut != <[PerChannel<bool>; 2]>::default() {
            out.push(Step::Heal);
        }
    }

    /// Nothing runs there, and its disk can be read.
    pub(crate) fn can_start(&self, host: usize) -> bool {
        self.live(host).is_none() && self.hosts[host].disk_is != Disk::Failed
    }

    pub(crate) fn starts(&self, host: usize) -> u64 {
        self.hosts[host].starts
    }

    pub(crate) fn entries(&self, host: usize) -> u64 {
        self.hosts[host].history.runtime.last
    }

    pub(crate) fn needs_mending(&self, host: usize) -> bool {
        let it = &self.hosts[host];
        let odd = it.live.as_ref().is_some_and(|it| it.odd);
        it.disk_is != Disk::Fine || odd
    }

    /// The clock of a host does not run away from the other's by more than the drift.
    pub(crate) fn can_tick(&self, host: usize) -> bool {
        let Some(live) = self.live(host) else { return false };
        let alone = self.live(OTHER[host]).is_none();
        let in_step = alone || self.ahead_by(host) < 1;
        let waits = self.can_deliver(0) || self.can_deliver(1);
        in_step && !waits && (live.asleep.is_some() || !self.is_due(host))
    }

    const fn ahead_by(&self, host: usize) -> i8 {
        if host == 0 { self.ahead } else { -self.ahead }
    }

    fn is_due(&self, host: usize) -> bool {
        let mut due = Vec::new();
        self.due(host, &mut due);
        !due.is_empty()
    }

    fn can_deliver(&self, host: usize) -> bool {
        self.wire[host].is_some() && self.awake(OTHER[host]).is_some()
    }

    /// In 7 to 9 under the other host, which serves it.
    pub(crate) fn follows_closely(&self, host: usize) -> bool {
        let level = matches!(
            self.state(host),
            StateId::StandbyReady | StateId::StandbyMissedHeartbeats | StateId::StandbySyncingData
        );
        let transferred = self.live(host).is_some_and(|it| !it.todo.contains(&Todo::Transfer));
        let served =
            self.live(OTHER[host]).is_some_and(|it| it.serving == Some(self.instance(host)));
        level && transferred && served && self.two_way()
    }

    fn can_catch_up(&self, host: usize) -> bool {
        self.follows_closely(host) && self.hosts[host].history != self.hosts[OTHER[host]].history
    }

    /// Acts, and is not handing over: then the replica takes no more.
    fn takes_writes(&self, host: usize) -> bool {
        self.awake(host).is_some_and(|it| it.open.is_some()) && self.state(host).is_active()
    }

    pub(crate) fn writes(&self, host: usize, out: &mut Vec<Step>) {
        if !self.takes_writes(host) {
            return;
        }
        match self.acknowledge(host) {
            Acknowledge::Degraded if self.holds_degraded(host) => out.push(Step::WriteUnsent(host)),
            Acknowledge::Degraded => out.push(Step::Write(host)),
            Acknowledge::WhenReplicated => {
                if self.follows_closely(OTHER[host]) {
                    out.push(Step::Write(host));
                }
                out.push(Step::WriteUnsent(host));
            }
            Acknowledge::Wait => {}
        }
    }

    /// The replica holds back degraded answers.
    pub(crate) fn holds_degraded(&self, host: usize) -> bool {
        self.live(host).is_some_and(|it| it.closing)
    }

    pub(crate) fn is_served(&self, host: usize) -> bool {
        self.two_way()
            && self.live(OTHER[host]).is_some_and(|it| it.serving == Some(self.instance(host)))
    }

    /// Whether a fault can happen now.
    pub(crate) fn can_fault(&self, host: usize, fault: Fault) -> bool {
        let Some(live) = self.live(host) else { return false };
        let whole = |channel| !self.cut[0][channel] && !self.cut[1][channel];
        match fault {
            Fault::Kill | Fault::HostLost => true,
            Fault::Cut => host == 0 && Channel::ALL.into_iter().any(whole),
            Fault::CutOneWay => Channel::ALL.into_iter().any(|it| !self.cut[host][it]),
            Fault::CutRedundancy => host == 0 && whole(Channel::Redundancy),
            Fault::CutPrimary => host == 0 && whole(Channel::Primary),
            Fault::CutRedundancyOneWay => !self.cut[host].redundancy,
            Fault::Lose => self.wire[host].is_some(),
            Fault::DiskSlow | Fault::DiskFails => self.hosts[host].disk_is == Disk::Fine,
            Fault::Sleep => live.asleep.is_none(),
            Fault::FalseHint => live.senses.partner.is_some() && !live.senses.asks(),
            Fault::ArbiterAway => self.has_arbiter() && !self.third.away[host],
            Fault::GrantLost => live.machine.grant().is_some_and(|it| it.held.is_some()),
            Fault::PromotionFails => self.state(host) == StateId::SwitchingToActive,
            Fault::DataLate => self.state(host) == StateId::Active,
            Fault::SyncFails => self.state(host).is_syncing(),
            Fault::Gap | Fault::NotSent => self.state(host).is_standby(),
            Fault::NetworkDown
            | Fault::ModuleMissing
            | Fault::SettingsDiffer
            | Fault::GuardLost => true,
            Fault::Due(timer) => live.machine.has_deadline(timer),
            Fault::Ask(command) => live.machine.why_not(command).is_empty(),
        }
    }
}
