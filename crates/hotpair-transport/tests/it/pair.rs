//! Two transports on loopback, each in a runtime of its own, so that one can be killed.
use hotpair_transport::{
    ChannelSettings, Events, Identity, PinnedKey, Transport, TransportEvent, TransportHandle,
    TransportSettings,
};
use hotpair_types::{Channel, PerChannel};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Nothing on loopback takes this long; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One transport and the runtime that it lives in.
pub(crate) struct Side {
    pub(crate) handle: TransportHandle,
    pub(crate) events: Events,
    pub(crate) identity: Identity,
    runtime: Option<Runtime>,
}

/// Two identities; the first is the one that dials.
pub(crate) fn identities() -> [Identity; 2] {
    let mut both = [Identity::generate().unwrap(), Identity::generate().unwrap()];
    both.sort_by_key(Identity::key);
    both
}

/// Four identities, the lowest key first.
pub(crate) fn start_four() -> [Identity; 4] {
    let mut all = [(); 4].map(|()| Identity::generate().unwrap());
    all.sort_by_key(Identity::key);
    all
}

pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Nobody listens there: it was free a moment ago, and belongs to this process no more.
pub(crate) fn nowhere() -> SocketAddr {
    "127.0.0.1:9".parse().unwrap()
}

/// An address that no other test uses: whoever is killed finds its port free when it comes back.
fn own_address() -> SocketAddr {
    static USED: AtomicU8 = AtomicU8::new(1);
    let [_, .., low] = std::process::id().to_be_bytes();
    let number = USED.fetch_add(1, Ordering::Relaxed);
    SocketAddr::from(([127, 44, low, number], 0))
}

impl Side {
    pub(crate) fn start(identity: &Identity, partner: PinnedKey) -> Self {
        let to_nowhere = ChannelSettings { listen: own_address(), partner: nowhere() };
        Self::start_on(identity, partner, PerChannel::from_fn(|_| to_nowhere))
    }

    pub(crate) fn start_on(
        identity: &Identity,
        partner: PinnedKey,
        channels: PerChannel<ChannelSettings>,
    ) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut settings = TransportSettings::new(identity.clone(), partner, channels);
        settings.idle_timeout = Duration::from_secs(5);
        let guard = runtime.enter();
        let (handle, events) = Transport::start(settings).unwrap();
        drop(guard);
        Self { handle, events, identity: identity.clone(), runtime: Some(runtime) }
    }

    pub(crate) fn addr(&self, channel: Channel) -> SocketAddr {
        self.handle.local_addr(channel)
    }

    /// Tells it where the other is.
    pub(crate) fn look_at(&self, other: &Self) {
        for channel in Channel::ALL {
            self.handle.set_partner(channel, other.addr(channel));
        }
    }

    /// As SIGKILL does: nothing is said any more, the kernel closes the sockets.
    pub(crate) async fn kill(mut self) -> (Identity, PerChannel<SocketAddr>) {
        let addresses = PerChannel::from_fn(|it| self.addr(it));
        let runtime = self.runtime.take().expect("killed once");
        let ended = tokio::task::spawn_blocking(|| runtime.shutdown_timeout(PATIENCE));
        ended.await.unwrap();
        (self.identity.clone(), addresses)
    }

    /// Waits for an event, passing over others.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(TransportEvent) -> Option<T>,
    ) -> T {
        let mut passed = Vec::new();
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the transport lives");
                let shown = format!("{event:?}").chars().take(160).collect::<String>();
                if let Some(found) = pick(event) {
                    return found;
                }
                passed.push(shown);
            }
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        found.unwrap_or_else(|_| panic!("waited for {what}; saw {passed:#?}"))
    }

    /// Says the first control frame of a connection.
    pub(crate) fn greet(&self, channel: Channel) {
        let hello = bytes::Bytes::from_static(HELLO);
        self.handle.send_on(channel, hotpair_transport::Lane::Control, hello).unwrap();
    }

    /// Waits until both channels are up.
    pub(crate) async fn both_up(&mut self) {
        let mut up = PerChannel::from_fn(|it| self.handle.is_up(it));
        while !(up.redundancy && up.primary) {
            let channel = self.until("both channels", up_event).await;
            up[channel] = true;
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // A runtime may not be dropped inside another; this leaves its threads to end by themselves.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

pub(crate) fn up_event(event: TransportEvent) -> Option<Channel> {
    match event {
        TransportEvent::Up { channel, .. } => Some(channel),
        _ => None,
    }
}

/// A pair whose four connections are up.
pub(crate) async fn pair() -> (Side, Side) {
    let (mut a, mut b) = unconnected_pair();
    a.look_at(&b);
    b.look_at(&a);
    a.both_up().await;
    b.both_up().await;
    for channel in Channel::ALL {
        a.greet(channel);
        b.greet(channel);
    }
    (a, b)
}

/// What every connection begins with: before it, frames of the other lanes are not handed on.
pub(crate) const HELLO: &[u8] = b"hello";

/// A pair that does not know where the other is.
pub(crate) fn unconnected_pair() -> (Side, Side) {
    let [low, high] = identities();
    (Side::start(&low, high.key()), Side::start(&high, low.key()))
}
