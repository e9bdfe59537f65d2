//! Changes of role on disk.
use super::{EpochDisk, PositionDisk, Record, TimeDisk, Unreadable, read_postcard, write_postcard};
use crate::RoleChange;
use hotpair_types::{Instance, Positions, StateId};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct RoleChangeDisk<'a> {
    at: TimeDisk,
    instance: (u64, u64),
    from: u8,
    to: u8,
    rule: &'a str,
    evidence: &'a str,
    epoch_before: EpochDisk,
    epoch_after: EpochDisk,
    config: PositionDisk,
    runtime: PositionDisk,
}

impl Record for RoleChange {
    fn write(&self, to: &mut Vec<u8>) {
        let disk = RoleChangeDisk {
            at: self.at.into(),
            instance: (self.instance.count, self.instance.tag),
            from: self.from.number(),
            to: self.to.number(),
            rule: &self.rule,
            evidence: &self.evidence,
            epoch_before: self.epoch_before.into(),
            epoch_after: self.epoch_after.into(),
            config: self.positions.config.into(),
            runtime: self.positions.runtime.into(),
        };
        write_postcard(&disk, to);
    }

    fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let disk: RoleChangeDisk<'_> = read_postcard(body)?;
        let state = |number: u8| {
            StateId::ALL.get(usize::from(number).wrapping_sub(1)).copied().ok_or(Unreadable)
        };
        Ok(Self {
            at: disk.at.into(),
            instance: Instance { count: disk.instance.0, tag: disk.instance.1 },
            from: state(disk.from)?,
            to: state(disk.to)?,
            rule: disk.rule.into(),
            evidence: disk.evidence.into(),
            epoch_before: disk.epoch_before.into(),
            epoch_after: disk.epoch_after.into(),
            positions: Positions { config: disk.config.into(), runtime: disk.runtime.into() },
        })
    }
}
