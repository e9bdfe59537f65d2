//! What the node holds of a running transport.
use crate::shared::Shared;
use crate::{Identity, Lane};
use bytes::Bytes;
use hotpair_types::{Channel, PerChannel};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Sends, and asks how things are. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TransportHandle {
    pub(crate) shared: Arc<Shared>,
}

/// Why something was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No connection to the partner on this channel, or on any.
    #[error("no connection to the partner")]
    NotConnected,
    /// The queue of this lane is full.
    #[error("overloaded: more than {limit_bytes} bytes wait on the {lane} lane")]
    Overloaded {
        /// Which.
        lane: Lane,
        /// How many bytes may wait.
        limit_bytes: usize,
    },
    /// Longer than the partner would take.
    #[error("{bytes} bytes are more than the {limit_bytes} that fit")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit_bytes: usize,
    },
    /// The system would not take the packet.
    #[error("the system would not take the packet")]
    System,
}

/// What was counted on a channel since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections to the partner.
    pub ups: u64,
    /// Beats received.
    pub beats_received: u64,
    /// Beats sent.
    pub beats_sent: u64,
    /// Beats thrown away because the receiver was behind.
    pub beats_dropped: u64,
    /// Frames received.
    pub frames_received: u64,
    /// Frames sent.
    pub frames_sent: u64,
    /// Bytes of frames received.
    pub bytes_received: u64,
    /// Bytes of frames sent.
    pub bytes_sent: u64,
    /// Handshakes refused by either side.
    pub refused: u64,
    /// Handshakes that were not even begun because there were too many.
    pub shed: u64,
    /// Packets received that are not QUIC.
    pub plain_received: u64,
    /// Packets that are not QUIC and were thrown away.
    pub plain_dropped: u64,
}

impl TransportHandle {
    /// Where this node really listens.
    #[must_use]
    pub fn local_addr(&self, channel: Channel) -> SocketAddr {
        self.shared.channels[channel].local
    }

    /// Where the partner is dialled from now on.
    pub fn set_partner(&self, channel: Channel, partner: SocketAddr) {
        self.shared.set_partner(channel, partner);
    }

    /// Sends a beat. Never waits; when the line is slow the oldest beat is dropped.
    ///
    /// # Errors
    /// Without a connection, or when it does not fit into one packet.
    pub fn send_beat(&self, channel: Channel, bytes: Bytes) -> Result<(), SendError> {
        self.shared.send_beat(channel, bytes)
    }

    /// The most that fits into a beat on this channel now.
    #[must_use]
    pub fn beat_bytes_max(&self, channel: Channel) -> Option<usize> {
        self.shared.link(channel).and_then(|it| it.beat_bytes_max())
    }

    /// Queues a frame on the channel that data goes over now.
    ///
    /// # Errors
    /// Without a connection, when the queue is full, or when the frame is too long.
    pub fn send(&self, lane: Lane, bytes: Bytes) -> Result<Channel, SendError> {
        let channel = self.data_channel().ok_or(SendError::NotConnected)?;
        self.send_on(channel, lane, bytes).map(|()| channel)
    }

    /// Queues a frame on this channel.
    ///
    /// # Errors
    /// Without a connection, when the queue is full, or when the frame is too long.
    pub fn send_on(&self, channel: Channel, lane: Lane, bytes: Bytes) -> Result<(), SendError> {
        self.shared.link(channel).ok_or(SendError::NotConnected)?.queue(lane, bytes)
    }

    /// Like `send`, but waits while the queue is full.
    ///
    /// # Errors
    /// Without a connection, also when it is lost while waiting, or when the frame is too long.
    pub async fn send_waiting(&self, lane: Lane, bytes: Bytes) -> Result<Channel, SendError> {
        let channel = self.data_channel().ok_or(SendError::NotConnected)?;
        let link = self.shared.link(channel).ok_or(SendError::NotConnected)?;
        link.queue_waiting(lane, bytes).await.map(|()| channel)
    }

    /// How many bytes may be queued on this lane now, over the channel that data goes over.
    #[must_use]
    pub fn room_bytes(&self, lane: Lane) -> usize {
        let link = self.data_channel().and_then(|it| self.shared.link(it));
        link.map_or(0, |it| it.room_bytes(lane))
    }

    /// The channel that `send` goes over now.
    #[must_use]
    pub fn data_channel(&self) -> Option<Channel> {
        self.shared.route()
    }

    /// Whether there is a connection to the partner on this channel.
    #[must_use]
    pub fn is_up(&self, channel: Channel) -> bool {
        self.shared.link(channel).is_some()
    }

    /// Whether the sentinel connection stands: the end of the partner's process would be hinted at.
    #[must_use]
    pub fn is_watching(&self, channel: Channel) -> bool {
        self.shared.channels[channel].watching.load(Ordering::Relaxed)
    }

    /// Says that a channel is degraded, though connected: data goes over the other if that is up.
    pub fn avoid(&self, channel: Channel, avoid: bool) {
        self.shared.avoid(channel, avoid);
    }

    /// How long a packet takes there and back, as QUIC sees it.
    #[must_use]
    pub fn round_trip(&self, channel: Channel) -> Option<Duration> {
        self.shared.link(channel).map(|it| it.round_trip())
    }

    /// Sends a packet that is not QUIC from the channel's port. Its first byte must have 0x40 clear.
    ///
    /// # Errors
    /// When it is too long, looks like QUIC, or the system would not take it.
    pub fn send_plain(
        &self,
        channel: Channel,
        to: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), SendError> {
        self.shared.channels[channel].socket.send_plain(to, bytes)
    }

    /// Closes the connection of a channel, for example because of garbage. It will be dialled anew.
    pub fn disconnect(&self, channel: Channel, code: u32, words: &str) {
        if let Some(link) = self.shared.link(channel) {
            link.close(code, words);
        }
    }

    /// Dials at once, without waiting for the pause between attempts to end.
    pub fn hurry(&self, channel: Channel) {
        self.shared.channels[channel].hurry.notify_one();
    }

    /// Uses a new certificate of the same key for coming handshakes. Live connections stay.
    ///
    /// # Errors
    /// When TLS does not take it.
    pub fn renew_identity(&self, identity: &Identity) -> Result<(), rustls::Error> {
        self.shared.renew(identity)
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counters(&self) -> PerChannel<Counters> {
        PerChannel::from_fn(|it| self.shared.channels[it].counted.read())
    }

    /// Closes everything and tells the partner, waiting at most a fraction of a second.
    pub async fn close(&self) {
        self.shared.close().await;
    }
}
