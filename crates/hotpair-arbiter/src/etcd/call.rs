//! One call: JSON there and back over HTTP/1.1, the address that answered last first.
use super::EtcdSettings;
use crate::ArbiterError;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::CONTENT_TYPE;
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The largest answer that is read: a few keys.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// More addresses than a cluster has members.
const ADDRESSES_MAX: usize = 16;

#[derive(Debug)]
pub(super) struct Calls {
    addresses: Vec<String>,
    /// The one that answered last.
    first: AtomicUsize,
    call_time_max: Duration,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Calls {
    pub(super) fn new(settings: EtcdSettings) -> Result<Self, ArbiterError> {
        let EtcdSettings { addresses, call_time_max } = settings;
        let field = "arbiter.etcd";
        if addresses.is_empty() || addresses.len() > ADDRESSES_MAX {
            let why = format!("1 to {ADDRESSES_MAX} addresses, not {}", addresses.len());
            return Err(ArbiterError::Settings { field, why });
        }
        let mut checked = Vec::with_capacity(addresses.len());
        for address in addresses {
            let address = address.trim_end_matches('/').to_owned();
            let uri = address.parse::<Uri>().ok();
            let sound = uri.as_ref().is_some_and(|it| {
                it.scheme_str() == Some("http")
                    && it.port_u16().is_some()
                    && matches!(it.path(), "" | "/")
                    && it.query().is_none()
            });
            if !sound {
                let why = format!("`{address}` is not of the form http://HOST:PORT");
                return Err(ArbiterError::Settings { field, why });
            }
            checked.push(address);
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(call_time_max));
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { addresses: checked, first: AtomicUsize::new(0), call_time_max, client })
    }

    /// Asks one address after the other. Time is shared, so that one that is silent does not use up
    /// all of it.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, ArbiterError> {
        let bytes = Bytes::from(body.to_string());
        let first = self.first.load(Ordering::Relaxed);
        let count = self.addresses.len();
        let share = self.call_time_max / u32::try_from(count).unwrap_or(u32::MAX);
        let mut tried = Vec::new();
        for index in (0..count).map(|it| (first + it) % count) {
            let address = &self.addresses[index];
            match tokio::time::timeout(share, self.one(address, path, bytes.clone())).await {
                Ok(Ok(answer)) => {
                    self.first.store(index, Ordering::Relaxed);
                    return answer;
                }
                Ok(Err(why)) => tried.push(format!("{address}: {why}")),
                Err(_) => tried.push(format!("{address}: nothing within {share:?}")),
            }
        }
        Err(ArbiterError::Away { tried })
    }

    /// The outer error: this address did not answer. The inner one: it did, and that is the answer.
    async fn one(
        &self,
        address: &str,
        path: &str,
        body: Bytes,
    ) -> Result<Result<Value, ArbiterError>, String> {
        let request = Request::post(format!("{address}{path}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        let response = self.client.request(request).await.map_err(|error| chain(&error))?;
        let status = response.status();
        let limited = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
        let body = limited.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let parsed = serde_json::from_slice::<Value>(&body);
        if status.is_server_error() {
            // No leader, overloaded: another member may do better.
            return Err(format!("{status}: {}", refusal(parsed.as_ref().ok(), &body)));
        }
        Ok(match parsed {
            Ok(answer) if status.is_success() && answer.get("error").is_none() => Ok(answer),
            Ok(answer) => Err(ArbiterError::Refused { why: refusal(Some(&answer), &body) }),
            // A server that wants TLS says so in plain words.
            Err(_) if !status.is_success() => {
                Err(ArbiterError::Refused { why: format!("{status}: {}", refusal(None, &body)) })
            }
            Err(error) => Err(ArbiterError::Garbled { why: format!("{status}: {error}") }),
        })
    }
}

/// What it says went wrong, cut to what fits into a log.
fn refusal(answer: Option<&Value>, body: &[u8]) -> String {
    let said = answer.and_then(|it| it.get("error")).and_then(|it| {
        it.as_str().or_else(|| it.get("message").and_then(Value::as_str)).map(str::to_owned)
    });
    let text = said.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    text.chars().filter(|it| !it.is_control()).take(200).collect()
}

/// An error with what caused it: the outermost alone says only that a client failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        text = format!("{text}: {it}");
        cause = it.source();
    }
    text
}
