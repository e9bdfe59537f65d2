//! What the transport reports, and the two queues it comes through.
use crate::{Lane, PinnedKey, Validity};
use bytes::Bytes;
use hotpair_types::Channel;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Something that happened on a channel.
#[derive(Debug)]
pub enum TransportEvent {
    /// The partner's key is proven in both directions and its streams are open.
    Up {
        /// Where.
        channel: Channel,
        /// When.
        at: Instant,
        /// Counts the connections of this process; frames name theirs.
        connection: u64,
        /// From when to when the partner's certificate says it is valid.
        partner_certificate: Option<Validity>,
    },
    /// The connection is gone. Dialling goes on by itself.
    Down {
        /// Where.
        channel: Channel,
        /// When.
        at: Instant,
        /// Which connection.
        connection: u64,
        /// Why.
        reason: DownReason,
    },
    /// A datagram of the partner. It is authenticated.
    Beat {
        /// Where.
        channel: Channel,
        /// When.
        at: Instant,
        /// What it says.
        bytes: Bytes,
    },
    /// A frame of the partner. It is authenticated. In order within one connection and lane; the
    /// first frame of a connection is always one of the control lane.
    Frame(Frame),
    /// `send` goes over another channel from now on: send again what is not acknowledged.
    Moved {
        /// The channel until now.
        from: Option<Channel>,
        /// The channel from now on.
        to: Option<Channel>,
        /// When.
        at: Instant,
    },
    /// The kernel of the partner's host says that a socket of the partner's process is gone. Not proof.
    Hint {
        /// Where.
        channel: Channel,
        /// When.
        at: Instant,
        /// What it said.
        kind: HintKind,
    },
    /// Somebody was not let in, or did not let us in. At most a few each second; counted besides.
    Refused {
        /// Where.
        channel: Channel,
        /// When.
        at: Instant,
        /// What is known of it.
        refusal: Refusal,
    },
    /// The partner's certificate deserves a look; its key is right and it was let in.
    CertificateAlarm {
        /// Where.
        channel: Channel,
        /// When.
        at: Instant,
        /// What is wrong with it.
        kind: AlarmKind,
        /// What the certificate says.
        validity: Option<Validity>,
    },
    /// A packet that is not QUIC came to the channel's port. Not authenticated by the transport.
    Plain {
        /// Where.
        channel: Channel,
        /// When.
        at: Instant,
        /// Whose it claims to be.
        from: SocketAddr,
        /// What it says.
        bytes: Bytes,
    },
}

/// A frame, holding its place in the receive queue until it is dropped.
#[derive(Debug)]
pub struct Frame {
    /// Where it came.
    pub channel: Channel,
    /// Which connection.
    pub connection: u64,
    /// On which stream.
    pub lane: Lane,
    /// When.
    pub at: Instant,
    /// What it says.
    pub bytes: Bytes,
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

impl Frame {
    /// Takes the bytes out and gives the place in the queue back.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        drop(self.place);
        self.bytes
    }
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// The partner closed it on purpose.
    Closed {
        /// The code it gave.
        code: u64,
        /// The words it gave.
        words: String,
    },
    /// The partner does not know the connection: it was restarted.
    Reset,
    /// Nothing came for the idle timeout.
    TimedOut,
    /// The same partner opened a new one.
    Replaced,
    /// We closed it.
    Local,
    /// The partner broke the rules of the transport.
    Violation(String),
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { code, words } => write!(f, "the partner closed it ({code}: {words})"),
            Self::Reset => f.write_str("the partner was restarted"),
            Self::TimedOut => f.write_str("nothing came for the idle timeout"),
            Self::Replaced => f.write_str("the partner opened a new one"),
            Self::Local => f.write_str("we closed it"),
            Self::Violation(what) => write!(f, "the partner broke a rule: {what}"),
        }
    }
}

/// What the kernel of the partner's host said of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HintKind {
    /// The watched connection was closed.
    Closed,
    /// The watched connection was reset.
    Reset,
    /// Nobody listens there.
    Refused,
}

/// Who opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Somebody came to us.
    Inbound,
    /// We went to somebody.
    Outbound,
}

/// Who refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// We did.
    Us,
    /// The other side did.
    Them,
}

/// A handshake that did not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Who opened it.
    pub direction: Direction,
    /// Who refused.
    pub by: By,
    /// The address of the other side, where known.
    pub from: Option<SocketAddr>,
    /// Why, in words.
    pub why: String,
    /// The key that was shown, where known.
    pub key: Option<PinnedKey>,
    /// It proved in this very handshake to hold the pinned key: the partner is alive. What is not
    /// proven may come from anybody.
    pub proven: bool,
}

/// What is wrong with a certificate whose key is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmKind {
    /// It is not valid any more.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It says nothing we can read about when it is valid.
    Unreadable,
}

/// How many events may wait before beats and plain packets are dropped.
const WAITING_EVENTS_MAX: usize = 1024;

/// The receiving end. Everything but frames comes first: a beat never waits behind bulk. So a frame
/// may be taken after the `Down` of its connection.
#[derive(Debug)]
pub struct Events {
    urgent: mpsc::UnboundedReceiver<TransportEvent>,
    frames: mpsc::UnboundedReceiver<Frame>,
    waiting: Arc<AtomicUsize>,
}

impl Events {
    /// Waits for the next event; `None` when the transport has ended. May be cancelled.
    pub async fn recv(&mut self) -> Option<TransportEvent> {
        tokio::select! {
            biased;
            Some(event) = self.urgent.recv() => {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                Some(event)
            }
            Some(frame) = self.frames.recv() => Some(TransportEvent::Frame(frame)),
            else => None,
        }
    }

    /// The next event, if one is there.
    pub fn try_recv(&mut self) -> Option<TransportEvent> {
        if let Ok(event) = self.urgent.try_recv() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Some(event);
        }
        self.frames.try_recv().ok().map(TransportEvent::Frame)
    }
}

/// The sending end.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    urgent: mpsc::UnboundedSender<TransportEvent>,
    frames: mpsc::UnboundedSender<Frame>,
    waiting: Arc<AtomicUsize>,
}

impl Reporter {
    pub(crate) fn new() -> (Self, Events) {
        let (urgent, urgent_events) = mpsc::unbounded_channel();
        let (frames, frame_events) = mpsc::unbounded_channel();
        let waiting = Arc::<AtomicUsize>::default();
        let events =
            Events { urgent: urgent_events, frames: frame_events, waiting: waiting.clone() };
        (Self { urgent, frames, waiting }, events)
    }

    /// Reports what must not be lost. Such events are rare: each follows a pause between attempts.
    pub(crate) fn report(&self, event: TransportEvent) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _ended = self.urgent.send(event);
    }

    /// Reports what may be lost. Whether it was taken.
    pub(crate) fn offer(&self, event: TransportEvent) -> bool {
        let room = self.waiting.load(Ordering::Relaxed) < WAITING_EVENTS_MAX;
        if room {
            self.report(event);
        }
        room
    }

    /// Reports a frame. Bounded by the place that the frame holds.
    pub(crate) fn frame(&self, frame: Frame) {
        let _ended = self.frames.send(frame);
    }
}
