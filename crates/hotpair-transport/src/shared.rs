//! What the tasks of a transport and its handles have in common.
use crate::event::{DownReason, Refusal, Reporter, TransportEvent};
use crate::gate::Bucket;
use crate::handle::{Counters, SendError};
use crate::link::Link;
use crate::pin::{Pins, Seen};
use crate::socket::SharedSocket;
use crate::tls::Tls;
use crate::{Identity, endpoint};
use bytes::Bytes;
use hotpair_types::{Channel, PerChannel};
use quinn::{Endpoint, TransportConfig, VarInt};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;

/// How long closing may take.
const CLOSE_TIME_MAX: Duration = Duration::from_millis(300);

/// The whole transport.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) channels: PerChannel<ChannelShared>,
    pub(crate) pins: Pins,
    pub(crate) tls: RwLock<Arc<Tls>>,
    pub(crate) transport_config: Arc<TransportConfig>,
    pub(crate) reporter: Reporter,
    pub(crate) connections: AtomicU64,
    pub(crate) route: Mutex<Route>,
    pub(crate) tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// One channel.
#[derive(Debug)]
pub(crate) struct ChannelShared {
    pub(crate) local: SocketAddr,
    pub(crate) partner: watch::Sender<SocketAddr>,
    pub(crate) endpoint: Endpoint,
    pub(crate) socket: Arc<SharedSocket>,
    pub(crate) counted: Arc<Counted>,
    /// Dial now.
    pub(crate) hurry: Notify,
    /// Watch the partner's process anew.
    pub(crate) rewatch: Notify,
    /// The sentinel connection to the partner's process stands.
    pub(crate) watching: AtomicBool,
    pub(crate) refusals: Mutex<Bucket>,
    /// Where frames may wait to be taken, by lane.
    pub(crate) places: [Arc<Semaphore>; 3],
}

/// Which links are there and which one data goes over.
#[derive(Debug, Default)]
pub(crate) struct Route {
    links: PerChannel<Option<Arc<Link>>>,
    avoided: PerChannel<bool>,
    /// Since when what is sent there is not confirmed.
    silent: PerChannel<Option<Instant>>,
    /// When something sent there was confirmed last.
    confirmed: PerChannel<Option<Instant>>,
    now: Option<Channel>,
}

impl Route {
    fn choose(&self) -> Option<Channel> {
        let up = |it: &Channel| self.links[*it].is_some();
        // Silence speaks against a channel only when the other has worked since: else it is the
        // silence of the partner, or our own.
        let is_worse =
            |it: Channel| self.silent[it].is_some() && self.confirmed[it.other()] > self.silent[it];
        let heard = |it: &Channel| up(it) && !is_worse(*it);
        let good = |it: &Channel| heard(it) && !self.avoided[*it];
        let first = |which: &dyn Fn(&Channel) -> bool| Channel::ALL.into_iter().find(which);
        let best = first(&good).or_else(|| first(&heard));
        best.or_else(|| self.now.filter(up)).or_else(|| first(&up))
    }

    /// Follows a change. Reported under the lock, so that the order of reports is the order of changes.
    fn settle(&mut self, reporter: &Reporter) {
        let to = self.choose();
        if to != self.now {
            let from = std::mem::replace(&mut self.now, to);
            reporter.report(TransportEvent::Moved { from, to, at: Instant::now() });
        }
    }
}

impl Shared {
    pub(crate) fn link(&self, channel: Channel) -> Option<Arc<Link>> {
        self.lock_route().links[channel].clone()
    }

    pub(crate) fn route(&self) -> Option<Channel> {
        self.lock_route().now
    }

    fn lock_route(&self) -> MutexGuard<'_, Route> {
        self.route.lock().expect("nobody panics while holding it")
    }

    pub(crate) fn avoid(&self, channel: Channel, avoid: bool) {
        let mut route = self.lock_route();
        route.avoided[channel] = avoid;
        route.settle(&self.reporter);
    }

    /// Since when what is sent over this link is not confirmed, and when something was.
    pub(crate) fn set_silent(
        &self,
        link: &Link,
        silent: Option<Instant>,
        confirmed: Option<Instant>,
    ) {
        let mut route = self.lock_route();
        if route.links[link.channel].as_ref().is_some_and(|it| it.id == link.id) {
            route.silent[link.channel] = silent;
            route.confirmed[link.channel] = confirmed;
            route.settle(&self.reporter);
        }
    }

    pub(crate) fn set_partner(&self, channel: Channel, partner: SocketAddr) {
        self.channels[channel]
            .partner
            .send_if_modified(|it| std::mem::replace(it, partner) != partner);
    }

    pub(crate) fn send_beat(&self, channel: Channel, bytes: Bytes) -> Result<(), SendError> {
        let link = self.link(channel).ok_or(SendError::NotConnected)?;
        link.send_beat(bytes)?;
        Counted::add(&self.channels[channel].counted.beats_sent, 1);
        Ok(())
    }

    /// A new link takes the place of an older one.
    pub(crate) fn install(&self, link: &Arc<Link>, seen: &Seen) {
        let channel = link.channel;
        let mut route = self.lock_route();
        let at = Instant::now();
        if let Some(old) = route.links[channel].replace(link.clone()) {
            let (connection, reason) = (old.id, DownReason::Replaced);
            self.reporter.report(TransportEvent::Down { channel, at, connection, reason });
            old.close(close_code::REPLACED, "replaced by a new connection");
        }
        route.silent[channel] = None;
        Counted::add(&self.channels[channel].counted.ups, 1);
        let (connection, partner_certificate) = (link.id, seen.validity);
        self.reporter.report(TransportEvent::Up { channel, at, connection, partner_certificate });
        if let Some(kind) = seen.alarm {
            let validity = seen.validity;
            self.reporter.report(TransportEvent::CertificateAlarm { channel, at, kind, validity });
        }
        route.settle(&self.reporter);
        drop(route);
        self.channels[channel].rewatch.notify_one();
    }

    /// A link has ended.
    pub(crate) fn retire(&self, link: &Link, reason: DownReason) {
        let channel = link.channel;
        let mut route = self.lock_route();
        if route.links[channel].as_ref().is_some_and(|it| it.id == link.id) {
            route.links[channel] = None;
            let (at, connection) = (Instant::now(), link.id);
            self.reporter.report(TransportEvent::Down { channel, at, connection, reason });
            route.settle(&self.reporter);
        }
    }

    pub(crate) fn refused(&self, channel: Channel, refusal: Refusal) {
        let here = &self.channels[channel];
        Counted::add(&here.counted.refused, 1);
        let at = Instant::now();
        if here.refusals.lock().expect("nobody panics while holding it").take(at) {
            self.reporter.offer(TransportEvent::Refused { channel, at, refusal });
        }
    }

    pub(crate) fn tls(&self) -> Arc<Tls> {
        self.tls.read().expect("nobody panics while holding it").clone()
    }

    pub(crate) fn renew(&self, identity: &Identity) -> Result<(), rustls::Error> {
        let tls = Arc::new(Tls::new(identity.clone()));
        for (_, channel) in self.channels.iter() {
            let crypto = Arc::new(tls.server(tls.verifier(self.pins))?);
            let config = endpoint::server_config(crypto, self.transport_config.clone());
            channel.endpoint.set_server_config(Some(config));
        }
        *self.tls.write().expect("nobody panics while holding it") = tls;
        Ok(())
    }

    fn lock_tasks(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.tasks.lock().expect("nobody panics while holding it")
    }

    /// What is queued goes out first, as far as that is quick.
    pub(crate) async fn close(&self) {
        for task in std::mem::take(&mut *self.lock_tasks()) {
            task.abort();
        }
        let flush = async {
            for link in Channel::ALL.into_iter().filter_map(|it| self.link(it)) {
                link.flush().await;
            }
        };
        let _late = tokio::time::timeout(CLOSE_TIME_MAX, flush).await;
        for (_, channel) in self.channels.iter() {
            channel.endpoint.close(VarInt::from_u32(close_code::STOPPING), b"stopping");
        }
        for channel in Channel::ALL {
            if let Some(link) = self.link(channel) {
                link.close(close_code::STOPPING, "stopping");
                self.retire(&link, DownReason::Local);
            }
        }
        let idle = async {
            for (_, channel) in self.channels.iter() {
                channel.endpoint.wait_idle().await;
            }
        };
        let _late = tokio::time::timeout(CLOSE_TIME_MAX, idle).await;
    }
}

/// What the code of a closed connection says.
pub(crate) mod close_code {
    /// The node stops.
    pub(crate) const STOPPING: u32 = 0;
    /// The same node opened a newer connection.
    pub(crate) const REPLACED: u32 = 1;
    /// A rule of the transport was broken.
    pub(crate) const VIOLATION: u32 = 2;
    /// The other side is the one that dials.
    pub(crate) const NOT_YOUR_TURN: u32 = 3;
}

macro_rules! counted {
    ($($field:ident),+ $(,)?) => {
        /// What is counted, by all tasks of a channel.
        #[derive(Debug, Default)]
        pub(crate) struct Counted {
            $(pub(crate) $field: AtomicU64),+
        }

        impl Counted {
            pub(crate) fn read(&self) -> Counters {
                Counters { $($field: self.$field.load(Ordering::Relaxed)),+ }
            }
        }
    };
}

counted!(
    ups,
    beats_received,
    beats_sent,
    beats_dropped,
    frames_received,
    frames_sent,
    bytes_received,
    bytes_sent,
    refused,
    shed,
    plain_received,
    plain_dropped,
);

impl Counted {
    pub(crate) fn add(what: &AtomicU64, count: u64) {
        what.fetch_add(count, Ordering::Relaxed);
    }
}
