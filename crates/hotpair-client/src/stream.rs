//! A connection to a node, plain or TLS.
use crate::NodeAddress;
use std::io;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Bytes both ways.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug> Duplex for T {}

/// Either kind.
pub(crate) type Stream = Pin<Box<dyn Duplex>>;

/// How `https://` is spoken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    #[cfg(feature = "tls")]
    pub(crate) config: Option<std::sync::Arc<rustls::ClientConfig>>,
}

impl Tls {
    /// Connects to a node.
    pub(crate) async fn connect(&self, node: &NodeAddress) -> io::Result<Stream> {
        let stream = TcpStream::connect(&*node.authority).await?;
        stream.set_nodelay(true)?;
        if node.https { self.wrap(node, stream).await } else { Ok(Box::pin(stream)) }
    }

    #[cfg(feature = "tls")]
    async fn wrap(&self, node: &NodeAddress, stream: TcpStream) -> io::Result<Stream> {
        let Some(config) = self.config.clone() else {
            return Err(io::Error::other("https needs a TLS configuration"));
        };
        let name = rustls::pki_types::ServerName::try_from(node.host().to_owned());
        let name = name.map_err(io::Error::other)?;
        Ok(Box::pin(tokio_rustls::TlsConnector::from(config).connect(name, stream).await?))
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_async, reason = "the same shape as with the feature")]
    async fn wrap(&self, node: &NodeAddress, _: TcpStream) -> io::Result<Stream> {
        let host = node.host();
        Err(io::Error::other(format!("https to {host} needs the feature `tls`")))
    }
}
