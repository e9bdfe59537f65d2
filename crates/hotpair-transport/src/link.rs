//! One live connection to the partner: three streams each way and the beats beside them.
mod confirmed;

use crate::event::{DownReason, Frame, TransportEvent};
use crate::handle::SendError;
use crate::lane::{FRAME_BYTES_MAX, Lane};
use crate::shared::{ChannelShared, Counted, Shared, close_code};
use bytes::Bytes;
use confirmed::Confirmed;
use hotpair_types::Channel;
use quinn::{Connection, ConnectionError, RecvStream, SendDatagramError, SendStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;

/// How many frames are written in one go.
const BATCH_FRAMES_MAX: usize = 32;
/// How long frames that have arrived may still be taken after the connection ended.
const AFTERMATH: Duration = Duration::from_secs(1);
/// After this silence a second connection is tried beside the first: QUIC asks ever more rarely.
const SILENCE: Duration = Duration::from_millis(800);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How many characters of the partner's words are kept.
const WORDS_CHARS_MAX: usize = 200;

/// A connection whose other end has proven to be the partner.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: u64,
    pub(crate) channel: Channel,
    connection: Connection,
    lanes: [Queue; 3],
    /// The first control frame of the partner was handed on. Nothing else is, before.
    greeted: watch::Sender<bool>,
}

#[derive(Debug)]
struct Queue {
    waiting: mpsc::UnboundedSender<Queued>,
    room: Arc<Semaphore>,
}

#[derive(Debug)]
enum Queued {
    Frame(Bytes, OwnedSemaphorePermit),
    /// Nothing comes after this; tell when all of it has arrived.
    End(oneshot::Sender<()>),
}

/// Why a stream is not read any further.
enum ReadEnd {
    Connection,
    Violation(String),
}

impl Link {
    /// Opens our streams. The first byte of each names its lane, so that the other side sees at once
    /// that it was accepted.
    pub(crate) async fn open(
        connection: Connection,
        channel: Channel,
        shared: &Shared,
    ) -> Result<(Arc<Self>, JoinSet<()>), ConnectionError> {
        let mut writers = JoinSet::new();
        let mut queues = Vec::new();
        for lane in Lane::ALL {
            let stream = connection.open_uni().await?;
            let _ended = stream.set_priority(lane.priority());
            let (waiting, queued) = mpsc::unbounded_channel();
            let room = Arc::new(Semaphore::new(lane.queue_bytes_max()));
            queues.push(Queue { waiting, room });
            let counted = shared.channels[channel].counted.clone();
            writers.spawn(async move {
                // An error here is the end of the connection, which is reported as such.
                let _ended = write_lane(stream, lane, queued, &counted).await;
            });
        }
        let lanes = queues.try_into().expect("one queue for each lane");
        let id = 1 + shared.connections.fetch_add(1, Ordering::Relaxed);
        Ok((
            Arc::new(Self { id, channel, connection, lanes, greeted: watch::Sender::new(false) }),
            writers,
        ))
    }

    pub(crate) fn beat_bytes_max(&self) -> Option<usize> {
        self.connection.max_datagram_size()
    }

    pub(crate) fn send_beat(&self, bytes: Bytes) -> Result<(), SendError> {
        let length = bytes.len();
        self.connection.send_datagram(bytes).map_err(|it| match it {
            SendDatagramError::TooLarge => {
                let limit_bytes = self.beat_bytes_max().unwrap_or(0);
                SendError::TooLong { bytes: length, limit_bytes }
            }
            SendDatagramError::UnsupportedByPeer
            | SendDatagramError::Disabled
            | SendDatagramError::ConnectionLost(_) => SendError::NotConnected,
        })
    }

    pub(crate) fn queue(&self, lane: Lane, bytes: Bytes) -> Result<(), SendError> {
        let queue = self.checked(lane, &bytes)?;
        let place = queue.room.clone().try_acquire_many_owned(Lane::cost(bytes.len()));
        let limit_bytes = lane.queue_bytes_max();
        let place = place.map_err(|_| SendError::Overloaded { lane, limit_bytes })?;
        let queued = queue.waiting.send(Queued::Frame(bytes, place));
        queued.map_err(|_| SendError::NotConnected)
    }

    pub(crate) async fn queue_waiting(&self, lane: Lane, bytes: Bytes) -> Result<(), SendError> {
        let queue = self.checked(lane, &bytes)?;
        let room = queue.room.clone().acquire_many_owned(Lane::cost(bytes.len()));
        let place = tokio::select! {
            place = room => place.map_err(|_| SendError::NotConnected)?,
            _ = self.connection.closed() => return Err(SendError::NotConnected),
        };
        let queued = queue.waiting.send(Queued::Frame(bytes, place));
        queued.map_err(|_| SendError::NotConnected)
    }

    fn checked(&self, lane: Lane, bytes: &Bytes) -> Result<&Queue, SendError> {
        if bytes.len() > FRAME_BYTES_MAX {
            return Err(SendError::TooLong { bytes: bytes.len(), limit_bytes: FRAME_BYTES_MAX });
        }
        if self.connection.close_reason().is_some() {
            return Err(SendError::NotConnected);
        }
        Ok(&self.lanes[lane.index()])
    }

    pub(crate) fn room_bytes(&self, lane: Lane) -> usize {
        self.lanes[lane.index()].room.available_permits()
    }

    /// Waits until nothing has come for a while, neither a packet nor a confirmation.
    pub(crate) async fn until_silent(&self) {
        let mut heard = self.heard();
        let mut last = Instant::now();
        while last.elapsed() < SILENCE {
            tokio::time::sleep(SILENCE / 8).await;
            let now = self.heard();
            if now != heard {
                (heard, last) = (now, Instant::now());
            }
        }
    }

    /// Waits until something comes.
    pub(crate) async fn until_heard(&self) {
        let before = self.heard();
        while self.heard() == before {
            tokio::time::sleep(SILENCE / 8).await;
        }
    }

    /// Tells the route for as long as the connection lives whether what we send is confirmed.
    async fn watch_confirmations(&self, shared: &Shared) {
        let mut seen = Confirmed::default();
        let mut looked = Instant::now();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = Instant::now();
            let stats = self.connection.stats();
            let sent = stats.frame_tx.datagram + stats.frame_tx.stream + stats.frame_tx.ping;
            // Who did not look in time stood still itself.
            let in_time = now - looked < 3 * LOOK_EVERY;
            looked = now;
            let silent = seen.look(now, in_time, stats.frame_rx.acks, sent);
            shared.set_silent(self, silent, seen.confirmed_at);
        }
    }

    fn heard(&self) -> u64 {
        self.connection.stats().udp_rx.datagrams
    }

    pub(crate) fn round_trip(&self) -> Duration {
        self.connection.rtt()
    }

    pub(crate) fn close(&self, code: u32, words: &str) {
        self.connection.close(code.into(), words.as_bytes());
    }

    /// Waits until all that is queued has arrived, or the connection is gone.
    pub(crate) async fn flush(&self) {
        let mut ends = Vec::new();
        for queue in &self.lanes {
            let (arrived, end) = oneshot::channel();
            if queue.waiting.send(Queued::End(arrived)).is_ok() {
                ends.push(end);
            }
        }
        for end in ends {
            let _gone = end.await;
        }
    }

    /// Reads until the connection ends.
    pub(crate) async fn serve(
        self: &Arc<Self>,
        mut tasks: JoinSet<()>,
        first: Option<RecvStream>,
        shared: &Arc<Shared>,
    ) -> DownReason {
        let (told, mut violations) = mpsc::channel(1);
        let link = self.clone();
        let (reporter, counted) = (shared.reporter.clone(), self.here(shared).counted.clone());
        tasks.spawn(async move {
            while let Ok(bytes) = link.connection.read_datagram().await {
                Counted::add(&counted.beats_received, 1);
                let (channel, at) = (link.channel, Instant::now());
                if !reporter.offer(TransportEvent::Beat { channel, at, bytes }) {
                    Counted::add(&counted.beats_dropped, 1);
                }
            }
        });
        let (link, kept) = (self.clone(), shared.clone());
        let mut watch = JoinSet::new();
        watch.spawn(async move { link.watch_confirmations(&kept).await });
        let (link, kept) = (self.clone(), shared.clone());
        tasks.spawn(async move {
            if let ReadEnd::Violation(what) = link.read_streams(first, &kept).await {
                let _second = told.send(what).await;
            }
        });
        let reason = tokio::select! {
            Some(what) = violations.recv() => {
                self.close(close_code::VIOLATION, &what);
                DownReason::Violation(what)
            }
            error = self.connection.closed() => down_reason(&error),
        };
        // What has arrived may still be taken.
        tokio::spawn(async move {
            let rest = async { while tasks.join_next().await.is_some() {} };
            let _late = tokio::time::timeout(AFTERMATH, rest).await;
        });
        reason
    }

    fn here<'a>(&self, shared: &'a Shared) -> &'a ChannelShared {
        &shared.channels[self.channel]
    }

    async fn read_streams(
        self: &Arc<Self>,
        mut first: Option<RecvStream>,
        shared: &Arc<Shared>,
    ) -> ReadEnd {
        let mut lanes = JoinSet::new();
        let mut known = [false; 3];
        loop {
            let accepted = async {
                match first.take() {
                    Some(stream) => Ok(stream),
                    None => self.connection.accept_uni().await,
                }
            };
            let mut stream = tokio::select! {
                accepted = accepted => match accepted {
                    Ok(stream) => stream,
                    Err(_) => break,
                },
                Some(Ok(end)) = lanes.join_next() => match end {
                    ReadEnd::Connection => continue,
                    ReadEnd::Violation(what) => return ReadEnd::Violation(what),
                },
            };
            let mut code = [0];
            if stream.read_exact(&mut code).await.is_err() {
                continue;
            }
            let Some(lane) = Lane::from_code(code[0]) else {
                return ReadEnd::Violation(format!("a stream for an unknown lane {}", code[0]));
            };
            if std::mem::replace(&mut known[lane.index()], true) {
                return ReadEnd::Violation(format!("a second {lane} stream"));
            }
            let (link, shared) = (self.clone(), shared.clone());
            lanes.spawn(async move { link.read_lane(lane, stream, &shared).await });
        }
        while let Some(end) = lanes.join_next().await {
            if let Ok(ReadEnd::Violation(what)) = end {
                return ReadEnd::Violation(what);
            }
        }
        ReadEnd::Connection
    }

    async fn read_lane(&self, lane: Lane, mut stream: RecvStream, shared: &Shared) -> ReadEnd {
        let here = self.here(shared);
        loop {
            let mut length = [0; 4];
            if stream.read_exact(&mut length).await.is_err() {
                return ReadEnd::Connection;
            }
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            if length > FRAME_BYTES_MAX {
                return ReadEnd::Violation(format!(
                    "a frame of {length} bytes, {FRAME_BYTES_MAX} are allowed"
                ));
            }
            let place = here.places[lane.index()].clone();
            let Ok(place) = place.acquire_many_owned(Lane::cost(length)).await else {
                return ReadEnd::Connection;
            };
            let mut bytes = vec![0; length];
            if stream.read_exact(&mut bytes).await.is_err() {
                return ReadEnd::Connection;
            }
            if lane != Lane::Control {
                let mut greeted = self.greeted.subscribe();
                tokio::select! {
                    _ = greeted.wait_for(|it| *it) => {}
                    _ = self.connection.closed() => return ReadEnd::Connection,
                }
            }
            Counted::add(&here.counted.frames_received, 1);
            Counted::add(&here.counted.bytes_received, length as u64);
            shared.reporter.frame(Frame {
                channel: self.channel,
                connection: self.id,
                lane,
                at: Instant::now(),
                bytes: bytes.into(),
                place: Some(place),
            });
            if lane == Lane::Control {
                self.greeted.send_replace(true);
            }
        }
    }
}

async fn write_lane(
    mut stream: SendStream,
    lane: Lane,
    mut queued: mpsc::UnboundedReceiver<Queued>,
    counted: &Counted,
) -> Result<(), quinn::WriteError> {
    stream.write_all(&[lane.code()]).await?;
    let mut batch = Vec::new();
    while queued.recv_many(&mut batch, BATCH_FRAMES_MAX).await > 0 {
        let mut chunks = Vec::with_capacity(2 * batch.len());
        let mut places = Vec::with_capacity(batch.len());
        let mut end = None;
        for it in batch.drain(..) {
            match it {
                Queued::Frame(bytes, place) => {
                    let length = u32::try_from(bytes.len()).expect("checked when it was queued");
                    Counted::add(&counted.frames_sent, 1);
                    Counted::add(&counted.bytes_sent, u64::from(length));
                    chunks.push(Bytes::copy_from_slice(&length.to_be_bytes()));
                    chunks.push(bytes);
                    places.push(place);
                }
                Queued::End(arrived) => end = Some(arrived),
            }
        }
        stream.write_all_chunks(&mut chunks).await?;
        if let Some(arrived) = end {
            let _ended = stream.finish();
            let _ended = stream.stopped().await;
            let _gone = arrived.send(());
            return Ok(());
        }
    }
    // The link is gone: whatever it could not say does not matter any more.
    Ok(())
}

/// Words of the other side, made harmless.
pub(crate) fn words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(WORDS_CHARS_MAX).flat_map(char::escape_debug).collect()
}

fn down_reason(error: &ConnectionError) -> DownReason {
    match error {
        ConnectionError::ApplicationClosed(it) => {
            DownReason::Closed { code: it.error_code.into_inner(), words: words(&it.reason) }
        }
        ConnectionError::ConnectionClosed(it) => {
            DownReason::Closed { code: it.error_code.into(), words: words(&it.reason) }
        }
        ConnectionError::Reset => DownReason::Reset,
        ConnectionError::TimedOut => DownReason::TimedOut,
        ConnectionError::LocallyClosed => DownReason::Local,
        ConnectionError::VersionMismatch
        | ConnectionError::TransportError(_)
        | ConnectionError::CidsExhausted => {
            DownReason::Violation(words(error.to_string().as_bytes()))
        }
    }
}
