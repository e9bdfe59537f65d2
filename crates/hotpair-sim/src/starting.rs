//! Processes start; at the end everything that was broken is put right.
use crate::disk::Image;
use crate::net::Net;
use crate::node::{DISK_DELAY_MAX, GUARD_DELAY_MAX};
use crate::world::{Happening, World};
use hotpair_core::{Core, CoreSettings, EngineBoot, Input};
use hotpair_fsm::{self as fsm, Waiting};
use hotpair_types::{Channel, EngineName, Instance, PerChannel, Time};
use std::time::Duration;

/// As in the settings of a node by default.
const REQUIRED: PerChannel<bool> = PerChannel { redundancy: false, primary: true };

impl World {
    /// Looks after the pair when the faults are over: ends pauses, deploys what was stopped, and
    /// decides where nobody else may.
    pub(crate) fn person(&mut self) {
        for node in 0..2 {
            for engine in 0..self.engines() {
                let Some(machine) = self.machine(node, engine) else { continue };
                let record = *machine.record();
                if record.paused || record.damping.suspended {
                    self.command(node, engine, fsm::Command::Resume);
                }
                if self.nodes[node].undeployed[engine] {
                    self.command(node, engine, fsm::Command::Deploy);
                }
            }
        }
        for engine in 0..self.engines() {
            self.decide(engine);
        }
        self.at(self.now + Duration::from_secs(3), Happening::Person);
    }

    /// Only after a fault that took the proof away: everything else settles by itself.
    fn decide(&mut self, engine: usize) {
        let waits = |node| {
            self.machine(node, engine).is_some_and(|it| {
                matches!(it.waiting(), Waiting::PersonElection | Waiting::PersonStale)
            })
        };
        if !(self.watch.took_proof && waits(0) && waits(1)) {
            return;
        }
        let ends = |node| self.replica(node, engine).map(|it| it.positions());
        let node = usize::from(ends(1).map(sum) > ends(0).map(sum));
        self.command(node, engine, fsm::Command::Promote { accept_loss: true });
    }

    pub(crate) fn machine(&self, node: usize, engine: usize) -> Option<&fsm::Machine> {
        let engines = self.nodes[node].core.as_ref()?.engines();
        engines.get(engine).map(|it| it.machine())
    }

    pub(crate) fn end_faults(&mut self) {
        self.faults_over = true;
        note!(self, "FAULTS OFF");
        self.net.heal();
        self.arbiter.heal();
        self.agree();
        self.backups = [None, None];
        for node in 0..2 {
            let host = &mut self.nodes[node];
            (host.stays_down, host.end_down, host.objects_fail) = (false, false, false);
            (host.disk_delay_max, host.guard_delay_max) = (DISK_DELAY_MAX, GUARD_DELAY_MAX);
            (host.hung_until, host.armed) = (Time::ZERO, None);
            host.stands_at_answer = None;
            for disk in &mut host.disks {
                disk.end_lying();
                (disk.fails_next, disk.refuses_record) = (None, false);
            }
            for channel in Channel::ALL {
                self.give(node, Input::OwnEnd { channel, up: true });
            }
            self.take_records(node);
            if self.nodes[node].paused {
                self.unpause(node);
            }
            if self.nodes[node].disks.iter().any(|it| it.failed.is_some()) {
                // Somebody put another disk in, or made space.
                self.end_process(node);
            }
            if self.nodes[node].core.is_none() {
                let after = self.rng.between(Duration::from_millis(1), Duration::from_millis(900));
                self.at(self.now + after, Happening::Start(node));
            }
        }
        self.at(self.now + Duration::from_secs(4), Happening::Person);
        for channel in Channel::ALL {
            self.at(self.now + Duration::from_millis(20), Happening::Connect(channel));
        }
    }

    pub(crate) fn start(&mut self, node: usize) {
        if self.nodes[node].core.is_some() || self.nodes[node].stays_down {
            return;
        }
        let tag = self.rng.next();
        self.nodes[node].starts += 1;
        let count = self.nodes[node].starts;
        let instance = Instance { count, tag };
        note!(self, "node {node} starts as {instance}");
        for engine in 0..self.engines() {
            let disk = &mut self.nodes[node].disks[engine];
            if std::mem::take(&mut disk.suspect) {
                disk.damage(Image::lose_data);
                self.damaged(node);
            }
        }
        let mut boots = Vec::new();
        for engine in 0..self.engines() {
            let settings = self.settings[node][engine];
            self.watch.told.started(node, engine, self.nodes[node].undeployed[engine]);
            let image = &self.nodes[node].disks[engine].image;
            let history = hotpair_types::History {
                config: image.config.head.history.clone(),
                runtime: image.runtime.head.history.clone(),
            };
            let data = image.boot(settings.designation, instance);
            let record = image.record;
            let name = format!("engine-{engine}");
            boots.push(EngineBoot {
                name: EngineName::new(&name).expect("a sound name"),
                fsm_settings: settings,
                fsm: fsm::Boot {
                    record,
                    history,
                    instance,
                    tag_seed: self.rng.next(),
                    storage_ok: true,
                    undeployed: self.nodes[node].undeployed[engine],
                },
                replication_settings: self.replication[node].clone(),
                replication: data,
            });
        }
        let beats = self.settings[node][0].beats;
        let settings = CoreSettings { beats, instance, required: REQUIRED, recording: false };
        let host = &mut self.nodes[node];
        host.instance = instance;
        host.started = self.now;
        host.behind.fill(false);
        let (core, mut out) = Core::new(settings, boots, Time::ZERO);
        host.core = Some(core);
        host.touch();
        self.begin_asking(node);
        self.carry_out(node, &mut out);
        if self.nodes[node].end_down {
            self.give(node, Input::OwnEnd { channel: Channel::Primary, up: false });
        }
        for channel in Channel::ALL {
            let after = Net::reconnect_after(&mut self.rng);
            self.at(self.now + after, Happening::Connect(channel));
        }
    }
}

/// How much two journals have, to tell which node has more.
const fn sum(it: hotpair_types::Positions) -> u64 {
    it.config.sequence + it.runtime.sequence
}
