//! After a failed commit: a node whose partner acts, or is about to, ends and begins anew with a
//! copy of the partner's data. One that is alone stays, with its outputs closed, and says why.
use super::{Driver, Ended};
use crate::store::suspect;
use hotpair_core::EngineIndex;
use hotpair_types::StateId;

impl Driver {
    /// The state machine knows of the failure already.
    pub(super) fn begin_anew(&mut self, index: EngineIndex) {
        let Some(engine) = self.core.engine(index) else { return };
        let partner = engine.partner_view().map(|(_, view)| view.state);
        let replaced = match engine.machine().state() {
            // Only towards a ready partner. The guard's word about our end lets it act at once,
            // and a handover would need a disk.
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
        };
        if !replaced {
            return;
        }
        // Ending would be a crash for an engine that acts here on a sound disk.
        let others_act = self.indexes().any(|it| {
            let state = self.state_of(it);
            it != index && (state.is_active() || state == StateId::SwitchingToStandby)
        });
        if others_act {
            return;
        }
        let name = self.name_of(index).clone();
        if let Err(error) = suspect::mark(&self.settings.node.data_dir, &name) {
            tracing::error!(engine = %name, %error, "cannot note that the data is suspect");
        }
        tracing::error!(engine = %name, "the node ends, to copy its data anew from the partner");
        self.ended.get_or_insert(Ended::StorageFailed);
    }
}
