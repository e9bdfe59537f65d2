//! Makes two hosts a pair: an invitation on one, joining on the other, keys pinned both ways.
//!
//! The token goes from host to host by a person. It names the inviting node's key, so the joining
//! host knows whom it talks to; and a secret, so the inviting host knows that it was asked for. The
//! secret never goes over the line: a code made with it is bound to this one TLS connection and to
//! both keys.

mod token;
mod exchange;
mod invitation;
mod joining;

pub use invitation::Invitation;
pub use joining::join;
pub use token::{Token, TokenError};

use crate::{Identity, PinnedKey};
use hotpair_types::{NodeName, PerChannel};
use std::net::SocketAddr;

/// What a node brings into a pair.
#[derive(Clone, Debug)]
pub struct Party {
    /// Its key.
    pub identity: Identity,
    /// Its name.
    pub name: NodeName,
    /// Where it listens.
    pub channels: PerChannel<SocketAddr>,
}

/// The other node, as it is to be written into the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paired {
    /// Its name.
    pub name: NodeName,
    /// Its key, to be pinned.
    pub key: PinnedKey,
    /// Where it listens.
    pub channels: PerChannel<SocketAddr>,
}

/// Why two hosts did not become a pair.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    /// No address could be listened on.
    #[error("cannot wait for the other host on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// TLS does not take the identity.
    #[error("the identity cannot be used for TLS")]
    Tls(#[source] rustls::Error),
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    Randomness,
    /// Nobody came in time.
    #[error("nobody joined while the token was valid; make a new one with `hotpair invite`")]
    Expired,
    /// Somebody guessed.
    #[error(
        "{0} attempts with a wrong secret: the token is void; make a new one with `hotpair invite`"
    )]
    TooManyTries(u32),
    /// The inviting host cannot be reached.
    #[error("the inviting host cannot be reached: {tried}{hint}")]
    Unreachable {
        /// Which addresses were tried, and what came of it.
        tried: String,
        /// What else may be wrong.
        hint: &'static str,
    },
    /// The inviting host says no.
    #[error("the inviting host refuses: {0}")]
    Refused(Why),
    /// The other side does not speak as it should.
    #[error("the other host does not speak as it should: {0}")]
    Protocol(String),
}

/// Why the inviting host says no.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, thiserror::Error,
)]
pub enum Why {
    /// Not the secret of this token.
    #[error("the secret is not that of its token; was the whole token copied?")]
    WrongSecret,
    /// Somebody joined with this token already.
    #[error("the token was used by another host already")]
    Used,
    /// Both have one name.
    #[error("both nodes have the same name; choose another with --name")]
    SameName,
    /// Both have one key.
    #[error(
        "both nodes have the same key; each host needs its own, delete one and run the command again"
    )]
    SameKey,
    /// Both have one address.
    #[error("both nodes name the same address for a channel")]
    SameAddress,
}
