//! What every request passes before its route: path, origin, token, load; and what every answer
//! gets on its way out.
use crate::answer::Misdirected;
use crate::face::{Caller, NodeFace, NodeStatus, Problem, ProblemKind, Reply};
use crate::name::{check_path, plain};
use crate::serve::{ApiKeys, Limits, ListenerSettings};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The WebSocket protocol this API speaks.
pub(crate) const PROTOCOL: &str = "hotpair";
/// A browser cannot set headers on a WebSocket: it offers this, followed by the token in base64url.
const PROTOCOL_TOKEN: &str = "hotpair.token.";

/// What was turned away.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    connections: AtomicU64,
    tokens: AtomicU64,
    requests: AtomicU64,
    sessions: AtomicU64,
}

impl Refused {
    pub(crate) fn connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Name and count of each.
    pub(crate) fn counts(&self) -> [(&'static str, u64); 4] {
        [
            ("connection", self.connections.load(Ordering::Relaxed)),
            ("token", self.tokens.load(Ordering::Relaxed)),
            ("request", self.requests.load(Ordering::Relaxed)),
            ("session", self.sessions.load(Ordering::Relaxed)),
        ]
    }
}

/// What routes share.
pub(crate) struct Api {
    pub(crate) face: Arc<dyn NodeFace>,
    pub(crate) limits: Limits,
    pub(crate) shutdown: watch::Receiver<bool>,
    pub(crate) refused: Refused,
    /// Answers by the first digit of their status, from 1.
    pub(crate) answered: [AtomicU64; 5],
    keys: ApiKeys,
    advertised_host: Option<String>,
    requests: Semaphore,
    sessions: Arc<Semaphore>,
}

/// What routes hold.
pub(crate) type Shared = Arc<Api>;

impl Api {
    pub(crate) fn new(
        face: Arc<dyn NodeFace>,
        settings: &ListenerSettings,
        base: &str,
        shutdown: watch::Receiver<bool>,
    ) -> Shared {
        let advertised_host = base.parse::<Uri>().ok().and_then(|it| it.host().map(Into::into));
        Arc::new(Self {
            face,
            limits: settings.limits.clone(),
            shutdown,
            refused: Refused::default(),
            answered: Default::default(),
            keys: settings.keys.clone(),
            advertised_host,
            requests: Semaphore::new(settings.limits.requests_max),
            sessions: Arc::new(Semaphore::new(settings.limits.sessions_max)),
        })
    }

    /// The newest status.
    pub(crate) fn status(&self) -> Arc<NodeStatus> {
        Arc::clone(&self.face.status().borrow())
    }

    /// A place for a subscription, event stream or provider session.
    pub(crate) fn session(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.sessions).try_acquire_owned().map_err(|_| {
            self.refused.sessions.fetch_add(1, Ordering::Relaxed);
            let detail = format!("there are {} sessions already", self.limits.sessions_max);
            Problem::new(ProblemKind::Overloaded, detail).retry_after(Duration::from_secs(5))
        })
    }

    /// Waits for an answer that changes nothing.
    pub(crate) async fn ask<T>(&self, reply: Reply<'_, T>) -> Result<T, Problem> {
        tokio::time::timeout(self.limits.read_patience, reply).await.unwrap_or_else(|_| {
            let detail = format!("the node did not answer for {:?}", self.limits.read_patience);
            Err(Problem::new(ProblemKind::Unavailable, detail))
        })
    }

    /// Waits for the outcome of something that changes data or roles.
    pub(crate) async fn act<T>(&self, reply: Reply<'_, T>) -> Result<T, Problem> {
        tokio::time::timeout(self.limits.outcome_patience, reply).await.unwrap_or_else(|_| {
            let detail = format!("the node did not answer for {:?}", self.limits.outcome_patience);
            Err(Problem::new(ProblemKind::OutcomeUnknown, detail))
        })
    }

    fn check_host(&self, headers: &HeaderMap) -> Result<(), Problem> {
        // Who has the token cannot be a page that a browser was led to under a false name.
        let (None, Some(host)) = (self.keys.token(), headers.get(header::HOST)) else {
            return Ok(());
        };
        let host = host.to_str().unwrap_or_default();
        let name = host_name(host);
        let own = name.eq_ignore_ascii_case("localhost")
            || name.parse::<std::net::IpAddr>().is_ok()
            || self.advertised_host.as_deref().is_some_and(|it| name.eq_ignore_ascii_case(it));
        if own {
            return Ok(());
        }
        let detail = format!(
            "`{}` is not a name of this node; use its address, or set api.advertise",
            plain(host)
        );
        Err(Problem::new(ProblemKind::ForeignOrigin, detail))
    }

    /// Whose page asks: nobody's, ours, or the partner's, which may only read.
    fn check_origin(&self, request: &Request) -> Result<Option<HeaderValue>, Problem> {
        let headers = request.headers();
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(None) };
        let text = origin.to_str().unwrap_or_default();
        let authority = text.split_once("://").map_or("", |it| it.1);
        let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
        if !authority.is_empty() && host.is_some_and(|it| it.eq_ignore_ascii_case(authority)) {
            return Ok(None);
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        let partner = self.status().partner_api.as_deref().is_some_and(|it| origin_of(it) == text);
        if partner && reads {
            return Ok(Some(origin.clone()));
        }
        let detail = format!("a page of `{}` asked", plain(text));
        Err(Problem::new(ProblemKind::ForeignOrigin, detail))
    }

    pub(crate) fn check_token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(token) = self.keys.token() else { return Ok(()) };
        let refuse = |detail: &str| {
            self.refused.tokens.fetch_add(1, Ordering::Relaxed);
            Err(Problem::new(ProblemKind::TokenNeeded, detail))
        };
        if let Some(given) = headers.get(header::AUTHORIZATION) {
            let bytes = given.as_bytes();
            let bearer = bytes.len() > 7 && bytes[..7].eq_ignore_ascii_case(b"bearer ");
            return match bearer && token.matches(bytes[7..].trim_ascii()) {
                true => Ok(()),
                false => refuse("the token is wrong"),
            };
        }
        let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let mut offered = offered.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
        match offered.find_map(|it| it.trim().strip_prefix(PROTOCOL_TOKEN)) {
            Some(coded) => match BASE64_URL_SAFE_NO_PAD.decode(coded) {
                Ok(shown) if token.matches(&shown) => Ok(()),
                Ok(_) | Err(_) => refuse("the token is wrong"),
            },
            None => refuse("send `Authorization: Bearer <token>`"),
        }
    }
}

/// The host without the port.
fn host_name(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |it| it.0),
    }
}

/// Scheme and authority of a base address.
pub(crate) fn origin_of(base: &str) -> &str {
    let begin = base.find("://").map_or(0, |it| it + 3);
    base[begin..].find('/').map_or(base, |it| &base[..begin + it])
}

/// Who asks, for the record.
pub(crate) fn caller(request: &Request) -> Caller {
    let address = request
        .extensions()
        .get::<Peer>()
        .map_or_else(|| "an unknown address".into(), |it| it.0.to_string());
    let agent = request.headers().get(header::USER_AGENT);
    let agent =
        agent.map_or_else(|| "a client".into(), |it| String::from_utf8_lossy(it.as_bytes()));
    Caller { address, agent: plain(&agent) }
}

/// Paths for load balancers and supervisors: open without a token and never shed.
fn is_health(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/active" | "/standby" | "/primary" | "/replica")
}

/// The page itself holds no data.
fn is_page(path: &str) -> bool {
    path == "/" || path.starts_with("/page/")
}

/// Around every route.
pub(crate) async fn gate(State(api): State<Shared>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let uri = request.uri().clone();
    let peer = request.extensions().get::<Peer>().map(|it| it.0);
    let (mut response, allowed) = match pass(&api, request, next).await {
        Ok(passed) => passed,
        Err(problem) => (problem.into_response(), None),
    };
    let status = response.status();
    let misdirected = response.extensions_mut().remove::<Misdirected>();
    let headers = response.headers_mut();
    if let Some(Misdirected { base }) = misdirected {
        let rest = uri.path_and_query().map_or("/", |it| it.as_str());
        if let Ok(location) =
            HeaderValue::from_str(&format!("{}{rest}", base.trim_end_matches('/')))
        {
            headers.insert(header::LOCATION, location);
        }
    }
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
    api.answered[class].fetch_add(1, Ordering::Relaxed);
    let path = plain(uri.path());
    let took = began.elapsed();
    if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(?peer, %method, path, status = status.as_u16(), ?took, "answered");
    } else {
        tracing::debug!(?peer, %method, path, status = status.as_u16(), ?took, "answered");
    }
    response
}

async fn pass(
    api: &Shared,
    request: Request,
    next: Next,
) -> Result<(Response, Option<HeaderValue>), Problem> {
    check_path(request.uri().path())?;
    api.check_host(request.headers())?;
    let path = request.uri().path();
    let (health, page) = (is_health(path), is_page(path));
    if health {
        return Ok((next.run(request).await, None));
    }
    let allowed = api.check_origin(&request)?;
    if let Some(origin) = allowed.clone().filter(|_| request.method() == Method::OPTIONS) {
        return Ok((preflight(), Some(origin)));
    }
    let token = if page { Ok(()) } else { api.check_token(request.headers()) };
    if let Err(problem) = token {
        // The partner's page may know that a token is needed.
        return Ok((problem.into_response(), allowed));
    }
    let Ok(_permit) = api.requests.try_acquire() else {
        api.refused.requests.fetch_add(1, Ordering::Relaxed);
        let detail = format!("{} requests are being worked on", api.limits.requests_max);
        return Err(Problem::new(ProblemKind::Overloaded, detail));
    };
    Ok((next.run(request).await, allowed))
}

/// The answer to a browser that asks whether the partner's page may read here.
fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let fixed = HeaderValue::from_static;
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, fixed("GET, HEAD"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, fixed("authorization"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, fixed("60"));
    response
}
