//! After a failed commit: a node whose partner acts, or is about to, ends and begins anew with a
//! copy of the partner's data. One that is alone stays, with its outputs closed, and says why; after
//! a full disk it begins anew when there is space again.
use super::{Driver, Ended};
use crate::store::suspect;
use hotpair_core::EngineIndex;
use hotpair_storage::LastFailure;
use hotpair_types::StateId;

/// With less it would be full again at once.
const SPACE_BYTES_MIN: u64 = 4 << 20;

impl Driver {
    /// The state machine knows of the failure already.
    pub(super) fn begin_anew(&mut self, index: EngineIndex) {
        let Some(engine) = self.core.engine(index) else { return };
        let partner = engine.partner_view().map(|(_, view)| view.state);
        if !is_replaced(engine.machine().state(), partner) {
            return;
        }
        let name = self.name_of(index).clone();
        // Also when the process stays for another engine: it may end in any other way, and the next
        // one would believe the file.
        if !std::mem::replace(&mut self.runtime(index).suspect, true)
            && let Err(error) = suspect::mark(&self.settings.node.data_dir, &name)
        {
            tracing::error!(engine = %name, %error, "cannot note that the data is suspect");
        }
        if self.others_act(index) {
            return;
        }
        tracing::error!(engine = %name, "the node ends, to copy its data anew from the partner");
        self.ended.get_or_insert(Ended::StorageFailed);
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
        let data = self.store.data();
        let was_full = || matches!(data.last_failure(&name), Ok(Some(LastFailure::DiskFull)));
        let has_space = || data.free_bytes().is_ok_and(|it| it >= SPACE_BYTES_MIN);
        if idle && was_full() && has_space() {
            tracing::info!(engine = %name, "the disk has space again: the node begins anew");
            self.ended.get_or_insert(Ended::StorageFailed);
        }
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
