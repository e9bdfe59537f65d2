//! Starts everything: sockets, endpoints and the tasks that keep the channels up.
use crate::endpoint::{self, OpenError};
use crate::event::{Events, Reporter};
use crate::gate::Bucket;
use crate::handle::TransportHandle;
use crate::knock;
use crate::lane::Lane;
use crate::pin::Pins;
use crate::reach;
use crate::sentinel;
use crate::settings::{ChannelSettings, StartError, TransportSettings};
use crate::shared::{ChannelShared, Counted, Route, Shared};
use crate::socket::SharedSocket;
use crate::tls::Tls;
use hotpair_types::{Channel, PerChannel};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};
use tokio::sync::{Notify, Semaphore, watch};

/// How many refusals are reported each second, on each channel; all are counted.
const REFUSALS_PER_SECOND: u32 = 5;
/// How often a port that is free for UDP and TCP is looked for.
const PORT_ATTEMPTS_MAX: u32 = 32;

/// The way to the partner.
#[derive(Debug)]
pub struct Transport;

impl Transport {
    /// Listens and dials from now on. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// When an address cannot be listened on, or the keys cannot be used.
    pub fn start(settings: TransportSettings) -> Result<(TransportHandle, Events), StartError> {
        let TransportSettings { identity, partner_key, channels, idle_timeout } = settings;
        if identity.key() == partner_key {
            return Err(StartError::OwnKey(partner_key));
        }
        let is_dialer = reach::dials(identity.key(), partner_key);
        let pins = Pins::Partner(partner_key);
        let tls = Tls::new(identity.clone());
        let transport_config = Arc::new(endpoint::transport_config(idle_timeout));
        let (reporter, events) = Reporter::new();

        let open = |channel: Channel| {
            let ChannelSettings { listen, partner } = channels[channel];
            let (udp, tcp) = bind(channel, listen)?;
            let failed =
                |protocol| move |source| StartError::Listen { channel, listen, protocol, source };
            let local = udp.local_addr().map_err(failed("UDP"))?;
            tcp.set_nonblocking(true).map_err(failed("TCP"))?;
            let tcp = tokio::net::TcpListener::from_std(tcp).map_err(failed("TCP"))?;
            let counted = Arc::<Counted>::default();
            let socket = SharedSocket::new(udp, channel, reporter.clone(), counted.clone());
            let socket = Arc::new(socket.map_err(failed("UDP"))?);
            let endpoint = endpoint::open(
                socket.clone(),
                channel,
                &identity,
                &tls,
                pins,
                transport_config.clone(),
            );
            let endpoint = endpoint.map_err(|it| match it {
                OpenError::Tls(source) => StartError::Tls(source),
                OpenError::Io(source) => failed("UDP")(source),
            })?;
            let shared = ChannelShared {
                local,
                partner: watch::Sender::new(partner),
                endpoint,
                socket,
                counted,
                hurry: Notify::new(),
                rewatch: Notify::new(),
                watching: AtomicBool::new(false),
                refusals: Mutex::new(Bucket::new(REFUSALS_PER_SECOND, REFUSALS_PER_SECOND)),
                places: Lane::ALL.map(|it| Arc::new(Semaphore::new(it.queue_bytes_max()))),
            };
            Ok((shared, tcp))
        };
        let (redundancy, redundancy_sentinel) = open(Channel::Redundancy)?;
        let (primary, primary_sentinel) = open(Channel::Primary)?;

        let shared = Arc::new(Shared {
            channels: PerChannel { redundancy, primary },
            pins,
            tls: RwLock::new(Arc::new(tls)),
            transport_config,
            reporter,
            connections: AtomicU64::new(0),
            route: Mutex::new(Route::default()),
            tasks: Mutex::default(),
        });
        let mut tasks = Vec::new();
        let sentinels =
            [(Channel::Redundancy, redundancy_sentinel), (Channel::Primary, primary_sentinel)];
        for (channel, listener) in sentinels {
            tasks.push(tokio::spawn(sentinel::hold_always(shared.clone(), channel, listener)));
            tasks.push(tokio::spawn(sentinel::watch_always(shared.clone(), channel)));
            tasks.push(tokio::spawn(reach::accept_always(shared.clone(), channel, is_dialer)));
            tasks.push(if is_dialer {
                tokio::spawn(reach::dial_always(shared.clone(), channel))
            } else {
                tokio::spawn(knock::knock_always(shared.clone(), channel))
            });
        }
        *shared.tasks.lock().expect("nobody panics while holding it") = tasks;
        Ok((TransportHandle { shared }, events))
    }
}

/// UDP and TCP on one port number.
fn bind(channel: Channel, listen: SocketAddr) -> Result<(UdpSocket, TcpListener), StartError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let failed =
            |protocol| move |source| StartError::Listen { channel, listen, protocol, source };
        let udp = UdpSocket::bind(listen).map_err(failed("UDP"))?;
        let port = udp.local_addr().map_err(failed("UDP"))?;
        match TcpListener::bind(port) {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && listen.port() == 0
                    && attempts < PORT_ATTEMPTS_MAX => {}
            Err(error) => return Err(failed("TCP")(error)),
        }
    }
}
