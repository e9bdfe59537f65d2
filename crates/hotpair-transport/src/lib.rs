//! Reaches the partner: QUIC with pinned keys over two channels, the sentinel, pairing.
//!
//! One QUIC endpoint per channel, each with at most one live connection, which is to the partner:
//! beats travel as datagrams, frames on three streams by priority. Nothing here knows what a frame
//! means, who is active or what silence allows. The modules below are in reading order.

#![warn(missing_docs)]

mod key;
mod identity;
mod certificate;
mod settings;
mod lane;
mod event;
mod handle;
mod tls;
mod pin;
mod window;
mod socket;
mod endpoint;
mod gate;
mod reach;
mod knock;
mod link;
mod sentinel;
mod shared;
mod transport;
mod probe;
pub mod pairing;

pub use certificate::Validity;
pub use event::{
    AlarmKind, By, Direction, DownReason, Events, Frame, HintKind, Refusal, TransportEvent,
};
pub use handle::{Counters, SendError, TransportHandle};
pub use identity::{Identity, IdentityError};
pub use key::{KeyError, PinnedKey};
pub use lane::{FRAME_BYTES_MAX, Lane};
pub use probe::{ProbeError, probe};
pub use settings::{ChannelSettings, StartError, TransportSettings};
pub use socket::PLAIN_BYTES_MAX;
pub use transport::Transport;
