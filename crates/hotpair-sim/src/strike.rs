//! Carries out what faults do to the net, to clocks, to people's patience; what they do to processes
//! and disks is next door.
use crate::net::Net;
use crate::world::{Happening, World};
use crate::{Fault, FaultKind};
use hotpair_core::{EngineInput, Input};
use hotpair_fsm as fsm;
use hotpair_types::{Channel, RecoveryMode};
use std::time::Duration;

/// How long a flapping channel is up or down.
const FLAP: Duration = Duration::from_millis(700);
/// How often a refused partner dials.
const REDIAL: Duration = Duration::from_millis(500);
/// A loop may stand still for so long without anything to notice.
const SHORT_PAUSE_MAX: Duration = Duration::from_millis(200);
/// And this is surely noticed: beats of 100 ms, a limit of 5.
const STALL_MIN: Duration = Duration::from_millis(401);
/// A restart that the partner's silence is too short to show.
const QUICK_MAX: Duration = Duration::from_millis(400);

/// How long everything takes on a way whose queues are full.
const LATENCY_MIN: Duration = Duration::from_millis(200);
const LATENCY_MAX: Duration = Duration::from_secs(1);

impl World {
    pub(crate) fn begin_fault(&mut self, fault: Fault) {
        let Fault { kind, node, channel, lasts } = fault;
        let now = self.now;
        match kind {
            FaultKind::CutChannel => self.net.cut_channel(now, channel),
            FaultKind::CutBoth => self.net.cut_all(now),
            FaultKind::CutOneWay => self.net.set_cut(now, channel, node, true),
            FaultKind::CutBothOneWay => {
                for channel in Channel::ALL {
                    self.net.set_cut(now, channel, node, true);
                }
            }
            FaultKind::HealNet => return self.heal_net(),
            FaultKind::Loss => self.net.way(channel, node).loss_percent = 30,
            FaultKind::Double => self.net.way(channel, node).double_percent = 50,
            FaultKind::Delay => {
                self.net.way(channel, node).delay_max = Duration::from_millis(90);
            }
            FaultKind::Reorder => {
                for channel in self.one_or_both(channel) {
                    let way = self.net.way(channel, node);
                    (way.jitter_max, way.double_percent) = (Duration::from_millis(450), 20);
                }
            }
            FaultKind::Latency => {
                let latency = self.rng.between(LATENCY_MIN, LATENCY_MAX);
                for channel in self.one_or_both(channel) {
                    self.net.way(channel, node).latency = latency;
                }
                if self.rng.percent(30) {
                    // What is slow breaks.
                    let lasts = self.rng.between(Duration::from_secs(1), Duration::from_secs(4));
                    let after = self.rng.between(Duration::ZERO, fault.lasts);
                    let cut = Fault { kind: FaultKind::CutBoth, lasts, ..fault };
                    self.at(now + after, Happening::Fault(cut));
                }
            }
            FaultKind::Flap => return self.flap(true, now + lasts * 2),
            FaultKind::KeyRefused => {
                self.net.cut_all(now);
                for channel in Channel::ALL {
                    self.drop_connection(channel);
                }
                self.refuse(now + lasts);
            }
            FaultKind::SettingsDiffer => {
                self.differs = true;
                self.drop_connection(Channel::Redundancy);
                self.drop_connection(Channel::Primary);
            }
            FaultKind::KillNode => return self.kill(fault, true, true),
            FaultKind::KillGuardToo => return self.kill(fault, false, true),
            FaultKind::HostDown => return self.kill(fault, false, false),
            FaultKind::QuickRestart => {
                let fault = Fault { lasts: lasts.min(QUICK_MAX), ..fault };
                return self.kill(fault, false, true);
            }
            FaultKind::GuardLost => return self.give(node, Input::GuardLost),
            FaultKind::CleanStop => {
                self.nodes[node].leaving = self.nodes[node].core.is_some();
                return self.command_all(node, fsm::Command::Leave);
            }
            FaultKind::Pause => return self.pause(fault),
            FaultKind::ShortPause => {
                return self.pause(Fault { lasts: lasts.min(SHORT_PAUSE_MAX), ..fault });
            }
            FaultKind::LoopStall => {
                let lasts = STALL_MIN + lasts.min(STALL_MIN);
                return self.pause(Fault { lasts, ..fault });
            }
            FaultKind::ClockRate => {
                // Only a new process gets another rate: a clock does not jump.
                if self.nodes[node].core.is_none() {
                    let ppm = i64::try_from(self.rng.below(2_001)).unwrap_or(0) - 1_000;
                    self.nodes[node].rate_ppm = ppm;
                }
                return;
            }
            FaultKind::CrashAtStore | FaultKind::CrashInSync | FaultKind::CrashInChange => {
                self.nodes[node].armed = Some(kind);
                return;
            }
            FaultKind::ArbiterAway | FaultKind::ArbiterOneSide | FaultKind::ArbiterSlow => {
                self.arbiter.begin_fault(fault);
            }
            FaultKind::FalseHint => {
                let refused = self.rng.percent(30);
                return self.give(node, Input::Hint { channel, refused });
            }
            FaultKind::NetworkLost => {
                self.nodes[node].end_down = true;
                self.net.cut_channel(now, Channel::Primary);
                self.give(node, Input::OwnEnd { channel: Channel::Primary, up: false });
            }
            FaultKind::ObjectsFail => self.nodes[node].objects_fail = true,
            FaultKind::SlowGuard => {
                self.nodes[node].guard_delay_max = Duration::from_millis(800);
            }
            FaultKind::SlowDisk => self.nodes[node].disk_delay_max = Duration::from_millis(250),
            FaultKind::HungDisk
            | FaultKind::StoreError
            | FaultKind::DiskFull
            | FaultKind::RecordRefused
            | FaultKind::LostWrites
            | FaultKind::RotData
            | FaultKind::RotRecord
            | FaultKind::Rollback
            | FaultKind::WipedDisk
            | FaultKind::SwappedDisks => return self.begin_damage(fault),
            FaultKind::Switchover => return self.command_all(node, fsm::Command::Switchover),
            FaultKind::ServiceFails => return self.command_all(node, fsm::Command::HandOver),
            FaultKind::BecomeActive => return self.command_all(node, fsm::Command::BecomeActive),
            FaultKind::PauseCommand => return self.command(node, 0, fsm::Command::Pause),
            FaultKind::ResumeCommand => return self.command(node, 0, fsm::Command::Resume),
            FaultKind::Promote => {
                return self.command_all(node, fsm::Command::Promote { accept_loss: true });
            }
            FaultKind::Undeploy => self.command(node, 0, fsm::Command::Undeploy),
            FaultKind::Reinit => return self.command(node, 0, fsm::Command::Reinit),
            FaultKind::PolicyChange => return self.change_policy(node),
        }
        self.at(now + lasts, Happening::Over(fault));
    }

    /// A fault of a way strikes one channel, or that and the other.
    fn one_or_both(&mut self, channel: Channel) -> impl Iterator<Item = Channel> + use<> {
        let other = self.rng.percent(50).then_some(channel.other());
        std::iter::once(channel).chain(other)
    }

    pub(crate) fn end_fault(&mut self, fault: Fault) {
        let Fault { kind, node, .. } = fault;
        if self.faults_over {
            return;
        }
        match kind {
            FaultKind::Pause | FaultKind::ShortPause | FaultKind::LoopStall => {
                if self.nodes[node].paused {
                    note!(self, "{node} goes on");
                    self.unpause(node);
                }
            }
            FaultKind::SlowDisk => self.nodes[node].disk_delay_max = crate::node::DISK_DELAY_MAX,
            FaultKind::SlowGuard => self.nodes[node].guard_delay_max = crate::node::GUARD_DELAY_MAX,
            FaultKind::ObjectsFail => self.nodes[node].objects_fail = false,
            FaultKind::CutChannel
            | FaultKind::CutBoth
            | FaultKind::CutOneWay
            | FaultKind::CutBothOneWay
            | FaultKind::Loss
            | FaultKind::Double
            | FaultKind::Delay
            | FaultKind::Reorder
            | FaultKind::Latency
            | FaultKind::KeyRefused => self.heal_net(),
            FaultKind::SettingsDiffer => self.agree(),
            FaultKind::ArbiterAway | FaultKind::ArbiterOneSide | FaultKind::ArbiterSlow => {
                self.arbiter.heal();
            }
            FaultKind::NetworkLost => {
                self.nodes[node].end_down = false;
                self.heal_net();
                self.give(node, Input::OwnEnd { channel: Channel::Primary, up: true });
            }
            FaultKind::Undeploy => self.command(node, 0, fsm::Command::Deploy),
            FaultKind::HungDisk
            | FaultKind::StoreError
            | FaultKind::DiskFull
            | FaultKind::RecordRefused
            | FaultKind::LostWrites
            | FaultKind::Rollback => self.end_damage(fault),
            FaultKind::HealNet
            | FaultKind::Flap
            | FaultKind::KillNode
            | FaultKind::KillGuardToo
            | FaultKind::HostDown
            | FaultKind::QuickRestart
            | FaultKind::GuardLost
            | FaultKind::CleanStop
            | FaultKind::ClockRate
            | FaultKind::CrashAtStore
            | FaultKind::CrashInSync
            | FaultKind::CrashInChange
            | FaultKind::FalseHint
            | FaultKind::RotData
            | FaultKind::RotRecord
            | FaultKind::WipedDisk
            | FaultKind::SwappedDisks
            | FaultKind::Switchover
            | FaultKind::ServiceFails
            | FaultKind::BecomeActive
            | FaultKind::PauseCommand
            | FaultKind::ResumeCommand
            | FaultKind::Promote
            | FaultKind::Reinit
            | FaultKind::PolicyChange => unreachable!("these do not end by themselves"),
        }
    }

    /// Somebody puts the settings right: the nodes greet each other anew.
    pub(crate) fn agree(&mut self) {
        if std::mem::take(&mut self.differs) {
            self.drop_connection(Channel::Redundancy);
            self.drop_connection(Channel::Primary);
        }
    }

    fn heal_net(&mut self) {
        note!(self, "the net is whole");
        self.net.heal();
        for channel in Channel::ALL {
            if self.net.connection(channel) == 0 {
                let after = Net::reconnect_after(&mut self.rng);
                self.at(self.now + after, Happening::Connect(channel));
            }
        }
    }

    pub(crate) fn flap(&mut self, cut: bool, until: hotpair_types::Time) {
        if self.faults_over {
            return;
        }
        if cut && self.now < until {
            self.net.cut_all(self.now);
        } else {
            self.heal_net();
        }
        if self.now < until {
            let after = self.rng.between(FLAP / 2, FLAP * 2);
            self.at(self.now + after, Happening::Flap { cut: !cut, until });
        }
    }

    /// Each that is alive tells the other so by refusing it.
    pub(crate) fn refuse(&mut self, until: hotpair_types::Time) {
        if self.faults_over || self.now >= until {
            return;
        }
        let alive = self.nodes.iter().all(|it| it.core.is_some() && !it.paused);
        if alive {
            for node in 0..2 {
                self.give(node, Input::Refused { channel: Channel::Redundancy });
            }
        }
        self.at(self.now + REDIAL, Happening::Refuse { until });
    }

    fn pause(&mut self, fault: Fault) {
        let node = fault.node;
        if self.nodes[node].core.is_none() || self.nodes[node].paused {
            return;
        }
        let acts = self.nodes[node].gates.iter().any(Option::is_some);
        if acts && self.rng.percent(50) {
            self.nodes[node].stands_at_answer = Some(fault);
        } else {
            self.stand_still(fault);
        }
    }

    pub(crate) fn stand_still(&mut self, fault: Fault) {
        let node = fault.node;
        self.nodes[node].paused = true;
        self.nodes[node].touch();
        self.watch.paused(self.now, node);
        self.at(self.now + fault.lasts, Happening::Over(fault));
    }

    pub(crate) fn unpause(&mut self, node: usize) {
        self.nodes[node].paused = false;
        self.nodes[node].touch();
        self.watch.resumed(self.now, node);
        self.leave_held(node);
        let waiting = std::mem::take(&mut self.nodes[node].inbox);
        // What waited in sockets and what is due come in any order.
        for input in waiting {
            self.give(node, input);
        }
        self.wake(node);
    }

    fn command_all(&mut self, node: usize, command: fsm::Command) {
        for engine in 0..self.engines() {
            self.command(node, engine, command);
        }
    }

    /// Somebody edits what may be changed while it runs.
    fn change_policy(&mut self, node: usize) {
        let rng = &mut self.rng;
        let automatic = rng.percent(50);
        let hold = rng.between(Duration::from_millis(500), Duration::from_secs(4));
        let suspend_after = if rng.percent(20) { 2 } else { 50 };
        let handover = rng.between(Duration::from_millis(700), Duration::from_secs(3));
        let drop_after = rng.between(Duration::from_millis(800), Duration::from_secs(3));
        for settings in &mut self.settings[node] {
            let recovery = if automatic { RecoveryMode::Automatic } else { RecoveryMode::Manual };
            settings.recovery = recovery;
            settings.recovery_hold = hold;
            settings.suspend_after = suspend_after;
            settings.handover_timeout = handover;
            settings.drop_after = drop_after;
        }
        self.replication[node].drop_after = drop_after;
        let policy = self.settings[node][0].policy();
        let data = Box::new(self.replication[node].clone());
        self.give(node, Input::Settings { policy, data });
    }

    /// The disk that refused a record takes it now.
    pub(crate) fn take_records(&mut self, node: usize) {
        for engine in 0..self.engines() {
            self.nodes[node].disks[engine].refuses_record = false;
            if std::mem::take(&mut self.nodes[node].record_refused[engine]) {
                let (engine, input) = (crate::carry::index(engine), EngineInput::StorageSound);
                self.give(node, Input::Engine { engine, input });
            }
        }
    }
}
