//! The three streams of a connection, by priority.
pub use hotpair_protocol::FRAME_BYTES_MAX;

use std::fmt;

/// One of the streams of a connection. A higher one never waits behind a lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Hello, election summaries, whatever the state protocol cannot put into a beat.
    Control,
    /// Live entries and acknowledgements.
    Data,
    /// Snapshot chunks and module bytes.
    Bulk,
}

impl Lane {
    /// All, most urgent first.
    pub const ALL: [Self; 3] = [Self::Control, Self::Data, Self::Bulk];

    /// How many bytes may wait to be sent, and how many may wait to be taken by the receiver.
    #[must_use]
    pub const fn queue_bytes_max(self) -> usize {
        match self {
            Self::Control | Self::Bulk => FRAME_BYTES_MAX,
            Self::Data => 2 * FRAME_BYTES_MAX,
        }
    }

    /// What an empty frame counts in a queue, so that many small ones are bounded too.
    pub(crate) const FRAME_COST_BYTES: usize = 4 * 1024;

    /// What a frame counts in a queue.
    pub(crate) fn cost(bytes: usize) -> u32 {
        let cost = bytes.clamp(Self::FRAME_COST_BYTES, FRAME_BYTES_MAX);
        u32::try_from(cost).expect("a frame has at most some mebibytes")
    }

    /// As the first byte of its stream.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Control => 1,
            Self::Data => 2,
            Self::Bulk => 3,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }

    /// For quinn: the higher goes first.
    pub(crate) const fn priority(self) -> i32 {
        match self {
            Self::Control => 2,
            Self::Data => 1,
            Self::Bulk => 0,
        }
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Control => 0,
            Self::Data => 1,
            Self::Bulk => 2,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Control => "control",
            Self::Data => "data",
            Self::Bulk => "bulk",
        })
    }
}
