//! `large-reads`: how long the node's decision loop keeps a question waiting while everything is read at once.
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use hotpair_tests::{Pair, Request, Side};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bench_pair;
use crate::connection::Connection;
use crate::report::Report;

/// Declared tags, each with a value; and items of one program.
const TAGS: usize = 300_000;
/// Operations of one request.
const BATCH: usize = 1_000;
const PROGRAM: &str = "bench-program";
/// How long the loop is asked while nothing is read.
const QUIET: Duration = Duration::from_secs(3);
/// How long a program may wait for its name.
const FREE_PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn large_reads(rounds: usize) -> Result<Vec<Report>> {
    let pair = bench_pair::start(0).await?;
    fill(&pair).await?;
    pair.until_settled().await?;
    let at = pair.target(Side::A).api;
    let quiet = longest(at, async || {
        tokio::time::sleep(QUIET).await;
        Ok(())
    });
    let quiet = quiet.await?.0;
    let mut reports = Vec::new();
    for read in [Read::Export, Read::Subscription, Read::Program] {
        let mut measured = Vec::new();
        let mut took = Duration::ZERO;
        for _ in 0..rounds {
            let (waited, all) = longest(at, async || read.run(&pair, at).await)
                .await
                .with_context(|| format!("{}, after {} reports", read.name(), reports.len()))?;
            measured.push((waited.as_secs_f64() * 1e3, quiet.as_secs_f64() * 1e3));
            took = took.max(all);
        }
        println!("  {}: {measured:?} ms", read.name());
        reports.push(Report {
            name: format!("longest wait for the loop of the active: {}", read.name()),
            unit: "ms",
            beside: "nothing read".into(),
            rounds: measured,
            note: format!("{TAGS} items; the whole read took {} ms at most", took.as_millis()),
        });
    }
    Ok(reports)
}

#[derive(Clone, Copy)]
enum Read {
    Export,
    Subscription,
    Program,
}

impl Read {
    const fn name(self) -> &'static str {
        match self {
            Self::Export => "export of all config records",
            Self::Subscription => "a subscription to all tags begins",
            Self::Program => "a program takes its items back",
        }
    }

    async fn run(self, pair: &Pair, at: SocketAddr) -> Result<()> {
        match self {
            Self::Export => {
                let request = Request::get("/api/v1/config:export").within(Duration::from_secs(60));
                let export = pair.ask(Side::A, request).await?;
                ensure!(export.status == 200 && export.body.len() > TAGS * 20, "all of it");
            }
            Self::Subscription => {
                let mut socket = Socket::open(at, "/api/v1/subscribe?events=false").await?;
                socket.until(r#""kind":"level""#).await?;
            }
            Self::Program => {
                let path = format!("/api/v1/providers/{PROGRAM}");
                let mut socket = Socket::open_when_free(at, &path).await?;
                socket.until(&format!(r#""item":"item/{:06}""#, TAGS - 1)).await?;
            }
        }
        Ok(())
    }
}

/// The longest answer of the loop while something runs, and how long that ran. `/livez` is
/// answered by the loop itself.
async fn longest(
    at: SocketAddr,
    run: impl AsyncFnOnce() -> Result<()>,
) -> Result<(Duration, Duration)> {
    let over = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn({
        let over = over.clone();
        async move {
            let mut connection = Connection::open(at).await?;
            let mut longest = Duration::ZERO;
            while !over.load(Ordering::Acquire) {
                let asked = Instant::now();
                let status = connection.read("/livez").await?;
                ensure!(status == 200, "the loop answers {status}");
                longest = longest.max(asked.elapsed());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            anyhow::Ok(longest)
        }
    });
    let begun = Instant::now();
    run().await?;
    let took = begun.elapsed();
    over.store(true, Ordering::Release);
    Ok((asking.await??, took))
}

async fn fill(pair: &Pair) -> Result<()> {
    let path = |n: usize| format!("area-{:03}/tag-{n:06}", n / 1_000);
    let post = async |path: &str, body: Value| {
        let request = Request::post(path, &body).within(Duration::from_secs(60));
        anyhow::Ok(pair.ask(Side::A, request).await?.ok()?)
    };
    for first in (0..TAGS).step_by(BATCH) {
        let declaration = json!({"type": "float", "unit": "bar"});
        let op = |n| json!({"op": "set", "key": format!("tags/{}", path(n)), "value": declaration});
        let ops: Vec<_> = (first..first + BATCH).map(op).collect();
        post("/api/v1/config:transaction?ack=local", json!({"ops": ops})).await?;
        let write = |n| json!({"path": path(n), "value": n});
        let writes: Vec<_> = (first..first + BATCH).map(write).collect();
        post("/api/v1/tags:batch?ack=local", json!({"writes": writes})).await?;
    }
    let at = pair.target(Side::A).api;
    let mut socket = Socket::open(at, &format!("/api/v1/providers/{PROGRAM}")).await?;
    for first in (0..TAGS).step_by(BATCH) {
        let op = |n| json!({"op": "set", "item": format!("item/{n:06}"), "value": {"on": true}});
        let ops: Vec<_> = (first..first + BATCH).map(op).collect();
        socket.say(&json!({"kind": "post", "id": first, "ops": ops})).await?;
        socket.until(r#""kind":"posted""#).await?;
    }
    Ok(())
}

/// As much of a WebSocket as this needs.
struct Socket {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Socket {
    async fn open(at: SocketAddr, path: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(at).await?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {at}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut socket = Self { stream, seen: Vec::new() };
        let mut status = [0; 12];
        socket.stream.read_exact(&mut status).await.context("the node closed")?;
        ensure!(status.ends_with(b" 101"), "{}", String::from_utf8_lossy(&status));
        Ok(socket)
    }

    /// The name of a program is free again when the node has seen the end of its last session.
    async fn open_when_free(at: SocketAddr, path: &str) -> Result<Self> {
        let deadline = Instant::now() + FREE_PATIENCE;
        loop {
            match Self::open(at, path).await {
                Err(_) if Instant::now() < deadline => tokio::time::sleep(QUIET / 100).await,
                opened => return opened,
            }
        }
    }

    /// One text frame, masked with zeros.
    async fn say(&mut self, message: &Value) -> Result<()> {
        let text = message.to_string();
        let length = u64::try_from(text.len())?;
        let mut frame = vec![0x81, 0x80 | 127];
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text.as_bytes());
        Ok(self.stream.write_all(&frame).await?)
    }

    /// Reads until a text came by, and throws everything before it away.
    async fn until(&mut self, text: &str) -> Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let found = self.seen.windows(text.len()).position(|it| it == text.as_bytes());
            if let Some(at) = found {
                self.seen.drain(..at + text.len());
                return Ok(());
            }
            let keep = self.seen.len().saturating_sub(text.len());
            self.seen.drain(..keep);
            let count = self.stream.read(&mut buffer).await.context("the node closed")?;
            if count == 0 {
                bail!("the node closed before {text} came");
            }
            self.seen.extend_from_slice(&buffer[..count]);
        }
    }
}
