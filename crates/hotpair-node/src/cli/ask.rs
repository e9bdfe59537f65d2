//! Asks a node over HTTP: JSON in, JSON out, problems as failures. The only place that knows it.

use super::exit::{Exit, Failure};
use super::terminal::clean;
use bytes::Bytes;
use hotpair_api::face::Reason;
use hotpair_client::Client;
use hotpair_types::EngineName;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a connection may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
/// How long an answer may take that may change something: longer than a node waits for an outcome.
const ANSWER_PATIENCE: Duration = Duration::from_secs(40);
/// How long an answer may take that only looks: a node that hangs is to be noticed.
const LOOK_PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How often a request is passed on to the node that an answer names.
const HOPS_MAX: usize = 2;

/// The way to a node.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    base: Base,
    token: Option<String>,
    engine: Option<EngineName>,
    tls: Option<super::trust::Tls>,
}

/// `http://127.0.0.1:8650`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) https: bool,
    pub(super) authority: String,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Question {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<(&'static str, Bytes)>,
}

impl Base {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            let shown = clean(text, 120);
            Failure::WrongUse(format!("`{shown}` is not a URL like http://127.0.0.1:8650"))
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let https = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(wrong()),
        };
        let host = rest.trim_end_matches('/');
        let sound = |it: char| it.is_ascii_alphanumeric() || "-._:[]%".contains(it);
        if host.is_empty() || !host.chars().all(sound) {
            return Err(wrong());
        }
        let has_port = host.rsplit_once(':').is_some_and(|it| it.1.parse::<u16>().is_ok());
        let port = if https { 443 } else { 80 };
        let authority = if has_port { host.to_owned() } else { format!("{host}:{port}") };
        Ok(Self { https, authority })
    }

    /// The host without the port.
    pub(super) fn host(&self) -> &str {
        let host = self.authority.rsplit_once(':').map_or(self.authority.as_str(), |it| it.0);
        host.trim_start_matches('[').trim_end_matches(']')
    }
}

impl std::fmt::Display for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", if self.https { "https" } else { "http" }, self.authority)
    }
}

impl Question {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), headers: Vec::new(), body: None }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    pub(super) fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn json(mut self, value: &impl serde::Serialize) -> Self {
        let bytes = serde_json::to_vec(value).expect("JSON values can be written as JSON");
        self.body = Some(("application/json", bytes.into()));
        self
    }

    pub(super) fn bytes(mut self, bytes: Vec<u8>) -> Self {
        self.body = Some(("application/octet-stream", bytes.into()));
        self
    }

    fn target(&self, engine: Option<&EngineName>) -> String {
        let mut target = self.path.clone();
        let engine = engine.map(|it| ("engine", it.to_string()));
        for (index, (name, value)) in self.query.iter().cloned().chain(engine).enumerate() {
            let _ =
                write!(target, "{}{name}={}", if index == 0 { '?' } else { '&' }, encoded(&value));
        }
        target
    }
}

/// A part of a path or query, percent-encoded; `/` stays as it is.
pub(super) fn encoded(text: &str) -> String {
    let mut shown = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            shown.push(char::from(byte));
        } else {
            let _ = write!(shown, "%{byte:02X}");
        }
    }
    shown
}

impl Ask {
    pub(super) const fn new(
        base: Base,
        token: Option<String>,
        engine: Option<EngineName>,
        tls: Option<super::trust::Tls>,
    ) -> Self {
        Self { base, token, engine, tls }
    }

    /// The node that is asked.
    pub(super) fn base(&self) -> String {
        self.base.to_string()
    }

    /// The same way to another node.
    pub(super) fn at(&self, base: &str) -> Result<Self, Failure> {
        Ok(Self { base: Base::parse(base)?, ..self.clone() })
    }

    /// The same way about another engine.
    pub(super) fn about(&self, engine: &EngineName) -> Self {
        Self { engine: Some(engine.clone()), ..self.clone() }
    }

    /// A client that follows the active node, beginning with the nodes of these addresses.
    pub(super) fn follower(&self, nodes: Vec<String>) -> Result<Client, Failure> {
        let mut builder = Client::builder(nodes);
        if let Some(token) = &self.token {
            builder = builder.token(token);
        }
        if let Some(engine) = &self.engine {
            builder = builder.engine(engine.clone());
        }
        if self.base.https {
            let tls = self.tls.clone().unwrap_or_default();
            builder = builder.tls(Arc::new(tls.config(&self.base)?));
        }
        builder.build().map_err(|error| Failure::Failed(error.to_string()))
    }

    pub(super) const fn engine(&self) -> Option<&EngineName> {
        self.engine.as_ref()
    }

    /// Asks, and goes on to the node that the answer names when this one may not take it.
    pub(super) async fn ask<T: DeserializeOwned>(&self, question: Question) -> Result<T, Failure> {
        let value = self.value(question).await?;
        serde_json::from_value(value).map_err(|error| {
            let base = &self.base;
            Failure::Failed(format!(
                "{base} gave an answer of another shape ({error}); are the versions the same?"
            ))
        })
    }

    /// The same, without a view of what the answer is.
    pub(super) async fn value(&self, question: Question) -> Result<Value, Failure> {
        let mut way = self.clone();
        for _ in 0..HOPS_MAX {
            let (status, body) = way.once(&question).await?;
            if (200..300).contains(&status) {
                return Ok(body);
            }
            let next = body.get("active").and_then(Value::as_str);
            match next.filter(|_| status == 421) {
                Some(next) if Base::parse(next)? != way.base => way = way.at(next)?,
                Some(_) | None => return Err(problem(status, &body)),
            }
        }
        let text = "nobody is active: each node says that the other one would take this; `hotpair status` says why, and what to do";
        Err(Failure::Failed(text.to_owned()))
    }

    /// Asks this node and no other.
    pub(super) async fn here<T: DeserializeOwned>(&self, question: Question) -> Result<T, Failure> {
        let (status, body) = self.once(&question).await?;
        if !(200..300).contains(&status) {
            return Err(problem(status, &body));
        }
        serde_json::from_value(body).map_err(|error| Failure::Failed(error.to_string()))
    }

    async fn once(&self, question: &Question) -> Result<(u16, Value), Failure> {
        let base = &self.base;
        let connect = timeout(CONNECT_PATIENCE, TcpStream::connect(&base.authority));
        let stream = match connect.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return Err(Failure::NotReachable(format!("{base} cannot be reached: {error}")));
            }
            Err(_) => {
                let patience = CONNECT_PATIENCE.as_secs();
                return Err(Failure::NotReachable(format!(
                    "{base} did not answer within {patience} s"
                )));
            }
        };
        stream.set_nodelay(true).ok();
        let answer = async {
            if base.https {
                let tls = self.tls.clone().unwrap_or_default();
                self.exchange(tls.wrap(base, stream).await?, question).await
            } else {
                self.exchange(stream, question).await
            }
        };
        let looks = question.method == Method::GET;
        let patience = if looks { LOOK_PATIENCE } else { ANSWER_PATIENCE };
        match timeout(patience, answer).await {
            Ok(result) => result,
            Err(_) => {
                let patience = patience.as_secs();
                let what = if looks {
                    "it hangs, or its host does"
                } else {
                    "whether it was done is unknown"
                };
                let text = format!("{base} gave no answer within {patience} s; {what}");
                Err(Failure::NotReachable(text))
            }
        }
    }

    async fn exchange<S>(&self, stream: S, question: &Question) -> Result<(u16, Value), Failure>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let base = &self.base;
        let broke = |error: &dyn std::fmt::Display| {
            Failure::NotReachable(format!("the connection to {base} broke: {error}"))
        };
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|it| broke(&it))?;
        let task = tokio::spawn(connection);
        let body = question.body.clone();
        let mut request = Request::builder()
            .method(question.method.clone())
            .uri(question.target(self.engine.as_ref()))
            .header(HOST, &base.authority)
            .header("user-agent", concat!("hotpair/", env!("CARGO_PKG_VERSION")));
        if let Some((content_type, _)) = &body {
            request = request.header(CONTENT_TYPE, *content_type);
        }
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in &question.headers {
            request = request.header(HeaderName::from_static(name), value);
        }
        let request = request.body(Full::new(body.map(|it| it.1).unwrap_or_default()));
        let request =
            request.map_err(|error| Failure::WrongUse(format!("cannot be asked: {error}")))?;
        let response = sender.send_request(request).await.map_err(|it| broke(&it))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|it| broke(&it))?.to_bytes();
        task.abort();
        if body.is_empty() {
            return Ok((status, Value::Null));
        }
        let value = serde_json::from_slice(&body);
        value.map(|it| (status, it)).map_err(|_| {
            let start = clean(&String::from_utf8_lossy(&body), 80);
            Failure::Failed(format!(
                "{base} answered {status} and no JSON, but `{start}`: is it a hotpair node?"
            ))
        })
    }
}

/// What a problem document means for the status of the process.
fn problem(status: u16, body: &Value) -> Failure {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let id = text("type").unwrap_or_default();
    let id = id.strip_prefix("urn:hotpair:problem:").unwrap_or("failed").to_owned();
    let reasons = body.get("reasons").cloned().unwrap_or_default();
    let reasons: Vec<Reason> = serde_json::from_value(reasons).unwrap_or_default();
    let exit = match status {
        400 | 405 | 413 | 415 | 431 => Exit::WrongUse,
        404 | 408 | 500 | 504 => Exit::Failed,
        _ => Exit::Refused,
    };
    let text = text("detail").or_else(|| text("title"));
    let text = text.unwrap_or_else(|| format!("the node answered with status {status}"));
    let active = body.get("active").and_then(Value::as_str).map(str::to_owned);
    Failure::Answered { exit, text, id, reasons, active }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        let shown =
            |it: &str| Base::parse(it).map(|it| it.to_string()).unwrap_or_else(|_| "-".into());
        assert_eq!(shown("http://127.0.0.1:8650/"), "http://127.0.0.1:8650");
        assert_eq!(shown("https://gw-a.plant"), "https://gw-a.plant:443");
        assert_eq!(shown("http://[::1]:8650"), "http://[::1]:8650");
        for bad in ["", "gw-a:8650", "ftp://a", "http://", "http://a/b", "http://a b", "http://u@h"]
        {
            assert_eq!(shown(bad), "-", "{bad:?}");
        }
    }

    #[test]
    fn names_cannot_leave_their_place_in_the_request() {
        let question = Question::get(format!("/api/v1/tags/{}", encoded("a b/ä?x#y\r\nz")));
        let question = question.query("prefix", "&engine=x");
        let target = question.target(Some(&EngineName::default()));
        assert_eq!(
            target,
            "/api/v1/tags/a%20b/%C3%A4%3Fx%23y%0D%0Az?prefix=%26engine%3Dx&engine=main"
        );
    }
}
