//! The accept loop: a bounded number of connections, each with its time-outs.
use super::connection::Patient;
use super::places::{Place, Places, Sending};
use super::{ApiKeys, Limits, ListenerError, ListenerSettings};
use crate::face::{NodeFace, Problem, ProblemKind};
use crate::gate::{Api, Peer};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How long open requests may go on after the shutdown began.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long to wait when the process has no file descriptor left.
const NO_DESCRIPTOR_PAUSE: Duration = Duration::from_millis(50);

/// A running API. Dropping it does not stop it; the shutdown signal does.
#[derive(Debug)]
pub struct ServeHandle {
    address: SocketAddr,
    base: String,
    done: tokio::task::JoinHandle<()>,
}

impl ServeHandle {
    /// The real address, also when port 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base address of the API as others use it: `api.advertise`, or made from the real one.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Waits until it has stopped.
    pub async fn stopped(self) {
        if let Err(error) = self.done.await
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Listens and serves until `shutdown` is true or its sender is gone.
///
/// # Errors
/// `ListenerError` when the address cannot be had or the TLS files cannot be used.
pub async fn serve(
    settings: ListenerSettings,
    face: Arc<dyn NodeFace>,
    shutdown: watch::Receiver<bool>,
) -> Result<ServeHandle, ListenerError> {
    let listen = settings.listen;
    let bind = |source| ListenerError::Bind { listen, source };
    let listener = TcpListener::bind(listen).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let scheme = if settings.keys.has_tls() { "https" } else { "http" };
    let base = settings.advertise.clone().unwrap_or_else(|| format!("{scheme}://{address}"));
    let api = Api::new(face, &settings, &base, shutdown.clone());
    let service = Arc::new(Serving { router: crate::routes::behind_the_gate(&api), api });
    let door = Door {
        places: Places::new(
            settings.limits.connections_max,
            settings.limits.connections_per_host_max,
        ),
        limits: settings.limits,
        keys: settings.keys,
        serving: service,
    };
    tracing::info!(%address, base, "the API listens");
    let done = tokio::spawn(door.run(listener, shutdown));
    Ok(ServeHandle { address, base, done })
}

struct Door {
    places: Arc<Places>,
    limits: Limits,
    keys: ApiKeys,
    serving: Arc<Serving>,
}

struct Serving {
    api: Arc<Api>,
    router: axum::Router,
}

impl Door {
    async fn run(self, listener: TcpListener, mut shutdown: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let mut stop = pin!(stopped(&mut shutdown));
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                Some(_) = connections.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer, &mut connections),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(NO_DESCRIPTOR_PAUSE).await;
                }
            }
        }
        drop(listener);
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            tracing::debug!("connections are still open at the end");
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr, connections: &mut JoinSet<()>) {
        let place = match self.places.take(peer.ip().to_canonical()) {
            Ok(place) => place,
            Err(kind) => {
                self.serving.api.refused.connection();
                if !self.keys.has_tls() {
                    // One try: whoever comes in such numbers is not waited for.
                    let _ = stream.try_write(refusal(kind).as_bytes());
                }
                return;
            }
        };
        // Answers are small and waited for.
        let _ = stream.set_nodelay(true);
        let stream = Patient::new(stream, self.limits.write_patience);
        let (serving, limits) = (Arc::clone(&self.serving), self.limits.clone());
        let tls = self.keys.tls().map(TlsAcceptor::from);
        connections.spawn(async move {
            let place = Arc::new(place);
            let talk = async {
                let Some(tls) = tls else {
                    return talk(stream, serving, limits, peer, &place).await;
                };
                match tokio::time::timeout(limits.head_patience, tls.accept(stream)).await {
                    Ok(Ok(stream)) => talk(stream, serving, limits, peer, &place).await,
                    Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS connection"),
                    Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
                }
            };
            tokio::select! {
                () = talk => {}
                () = place.must_leave() => tracing::debug!(%peer, "an idle connection made room"),
            }
        });
    }
}

async fn talk<S>(
    stream: S,
    serving: Arc<Serving>,
    limits: Limits,
    peer: SocketAddr,
    place: &Arc<Place>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut shutdown = serving.api.shutdown.clone();
    let routes = TowerToHyperService::new(serving.router.clone());
    let place = Arc::clone(place);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let (busy, answer) = (place.busy(), routes.call(request));
        async move { answer.await.map(|it| it.map(|body| Sending::new(body, busy))) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_patience)
        .max_buf_size(limits.head_bytes_max)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut shutdown) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended badly");
    }
}

/// A whole answer for a connection that gets no place.
fn refusal(kind: ProblemKind) -> String {
    let problem = Problem::new(kind, "there are too many connections");
    let body = crate::answer::document(&problem).to_string();
    let status = StatusCode::from_u16(kind.status()).expect("the table has legal statuses");
    format!(
        "HTTP/1.1 {status}\r\nRetry-After: 1\r\nConnection: close\r\n\
         Content-Type: application/problem+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Resolves when the shutdown begins.
pub(crate) async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone: the same.
    let _ = shutdown.wait_for(|it| *it).await;
}
