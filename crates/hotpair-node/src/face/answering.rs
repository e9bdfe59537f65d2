//! What a caller needs to know when its write has ended: whom to name, and whether it may be
//! acknowledged at this very moment.
use crate::driver::Driver;
use crate::gate::Gate;
use hotpair_core::EngineIndex;
use hotpair_replication::Outcome;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Goes with a write that waits.
pub(super) struct Answering {
    /// Where the partner's API is.
    pub(super) partner: Option<String>,
    gate: Arc<Gate>,
}

impl Answering {
    /// Waits for the end. The gate is looked at here, where the answer leaves: between the decision
    /// and this line the process may have stood still (docs/design/states.md, S14).
    pub(super) async fn outcome(
        &self,
        receiver: oneshot::Receiver<Outcome>,
    ) -> Result<Outcome, oneshot::error::RecvError> {
        Ok(match receiver.await? {
            Outcome::Acknowledged(it) if self.gate.passes().is_none() => {
                Outcome::Unknown { position: it.position }
            }
            outcome
            @ (Outcome::Acknowledged(_) | Outcome::Refused(_) | Outcome::Unknown { .. }) => outcome,
        })
    }
}

impl Driver {
    /// For whoever waits for a write of this engine.
    pub(super) fn answering(&mut self, engine: EngineIndex) -> Answering {
        Answering { partner: self.partner.api(), gate: self.runtime(engine).gate.clone() }
    }
}
