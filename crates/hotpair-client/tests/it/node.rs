//! A node that is told by the test what to answer.
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// What a node does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Answer(u16, String),
    /// Closes the connection instead.
    Break,
    /// Never answers.
    Hang,
}

/// A request as the node saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `PUT /path?query`
    pub(crate) line: String,
    pub(crate) key: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
}

type Script = Arc<dyn Fn(usize, &Seen) -> Act + Send + Sync>;

pub(crate) struct Node {
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    sockets: mpsc::UnboundedReceiver<Socket>,
}

/// One subscription as the node sees it.
pub(crate) struct Socket {
    pub(crate) target: String,
    stream: WebSocketStream<TcpStream>,
}

impl Socket {
    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// Waits until the client has gone away.
    pub(crate) async fn gone(mut self) {
        while let Some(Ok(_)) = self.stream.next().await {}
    }
}

impl Node {
    /// `script` gets the number of the request, from 0, not counting questions who is active.
    pub(crate) async fn start(
        active: bool,
        script: impl Fn(usize, &Seen) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::default();
        let (sender, sockets) = mpsc::unbounded_channel();
        let script: Script = Arc::new(script);
        let node = Self { base, seen: Arc::clone(&seen), sockets };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, script, sender) =
                    (Arc::clone(&seen), Arc::clone(&script), sender.clone());
                tokio::spawn(serve(stream, active, seen, script, sender));
            }
        });
        node
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) async fn socket(&mut self) -> Socket {
        self.sockets.recv().await.unwrap()
    }
}

async fn serve(
    stream: TcpStream,
    active: bool,
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Script,
    sockets: mpsc::UnboundedSender<Socket>,
) {
    let mut start = [0; 21];
    while stream.peek(&mut start).await.unwrap_or(0) < start.len() {
        if stream.readable().await.is_err() || stream.peek(&mut start).await.unwrap_or(0) == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    if &start == b"GET /api/v1/subscribe" && !matches!(script(usize::MAX, &NOBODY), Act::Answer(..))
    {
        let mut target = String::new();
        #[allow(clippy::result_large_err, reason = "the library's own type")]
        let callback = |request: &Request<()>, response| {
            target = request.uri().to_string();
            Ok(response)
        };
        let accepted = tokio_tungstenite::accept_hdr_async(stream, callback).await;
        if let Ok(stream) = accepted {
            let _ = sockets.send(Socket { target, stream });
        }
        return;
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
        async move {
            let header = |name: &str| {
                let value = request.headers().get(name).map(|it| it.to_str().unwrap().to_owned());
                value.unwrap_or_default()
            };
            let (key, authorization) = (header("idempotency-key"), header("authorization"));
            let line = format!("{} {}", request.method(), request.uri());
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let body = String::from_utf8(body.to_vec()).unwrap();
            let now = Seen { line, key, authorization, body };
            let act = if now.line.starts_with("GET /active") {
                match script(usize::MAX, &now) {
                    Act::Hang => Act::Hang,
                    Act::Answer(..) | Act::Break => {
                        Act::Answer(if active { 200 } else { 503 }, String::new())
                    }
                }
            } else {
                let mut seen = seen.lock().unwrap();
                seen.push(now.clone());
                script(seen.len() - 1, &now)
            };
            match act {
                Act::Answer(status, body) => {
                    let body = Full::new(Bytes::from(body));
                    Ok(Response::builder().status(status).body(body).unwrap())
                }
                Act::Break => Err("breaks off"),
                Act::Hang => std::future::pending().await,
            }
        }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

const NOBODY: Seen = Seen {
    line: String::new(),
    key: String::new(),
    authorization: String::new(),
    body: String::new(),
};

pub(crate) fn done(sequence: u64) -> Act {
    let body = format!(
        r#"{{"sequence":{sequence},"epoch":3,"acknowledged":"replicated","degraded":false}}"#
    );
    Act::Answer(200, body)
}

pub(crate) fn problem(status: u16, id: &str, more: &str) -> Act {
    let kind = format!(r#""type":"urn:hotpair:problem:{id}","title":"{id}","detail":"so""#);
    Act::Answer(status, format!("{{{kind}{more}}}"))
}
