//! `replicated-write-in-process`: two nodes in this program, posts of a native provider, QUIC between them.
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use bytes::Bytes;
use hotpair_api::face::{NodeFace as _, ProblemKind, WriteOptions, WriteOutcome};
use hotpair_engine::{Item, Post, ProviderError, RuntimeStateProvider, Update};
use hotpair_node::face::Registration;
use hotpair_node::node::{Node, NodeParts};
use hotpair_node::settings::{self, Settings};
use hotpair_tests::{free_address, own_loopback, patience};
use hotpair_transport::Identity;
use hotpair_types::{Position, StateId};
use tokio::task::JoinSet;

const VALUE_BYTES: usize = 100;
/// As many items as there may be writes in flight, so that no write waits for another's item.
const ITEMS: usize = 1_000;

/// Before a refused write is tried again.
const REFUSED_PAUSE: Duration = Duration::from_millis(1);

/// Takes everything and keeps nothing: what is measured is the way to it.
struct Sink;

impl RuntimeStateProvider for Sink {
    fn name(&self) -> &str {
        "bench"
    }

    fn apply(&self, _: &Update) -> Result<(), ProviderError> {
        Ok(())
    }

    fn snapshot(&self) -> Result<Vec<(Box<str>, Bytes)>, ProviderError> {
        Ok(Vec::new())
    }

    fn restore(&self, _: Position, _: &[Item]) -> Result<(), ProviderError> {
        Ok(())
    }
}

/// A level pair in this process.
pub(crate) struct InProcess {
    nodes: Vec<(Node, Arc<Registration>)>,
    _folder: tempfile::TempDir,
}

/// What one round gave.
pub(crate) struct Round {
    /// Acknowledged writes a second.
    pub(crate) rate: f64,
    /// Bytes over loopback for each byte of item name and value, both directions, headers and all.
    pub(crate) wire_bytes: f64,
    /// Writes that were refused because the disk was behind; each was tried again.
    pub(crate) refused: u64,
}

impl InProcess {
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut nodes = Vec::new();
        for settings in write_settings(folder.path())? {
            let node = Node::start(NodeParts::without_guard(settings)?).await?;
            let registered = node.face().register(None, Arc::new(Sink)).await;
            let registration = registered.map_err(|it| anyhow!("{it:?}"))?;
            nodes.push((node, Arc::new(registration)));
        }
        for (node, state) in nodes.iter().zip([StateId::Active, StateId::StandbyReady]) {
            let mut status = node.0.face().status();
            let reached = status.wait_for(|it| it.engines[0].state == Some(state));
            let limit = patience(Duration::from_secs(20));
            tokio::time::timeout(limit, reached).await.context("the pair does not settle")??;
        }
        Ok(Self { nodes, _folder: folder })
    }

    /// Posts for so long, with so many in flight.
    pub(crate) async fn round(&self, in_flight: usize, length: Duration) -> Result<Round> {
        let registration = &self.nodes.first().context("there are two")?.1;
        let before = loopback_bytes()?;
        let begun = Instant::now();
        let mut writers = JoinSet::new();
        for writer in 0..in_flight {
            let registration = registration.clone();
            writers.spawn(async move { write(&registration, writer % ITEMS, begun, length).await });
        }
        let (mut count, mut payload, mut refused) = (0_u64, 0_u64, 0_u64);
        while let Some(done) = writers.join_next().await {
            let done = done??;
            count += done.writes;
            payload += done.payload_bytes;
            refused += done.refused;
        }
        let rate = count as f64 / begun.elapsed().as_secs_f64();
        let wire_bytes = (loopback_bytes()? - before) as f64 / payload as f64;
        Ok(Round { rate, wire_bytes, refused })
    }

    pub(crate) async fn stop(self) {
        for (node, registration) in self.nodes {
            drop(registration);
            node.leave().await;
            node.ended().await;
        }
    }
}

/// What one writer did.
struct Writer {
    writes: u64,
    /// Of names and values.
    payload_bytes: u64,
    refused: u64,
}

async fn write(
    registration: &Registration,
    item: usize,
    begun: Instant,
    length: Duration,
) -> Result<Writer> {
    let item: Box<str> = format!("unit-{item}/level").into();
    let value = Bytes::from(vec![7; VALUE_BYTES]);
    let payload = (item.len() + value.len()) as u64;
    let post = [Post { item, value: Some(value) }];
    let mut done = Writer { writes: 0, payload_bytes: 0, refused: 0 };
    while begun.elapsed() < length {
        let outcome = registration.post(&post, WriteOptions::default()).await;
        match outcome.map_err(|it| anyhow!("{it:?}"))? {
            WriteOutcome::Done(it) => {
                ensure!(!it.degraded, "answered without the standby");
                done.writes += 1;
                done.payload_bytes += payload;
            }
            WriteOutcome::Refused(it) if it.kind == ProblemKind::Overloaded => {
                done.refused += 1;
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
            other @ (WriteOutcome::Refused(_) | WriteOutcome::Unknown { .. }) => bail!("{other:?}"),
        }
    }
    Ok(done)
}

/// What the kernel has carried over the loopback of this host: packets with their headers.
fn loopback_bytes() -> Result<u64> {
    let table = std::fs::read_to_string("/proc/net/dev")?;
    let line = table.lines().find_map(|it| it.trim().strip_prefix("lo:"));
    let received = line.and_then(|it| it.split_whitespace().next());
    Ok(received.context("there is no loopback")?.parse()?)
}

fn write_settings(folder: &Path) -> Result<Vec<Settings>> {
    let names = ["gw-a", "gw-b"];
    let keys = [Identity::generate()?, Identity::generate()?];
    let mut at: Vec<[SocketAddr; 2]> = Vec::new();
    for _ in names {
        let host = own_loopback();
        at.push([free_address(host)?, free_address(host)?]);
    }
    let mut all = Vec::new();
    for (node, designation) in ["master", "backup"].into_iter().enumerate() {
        let other = 1 - node;
        let dir = folder.join(names[node]);
        std::fs::create_dir_all(&dir)?;
        keys[node].save(&dir.join("node.key"))?;
        let text = format!(
            "[node]\nname = \"{}\"\ndesignation = \"{designation}\"\ndata_dir = {dir:?}\n\
             [partner]\nname = \"{}\"\nkey = \"{}\"\n\
             [channels.redundancy]\nlisten = \"{}\"\npartner = \"{}\"\n\
             [channels.primary]\nlisten = \"{}\"\npartner = \"{}\"\n\
             [api]\nlisten = \"127.0.0.1:0\"\n",
            names[node],
            names[other],
            keys[other].key(),
            at[node][0],
            at[other][0],
            at[node][1],
            at[other][1],
        );
        let file = dir.join("node.toml");
        std::fs::write(&file, text)?;
        all.push(settings::load(&file).map_err(|it| anyhow!("{it}"))?);
    }
    Ok(all)
}
