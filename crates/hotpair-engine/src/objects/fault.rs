//! Why an object does not run any more.
use std::fmt;
use std::time::Duration;

/// The longest reason, in bytes; a longer one is cut.
pub const REASON_BYTES_MAX: usize = 512;

/// What kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// The program stopped: a trap of a module, a panic or an error of a native object.
    Trapped,
    /// The program was stopped because its budget of work was spent.
    OutOfBudget,
    /// A scan took longer than the object's `scan_limit`.
    Overran,
    /// The program wanted more memory, or changed more of it in one scan, than it may.
    OutOfMemory,
    /// The program wrote what its declaration does not allow.
    BadOutput,
    /// The state of a checkpoint is not one of this program.
    BadState,
    /// The program is not here, or could not be made ready.
    NotLoaded,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Trapped,
        Self::OutOfBudget,
        Self::Overran,
        Self::OutOfMemory,
        Self::BadOutput,
        Self::BadState,
        Self::NotLoaded,
    ];

    /// A stable word for programs.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Trapped => "trapped",
            Self::OutOfBudget => "out-of-budget",
            Self::Overran => "overran",
            Self::OutOfMemory => "out-of-memory",
            Self::BadOutput => "bad-output",
            Self::BadState => "bad-state",
            Self::NotLoaded => "not-loaded",
        }
    }
}

/// Why an object does not run any more. What its last scan did has no effect; the others go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", kind.id())]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// With the evidence, in words; at most [`REASON_BYTES_MAX`].
    pub reason: Box<str>,
}

impl Fault {
    /// A fault; a long reason is cut.
    #[must_use]
    pub fn new(kind: FaultKind, reason: impl fmt::Display) -> Self {
        let mut reason = reason.to_string();
        if reason.len() > REASON_BYTES_MAX {
            let cut = (0..=REASON_BYTES_MAX).rev().find(|it| reason.is_char_boundary(*it));
            reason.truncate(cut.unwrap_or(0));
        }
        Self { kind, reason: reason.into() }
    }

    /// The fault of a scan that took longer than it may.
    #[must_use]
    pub fn overran(took: Duration, limit: Duration) -> Self {
        let reason = format!("the scan took {took:?}, at most {limit:?} are allowed");
        Self::new(FaultKind::Overran, reason)
    }
}
