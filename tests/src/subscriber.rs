//! A client that follows tags over a WebSocket and resumes from the last sequence on whichever node serves it.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::{Side, Target, eventually, patience};

const PAUSE: Duration = Duration::from_millis(20);
/// A connection that says nothing for so long is given up; nodes ping more often.
const QUIET_MAX: Duration = Duration::from_secs(3);

/// One value as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// From which node.
    pub from: Side,
    /// The sequence of its entry.
    pub sequence: u64,
    /// The epoch that wrote it.
    pub epoch: u64,
    /// What it is.
    pub value: i64,
    /// Whether it came through a subscription that began exactly after the last one.
    pub resumed: bool,
}

/// Follows until it is dropped.
#[derive(Debug)]
pub struct Subscriber {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    _task: JoinSet<()>,
}

impl Subscriber {
    /// Follows one tag at the first of these nodes that serves it, and then at the next.
    #[must_use]
    pub fn start(targets: Vec<Target>, tag: &str) -> Self {
        Self::follow(targets, Wanted { tag: tag.to_owned(), name: None })
    }

    /// The same under a name: it says what it has, and asks for nothing else when it comes back.
    #[must_use]
    pub fn start_named(targets: Vec<Target>, tag: &str, name: &str) -> Self {
        Self::follow(targets, Wanted { tag: tag.to_owned(), name: Some(name.to_owned()) })
    }

    fn follow(targets: Vec<Target>, wanted: Wanted) -> Self {
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let mut task = JoinSet::new();
        task.spawn(follow(targets, wanted, arrived.clone()));
        Self { arrived, _task: task }
    }

    /// Everything that arrived so far.
    #[must_use]
    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().expect("no holder panics").clone()
    }

    /// Waits until a value has arrived.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn until(&self, value: i64) -> Result<()> {
        let what = format!("the subscription delivers {value}");
        eventually(&what, patience(Duration::from_secs(10)), async || match self.arrived().last() {
            Some(last) if last.value >= value => Ok(()),
            last => Err(format!("{last:?}")),
        })
        .await
    }
}

struct Wanted {
    tag: String,
    name: Option<String>,
}

async fn follow(targets: Vec<Target>, wanted: Wanted, arrived: Arc<Mutex<Vec<Arrived>>>) {
    loop {
        for target in &targets {
            // Whatever ends a connection, the next one resumes.
            let _ended = listen(target, &wanted, &arrived).await;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn listen(target: &Target, wanted: &Wanted, arrived: &Mutex<Vec<Arrived>>) -> Result<()> {
    let Wanted { tag, name } = wanted;
    let last = arrived.lock().expect("no holder panics").last().cloned();
    let after = match name {
        Some(name) => format!("&name={name}"),
        None => last.map(|it| format!("&last={}:{}", it.epoch, it.sequence)).unwrap_or_default(),
    };
    let url = format!("ws://{}/api/v1/subscribe?prefix={tag}&events=false{after}", target.api);
    let connecting = tokio_tungstenite::connect_async(url);
    let (mut socket, _) = tokio::time::timeout(QUIET_MAX, connecting).await??;
    let mut resumed = false;
    loop {
        let message = tokio::time::timeout(QUIET_MAX, socket.next()).await?;
        let text = match message.context("the node closed")?? {
            Message::Text(text) => text,
            Message::Close(_) => bail!("the node closed"),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                continue;
            }
        };
        let message: Value = serde_json::from_str(&text)?;
        match message["kind"].as_str() {
            Some("hello") => resumed = message["resumed"].as_bool().unwrap_or_default(),
            Some("tag") if message["path"] == tag.as_str() => {
                let sequence = message["sequence"].as_u64().context("a sequence")?;
                // Sequence 0 is the declared initial value: no entry, and nothing to resume from.
                if sequence > 0 {
                    let epoch = message["epoch"].as_u64().context("an epoch")?;
                    arrived.lock().expect("no holder panics").push(Arrived {
                        from: target.side,
                        sequence,
                        epoch,
                        value: message["value"].as_i64().context("a number")?,
                        resumed,
                    });
                    if name.is_some() {
                        let has = json!({"has": format!("{epoch}:{sequence}")}).to_string();
                        socket.send(Message::Text(has.into())).await?;
                    }
                }
            }
            Some(_) | None => {}
        }
    }
}
