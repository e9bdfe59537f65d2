//! Asks a node whether it would let us in, without becoming its connection.
use crate::endpoint;
use crate::identity::{Identity, SERVER_NAME};
use crate::key::PinnedKey;
use crate::link::words;
use crate::pin::Pins;
use crate::tls::{ALPN_PROBE, Tls};
use quinn::crypto::rustls::HandshakeData;
use quinn::{Connection, ConnectionError, Endpoint, VarInt};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TIME_MAX: Duration = Duration::from_secs(2);
const WELCOME: &[u8] = b"welcome";

/// Why a probe found no partner.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The own address cannot be used.
    #[error("cannot send from {0}")]
    Local(IpAddr, #[source] io::Error),
    /// TLS does not take the identity.
    #[error("the identity cannot be used for TLS")]
    Tls(#[source] rustls::Error),
    /// Nothing came back.
    #[error("no answer: no node runs there, or the way is closed for UDP")]
    NoAnswer,
    /// Somebody else is there.
    #[error("{0}")]
    NotThePartner(String),
    /// The partner has another key pinned than ours.
    #[error("the partner refuses our key: {0}")]
    Refused(String),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// Connects from an own address, shows the own key, checks the partner's and waits to be let in.
/// Returns how long that took.
///
/// # Errors
/// `ProbeError` says what is in the way.
pub async fn probe(
    identity: &Identity,
    partner_key: PinnedKey,
    from: IpAddr,
    to: SocketAddr,
) -> Result<Duration, ProbeError> {
    let begun = Instant::now();
    let tls = Tls::for_probing(identity.clone());
    let verifier = tls.verifier(Pins::Partner(partner_key));
    let crypto = tls.client(verifier.clone()).map_err(ProbeError::Tls)?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(endpoint::transport_config(TIME_MAX)));
    let endpoint = Endpoint::client(SocketAddr::new(from, 0));
    let endpoint = endpoint.map_err(|it| ProbeError::Local(from, it))?;
    let connecting = endpoint.connect_with(config, to, SERVER_NAME);
    let connecting = connecting.map_err(|it| ProbeError::Other(it.to_string()))?;
    let attempt = async {
        let connection = connecting.await?;
        let answer = welcome(&connection).await;
        connection.close(VarInt::from_u32(0), b"probed");
        answer
    };
    let result = tokio::time::timeout(TIME_MAX, attempt).await;
    let took = begun.elapsed();
    let _late = tokio::time::timeout(Duration::from_millis(300), endpoint.wait_idle()).await;
    match result {
        Ok(Ok(true)) => Ok(took),
        Ok(Ok(false)) => Err(ProbeError::Other("an answer that is not one".to_owned())),
        Ok(Err(error)) => Err(reason(&error, verifier.seen().why)),
        Err(_) => Err(ProbeError::NoAnswer),
    }
}

fn reason(error: &ConnectionError, why: Option<&str>) -> ProbeError {
    if let Some(why) = why {
        return ProbeError::NotThePartner(why.to_owned());
    }
    match error {
        ConnectionError::ConnectionClosed(it) => ProbeError::Refused(words(&it.reason)),
        ConnectionError::TimedOut => ProbeError::NoAnswer,
        ConnectionError::VersionMismatch
        | ConnectionError::TransportError(_)
        | ConnectionError::ApplicationClosed(_)
        | ConnectionError::Reset
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => ProbeError::Other(words(error.to_string().as_bytes())),
    }
}

/// Waits to be let in. The handshake alone proves the other side to us, and not yet us to it.
pub(crate) async fn welcome(connection: &Connection) -> Result<bool, ConnectionError> {
    let mut stream = connection.accept_uni().await?;
    Ok(stream.read_to_end(WELCOME.len()).await.is_ok_and(|it| it == WELCOME))
}

/// Whether who connected only asks.
pub(crate) fn is_probe(connection: &Connection) -> bool {
    let data = connection.handshake_data().and_then(|it| it.downcast::<HandshakeData>().ok());
    data.is_some_and(|it| it.protocol.as_deref() == Some(ALPN_PROBE))
}

/// Answers who only asks.
pub(crate) async fn answer(connection: &Connection) {
    let say = async {
        let mut stream = connection.open_uni().await?;
        let _lost = stream.write_all(WELCOME).await;
        let _lost = stream.finish();
        Ok::<_, ConnectionError>(connection.closed().await)
    };
    let _late = tokio::time::timeout(TIME_MAX, say).await;
    connection.close(VarInt::from_u32(0), b"probed");
}
