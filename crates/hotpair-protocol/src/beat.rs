//! The beat: one datagram with what the node has heard and the public state of each of its engines.
use crate::ENGINES_MAX;
use crate::bounded::List;
use hotpair_types::{Epoch, Instance, PerChannel, Positions, StateId};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// Sent on each channel, each time interval and whenever something changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Who sends.
    pub instance: Instance,
    /// Counts the beats of that instance on that channel.
    pub sequence: u64,
    /// Which instance of the receiver it has heard.
    pub of: Option<Instance>,
    /// What it has heard of that instance.
    pub heard: PerChannel<Heard>,
    /// Wants a beat in return at once.
    pub ask: bool,
    /// Numbers the views of that instance.
    pub number: u64,
    /// Of its engines, in their order.
    pub views: List<View, ENGINES_MAX>,
}

/// What was heard on one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The highest sequence.
    pub sequence: u64,
    /// How long ago, in microseconds.
    pub held_us: u32,
    /// The last one came in time.
    pub on_time: bool,
}

/// The public state of one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its state.
    pub state: StateId,
    /// Its epoch.
    pub epoch: Epoch,
    /// Where its journals end.
    pub positions: Positions,
    /// The instance of the receiver that it speaks to.
    pub about: Option<Instance>,
    /// The last state of that partner it has seen.
    pub sees: Option<StateId>,
    /// Counts its questions.
    pub round: u32,
    /// The partner's last question it has heard.
    pub echo: u32,
    /// What is only yes or no.
    pub flags: Flags,
    /// The step of a handover.
    pub step: Step,
    /// The hash of its frozen summary.
    pub summary: Option<u64>,
    /// The hash of both summaries.
    pub pair: Option<u64>,
}

/// A step of a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// No handover.
    None,
    /// An offer stands.
    Offer(u32),
    /// It is accepted.
    Accept(u32),
    /// The outputs of the old active are closed.
    Released(u32),
    /// It is void.
    Withdrawn(u32),
    /// It is declined.
    Declined(u32),
}

/// Yes or no, each one bit. New ones at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Flags(u32);

macro_rules! flags {
    ($($(#[$doc:meta])* $NAME:ident = $bit:literal),+ $(,)?) => {
        impl Flags {
            $($(#[$doc])* pub const $NAME: Self = Self(1 << $bit);)+
            const KNOWN: u32 = $(Self::$NAME.0)|+;
        }
    };
}

flags! {
    /// Outputs are open, or not yet confirmed closed.
    OUTPUTS_OPEN = 0,
    /// Durable mark.
    SOLE = 1,
    /// Durable mark.
    UNVERIFIED = 2,
    /// Durable mark.
    STALE = 3,
    /// Durable mark.
    IN_SYNC = 4,
    /// Paused on this node.
    PAUSED = 5,
    /// Too many changes of role.
    SUSPENDED = 6,
    /// The partner has everything and is trusted.
    LEVEL = 7,
    /// The partner must leave its level states.
    DROP = 8,
    /// Its storage works.
    STORAGE_OK = 9,
    /// Its required network works.
    NETWORK_OK = 10,
    /// The last view before a clean stop.
    LEAVING = 11,
    /// Stopped by a person.
    UNDEPLOYED = 12,
    /// Its promotion failed.
    PROMOTION_FAILED = 13,
    /// A switchover was asked for here.
    WANTS_SWITCHOVER = 14,
    /// Pausing was asked for here.
    WANTS_PAUSE = 15,
    /// Resuming was asked for here.
    WANTS_RESUME = 16,
    /// Of a standby: it follows exactly the instance it speaks to.
    FOLLOWS = 17,
    /// Of a standby: everything up to where the active was is here.
    HAS_ALL = 18,
    /// The handover was asked for by a person.
    BY_PERSON = 19,
    /// Of an active: it serves the sync of the instance it speaks to.
    SERVES = 20,
}

impl Flags {
    /// Whether this flag is set.
    #[must_use]
    pub const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 == flag.0
    }

    /// With this flag set, when `on`.
    #[must_use]
    pub const fn with(self, flag: Self, on: bool) -> Self {
        if on { Self(self.0 | flag.0) } else { self }
    }

    /// From bits; `None` when one of them is unknown.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !Self::KNOWN == 0 { Some(Self(bits)) } else { None }
    }
}

impl<'de> Deserialize<'de> for Flags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bits = u32::deserialize(deserializer)?;
        Self::from_bits(bits).ok_or_else(|| D::Error::custom("unknown flags"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BEAT_BYTES_MAX, Message, encode};
    use hotpair_types::Position;

    /// More starts and promotions than a node lives to see.
    const COUNT_MAX: u64 = u32::MAX as u64;
    /// A million entries each second for eight years.
    const SEQUENCE_MAX: u64 = (1 << 48) - 1;

    #[test]
    fn the_longest_beat_fits_into_a_datagram() {
        let instance = Instance { count: COUNT_MAX, tag: u64::MAX };
        let epoch = Epoch { number: COUNT_MAX, tag: u64::MAX };
        let position = Position { epoch, sequence: SEQUENCE_MAX };
        let view = View {
            state: StateId::Unknown,
            epoch,
            positions: Positions { config: position, runtime: position },
            about: Some(instance),
            sees: Some(StateId::Unknown),
            round: u32::MAX,
            echo: u32::MAX,
            flags: Flags(Flags::KNOWN),
            step: Step::Declined(u32::MAX),
            summary: Some(u64::MAX),
            pair: Some(u64::MAX),
        };
        let heard = Heard { sequence: u64::MAX, held_us: u32::MAX, on_time: true };
        let beat = Beat {
            instance,
            sequence: u64::MAX,
            of: Some(instance),
            heard: PerChannel { redundancy: heard, primary: heard },
            ask: true,
            number: u64::MAX,
            views: List::new(vec![view; ENGINES_MAX]).unwrap(),
        };
        let length = encode(&Message::Beat(beat)).len();
        assert!(length <= BEAT_BYTES_MAX, "{length} bytes");
    }

    #[test]
    fn an_unknown_flag_is_refused() {
        let highest = Flags::KNOWN.ilog2() + 1;
        assert_eq!(Flags::from_bits(1 << highest), None);
        assert!(Flags::from_bits(Flags::KNOWN).is_some());
        let flags = Flags::default().with(Flags::DROP, true).with(Flags::SOLE, false);
        assert!(flags.has(Flags::DROP) && !flags.has(Flags::SOLE));
    }
}
