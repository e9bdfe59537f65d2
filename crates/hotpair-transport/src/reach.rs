//! Keeps one live connection to the partner on a channel: one side dials, the other accepts.
//!
//! The node with the lower key dials, so that two connections never cross; the other knocks when nobody
//! comes (`knock`). Both sides judge whoever comes, so that a stranger is seen on both.

use crate::event::{By, Direction, DownReason, Refusal};
use crate::gate::{Gate, HANDSHAKE_TIME_MAX, HANDSHAKES_MAX, Verdict};
use crate::identity::SERVER_NAME;
use crate::link::{Link, words};
use crate::pin::{PinVerifier, Seen};
use crate::shared::{Counted, Shared, close_code};
use crate::tls::Tls;
use crate::{endpoint, key::PinnedKey, probe};
use hotpair_types::Channel;
use quinn::{Connecting, ConnectionError, Incoming, RecvStream};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

/// The first and the longest pause between attempts to dial.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// A connection that held this long ends the growth of the pause.
const HELD: Duration = Duration::from_secs(1);
/// An attempt that takes longer is begun anew.
pub(crate) const DIAL_TIME_MAX: Duration = Duration::from_millis(1000);
/// An attempt this young is not begun anew because somebody is in a hurry.
const DIAL_TIME_MIN: Duration = Duration::from_millis(100);

/// Which of two keys dials.
pub(crate) fn dials(own: PinnedKey, partner: PinnedKey) -> bool {
    own < partner
}

/// Dials for ever.
pub(crate) async fn dial_always(shared: Arc<Shared>, channel: Channel) {
    let here = &shared.channels[channel];
    let mut partner = here.partner.subscribe();
    let mut pause = PAUSE_MIN;
    loop {
        let address = *partner.borrow_and_update();
        let dialled = tokio::select! {
            dialled = dial(&shared, channel, address) => dialled,
            () = async { tokio::time::sleep(DIAL_TIME_MIN).await; here.hurry.notified().await } => continue,
            changed = partner.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        if let Some(dialled) = dialled {
            let begun = Instant::now();
            let reason = keep(&shared, channel, dialled).await;
            if begun.elapsed() >= HELD {
                pause = PAUSE_MIN;
                match reason {
                    DownReason::Reset | DownReason::TimedOut | DownReason::Local => continue,
                    DownReason::Closed { .. } | DownReason::Replaced | DownReason::Violation(_) => {
                    }
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = PAUSE_MAX.min(pause * 2),
            () = here.hurry.notified() => pause = PAUSE_MIN,
            _changed = partner.changed() => pause = PAUSE_MIN,
        }
    }
}

/// Serves a connection. When it falls silent another is dialled beside it, and takes its place if
/// that is heard first.
async fn keep(shared: &Arc<Shared>, channel: Channel, proven: Proven) -> DownReason {
    let here = &shared.channels[channel];
    let mut link = proven.link.clone();
    let mut running = proven.spawn(shared);
    loop {
        tokio::select! {
            reason = &mut running => return reason.unwrap_or(DownReason::Local),
            () = link.until_silent() => {}
        }
        let address = *here.partner.borrow();
        let beside = tokio::select! {
            reason = &mut running => return reason.unwrap_or(DownReason::Local),
            () = link.until_heard() => None,
            dialled = dial(shared, channel, address) => dialled,
        };
        if let Some(proven) = beside {
            link = proven.link.clone();
            // The old one ends by itself, replaced.
            running = proven.spawn(shared);
        }
    }
}

/// A connection that both sides have proven.
struct Proven {
    link: Arc<Link>,
    writers: JoinSet<()>,
    first: Option<RecvStream>,
    seen: Seen,
}

impl Proven {
    fn spawn(self, shared: &Arc<Shared>) -> JoinHandle<DownReason> {
        let shared = shared.clone();
        tokio::spawn(async move { self.run(&shared).await })
    }

    async fn run(self, shared: &Arc<Shared>) -> DownReason {
        shared.install(&self.link, &self.seen);
        let reason = self.link.serve(self.writers, self.first, shared).await;
        shared.retire(&self.link, reason.clone());
        reason
    }
}

/// Sends the first packet of a handshake, and gives what judges the other side's part of it.
pub(crate) fn begin(
    shared: &Shared,
    channel: Channel,
    address: SocketAddr,
    tls: &Tls,
) -> Option<(Connecting, Arc<PinVerifier>)> {
    let verifier = tls.verifier(shared.pins);
    let crypto = match tls.client(verifier.clone()) {
        Ok(crypto) => Arc::new(crypto),
        Err(error) => {
            tracing::error!(%error, "the identity cannot be used to dial");
            return None;
        }
    };
    let mut config = quinn::ClientConfig::new(crypto);
    config.transport_config(shared.transport_config.clone());
    config.token_store(Arc::new(quinn::NoneTokenStore));
    match shared.channels[channel].endpoint.connect_with(config, address, SERVER_NAME) {
        Ok(connecting) => Some((connecting, verifier)),
        Err(error) => {
            tracing::warn!(%error, %address, %channel, "cannot dial");
            None
        }
    }
}

async fn dial(shared: &Arc<Shared>, channel: Channel, address: SocketAddr) -> Option<Proven> {
    let (connecting, verifier) = begin(shared, channel, address, &shared.tls())?;
    let prove = async {
        let connection = connecting.await?;
        let (link, writers) = Link::open(connection.clone(), channel, shared).await?;
        // The handshake proves the partner to us. That it has let us in shows when it speaks.
        let first = connection.accept_uni().await?;
        Ok(Proven { link, writers, first: Some(first), seen: verifier.seen() })
    };
    match tokio::time::timeout(DIAL_TIME_MAX, prove).await {
        Ok(Ok(proven)) => Some(proven),
        Ok(Err(error)) => {
            note_refusal(shared, channel, &error, Direction::Outbound, address, &verifier);
            None
        }
        Err(_) => None,
    }
}

/// Accepts for ever.
pub(crate) async fn accept_always(shared: Arc<Shared>, channel: Channel, is_dialer: bool) {
    let here = &shared.channels[channel];
    let mut gate = Gate::new();
    let ours = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let theirs = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    while let Some(incoming) = here.endpoint.accept().await {
        let from = incoming.remote_address();
        let from_partner = from.ip().to_canonical() == here.partner.borrow().ip().to_canonical();
        let proven = incoming.remote_address_validated();
        let room = if from_partner { &ours } else { &theirs };
        match (gate.judge(Instant::now(), from_partner, proven), room.clone().try_acquire_owned()) {
            (Verdict::Admit, Ok(place)) => {
                tokio::spawn(accept(shared.clone(), channel, incoming, is_dialer, place));
            }
            (Verdict::Retry, _) => {
                if let Err(error) = incoming.retry() {
                    error.into_incoming().ignore();
                }
            }
            (Verdict::Admit, Err(_)) | (Verdict::Ignore, _) => {
                Counted::add(&here.counted.shed, 1);
                incoming.ignore();
            }
        }
    }
}

async fn accept(
    shared: Arc<Shared>,
    channel: Channel,
    incoming: Incoming,
    is_dialer: bool,
    place: OwnedSemaphorePermit,
) {
    let from = incoming.remote_address();
    let tls = shared.tls();
    let verifier = tls.verifier(shared.pins);
    let crypto = match tls.server(verifier.clone()) {
        Ok(crypto) => Arc::new(crypto),
        Err(error) => {
            tracing::error!(%error, "the identity cannot be used to accept");
            return;
        }
    };
    let config = Arc::new(endpoint::server_config(crypto, shared.transport_config.clone()));
    let prove = async {
        let connection = incoming.accept_with(config)?.await?;
        if probe::is_probe(&connection) {
            if is_dialer && shared.link(channel).is_none() {
                // The partner waits for us, and the way to it is open.
                shared.channels[channel].hurry.notify_one();
            }
            probe::answer(&connection).await;
            return Err(ConnectionError::LocallyClosed);
        }
        if is_dialer {
            connection
                .close(close_code::NOT_YOUR_TURN.into(), b"the node with the lower key dials");
            return Err(ConnectionError::LocallyClosed);
        }
        let (link, writers) = Link::open(connection, channel, &shared).await?;
        Ok(Proven { link, writers, first: None, seen: verifier.seen() })
    };
    let proven = tokio::time::timeout(HANDSHAKE_TIME_MAX, prove).await;
    drop(place);
    match proven {
        Ok(Ok(proven)) => {
            proven.run(&shared).await;
        }
        Ok(Err(error)) => {
            note_refusal(&shared, channel, &error, Direction::Inbound, from, &verifier);
        }
        Err(_) => Counted::add(&shared.channels[channel].counted.shed, 1),
    }
}

/// TLS alerts are these codes of QUIC (RFC 9001, section 4.8).
fn is_alert(code: u64) -> bool {
    (0x100..0x200).contains(&code)
}

/// Counts and reports a handshake that one side refused.
pub(crate) fn note_refusal(
    shared: &Shared,
    channel: Channel,
    error: &ConnectionError,
    direction: Direction,
    from: SocketAddr,
    verifier: &PinVerifier,
) {
    if let Some(refusal) = refusal(error, direction, from, &verifier.seen()) {
        shared.refused(channel, refusal);
    }
}

fn refusal(
    error: &ConnectionError,
    direction: Direction,
    from: SocketAddr,
    seen: &Seen,
) -> Option<Refusal> {
    let (by, why) = match error {
        ConnectionError::TransportError(it) if is_alert(it.code.into()) => {
            (By::Us, seen.why.map_or_else(|| words(it.reason.as_bytes()), str::to_owned))
        }
        ConnectionError::ConnectionClosed(it) if is_alert(it.error_code.into()) => {
            (By::Them, words(&it.reason))
        }
        ConnectionError::VersionMismatch => (By::Us, "no common version of QUIC".to_owned()),
        ConnectionError::TransportError(_)
        | ConnectionError::ConnectionClosed(_)
        | ConnectionError::ApplicationClosed(_)
        | ConnectionError::Reset
        | ConnectionError::TimedOut
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => return None,
    };
    Some(Refusal { direction, by, from: Some(from), why, key: seen.key, proven: seen.is_proven })
}
