//! A driver module whose records and live state survive both directions of a switch.
//!
//! Records (which devices there are) are config data: written through a table, replicated, the same
//! on both nodes. Live state (how often each device was polled) is runtime data: the module changes
//! it itself, then posts it to the partner, which applies it. Start it on both hosts:
//!
//! `cargo run --example driver_module -- /etc/hotpair/node.toml`

use hotpair_api::face::WriteOptions;
use hotpair_engine::{Item, Post, ProviderError, RuntimeStateProvider, Update};
use hotpair_node::config_table::ConfigTable;
use hotpair_node::face::Face;
use hotpair_node::node::{Node, NodeParts};
use hotpair_types::Position;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One record: `devices/<name>`.
#[derive(Debug, Serialize, Deserialize)]
struct Device {
    address: String,
}

/// The live state: how often each device was polled.
#[derive(Default)]
struct Polls(Mutex<BTreeMap<Box<str>, u64>>);

impl RuntimeStateProvider for Polls {
    fn name(&self) -> &str {
        "polls"
    }

    fn apply(&self, update: &Update) -> Result<(), ProviderError> {
        let mut polls = self.0.lock().expect("nothing panics while it is held");
        match &update.value {
            Some(value) => drop(polls.insert(update.item.clone(), count(&update.item, value)?)),
            None => drop(polls.remove(&update.item)),
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Vec<(Box<str>, bytes::Bytes)>, ProviderError> {
        let polls = self.0.lock().expect("nothing panics while it is held");
        Ok(polls.iter().map(|(name, count)| (name.clone(), bytes_of(*count))).collect())
    }

    fn restore(&self, _: Position, items: &[Item]) -> Result<(), ProviderError> {
        let read = |it: &Item| Ok((it.item.clone(), count(&it.item, &it.value)?));
        let all = items.iter().map(read).collect::<Result<_, ProviderError>>()?;
        *self.0.lock().expect("nothing panics while it is held") = all;
        Ok(())
    }
}

fn count(item: &str, value: &[u8]) -> Result<u64, ProviderError> {
    let bytes = value.try_into().map_err(|_| ProviderError::of_item(item, "not 8 bytes"))?;
    Ok(u64::from_le_bytes(bytes))
}

fn bytes_of(count: u64) -> bytes::Bytes {
    count.to_le_bytes().to_vec().into()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "/etc/hotpair/node.toml".to_owned());
    let settings = hotpair_node::settings::load(file.as_ref())?;
    let node = Node::start(NodeParts::without_guard(settings)?).await?;
    run(node.face()).await
}

/// Polls every device twice a second, on whichever node is active.
async fn run(face: &Face) -> anyhow::Result<()> {
    let polls = Arc::new(Polls::default());
    let registration = face.register(None, polls.clone()).await?;
    let devices = ConfigTable::<_, Device>::new(face.clone(), None, "devices");
    let mut rounds = tokio::time::interval(Duration::from_millis(500));
    loop {
        rounds.tick().await;
        if !registration.is_active() {
            continue;
        }
        let mut posts = Vec::new();
        for device in devices.rows().await? {
            let mut polls = polls.0.lock().expect("nothing panics while it is held");
            let polled = polls.entry(device.key.as_str().into()).or_default();
            *polled += 1;
            println!("{} at {}: poll {polled}", device.key, device.value.address);
            posts.push(Post { item: device.key.into(), value: Some(bytes_of(*polled)) });
        }
        registration.post(&posts, WriteOptions::default()).await?;
    }
}
