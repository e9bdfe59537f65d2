//! What people ask, and how it is answered.
use crate::Refusal;

/// Comes back in the reply; given by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CommandId(pub u64);

/// What a person, or a program for one, may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Command {
    /// Planned: the active hands over to its standby. Works on either node.
    Switchover,
    /// A program that follows the role fails here: this active hands over. Unlike what people ask, not in
    /// a pause.
    HandOver,
    /// "Make me responsible": this node becomes active, planned.
    BecomeActive,
    /// Force: this node becomes active though nobody hands over.
    Promote {
        /// The loss was shown and confirmed.
        accept_loss: bool,
    },
    /// Maintenance: no automatic change of role. Answered when durable on both.
    Pause,
    /// End of maintenance; also ends a suspension.
    Resume,
    /// Stop this engine here. Nobody takes over because of it.
    Undeploy,
    /// Start it again.
    Deploy,
    /// Stop cleanly: hand over if possible, else say `Leaving`.
    Leave,
    /// Throw this standby's data away and copy anew.
    Reinit,
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// Under way; watch the state.
    Accepted,
    /// Already so, or done.
    Done,
    /// Every reason that holds.
    Refused(Vec<Refusal>),
}
