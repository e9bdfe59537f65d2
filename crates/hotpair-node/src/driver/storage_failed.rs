//! After a failed commit: a node whose partner acts, or is about to, notes that its data is suspect,
//! ends and begins anew with a copy of the partner's data. One that is alone stays, with its outputs
//! closed, and says why; after a full disk it begins anew when there is space again.
use super::{Driver, Ended};
use crate::store::suspect;
use hotpair_core::EngineIndex;
use hotpair_storage::LastFailure;
use hotpair_types::{EngineName, StateId};
use std::time::Duration;

/// A note that could not be written is tried again after this.
const NOTE_AGAIN: Duration = Duration::from_secs(1);
/// With less it would be full again at once.
const SPACE_BYTES_MIN: u64 = 4 << 20;

impl Driver {
    /// The state machine knows of the failure already.
    pub(super) fn begin_anew(&mut self, index: EngineIndex) {
        let Some(engine) = self.core.engine(index) else { return };
        let partner = engine.partner_view().map(|(_, view)| view.state);
        let replaced = is_replaced(engine.machine().state(), partner);
        let name = self.name_of(index).clone();
        if !replaced {
            return;
        }
        // A full disk damages nothing, and may have no room for a note.
        let full = self.was_full(&name);
        if after_failure(replaced, full || self.runtime(index).suspect, false) == After::Note {
            self.note_suspect(index, &name);
        }
        let noted = full || self.runtime(index).suspect;
        if after_failure(replaced, noted, self.others_act(index)) == After::End {
            tracing::error!(engine = %name, "the node ends, to copy its data anew from the partner");
            self.ended.get_or_insert(Ended::StorageFailed);
        }
    }

    /// The disk may be the one that failed: tried again and again, not more often than once a second.
    fn note_suspect(&mut self, index: EngineIndex, name: &EngineName) {
        let now = self.clock.now();
        if now < self.runtime(index).suspect_again_at {
            return;
        }
        match suspect::mark(&self.settings.node.data_dir, name) {
            Ok(()) => {
                self.runtime(index).suspect = true;
                self.runtime(index).alarms.remove("suspect-not-noted");
            }
            Err(error) => {
                self.runtime(index).suspect_again_at = now + NOTE_AGAIN;
                tracing::error!(engine = %name, %error, "cannot note that the data is suspect");
                let text = format!(
                    "a commit failed, the partner acts, and that cannot be noted ({error}): the node \
                     stays and tries again; if it is killed, move its data away before it starts"
                );
                self.raise(index, "suspect-not-noted", text);
            }
        }
    }

    fn was_full(&self, name: &EngineName) -> bool {
        matches!(self.store.data().last_failure(name), Ok(Some(LastFailure::DiskFull)))
    }

    /// Ending would be a crash for an engine that acts here on a sound disk.
    fn others_act(&self, index: EngineIndex) -> bool {
        self.indexes().any(|it| {
            let state = self.state_of(it);
            it != index && (state.is_active() || state == StateId::SwitchingToStandby)
        })
    }

    /// What did not hold when the commit failed may hold now: the partner acts, or there is space.
    pub(super) fn look_at_failed_storage(&mut self) {
        for index in self.indexes() {
            if self.runtime(index).storage_failed {
                self.begin_anew(index);
                self.begin_anew_with_space(index);
            }
        }
    }

    /// A full disk damages nothing: the process opens the same files again.
    fn begin_anew_with_space(&mut self, index: EngineIndex) {
        let idle = match self.state_of(index) {
            StateId::DeterminingFailoverStatus
            | StateId::StandbyNotReady
            | StateId::Failed
            | StateId::Unknown => !self.others_act(index),
            StateId::Active
            | StateId::ActiveStandbyNotAvailable
            | StateId::StandbySyncingWithActive
            | StateId::StandbySyncingCode
            | StateId::StandbySyncingData
            | StateId::StandbyReady
            | StateId::StandbyMissedHeartbeats
            | StateId::SwitchingToActive
            | StateId::SwitchingToStandby => false,
        };
        let name = self.name_of(index).clone();
        let has_space = || self.store.data().free_bytes().is_ok_and(|it| it >= SPACE_BYTES_MIN);
        if idle && self.was_full(&name) && has_space() {
            tracing::info!(engine = %name, "the disk has space again: the node begins anew");
            self.ended.get_or_insert(Ended::StorageFailed);
        }
    }
}

/// What a node does for an engine whose commit failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// It stays as it is.
    Stay,
    /// It notes that the next process must not believe the file.
    Note,
    /// It ends, and begins anew.
    End,
}

/// The rule of S10: what replaces the file is there, so the next process is told not to believe it, also
/// when this one stays for another engine: it may end in any other way. It does not end by itself
/// before that is noted, for the next one would believe the file.
const fn after_failure(replaced: bool, noted: bool, others_act: bool) -> After {
    match (replaced, noted, others_act) {
        (false, _, _) | (true, true, true) => After::Stay,
        (true, false, _) => After::Note,
        (true, true, false) => After::End,
    }
}

/// The partner acts, or is about to: it has all that this node has.
fn is_replaced(state: StateId, partner: Option<StateId>) -> bool {
    match state {
        // Only towards a ready partner. The guard's word about our end lets it act at once, and a
        // handover would need a disk.
        StateId::SwitchingToStandby => true,
        StateId::StandbyNotReady
        | StateId::StandbySyncingWithActive
        | StateId::StandbySyncingCode
        | StateId::StandbySyncingData
        | StateId::StandbyReady
        | StateId::StandbyMissedHeartbeats => partner.is_some_and(StateId::is_active),
        StateId::DeterminingFailoverStatus
        | StateId::Active
        | StateId::ActiveStandbyNotAvailable
        | StateId::SwitchingToActive
        | StateId::Failed
        | StateId::Unknown => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_replaced_notes_it_first_and_then_ends_unless_it_acts_for_another_engine() {
        let all = [false, true].into_iter().flat_map(|it| [(it, false), (it, true)]);
        for (noted, others_act) in all {
            assert_eq!(after_failure(false, noted, others_act), After::Stay, "it is alone");
            let expected = match (noted, others_act) {
                (false, _) => After::Note,
                (true, false) => After::End,
                (true, true) => After::Stay,
            };
            assert_eq!(after_failure(true, noted, others_act), expected);
        }
    }

    /// Hole 53 of docs/design/states.md: as soon as the partner acts, not only when the process ends.
    #[test]
    fn a_standby_is_replaced_when_its_partner_acts_and_an_active_never() {
        let acting = [StateId::Active, StateId::ActiveStandbyNotAvailable];
        let standby = [
            StateId::StandbyNotReady,
            StateId::StandbySyncingWithActive,
            StateId::StandbySyncingCode,
            StateId::StandbySyncingData,
            StateId::StandbyReady,
            StateId::StandbyMissedHeartbeats,
        ];
        for state in StateId::ALL {
            for partner in StateId::ALL.into_iter().map(Some).chain([None]) {
                let acts = partner.is_some_and(|it| acting.contains(&it));
                let expected =
                    state == StateId::SwitchingToStandby || (standby.contains(&state) && acts);
                assert_eq!(is_replaced(state, partner), expected, "{state:?}, {partner:?}");
            }
        }
    }
}
