//! Processes die: at once, or at a moment that was waited for.
use crate::losses::Loss;
use crate::world::{Happening, World};
use crate::{Fault, FaultKind};
use hotpair_core::Input;
use hotpair_types::{Channel, Instance};
use std::time::Duration;

/// When a guard says again that its node is dead, in milliseconds after the death.
const FENCED_AFTER_MS: [u64; 12] =
    [1, 6, 30, 120, 600, 1_100, 1_700, 2_600, 3_600, 4_600, 5_600, 6_600];

impl World {
    pub(crate) fn kill(&mut self, fault: Fault, guard_lives: bool, kernel_lives: bool) {
        let node = fault.node;
        if self.nodes[node].core.is_some() {
            self.die(node, guard_lives, kernel_lives);
            self.at(self.now + fault.lasts, Happening::Start(node));
        }
        if !kernel_lives {
            self.lose_power(node);
        }
    }

    /// The process ends by itself after its disk failed, and is started again by its guard.
    pub(crate) fn end_process(&mut self, node: usize) {
        if self.nodes[node].core.is_some() {
            note!(self, "{node} ends to begin anew");
            self.die(node, true, true);
            let after = self.rng.between(Duration::from_millis(50), Duration::from_secs(1));
            self.at(self.now + after, Happening::Start(node));
        }
    }

    fn die(&mut self, node: usize, guard_lives: bool, kernel_lives: bool) {
        let instance = self.nodes[node].instance;
        let behind = self.nodes[node].behind.clone();
        let rng = &mut self.rng;
        self.nodes[node].die(|most| rng.pick(most));
        self.watch.died(self.now, node);
        self.lost(node, Loss::Memory);
        self.reset_connections(node, kernel_lives);
        if !guard_lives {
            self.nodes[node].guard += 1;
            return;
        }
        let guard = self.nodes[node].guard;
        for after in FENCED_AFTER_MS {
            let at = self.now + Duration::from_millis(after);
            self.at(at, Happening::GuardSays { node, guard, instance, behind: behind.clone() });
        }
    }

    /// The guard of a node says that this process is dead, if it lives itself.
    pub(crate) fn guard_says(
        &mut self,
        node: usize,
        guard: u64,
        instance: Instance,
        behind: &[bool],
    ) {
        if self.nodes[node].guard != guard {
            return;
        }
        for channel in Channel::ALL {
            let arrives = self.net.datagram(self.now, channel, node, &mut self.rng);
            for at in arrives.into_iter().flatten() {
                let input = Input::Fenced { instance, behind: behind.to_vec() };
                self.at(at, Happening::Arrives { to: 1 - node, connection: None, input });
            }
        }
    }

    /// The moment has come that an armed fault waited for.
    pub(crate) fn spring(&mut self, node: usize, kind: FaultKind) {
        let longest = if kind == FaultKind::CrashAtStore {
            2
        } else if kind == FaultKind::CrashInChange {
            25
        } else {
            80
        };
        for armed in 0..2 {
            // Both ends of what happens may die of it.
            let near = armed == node || kind != FaultKind::CrashAtStore;
            if near && self.nodes[armed].armed == Some(kind) {
                self.nodes[armed].armed = None;
                let rng = &mut self.rng;
                let after = rng.between(Duration::ZERO, Duration::from_millis(longest));
                let lasts = rng.between(Duration::from_millis(5), Duration::from_millis(2_500));
                let channel = Channel::Primary;
                let fault = Fault { kind, node: armed, channel, lasts };
                self.at(self.now + after, Happening::Crash(fault));
            }
        }
    }

    pub(crate) fn crash(&mut self, fault: Fault) {
        if self.faults_over {
            return;
        }
        note!(self, "CRASH {fault:?}");
        let guard_lives = self.rng.percent(60);
        let kernel_lives = guard_lives || self.rng.percent(50);
        self.kill(fault, guard_lives, kernel_lives);
    }
}
