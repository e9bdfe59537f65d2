//! X11, X14: floods at the channels from who proves nothing, and clients that mean harm.
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::join_all;
use hotpair_tests::{
    Audit, Channel, Dice, Pair, PairSettings, Request, Side, Status, own_loopback,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";

/// How much more a node may hold after it was attacked: buffers, queues, and what the allocator
/// keeps of them.
const GROWTH_BYTES_MAX: u64 = 64 << 20;

/// Datagrams in each burst at each channel of each node, and the pause after it.
const BURST: usize = 10;
const BURST_PAUSE: Duration = Duration::from_millis(5);
/// Streams held open at each channel of each node by each source.
const STREAMS: usize = 50;

const CLIENTS: usize = 1000;
const SLOW_CLIENTS: usize = 50;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "X11",
        "x11-flood-at-both-channels",
        "memory bounded, no change of role, beats on time",
        |stage| Box::pin(flood(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "X14",
        "x14-hostile-http-clients",
        "the right status, a problem document, bounded memory; the pair does not notice",
        |stage| Box::pin(hostile_clients(stage)),
    )
    .on_loopback_alone(),
];

fn memory(pair: &Pair) -> Result<[u64; 2]> {
    Ok([pair.node(Side::A).resident_bytes()?, pair.node(Side::B).resident_bytes()?])
}

fn bounded(before: [u64; 2], after: [u64; 2]) -> Result<()> {
    println!("    memory of both nodes: {before:?} bytes, then {after:?}");
    for (before, after) in before.into_iter().zip(after) {
        ensure!(after < before + GROWTH_BYTES_MAX, "{after} bytes of memory after {before}");
    }
    Ok(())
}

/// What a stranger may send: noise, short and long, what looks like the beginning of a handshake,
/// and what looks like the word of a guard.
fn datagram(dice: &mut Dice) -> Vec<u8> {
    let length = [1, 40, 200, 1200, 1400][dice.below(5) as usize];
    let mut bytes: Vec<u8> = (0..length).map(|_| dice.next() as u8).collect();
    match dice.below(3) {
        0 => {
            // A long header of QUIC version 1 with an eight byte connection id.
            let head = [0xc0, 0, 0, 0, 1, 8];
            let end = head.len().min(bytes.len());
            bytes[..end].copy_from_slice(&head[..end]);
        }
        1 => bytes[0] &= !0x40,
        _ => {}
    }
    bytes
}

async fn send_datagrams(from: IpAddr, to: Vec<SocketAddr>, mut dice: Dice) -> Result<()> {
    // New ports now and then: each is a stranger of its own.
    loop {
        let socket = UdpSocket::bind((from, 0)).await?;
        for _ in 0..100 {
            for address in &to {
                for _ in 0..BURST {
                    let _full = socket.try_send_to(&datagram(&mut dice), *address);
                }
            }
            tokio::time::sleep(BURST_PAUSE).await;
        }
    }
}

async fn hold_streams(from: IpAddr, to: SocketAddr) -> Result<()> {
    loop {
        let mut held = Vec::new();
        for number in 0..STREAMS {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(from, 0))?;
            let Ok(mut stream) = socket.connect(to).await else { continue };
            if number % 2 == 0 {
                let _closed = stream.write_all(&[0x16; 2000]).await;
            }
            held.push(stream);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn flood(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(20).await?;
    let epoch = pair.status(Side::A).await?.epoch();
    let before = memory(&pair)?;
    let begun = Instant::now();

    let targets: Vec<SocketAddr> = Side::BOTH
        .into_iter()
        .flat_map(|side| Channel::BOTH.map(|channel| pair.links.listen(side, channel)))
        .collect();
    // A stranger, and datagrams from the very address of the partner, but not from its port.
    let sources = [own_loopback(), pair.links.partner(Side::A, Channel::Redundancy).ip()];
    let mut floods = JoinSet::new();
    for (number, from) in sources.into_iter().enumerate() {
        let dice = Dice::new(stage.seed() ^ number as u64);
        floods.spawn(send_datagrams(from, targets.clone(), dice));
    }
    for to in &targets {
        floods.spawn(hold_streams(sources[0], *to));
    }
    let end = Instant::now() + Duration::from_secs(stage.size(8, 600));
    while Instant::now() < end {
        let same = |it: &Status| it.is_active() && it.epoch() == epoch;
        pair.stays(Side::A, "active", Duration::from_millis(200), same).await?;
        // Silence of the limit would show as Missed Heartbeats.
        let level = |it: &Status| it.state() == "standby-ready";
        pair.stays(Side::B, "ready", Duration::from_millis(200), level).await?;
    }
    ensure!(floods.try_join_next().is_none(), "the flood goes on to the end");
    floods.shutdown().await;
    bounded(before, memory(&pair)?)?;
    let late = pair
        .watch()
        .samples()
        .into_iter()
        .find(|it| it.side == Side::B && it.asked >= begun && it.state != "standby-ready");
    ensure!(late.is_none(), "beats are not on time: {late:?}");
    writer.until_more(10).await?;
    let active = Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(active == Side::A && pair.status(Side::A).await?.epoch() == epoch, "no role change");
    Ok(())
}

/// Requests that must be refused, with the status.
fn bad_requests() -> Vec<(u16, Request)> {
    let json = |method, path: &str, body: &str| {
        Request::new(method, path).body("application/json", body.as_bytes().to_vec())
    };
    let deep = "[".repeat(10_000);
    let large = format!("\"{}\"", "x".repeat(2 << 20));
    vec![
        (400, json("PUT", "/api/v1/config/a", "{\"n\":")),
        (400, json("PUT", "/api/v1/config/a", &deep)),
        (413, json("PUT", "/api/v1/config/a", &large)),
        (415, Request::new("PUT", "/api/v1/config/a").body("text/plain", b"1".to_vec())),
        (404, json("PUT", "/api/v1/tags/no/such", "{\"value\":1}")),
        (422, json("PUT", &format!("/api/v1/tags/{TAG}"), "{\"value\":\"text\"}")),
        (422, json("PUT", &format!("/api/v1/tags/{TAG}"), "[]")),
        (400, Request::get("/api/v1/config/../../../etc/passwd")),
        (400, Request::get("/api/v1/config/%2e%2e/%2e%2e/etc/passwd")),
        (400, Request::get("/api/v1/config/%1b%5b2J")),
        (404, Request::get("/api/v1/nothing-of-the-kind")),
        (405, Request::new("DELETE", "/api/v1/status")),
    ]
}

async fn refused_rightly(pair: &Pair) -> Result<()> {
    for (status, request) in bad_requests() {
        let answer = pair.ask(Side::A, request.clone()).await?;
        let said = answer.text();
        ensure!(answer.status == status, "{request:.200?}: {} {said}", answer.status);
        let kind = answer.header("content-type").unwrap_or_default();
        ensure!(kind.starts_with("application/problem+json"), "{status} with `{kind}`: {said}");
        ensure!(said.len() < 2000 && !said.contains('\u{1b}'), "short and harmless: {said}");
    }
    Ok(())
}

/// Connects and sends a part of a request, which never goes on.
async fn half_request(to: SocketAddr, part: &'static [u8]) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(part).await?;
    Ok(stream)
}

async fn hostile_clients(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(20).await?;
    let epoch = pair.status(Side::A).await?.epoch();
    refused_rightly(&pair).await?;
    let before = memory(&pair)?;

    for _ in 0..stage.size(2, 50) {
        let api = pair.target(Side::A).api;
        let parts: [&'static [u8]; 3] = [
            b"GET /api/v1/status HTTP/1.1\r\nhost: loc",
            b"PUT /api/v1/config/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
              content-length: 1000000\r\n\r\n{\"n\":",
            b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n\0\xff\xfe",
        ];
        let slow = join_all((0..SLOW_CLIENTS).map(|it| half_request(api, parts[it % 3]))).await;
        let idle = join_all((0..CLIENTS).map(|_| TcpStream::connect(api))).await;
        let connected = idle.iter().filter(|it| it.is_ok()).count();
        ensure!(connected > CLIENTS / 2, "only {connected} of {CLIENTS} came so far");
        // Who means well still gets an answer, and so does the pair.
        writer.until_more(10).await?;
        let now = pair.status(Side::A).await?;
        ensure!(now.is_active() && now.epoch() == epoch, "no change of role");
        refused_rightly(&pair).await?;
        drop((slow, idle));
    }
    let mut garbage = TcpStream::connect(pair.target(Side::A).api).await?;
    let noise: Vec<u8> = (0..1 << 20).map(|it: u32| (it % 251) as u8).collect();
    let _closed = garbage.write_all(&noise).await;
    let mut answer = vec![0; 4096];
    let _whatever = tokio::time::timeout(Duration::from_secs(2), garbage.read(&mut answer)).await;

    bounded(before, memory(&pair)?)?;
    writer.until_more(10).await?;
    let active = Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(active == Side::A && pair.status(Side::A).await?.epoch() == epoch, "no role change");
    Ok(())
}
