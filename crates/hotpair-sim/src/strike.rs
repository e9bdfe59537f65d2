//! Carries out what faults do.
use crate::net::Net;
use crate::world::{Happening, World};
use crate::{Fault, FaultKind};
use hotpair_core::Input;
use hotpair_fsm as fsm;
use hotpair_types::Channel;
use std::time::Duration;

/// When a guard says again that its node is dead, in milliseconds after the death.
const FENCED_AFTER_MS: [u64; 5] = [1, 6, 30, 120, 600];

impl World {
    fn kill(&mut self, fault: Fault, guard_lives: bool, kernel_lives: bool) {
        let node = fault.node;
        if self.nodes[node].core.is_none() {
            return;
        }
        let instance = self.nodes[node].instance;
        let behind = self.nodes[node].behind.clone();
        let rng = &mut self.rng;
        self.nodes[node].die(|most| usize::try_from(rng.below(most as u64)).unwrap_or(0));
        self.watch.died(self.now, node, false);
        self.reset_connections(node, kernel_lives);
        if guard_lives {
            for after in FENCED_AFTER_MS {
                for channel in Channel::ALL {
                    let at = self.now + Duration::from_millis(after);
                    for at in self.net.datagram(at, channel, node, &mut self.rng) {
                        let input = Input::Fenced { instance, behind: behind.clone() };
                        let to = 1 - node;
                        self.at(at, Happening::Arrives { to, connection: None, input });
                    }
                }
            }
        }
        self.at(self.now + fault.lasts, Happening::Start(node));
    }

    pub(crate) fn begin_fault(&mut self, fault: Fault) {
        let Fault { kind, node, channel, lasts } = fault;
        let now = self.now;
        match kind {
            FaultKind::CutChannel => {
                self.net.set_cut(now, channel, 0, true);
                self.net.set_cut(now, channel, 1, true);
            }
            FaultKind::CutBoth => {
                for channel in Channel::ALL {
                    self.net.set_cut(now, channel, 0, true);
                    self.net.set_cut(now, channel, 1, true);
                }
            }
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
            FaultKind::KillNode => return self.kill(fault, true, true),
            FaultKind::KillGuardToo => return self.kill(fault, false, true),
            FaultKind::HostDown => return self.kill(fault, false, false),
            FaultKind::Pause | FaultKind::ShortPause => {
                if self.nodes[node].core.is_none() || self.nodes[node].paused {
                    return;
                }
                self.nodes[node].paused = true;
                self.nodes[node].touch();
                self.watch.paused(now, node);
                let lasts = if kind == FaultKind::ShortPause {
                    lasts.min(Duration::from_millis(200))
                } else {
                    lasts
                };
                self.at(now + lasts, Happening::Over(fault));
                return;
            }
            FaultKind::CleanStop => {
                for engine in 0..self.engines() {
                    self.command(node, engine, fsm::Command::Leave);
                }
                return;
            }
            FaultKind::ClockRate => {
                // Only a new process gets another rate: a clock does not jump.
                if self.nodes[node].core.is_none() {
                    let ppm = i64::try_from(self.rng.below(2_001)).unwrap_or(0) - 1_000;
                    self.nodes[node].rate_ppm = ppm;
                }
                return;
            }
            FaultKind::SlowDisk => self.disk_delay_max[node] = Duration::from_millis(250),
            FaultKind::Switchover => {
                for engine in 0..self.engines() {
                    self.command(node, engine, fsm::Command::Switchover);
                }
                return;
            }
            FaultKind::BecomeActive => {
                for engine in 0..self.engines() {
                    self.command(node, engine, fsm::Command::BecomeActive);
                }
                return;
            }
            FaultKind::PauseCommand => return self.command(node, 0, fsm::Command::Pause),
            FaultKind::ResumeCommand => return self.command(node, 0, fsm::Command::Resume),
            FaultKind::FalseHint => {
                return self.give(node, Input::Hint { channel, refused: false });
            }
        }
        self.at(now + lasts, Happening::Over(fault));
    }

    pub(crate) fn end_fault(&mut self, fault: Fault) {
        let Fault { kind, node, .. } = fault;
        match kind {
            FaultKind::Pause | FaultKind::ShortPause => {
                if self.nodes[node].paused {
                    note!(self, "{node} goes on");
                    self.unpause(node);
                }
            }
            FaultKind::SlowDisk => self.disk_delay_max[node] = Duration::from_millis(4),
            FaultKind::CutChannel
            | FaultKind::CutBoth
            | FaultKind::CutOneWay
            | FaultKind::CutBothOneWay
            | FaultKind::Loss
            | FaultKind::Double
            | FaultKind::Delay => self.heal_net(),
            FaultKind::HealNet
            | FaultKind::KillNode
            | FaultKind::KillGuardToo
            | FaultKind::HostDown
            | FaultKind::CleanStop
            | FaultKind::ClockRate
            | FaultKind::Switchover
            | FaultKind::BecomeActive
            | FaultKind::PauseCommand
            | FaultKind::ResumeCommand
            | FaultKind::FalseHint => unreachable!("these do not end by themselves"),
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

    pub(crate) fn unpause(&mut self, node: usize) {
        self.nodes[node].paused = false;
        self.nodes[node].touch();
        self.watch.resumed(self.now, node);
        let waiting = std::mem::take(&mut self.nodes[node].inbox);
        // What waited in sockets and what is due come in any order.
        for input in waiting {
            self.give(node, input);
        }
        self.wake(node);
    }
}
