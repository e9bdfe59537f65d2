//! The guard: the parent of the node process. Starts it, reaps it, tells the partner, restarts it
//! with backoff (docs/design/states.md, "Words").
//!
//! One thread, no runtime, little memory: it has to work when the node could not. It decides
//! nothing about roles and holds no key. The node hands it a *notice*: a signed datagram, "this
//! instance is dead", that is only ever sent when the guard has reaped exactly that process and
//! whatever it started.
//!
//! How a node ends tells what becomes of it. Status 0: it was asked to, and the guard ends too.
//! Status 1 to 4 (the statuses of every command) before any node of this guard was ready: it
//! cannot work, for example for want of sound settings, and the guard ends with the same. Anything
//! else is a death: the partner is told, and the node is started again.
//!
//! The modules below are in reading order.

mod message;
pub mod node_side;
mod fencing;
mod backoff;
mod service;
pub(crate) mod memory;
mod running;
pub(crate) mod leftovers;
mod watch;

pub use backoff::BackoffSettings;
pub use message::{Notice, Route};

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The node ends with this status when it wants to be started again (`EX_TEMPFAIL`).
pub const EXIT_RESTART: u8 = 75;
/// The highest status that says why a node cannot work.
const EXIT_MEANT_MAX: i32 = 4;

/// What the guard has to know.
#[derive(Clone, Debug)]
pub struct GuardSettings {
    /// The program of the node; the running one, as a rule.
    pub program: PathBuf,
    /// Its arguments; `--guard-fd N` is added.
    pub arguments: Vec<OsString>,
    /// How long a node that was asked to stop may take for a clean leave.
    pub stop_timeout: Duration,
    /// How long a stopping guard waits for the partner's answer to a notice.
    pub linger: Duration,
    /// How soon a dead node is started again.
    pub backoff: BackoffSettings,
}

impl GuardSettings {
    /// For this very program.
    ///
    /// # Errors
    /// When the system does not say which file it is.
    pub fn of_this_program(arguments: Vec<OsString>) -> std::io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            arguments,
            stop_timeout: Duration::from_secs(20),
            linger: Duration::from_millis(500),
            backoff: BackoffSettings::default(),
        })
    }
}

/// Runs the node until it is over. To be called while the process has no other thread.
#[must_use]
pub fn run(settings: GuardSettings) -> ExitCode {
    match watch::Guard::new(settings).and_then(watch::Guard::run) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            // The node, if there is one, sees that its guard is gone, and leaves.
            tracing::error!(%error, "the guard cannot go on");
            ExitCode::FAILURE
        }
    }
}
