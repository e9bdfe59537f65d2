//! The record of the state machine on disk: its own layout with a version, so that the machine may
//! change without making old files unreadable.
use hotpair_fsm as fsm;
use hotpair_types::{Epoch, Instance, Marks, Position, Positions};
use serde::{Deserialize, Serialize};

/// The version in the first byte.
const VERSION: u8 = 1;

type EpochDisk = (u64, u64);
type PositionDisk = (EpochDisk, u64);

#[derive(Serialize, Deserialize)]
struct RecordDisk {
    epoch: EpochDisk,
    last_used: EpochDisk,
    in_sync: bool,
    stale: bool,
    sole: Option<EpochDisk>,
    unverified: bool,
    promoted_by_person: Option<EpochDisk>,
    recovery_held: bool,
    paused: bool,
    changes: u32,
    suspended: bool,
    /// Instance, config position, runtime position.
    partner_seen: Option<((u64, u64), PositionDisk, PositionDisk)>,
}

const fn epoch(it: Epoch) -> EpochDisk {
    (it.number, it.tag)
}

const fn epoch_back((number, tag): EpochDisk) -> Epoch {
    Epoch { number, tag }
}

const fn position(it: Position) -> PositionDisk {
    (epoch(it.epoch), it.sequence)
}

const fn position_back((at, sequence): PositionDisk) -> Position {
    Position { epoch: epoch_back(at), sequence }
}

pub(super) fn encode(record: &fsm::Record) -> Vec<u8> {
    let fsm::Record {
        epoch: adopted,
        last_used,
        marks,
        promoted_by_person,
        recovery_held,
        paused,
        damping,
        partner_seen,
    } = *record;
    let disk = RecordDisk {
        epoch: epoch(adopted),
        last_used: epoch(last_used),
        in_sync: marks.in_sync,
        stale: marks.stale,
        sole: marks.sole.map(epoch),
        unverified: marks.unverified,
        promoted_by_person: promoted_by_person.map(epoch),
        recovery_held,
        paused,
        changes: damping.changes,
        suspended: damping.suspended,
        partner_seen: partner_seen.map(|it| {
            let instance = (it.instance.count, it.instance.tag);
            (instance, position(it.positions.config), position(it.positions.runtime))
        }),
    };
    postcard::to_extend(&disk, vec![VERSION]).expect("a record is encoded to memory")
}

/// `None` when it is of another version or no record at all.
pub(super) fn decode(bytes: &[u8]) -> Option<fsm::Record> {
    let (&version, rest) = bytes.split_first()?;
    if version != VERSION {
        return None;
    }
    let (disk, left): (RecordDisk, _) = postcard::take_from_bytes(rest).ok()?;
    if !left.is_empty() {
        return None;
    }
    Some(fsm::Record {
        epoch: epoch_back(disk.epoch),
        last_used: epoch_back(disk.last_used),
        marks: Marks {
            in_sync: disk.in_sync,
            stale: disk.stale,
            sole: disk.sole.map(epoch_back),
            unverified: disk.unverified,
        },
        promoted_by_person: disk.promoted_by_person.map(epoch_back),
        recovery_held: disk.recovery_held,
        paused: disk.paused,
        damping: fsm::Damping { changes: disk.changes, suspended: disk.suspended },
        partner_seen: disk.partner_seen.map(|(instance, config, runtime)| fsm::PartnerSeen {
            instance: Instance { count: instance.0, tag: instance.1 },
            positions: Positions { config: position_back(config), runtime: position_back(runtime) },
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn record() -> fsm::Record {
        let at = |number, sequence| Position { epoch: Epoch { number, tag: 7 }, sequence };
        fsm::Record {
            epoch: Epoch { number: 5, tag: 6 },
            last_used: Epoch { number: 3, tag: 4 },
            marks: Marks {
                in_sync: true,
                stale: false,
                sole: Some(Epoch { number: 5, tag: 6 }),
                unverified: true,
            },
            promoted_by_person: Some(Epoch { number: 3, tag: 4 }),
            recovery_held: true,
            paused: true,
            damping: fsm::Damping { changes: 300, suspended: true },
            partner_seen: Some(fsm::PartnerSeen {
                instance: Instance { count: 9, tag: 10 },
                positions: Positions { config: at(1, 2), runtime: at(3, 4) },
            }),
        }
    }

    #[test]
    fn a_record_comes_back_and_its_layout_does_not_change_by_accident() {
        let bytes = encode(&record());
        assert_eq!(decode(&bytes), Some(record()));
        let hex: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
        expect!["01050603040100010506010103040101ac020101090a010702030704"].assert_eq(&hex);
    }

    #[test]
    fn what_is_not_a_record_is_none() {
        let bytes = encode(&record());
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(decode(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(decode(&[&[2], &bytes[1..]].concat()), None);
    }
}
