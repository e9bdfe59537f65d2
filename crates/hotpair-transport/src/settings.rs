//! What the transport has to be told.
use crate::{Identity, PinnedKey};
use hotpair_types::{Channel, PerChannel};
use std::net::SocketAddr;
use std::time::Duration;

/// One of the two ways to the partner.
#[derive(Clone, Copy, Debug)]
pub struct ChannelSettings {
    /// Where this node listens, UDP for QUIC and TCP for the sentinel. Port 0: any that is free for both.
    pub listen: SocketAddr,
    /// Where the partner listens.
    pub partner: SocketAddr,
}

/// Everything the transport has to be told.
#[derive(Debug)]
pub struct TransportSettings {
    /// Who this node is.
    pub identity: Identity,
    /// Who the partner is. Nobody else gets in.
    pub partner_key: PinnedKey,
    /// Both ways to the partner.
    pub channels: PerChannel<ChannelSettings>,
    /// After this silence a connection is given up. Only a backstop: what silence means is decided
    /// by beats, and a new connection is dialled beside a silent one long before. While a line is
    /// cut in one direction, the other is heard for so long.
    pub idle_timeout: Duration,
}

impl TransportSettings {
    /// Settings with the default backstop of half a minute.
    #[must_use]
    pub const fn new(
        identity: Identity,
        partner_key: PinnedKey,
        channels: PerChannel<ChannelSettings>,
    ) -> Self {
        Self { identity, partner_key, channels, idle_timeout: Duration::from_secs(30) }
    }
}

/// Why the transport cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {listen} for the {channel} channel ({protocol})")]
    Listen {
        /// Which channel.
        channel: Channel,
        /// The address of the settings.
        listen: SocketAddr,
        /// `UDP` or `TCP`.
        protocol: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// The key of this node and of its partner are the same.
    #[error("the partner's key is this node's own key ({0}): each node needs its own")]
    OwnKey(PinnedKey),
    /// The identity cannot be used for TLS.
    #[error("the identity cannot be used for TLS")]
    Tls(#[source] rustls::Error),
}
