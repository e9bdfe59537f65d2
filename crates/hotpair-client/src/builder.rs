//! Makes a client.
use crate::call::Way;
use crate::client::Client;
use crate::connection::Connections;
use crate::stream::Tls;
use crate::{Error, NodeAddress};
use hotpair_types::EngineName;
use std::time::Duration;

/// What a client is made of.
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    nodes: Vec<String>,
    pub(crate) token: Option<String>,
    pub(crate) engine: Option<EngineName>,
    total_time_max: Duration,
    attempt_time_max: Duration,
    connect_time_max: Duration,
    tls: Tls,
}

impl ClientBuilder {
    pub(crate) fn new(nodes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            nodes: nodes.into_iter().map(Into::into).collect(),
            token: None,
            engine: None,
            total_time_max: Duration::from_secs(30),
            attempt_time_max: Duration::from_secs(2),
            connect_time_max: Duration::from_millis(500),
            tls: Tls::default(),
        }
    }

    /// The token of the API.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Which engine; the default is the only one.
    #[must_use]
    pub fn engine(mut self, engine: EngineName) -> Self {
        self.engine = Some(engine);
        self
    }

    /// How long a request may take in all, over all attempts. Default: 30 s.
    #[must_use]
    pub const fn total_time_max(mut self, time: Duration) -> Self {
        self.total_time_max = time;
        self
    }

    /// How long one node may take to answer before the other is asked. Default: 2 s.
    #[must_use]
    pub const fn attempt_time_max(mut self, time: Duration) -> Self {
        self.attempt_time_max = time;
        self
    }

    /// How long one node may take to accept a connection. Default: 500 ms.
    #[must_use]
    pub const fn connect_time_max(mut self, time: Duration) -> Self {
        self.connect_time_max = time;
        self
    }

    /// How `https://` is spoken: whom to trust.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, config: std::sync::Arc<rustls::ClientConfig>) -> Self {
        self.tls.config = Some(config);
        self
    }

    /// The client.
    ///
    /// # Errors
    /// When an address or the token cannot be used, or there is no address.
    pub fn build(self) -> Result<Client, Error> {
        let nodes: Vec<NodeAddress> =
            self.nodes.iter().map(|it| it.parse()).collect::<Result<_, _>>()?;
        if nodes.is_empty() {
            return Err(Error::Settings("a client needs the address of a node"));
        }
        if self.token.as_ref().is_some_and(|it| !it.bytes().all(|it| it.is_ascii_graphic())) {
            return Err(Error::Settings("the token has other characters than visible ASCII"));
        }
        let connections = Connections::new(self.tls.clone(), self.connect_time_max);
        let mut way = Way::new(nodes, connections);
        way.total_time_max = self.total_time_max;
        way.attempt_time_max = self.attempt_time_max;
        Ok(Client::over(way, &self))
    }
}
