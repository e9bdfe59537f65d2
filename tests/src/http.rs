//! HTTP/1.1 in the least that a test needs: one request, one connection, a time limit, nothing hidden.
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::namespaces;

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// One request, to be sent to one address; follows nothing.
#[derive(Clone, Debug)]
pub struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    limit: Duration,
    namespace: Option<PathBuf>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &'static str, path: &str) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
            limit: Duration::from_secs(10),
            namespace: None,
        }
    }

    /// `GET`.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// `PUT` of a JSON document.
    #[must_use]
    pub fn put(path: &str, body: &Value) -> Self {
        Self::new("PUT", path).json(body)
    }

    /// `POST` of a JSON document.
    #[must_use]
    pub fn post(path: &str, body: &Value) -> Self {
        Self::new("POST", path).json(body)
    }

    /// `DELETE`.
    #[must_use]
    pub fn delete(path: &str) -> Self {
        Self::new("DELETE", path)
    }

    fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string().into_bytes())
    }

    /// Any body.
    #[must_use]
    pub fn body(mut self, kind: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.header("content-type", kind)
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How long all of it may take.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Connects from inside a network namespace.
    #[must_use]
    pub fn inside(mut self, namespace: Option<PathBuf>) -> Self {
        self.namespace = namespace;
        self
    }

    /// Sends it.
    ///
    /// # Errors
    /// When nothing answers in time, or what answers is not HTTP.
    pub async fn send(&self, to: SocketAddr) -> Result<Response> {
        tokio::time::timeout(self.limit, self.exchange(to)).await.with_context(|| {
            format!("{} {}: no answer in {:?}", self.method, self.path, self.limit)
        })?
    }

    async fn exchange(&self, to: SocketAddr) -> Result<Response> {
        let mut stream = match &self.namespace {
            Some(namespace) => namespaces::connect(namespace, to).await?,
            None => TcpStream::connect(to).await?,
        };
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-length: {}\r\n",
            self.method,
            self.path,
            self.body.len()
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(&[head.as_bytes(), &self.body].concat()).await?;
        let mut answer = Vec::new();
        (&mut stream).take(ANSWER_BYTES_MAX as u64).read_to_end(&mut answer).await?;
        parse(&answer, self.method == "HEAD")
    }
}

impl Response {
    /// The body as JSON; `Null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The JSON of a 2xx.
    ///
    /// # Errors
    /// For any other status, with the body.
    pub fn ok(&self) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!("status {}: {}", self.status, self.text());
        }
        Ok(self.json())
    }
}

fn parse(answer: &[u8], head_only: bool) -> Result<Response> {
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").context("not an HTTP answer")?;
    let head = std::str::from_utf8(&answer[..end]).context("a head that is not text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|it| it.split(' ').nth(1)).context("no status")?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|it| it.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut response =
        Response { status: status.parse()?, headers, body: answer[end + 4..].to_vec() };
    if response.header("transfer-encoding").is_some_and(|it| it.contains("chunked")) {
        response.body = unchunk(&response.body)?;
    }
    let declared = response.header("content-length").and_then(|it| it.parse::<usize>().ok());
    if !head_only && declared.is_some_and(|it| it > response.body.len()) {
        bail!("the answer ends early");
    }
    Ok(response)
}

fn unchunk(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|it| it == b"\r\n").context("the answer ends early")?;
        let size = std::str::from_utf8(&rest[..line])?.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16)?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = rest.get(line + 2..line + 2 + size).context("the answer ends early")?;
        body.extend_from_slice(chunk);
        rest = rest.get(line + 2 + size + 2..).context("the answer ends early")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_chunks_is_put_together() {
        let text = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(parse(text, false).unwrap().text(), "abcde");
    }

    #[test]
    fn an_answer_that_ends_early_is_none() {
        assert!(parse(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", false).is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\n", false).is_err());
    }
}
