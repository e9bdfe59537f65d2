//! Decides the role of one engine from events. Pure: no clock, socket, disk, randomness or async.
//!
//! The modules below are in reading order.
//!
//! **Invariant:** the driver may carry out actions in any order. Where order matters, the machine
//! waits for the event that reports completion.

#![warn(missing_docs)]

mod settings;
mod record;
mod view;
mod summary;
mod picture;
mod grant;
mod event;
mod action;
mod closing;
mod command;
mod refusal;
mod rule;
mod edge;
mod timer;
mod facts;
mod context;
mod trust;
mod election;
mod shown;
mod asking;
mod state;
mod machine;
mod alarms;
mod detector;
#[cfg(feature = "model")]
mod relative;

pub use action::{Acknowledge, Action, Alarm, ReplicaOrder, RoleChange, Ticket};
pub use command::{Command, CommandId, Reply};
pub use detector::{
    BeatHeard, BeatToSend, ChannelStatus, Detector, DetectorStatus, Due, Heard, Received,
};
pub use edge::{EDGES, Edge};
pub use election::{Verdict, decide};
pub use event::{Event, SyncFailure};
pub use grant::{GrantAsk, GrantEvent, GrantShown, Reach};
pub use machine::{Boot, Machine};
pub use picture::{Hint, Picture, Pulse};
pub use record::{Damping, PartnerSeen, Record};
pub use refusal::Refusal;
pub use rule::Rule;
pub use settings::{Beats, DEFAULT_LEASE, Policy, Settings, SettingsError};
pub use shown::Waiting;
pub use summary::Summary;
pub use timer::Timer;
pub use view::{Step, View};

#[cfg(test)]
mod tests;
