//! Any request to the routes of the API, over a node without an inside.
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use fake::FakeNode;
use hotpair_api::{ListenerSettings, router};
use http_body_util::BodyExt as _;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tower::ServiceExt as _;

/// The node that the API's own tests ask.
#[path = "../../hotpair-api/tests/it/fake/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "it is the one of the tests of the API, which use all of it"
)]
mod fake;

/// No answer to so little takes longer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);
/// So much of an answer is read; streams never end.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The rest of a stream is not waited for.
const PIECE_PATIENCE: Duration = Duration::from_millis(2);

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().build().expect("a runtime can be made")
    })
}

pub(crate) fn run(bytes: &[u8]) {
    let Some(request) = request(bytes) else { return };
    let head = request.method() == Method::HEAD;
    runtime().block_on(async {
        let answered = tokio::time::timeout(ANSWER_PATIENCE, answer(request, head)).await;
        answered.expect("a request is answered");
    });
}

/// `METHOD target`, lines of headers, an empty line, the body.
fn request(bytes: &[u8]) -> Option<Request<Body>> {
    let (head, body) = match bytes.windows(2).position(|it| it == b"\n\n") {
        Some(at) => (&bytes[..at], &bytes[at + 2..]),
        None => (bytes, &b""[..]),
    };
    let mut lines = head.split(|it| *it == b'\n');
    let first = lines.next()?;
    let space = first.iter().position(|it| *it == b' ')?;
    let mut request = Request::builder().method(&first[..space]).uri(&first[space + 1..]);
    for line in lines {
        let colon = line.iter().position(|it| *it == b':')?;
        request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    request.body(Body::from(body.to_vec())).ok()
}

async fn answer(request: Request<Body>, head: bool) {
    let listen = ([127, 0, 0, 1], 0).into();
    let settings = ListenerSettings::new(listen, None, None).expect("loopback needs no token");
    let (_stays, shutdown) = watch::channel(false);
    let shown = format!("{} {}", request.method(), request.uri());
    let router = router(&settings, FakeNode::new(), shutdown);
    let response = router.oneshot(request).await.expect("a router answers everything");
    let status = response.status();
    let fault = status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE;
    assert!(!fault, "{shown}: {status}");
    let mut body = response.into_body();
    let mut text = Vec::new();
    while let Ok(Some(Ok(piece))) = tokio::time::timeout(PIECE_PATIENCE, body.frame()).await {
        text.extend_from_slice(piece.data_ref().map_or(&[][..], |it| it));
        if text.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    // 426 and the like of WebSockets are the framework's.
    if status.is_client_error() && !head && text.first() == Some(&b'{') {
        let problem: serde_json::Value =
            serde_json::from_slice(&text).expect("a problem is a JSON document");
        let kind = problem["type"].as_str().expect("a problem has a type");
        assert!(kind.starts_with("urn:hotpair:problem:"), "{shown}: {kind}");
        assert_eq!(problem["status"], status.as_u16(), "{shown}");
    }
}
