//! What a machine and its driver say to each other of the third party of mode `arbiter`.
//!
//! # The driver's part
//! - `AskGrant` is a standing order: get the grant, keep it, get it anew when it is lost, until
//!   `ReleaseGrant`. Given again it only replaces what the next asking uses; a grant that is held stays.
//! - `Held` after each success, renewals too; `Busy` after each asking that found somebody else; `Lost`
//!   when the arbiter says that the grant is not ours any more. No event for a grant that merely was not
//!   renewed: the machine has its own deadline (`Timer::Grant`).
//! - `Away` when a call failed, `Reachable` when one succeeded: at least whenever that changes, and
//!   after each start. In mode `arbiter` something is asked every third of a lease, whatever
//!   the machine wants: a standby must know it too.
//! - `GoAlone` and `EndAlone` are repeated until confirmed (`AloneWritten`, `AloneEnded`) or until the
//!   other one is ordered; only the last ordered is confirmed. `GoAlone` needs the grant.
//! - One call at a time for each engine, in the order of the orders; an answer to an order
//!   that was replaced by then is dropped, but for what it says of `Away` and `Reachable`.
use hotpair_types::{Instance, Time};

/// How the third party is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantAsk {
    /// The partner's process that is proven gone: its grant is taken over without waiting for its end.
    pub proven_dead: Option<Instance>,
    /// A person decided, or it is proven that nothing hangs on it: that the partner went on alone is
    /// passed over and forgotten.
    pub over_alone: bool,
}

/// What the third party said (mode `arbiter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum GrantEvent {
    /// We hold the grant. Given again at each renewal.
    Held {
        /// Grows with every grant; epochs grow with it.
        revision: u64,
        /// Until when, on our own clock: counted from before the request was sent, less the error of
        /// clock rates.
        until: Time,
    },
    /// We do not get it.
    Busy {
        /// The partner wrote that it goes on alone; else somebody else holds the grant.
        alone: bool,
    },
    /// It is not ours any more: by the third party's own word.
    Lost,
    /// The third party cannot be reached: the last call failed.
    Away,
    /// The third party answers.
    Reachable,
    /// It is written there that we go on alone.
    AloneWritten,
    /// It is not written there that we go on alone.
    AloneEnded,
}

/// Whether the third party answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// It was not asked yet.
    #[default]
    Unknown,
    /// It answered last time.
    Fine,
    /// It did not answer since then.
    Away {
        /// Since when.
        since: Time,
    },
}

/// For people: how a machine stands with the third party.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct GrantShown {
    /// Whether it answers.
    pub reach: Reach,
    /// The grant's revision and its end, while it is held.
    pub held: Option<(u64, Time)>,
    /// The grant is wanted.
    pub asks: bool,
    /// Why it was not got last time: the partner went on alone (`true`), or another holds it.
    pub busy: Option<bool>,
    /// Acts without the grant, because the partner acknowledges: no role changes before it is back.
    pub frozen: bool,
    /// Acts without the grant, because a person promoted this node while the third party was away.
    pub by_person: bool,
    /// It is written there that this node goes on alone.
    pub alone: bool,
}
