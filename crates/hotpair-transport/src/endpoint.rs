//! How quinn is set up: small limits, because there is one legitimate peer.
use crate::identity::Identity;
use crate::lane::Lane;
use crate::pin::Pins;
use crate::socket::SharedSocket;
use crate::tls::Tls;
use crate::window::BoundedConfig;
use hotpair_types::Channel;
use quinn::{Endpoint, EndpointConfig, ServerConfig, TokioRuntime, TransportConfig, VarInt};
use quinn_proto::HashedConnectionIdGenerator;
use ring::hmac;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// What one stream may have on the way that the receiver did not take yet.
const STREAM_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// What all streams together may have on the way: enough that no lane takes it from another.
const CONNECTION_WINDOW_BYTES: u32 = 4 * STREAM_WINDOW_BYTES;
/// What may be sent and not confirmed: enough that bulk does not keep control from being written.
const SEND_WINDOW_BYTES: u64 = 8 * STREAM_WINDOW_BYTES as u64;
/// A beat that waits longer than a few others is old: the oldest is dropped.
const DATAGRAM_SEND_BYTES: usize = 8 * 1024;
const DATAGRAM_RECEIVE_BYTES: usize = 64 * 1024;
/// Handshakes that wait to be looked at.
const INCOMING_MAX: usize = 32;
const INCOMING_BYTES_MAX: u64 = 16 * 1024;
/// Two hosts of one plant.
const INITIAL_RTT: Duration = Duration::from_millis(10);
/// A live line is never silent for longer.
const KEEP_ALIVE: Duration = Duration::from_millis(250);

pub(crate) fn transport_config(idle_timeout: Duration) -> TransportConfig {
    let mut config = TransportConfig::default();
    let idle = VarInt::try_from(u64::try_from(idle_timeout.as_millis()).unwrap_or(60_000));
    let lanes = u32::try_from(Lane::ALL.len()).expect("three");
    config
        .max_idle_timeout(Some(idle.unwrap_or(VarInt::from_u32(60_000)).into()))
        .keep_alive_interval(Some(KEEP_ALIVE.min(idle_timeout / 3)))
        .max_concurrent_bidi_streams(0u32.into())
        .max_concurrent_uni_streams(lanes.into())
        .stream_receive_window(STREAM_WINDOW_BYTES.into())
        .receive_window(CONNECTION_WINDOW_BYTES.into())
        .send_window(SEND_WINDOW_BYTES)
        .datagram_send_buffer_size(DATAGRAM_SEND_BYTES)
        .datagram_receive_buffer_size(Some(DATAGRAM_RECEIVE_BYTES))
        .initial_rtt(INITIAL_RTT)
        .allow_spin(false)
        .congestion_controller_factory(Arc::new(BoundedConfig::new()));
    config
}

pub(crate) fn server_config(
    crypto: Arc<dyn quinn::crypto::ServerConfig>,
    transport: Arc<TransportConfig>,
) -> ServerConfig {
    let mut config = ServerConfig::with_crypto(crypto);
    config.transport_config(transport);
    config
        .migration(false)
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(INCOMING_BYTES_MAX)
        .incoming_buffer_size_total(4 * INCOMING_BYTES_MAX)
        .retry_token_lifetime(Duration::from_secs(5));
    config.validation_token.sent(0);
    config
}

/// An endpoint whose stateless resets are known across restarts: a partner that still talks to the
/// process before learns at once that it is gone.
pub(crate) fn open(
    socket: Arc<SharedSocket>,
    channel: Channel,
    identity: &Identity,
    tls: &Tls,
    pins: Pins,
    transport: Arc<TransportConfig>,
) -> Result<Endpoint, OpenError> {
    let reset = identity.derive(&format!("stateless reset of {channel}"));
    let ids = identity.derive(&format!("connection ids of {channel}"));
    let ids = u64::from_le_bytes(ids[..8].try_into().expect("eight bytes"));
    let mut config = EndpointConfig::new(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &reset)));
    config
        .cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)))
        .grease_quic_bit(false)
        .min_reset_interval(Duration::from_millis(10));
    let crypto = Arc::new(tls.server(tls.verifier(pins))?);
    let server = server_config(crypto, transport);
    let runtime = Arc::new(TokioRuntime);
    Ok(Endpoint::new_with_abstract_socket(config, Some(server), socket, runtime)?)
}

/// Why an endpoint cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}
