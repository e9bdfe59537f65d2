//! HTTP connections that are used again. Says of a failure whether the request may have arrived.
use crate::NodeAddress;
use crate::stream::Tls;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Idle connections kept per node.
const IDLE_MAX: usize = 16;
/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// No answer.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    /// The request may have reached the node and been carried out.
    pub(crate) maybe_sent: bool,
    pub(crate) what: String,
}

/// The connections to all nodes.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) tls: Tls,
    pub(crate) connect_time_max: Duration,
    idle: Mutex<HashMap<NodeAddress, Vec<SendRequest<Full<Bytes>>>>>,
}

impl Connections {
    pub(crate) fn new(tls: Tls, connect_time_max: Duration) -> Self {
        Self { tls, connect_time_max, idle: Mutex::default() }
    }

    /// Sends a request to a node and waits for the whole answer until `deadline`.
    pub(crate) async fn exchange(
        &self,
        node: &NodeAddress,
        mut request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<RawAnswer, NoAnswer> {
        // An idle connection may have been closed by the node: then the request comes back unsent.
        while let Some(mut connection) = self.take(node) {
            let sent = match timeout_at(deadline, connection.try_send_request(request)).await {
                Err(_) => return Err(too_late()),
                Ok(sent) => sent,
            };
            match sent {
                Ok(response) => return self.finish(node, connection, response, deadline).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(broken(&error.into_error())),
                },
            }
        }
        let mut connection = self.connect(node, deadline).await?;
        match timeout_at(deadline, connection.send_request(request)).await {
            Err(_) => Err(too_late()),
            Ok(Ok(response)) => self.finish(node, connection, response, deadline).await,
            Ok(Err(error)) => Err(broken(&error)),
        }
    }

    async fn connect(
        &self,
        node: &NodeAddress,
        deadline: Instant,
    ) -> Result<SendRequest<Full<Bytes>>, NoAnswer> {
        let unsent = |what: String| NoAnswer { maybe_sent: false, what };
        let deadline = deadline.min(Instant::now() + self.connect_time_max);
        let connect = async {
            let stream = self.tls.connect(node).await?;
            let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
            shaken.map_err(std::io::Error::other)
        };
        match timeout_at(deadline, connect).await {
            Err(_) => Err(unsent("did not accept a connection in time".into())),
            Ok(Err(error)) => Err(unsent(format!("cannot be connected to: {error}"))),
            Ok(Ok((sender, connection))) => {
                // It ends with the last use of the sender, or with the node.
                tokio::spawn(connection);
                Ok(sender)
            }
        }
    }

    async fn finish(
        &self,
        node: &NodeAddress,
        connection: SendRequest<Full<Bytes>>,
        response: hyper::Response<hyper::body::Incoming>,
        deadline: Instant,
    ) -> Result<RawAnswer, NoAnswer> {
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect();
        match timeout_at(deadline, body).await {
            Err(_) => Err(too_late()),
            Ok(Err(error)) => Err(broken(&*error)),
            Ok(Ok(body)) => {
                self.keep(node, connection);
                Ok(RawAnswer { status, body: body.to_bytes() })
            }
        }
    }

    fn take(&self, node: &NodeAddress) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().expect(UNPOISONED);
        let idle = idle.get_mut(node)?;
        while let Some(connection) = idle.pop() {
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, node: &NodeAddress, connection: SendRequest<Full<Bytes>>) {
        let mut idle = self.idle.lock().expect(UNPOISONED);
        let idle = idle.entry(node.clone()).or_default();
        if idle.len() < IDLE_MAX && !connection.is_closed() {
            idle.push(connection);
        }
    }
}

const UNPOISONED: &str = "no code panics while it holds this lock";

fn too_late() -> NoAnswer {
    NoAnswer { maybe_sent: true, what: "did not answer in time".into() }
}

fn broken(error: &dyn std::error::Error) -> NoAnswer {
    NoAnswer { maybe_sent: true, what: format!("broke off: {error}") }
}
