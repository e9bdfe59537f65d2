//! Why a scan was stopped. Nothing of it counts: no output, no change of state.

/// What stopped a scan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It used up its budget; perhaps it loops for ever.
    #[error("used its {fuel} units of fuel and was not done")]
    OutOfFuel {
        /// What it was given.
        fuel: u64,
    },
    /// It wanted more memory than its budget.
    #[error("wanted {bytes} bytes of memory; {bytes_max} are allowed")]
    MemoryLimit {
        /// What it would have then.
        bytes: u64,
        /// What it may have.
        bytes_max: usize,
    },
    /// It did what WebAssembly does not allow.
    #[error("trapped: {reason}")]
    Trap {
        /// In words.
        reason: Box<str>,
    },
    /// It used a port that it has not, or in a way that the port does not allow.
    #[error("called `{function}` with port {port}: {reason}")]
    BadPort {
        /// Which function of ours.
        function: &'static str,
        /// The number it gave.
        port: i32,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// It wrote an infinity or something that is no number.
    #[error("wrote {value} to port `{port}`: not a finite number")]
    NotFinite {
        /// The port's name.
        port: Box<str>,
        /// What it wrote.
        value: Box<str>,
    },
    /// It gave a number that is no quality.
    #[error("called `write_quality` with {quality}; 0 is good, 1 uncertain, 2 bad")]
    BadQuality {
        /// The number it gave.
        quality: i32,
    },
    /// It named text outside of its memory.
    #[error("called `{function}` with {bytes} bytes at {at}, outside of its memory")]
    BadText {
        /// Which function of ours.
        function: &'static str,
        /// Where.
        at: u32,
        /// How many.
        bytes: u32,
    },
    /// It gave up, with a reason of its own.
    #[error("failed: {text}")]
    Failed {
        /// What it said, shortened and escaped.
        text: Box<str>,
    },
}

impl Fault {
    /// A stable word for programs.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::OutOfFuel { .. } => "out-of-fuel",
            Self::MemoryLimit { .. } => "memory-limit",
            Self::Trap { .. } => "trap",
            Self::BadPort { .. } => "bad-port",
            Self::NotFinite { .. } => "not-finite",
            Self::BadQuality { .. } => "bad-quality",
            Self::BadText { .. } => "bad-text",
            Self::Failed { .. } => "failed",
        }
    }
}
