//! Disks hang, fail, fill up, lie, rot, go back, and change places; and what the node does then.
use crate::disk::{Disk, DiskFailure, Image};
use crate::losses::Loss;
use crate::world::{Backup, Happening, World};
use crate::{Fault, FaultKind};
use hotpair_types::StateId;
use std::time::Duration;

/// A disk that hangs for longer is taken for broken by whoever looks after it.
const HUNG_MAX: Duration = Duration::from_secs(3);

impl World {
    #[allow(clippy::wildcard_enum_match_arm, reason = "called for the kinds it knows")]
    pub(crate) fn begin_damage(&mut self, fault: Fault) {
        let Fault { kind, node, lasts, .. } = fault;
        let over = self.now + lasts;
        match kind {
            FaultKind::HungDisk => {
                self.nodes[node].hung_until = self.now + lasts.min(HUNG_MAX);
                self.watch.begin_disk_trouble(self.now, node);
            }
            FaultKind::StoreError | FaultKind::DiskFull => {
                let engine = self.rng.pick(self.engines());
                let full = kind == FaultKind::DiskFull;
                let failure = if full { DiskFailure::Full } else { DiskFailure::Error };
                self.nodes[node].disks[engine].fails_next = Some(failure);
                self.watch.begin_disk_trouble(self.now, node);
            }
            FaultKind::RecordRefused => {
                let engine = self.rng.pick(self.engines());
                self.nodes[node].disks[engine].refuses_record = true;
                self.watch.begin_disk_trouble(self.now, node);
            }
            FaultKind::LostWrites => {
                for disk in &mut self.nodes[node].disks {
                    disk.begin_lying();
                }
            }
            FaultKind::RotData | FaultKind::RotRecord => {
                // It is found when the files are opened.
                self.kill(fault, true, true);
                if self.nodes[node].core.is_none() {
                    let engine = self.rng.pick(self.engines());
                    let data = kind == FaultKind::RotData;
                    let how = if data { Image::lose_data } else { Image::lose_record };
                    self.nodes[node].disks[engine].damage(how);
                    self.damaged(node);
                }
                return;
            }
            FaultKind::Rollback => {
                let host = &self.nodes[node];
                let images = host.disks.iter().map(|it| it.image.clone()).collect();
                self.backups[node] = Some(Backup { images, starts: host.starts });
            }
            FaultKind::WipedDisk => {
                self.kill(fault, true, true);
                let engines = self.engines();
                let host = &mut self.nodes[node];
                host.disks = (0..engines).map(|_| Disk::new()).collect();
                host.starts = 0;
                host.undeployed.fill(false);
                self.damaged(node);
                return;
            }
            FaultKind::SwappedDisks => return self.swap_disks(fault),
            _ => unreachable!("not of a disk"),
        }
        self.at(over, Happening::Over(fault));
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "called for the kinds it knows")]
    pub(crate) fn end_damage(&mut self, fault: Fault) {
        let Fault { kind, node, .. } = fault;
        match kind {
            FaultKind::HungDisk => self.end_trouble(node),
            FaultKind::StoreError | FaultKind::DiskFull => {
                for disk in &mut self.nodes[node].disks {
                    // A full disk has space again; what already failed has still failed.
                    disk.fails_next = None;
                    disk.has_space = true;
                }
                self.look_at_failed_disks(node);
            }
            FaultKind::RecordRefused => {
                self.end_trouble(node);
                self.take_records(node);
            }
            FaultKind::LostWrites => {
                if self.rng.percent(30) {
                    self.nodes[node].disks.iter_mut().for_each(Disk::end_lying);
                    return;
                }
                let lasts = self.rng.between(Duration::from_millis(5), Duration::from_secs(3));
                self.kill(Fault { lasts, ..fault }, false, false);
            }
            FaultKind::Rollback => self.roll_back(fault),
            _ => unreachable!("this does not end by itself"),
        }
    }

    /// A disk that failed meanwhile stays in trouble until its process ends.
    fn end_trouble(&mut self, node: usize) {
        if self.nodes[node].disks.iter().all(|it| it.failed.is_none()) {
            self.watch.end_disk_trouble(self.now, node);
        }
    }

    /// The power of a host is gone, and what its disks lied about.
    pub(crate) fn lose_power(&mut self, node: usize) {
        let rng = &mut self.rng;
        let mut lost = false;
        for disk in &mut self.nodes[node].disks {
            lost |= disk.cut_power(rng);
        }
        if lost {
            note!(self, "{node} has lost what its disk said to have");
            self.damaged(node);
            self.misled(node);
        }
    }

    fn roll_back(&mut self, fault: Fault) {
        let node = fault.node;
        let Some(backup) = self.backups[node].take() else { return };
        let lasts = self.rng.between(Duration::from_millis(5), Duration::from_secs(3));
        self.kill(Fault { lasts, ..fault }, false, false);
        let host = &mut self.nodes[node];
        for (disk, image) in host.disks.iter_mut().zip(backup.images) {
            *disk = Disk::new();
            disk.image = image;
        }
        host.starts = backup.starts;
        note!(self, "{node} goes back to an old copy");
        self.damaged(node);
        self.misled(node);
    }

    /// Both hosts are off, and each gets the other's disks.
    fn swap_disks(&mut self, fault: Fault) {
        for node in 0..2 {
            self.kill(Fault { node, ..fault }, false, false);
        }
        let [one, other] = &mut self.nodes;
        std::mem::swap(&mut one.disks, &mut other.disks);
        std::mem::swap(&mut one.starts, &mut other.starts);
        std::mem::swap(&mut one.undeployed, &mut other.undeployed);
        self.backups.swap(0, 1);
        self.swap_carriers();
        self.watch.swap_disks(self.now);
    }

    /// A disk has less than it had.
    pub(crate) fn damaged(&mut self, node: usize) {
        self.watch.damaged(self.now, node);
        self.lost(node, Loss::Disk);
    }

    /// A node believes of itself what is no longer so, and nobody but its partner can tell it.
    fn misled(&mut self, _node: usize) {
        for engine in 0..self.engines() {
            self.watch.excuse(engine);
        }
    }

    /// As the node does after a failed commit: when its partner acts it ends, and copies its data
    /// anew; one that is alone stays. After a full disk it begins anew when there is space.
    pub(crate) fn look_at_failed_disks(&mut self, node: usize) {
        for engine in 0..self.engines() {
            let disk = &self.nodes[node].disks[engine];
            let (failed, has_space) = (disk.failed, disk.has_space);
            let (Some(failure), Some(state)) = (failed, self.state(node, engine)) else { continue };
            let core = self.nodes[node].core.as_ref();
            let view = core.and_then(|it| it.engines()[engine].partner_view());
            let partner_acts = view.is_some_and(|(_, view)| view.state.is_active());
            let standby = state.is_standby() && partner_acts;
            let replaced = standby || state == StateId::SwitchingToStandby;
            let idle = matches!(
                state,
                StateId::DeterminingFailoverStatus | StateId::StandbyNotReady | StateId::Unknown
            );
            let others_act = (0..self.engines()).any(|it| {
                let acts = |it: StateId| it.is_active() || it == StateId::SwitchingToStandby;
                it != engine && self.state(node, it).is_some_and(acts)
            });
            let freed = failure == DiskFailure::Full && has_space && idle;
            if replaced {
                // Noted also when the process stays for another engine.
                self.nodes[node].disks[engine].suspect = failure == DiskFailure::Error;
            }
            if (replaced || freed) && !others_act {
                return self.end_process(node);
            }
        }
    }

    fn state(&self, node: usize, engine: usize) -> Option<StateId> {
        self.machine(node, engine).map(hotpair_fsm::Machine::state)
    }
}
