//! The client: what can be asked of a pair.
use crate::answers::{Expectation, Operation, Record, RecordPage, Tag, TagPage, TagWrite, Written};
use crate::builder::ClientBuilder;
use crate::call::{Call, Repeat, Way};
use crate::subscription::{SubscribeOptions, Subscription};
use crate::{Error, NodeAddress};
use bytes::Bytes;
use hotpair_types::{Ack, EngineName};
use hyper::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// How a write is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// What the acknowledgement must mean; `None`: the setting of the pair.
    pub ack: Option<Ack>,
    /// The key under which it is applied once. `None`: a fresh one. Give your own, and keep it, to
    /// go on after a restart of your program with a write that is unknown.
    pub idempotency_key: Option<String>,
}

/// A client of a pair. Cheap to clone; all clones share connections and what they learned.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) way: Arc<Way>,
    pub(crate) token: Option<String>,
    pub(crate) engine: Option<EngineName>,
}

impl Client {
    /// A client with the base addresses of both nodes.
    ///
    /// # Errors
    /// When an address cannot be used.
    pub fn new(nodes: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, Error> {
        Self::builder(nodes).build()
    }

    /// A client with more to say about it.
    #[must_use]
    pub fn builder(nodes: impl IntoIterator<Item = impl Into<String>>) -> ClientBuilder {
        ClientBuilder::new(nodes)
    }

    pub(crate) fn over(way: Way, builder: &ClientBuilder) -> Self {
        let (token, engine) = (builder.token.clone(), builder.engine.clone());
        Self { way: Arc::new(way), token, engine }
    }

    /// The nodes it knows, the one it asks first first.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeAddress> {
        self.way.nodes()
    }

    /// One tag.
    ///
    /// # Errors
    /// `Error`; `unknown-tag` when it is not declared.
    pub async fn read_tag(&self, path: &str) -> Result<Tag, Error> {
        self.get(&format!("/api/v1/tags/{}", encoded(path)), &[]).await
    }

    /// Tags whose path begins with `prefix` and comes after `after`.
    ///
    /// # Errors
    /// `Error`.
    pub async fn list_tags(&self, prefix: &str, after: Option<&str>) -> Result<TagPage, Error> {
        self.get("/api/v1/tags", &list_query(prefix, after)).await
    }

    /// Writes a tag.
    ///
    /// # Errors
    /// `Error`: refused, unreachable or unknown.
    pub async fn write_tag(&self, path: &str, value: impl Into<Value>) -> Result<Written, Error> {
        self.write_tag_with(TagWrite::new(path, value), WriteOptions::default()).await
    }

    /// Writes a tag with more to say about it.
    ///
    /// # Errors
    /// `Error`: refused, unreachable or unknown.
    pub async fn write_tag_with(
        &self,
        write: TagWrite,
        options: WriteOptions,
    ) -> Result<Written, Error> {
        let path = format!("/api/v1/tags/{}", encoded(&write.path));
        let mut body = json!({ "value": write.value, "quality": write.quality });
        if let Some(timestamp) = write.timestamp {
            body["timestamp"] = timestamp.into();
        }
        self.write(Method::PUT, &path, Some(&body), options, None).await
    }

    /// Writes several tags as one entry: all of them or none.
    ///
    /// # Errors
    /// `Error`: refused, unreachable or unknown.
    pub async fn write_tags(
        &self,
        writes: &[TagWrite],
        options: WriteOptions,
    ) -> Result<Written, Error> {
        let body = json!({ "writes": writes });
        self.write(Method::POST, "/api/v1/tags:batch", Some(&body), options, None).await
    }

    /// One config record.
    ///
    /// # Errors
    /// `Error`; `unknown-key` when it is not there.
    pub async fn config_get(&self, key: &str) -> Result<Record, Error> {
        self.get(&format!("/api/v1/config/{}", encoded(key)), &[]).await
    }

    /// Config records whose key begins with `prefix` and comes after `after`.
    ///
    /// # Errors
    /// `Error`.
    pub async fn config_list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<RecordPage, Error> {
        self.get("/api/v1/config", &list_query(prefix, after)).await
    }

    /// Writes a config record. With `version`: only if it still has this one.
    ///
    /// # Errors
    /// `Error`; `version-mismatch` when it has another version.
    pub async fn config_put(
        &self,
        key: &str,
        value: &Value,
        version: Option<u64>,
    ) -> Result<Written, Error> {
        let path = format!("/api/v1/config/{}", encoded(key));
        self.write(Method::PUT, &path, Some(value), WriteOptions::default(), version).await
    }

    /// Deletes a config record. With `version`: only if it still has this one.
    ///
    /// # Errors
    /// `Error`; `unknown-key` when it is not there.
    pub async fn config_delete(&self, key: &str, version: Option<u64>) -> Result<Written, Error> {
        let path = format!("/api/v1/config/{}", encoded(key));
        self.write(Method::DELETE, &path, None, WriteOptions::default(), version).await
    }

    /// Runs several config changes: all of them or none, if all expectations hold.
    ///
    /// # Errors
    /// `Error`: refused, unreachable or unknown.
    pub async fn config_transaction(
        &self,
        operations: &[Operation],
        expect: &[Expectation],
        options: WriteOptions,
    ) -> Result<Written, Error> {
        let body = json!({ "ops": operations, "expect": expect });
        self.write(Method::POST, "/api/v1/config:transaction", Some(&body), options, None).await
    }

    /// The status of the node that is asked first, as JSON.
    ///
    /// # Errors
    /// `Error`.
    pub async fn status(&self) -> Result<Value, Error> {
        self.request(Method::GET, "/api/v1/status", None).await
    }

    /// What happened on the node that is asked first, after the event `since`, as JSON.
    ///
    /// # Errors
    /// `Error`.
    pub async fn events(&self, since: u64) -> Result<Value, Error> {
        self.get("/api/v1/events", &[("since", since.to_string())]).await
    }

    /// A planned change of roles; a dry run forecasts it. The answer as JSON.
    ///
    /// # Errors
    /// `Error`; a refusal has `reasons` in `Problem::extra`.
    pub async fn switchover(&self, dry_run: bool) -> Result<Value, Error> {
        self.request(Method::POST, "/api/v1/switchover", Some(&json!({ "dry_run": dry_run }))).await
    }

    /// Makes the node that is asked first active by force.
    ///
    /// # Errors
    /// `Error`; a refusal has `reasons` in `Problem::extra`.
    pub async fn promote(&self, accept_data_loss: bool) -> Result<Value, Error> {
        let body = json!({ "accept_data_loss": accept_data_loss });
        self.request(Method::POST, "/api/v1/promote", Some(&body)).await
    }

    /// Anything else. A GET is repeated until it is answered; others once they may have arrived are
    /// not sent again.
    ///
    /// # Errors
    /// `Error`: refused, unreachable or unknown.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let repeat = if method == Method::GET { Repeat::Read } else { Repeat::Never };
        self.send(self.call(method, path, &[], body, repeat)).await
    }

    /// Follows tags and events; goes on at the other node where it was.
    #[must_use]
    pub fn subscribe(&self, options: SubscribeOptions) -> Subscription {
        Subscription::new(self.clone(), options)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&'static str, String)],
    ) -> Result<T, Error> {
        self.send(self.call(Method::GET, path, query, None, Repeat::Read)).await
    }

    async fn write(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        options: WriteOptions,
        version: Option<u64>,
    ) -> Result<Written, Error> {
        let query = options.ack.map(|it| ("ack", ack_id(it)));
        let mut call = self.call(method, path, query.as_slice(), body, Repeat::Keyed);
        let key = options.idempotency_key.map_or_else(fresh_key, Ok)?;
        call.headers.push(("idempotency-key", key));
        if let Some(version) = version {
            call.headers.push(("if-match", format!("\"{version}\"")));
        }
        self.send(call).await
    }

    async fn send<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let (node, body) = self.way.carry_out(&call).await?;
        let body: &[u8] = if body.is_empty() { b"null" } else { &body };
        serde_json::from_slice(body)
            .map_err(|error| Error::Malformed { node, reason: error.to_string() })
    }

    pub(crate) fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&'static str, String)],
        body: Option<&Value>,
        repeat: Repeat,
    ) -> Call {
        let mut target = path.to_owned();
        let engine = self.engine.as_ref().map(|it| ("engine", it.to_string()));
        let mut mark = if path.contains('?') { '&' } else { '?' };
        for (name, value) in query.iter().chain(engine.as_ref()) {
            let _ = write!(target, "{mark}{name}={}", encoded(value));
            mark = '&';
        }
        let token = self.token.as_ref().map(|it| ("authorization", format!("Bearer {it}")));
        let body = body.map(|it| {
            let bytes = serde_json::to_vec(it).expect("JSON values can be written as JSON");
            ("application/json", Bytes::from(bytes))
        });
        Call { method, target, headers: token.into_iter().collect(), body, repeat }
    }
}

fn ack_id(ack: Ack) -> String {
    match serde_json::to_value(ack) {
        Ok(Value::String(id)) => id,
        other => panic!("an acknowledgement has a name, not {other:?}"),
    }
}

fn list_query(prefix: &str, after: Option<&str>) -> Vec<(&'static str, String)> {
    let after = after.map(|it| ("after", it.to_owned()));
    std::iter::once(("prefix", prefix.to_owned())).chain(after).collect()
}

fn fresh_key() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Error::Settings("the system has no randomness"))?;
    Ok(bytes.iter().fold(String::new(), |mut key, byte| {
        let _ = write!(key, "{byte:02x}");
        key
    }))
}

/// A part of a path or query, percent-encoded; `/` stays as it is.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
