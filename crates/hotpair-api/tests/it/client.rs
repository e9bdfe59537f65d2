//! A client that sends exactly the bytes it is told.
use crate::fake::FakeNode;
use hotpair_api::{Limits, ListenerSettings, ServeHandle, serve};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// A running API with its fake node.
pub struct Running {
    pub node: Arc<FakeNode>,
    pub address: SocketAddr,
    pub handle: Option<ServeHandle>,
    pub shutdown: watch::Sender<bool>,
}

/// An answer taken apart.
pub struct Got {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The end of the problem's type.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.body);
        let json = self.json();
        assert_eq!(json["status"], self.status, "the document says the same as the status line");
        assert!(json["title"].is_string() && json["detail"].is_string());
        json["type"].as_str().unwrap().strip_prefix("urn:hotpair:problem:").unwrap().into()
    }
}

pub async fn start() -> Running {
    start_with(Limits::default(), |it| it).await
}

pub async fn start_with(
    limits: Limits,
    adjust: impl FnOnce(ListenerSettings) -> ListenerSettings,
) -> Running {
    let node = FakeNode::new();
    let settings = ListenerSettings::new("127.0.0.1:0".parse().unwrap(), None, None).unwrap();
    let settings = adjust(settings.with_limits(limits));
    let (shutdown, stop) = watch::channel(false);
    let handle = serve(settings, Arc::clone(&node) as _, stop).await.unwrap();
    Running { node, address: handle.address(), handle: Some(handle), shutdown }
}

impl Running {
    /// Sends bytes, closes nothing, reads until the end of the connection.
    pub async fn raw(&self, bytes: &[u8]) -> Got {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A server that has answered early may have closed its side already.
        let _ = stream.write_all(bytes).await;
        take(&mut stream).await
    }

    /// One request with `Connection: close`; `headers` are lines without their ends.
    pub async fn ask(&self, line: &str, headers: &[&str], body: &str) -> Got {
        let mut text =
            format!("{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for header in headers {
            text += header;
            text += "\r\n";
        }
        if !body.is_empty() || line.starts_with("PUT") || line.starts_with("POST") {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        text += "\r\n";
        text += body;
        self.raw(text.as_bytes()).await
    }

    pub async fn get(&self, path: &str) -> Got {
        self.ask(&format!("GET {path}"), &[], "").await
    }

    /// With a JSON body.
    pub async fn send(&self, line: &str, body: &str) -> Got {
        self.ask(line, &["Content-Type: application/json"], body).await
    }
}

/// Reads one answer from a connection that the server closes after it.
pub async fn take(stream: &mut TcpStream) -> Got {
    let mut bytes = Vec::new();
    // A reset after the answer is as good as an end.
    let _ = stream.read_to_end(&mut bytes).await;
    parse(&bytes)
}

pub fn parse(bytes: &[u8]) -> Got {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|it| it.split(' ').nth(1)).and_then(|it| it.parse().ok());
    let headers = lines
        .filter_map(|it| it.split_once(": "))
        .map(|it| (it.0.to_ascii_lowercase(), it.1.to_owned()))
        .collect();
    Got { status: status.unwrap_or(0), headers, body: body.into() }
}
