//! Follows tags and events on whichever node is active, and goes on at the other one without a gap
//! or a double.
use crate::answers::Tag;
use crate::call::Repeat;
use crate::client::{Client, encoded};
use crate::place::{Place, Position};
use crate::stream::Stream;
use crate::{Error, NodeAddress, Problem};
use futures_util::StreamExt;
use hyper::Method;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};

const PAUSE_FIRST: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(250);
/// How long a node may take to answer who it is.
const PROBE_TIME_MAX: Duration = Duration::from_millis(500);

/// What to follow.
#[derive(Clone, Debug)]
pub struct SubscribeOptions {
    /// Tags whose path begins so; `None`: no tags.
    pub prefix: Option<String>,
    /// Role changes and other events.
    pub events: bool,
    /// A node that was silent for so long is asked whether it is still there, and active.
    pub silence_max: Duration,
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        let silence_max = Duration::from_millis(500);
        Self { prefix: Some(String::new()), events: false, silence_max }
    }
}

/// What a subscriber hears.
#[derive(Clone, Debug, PartialEq)]
pub enum FeedItem {
    /// What was heard before is to be forgotten: all values follow, up to `Level`. At the
    /// beginning, and when the pair cannot say any more what changed since.
    Reset,
    /// A tag's value. After `Level`: each change of it, once.
    Tag(Tag),
    /// A tag is no longer declared.
    TagRemoved {
        /// Its path.
        path: String,
        /// The sequence of the entry that says so.
        sequence: u64,
    },
    /// Something happened on the node, as JSON.
    Event(Value),
    /// Everything that had happened is told; what follows happens now.
    Level,
}

/// Follows a pair. Ask it for the next item, again and again.
#[derive(Debug)]
pub struct Subscription {
    client: Client,
    options: SubscribeOptions,
    place: Place,
    /// The last event of each node: they count for themselves.
    events: HashMap<NodeAddress, u64>,
    link: Option<Link>,
    pause: Duration,
}

#[derive(Debug)]
struct Link {
    node: NodeAddress,
    socket: WebSocketStream<Stream>,
    /// All values are being sent: they are as they are, whatever their sequence.
    in_values: bool,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Incoming {
    Hello {
        resumed: bool,
    },
    Tag(Tag),
    TagRemoved {
        path: String,
        sequence: u64,
        #[serde(default)]
        epoch: u64,
    },
    Event {
        event: Value,
    },
    Level {
        position: IncomingPosition,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct IncomingPosition {
    epoch: u64,
    sequence: u64,
}

impl Subscription {
    pub(crate) fn new(client: Client, options: SubscribeOptions) -> Self {
        let (place, events) = (Place::default(), HashMap::new());
        Self { client, options, place, events, link: None, pause: PAUSE_FIRST }
    }

    /// The next item. Waits as long as it takes, over failures of either node. May be cancelled:
    /// nothing is lost.
    ///
    /// # Errors
    /// `Error::Refused` when a node says that this cannot be followed, for example for want of a
    /// token. Nothing else ends it.
    pub async fn next(&mut self) -> Result<FeedItem, Error> {
        loop {
            let Some(link) = &mut self.link else {
                self.connect().await?;
                continue;
            };
            let Some(text) = link.receive(&self.client, self.options.silence_max).await else {
                self.link = None;
                continue;
            };
            // What a newer node says, or nobody's words, is passed over.
            let Ok(incoming) = serde_json::from_str(&text) else { continue };
            if let Some(item) = self.take(incoming) {
                return Ok(item);
            }
        }
    }

    fn take(&mut self, incoming: Incoming) -> Option<FeedItem> {
        let link = self.link.as_mut()?;
        match incoming {
            Incoming::Hello { resumed } => {
                self.pause = PAUSE_FIRST;
                link.in_values = !resumed;
                if resumed {
                    return None;
                }
                self.place.forget();
                Some(FeedItem::Reset)
            }
            Incoming::Tag(tag) => {
                let position = Position { epoch: tag.epoch, sequence: tag.sequence };
                let new = link.in_values || self.place.hear(position, &tag.path);
                new.then_some(FeedItem::Tag(tag))
            }
            Incoming::TagRemoved { path, sequence, epoch } => {
                let epoch = if epoch == 0 { self.place.epoch() } else { epoch };
                let position = Position { epoch, sequence };
                let new = link.in_values || self.place.hear(position, &path);
                new.then_some(FeedItem::TagRemoved { path, sequence })
            }
            Incoming::Level { position } => {
                let IncomingPosition { epoch, sequence } = position;
                self.place.level(Position { epoch, sequence });
                let told = std::mem::take(&mut link.in_values);
                told.then_some(FeedItem::Level)
            }
            Incoming::Event { event } => {
                let number = event.get("number").and_then(Value::as_u64).unwrap_or(0);
                self.events.insert(link.node.clone(), number);
                Some(FeedItem::Event(event))
            }
            Incoming::Other => None,
        }
    }

    /// Connects to the active, else to whoever answers.
    async fn connect(&mut self) -> Result<(), Error> {
        let nodes = self.client.way.nodes();
        let active = find_active(&self.client, &nodes).await;
        if let Some(active) = &active {
            self.client.way.prefer(active);
        }
        let others = nodes.iter().filter(|it| Some(*it) != active.as_ref());
        for node in active.iter().chain(others) {
            match self.open(node).await {
                Ok(link) => {
                    self.link = Some(link);
                    return Ok(());
                }
                Err(Some(problem))
                    if !(500..600).contains(&problem.status)
                        && !matches!(problem.status, 408 | 421 | 429) =>
                {
                    return Err(Error::Refused(problem.into()));
                }
                Err(Some(_) | None) => {}
            }
        }
        sleep(self.pause).await;
        self.pause = (2 * self.pause).min(PAUSE_MAX);
        Ok(())
    }

    async fn open(&self, node: &NodeAddress) -> Result<Link, Option<Problem>> {
        let tls = &self.client.way.connections.tls;
        let connect_time_max = self.client.way.connections.connect_time_max;
        let connect = timeout(connect_time_max, tls.connect(node));
        let stream = connect.await.map_err(|_| None)?.map_err(|_| None)?;
        let scheme = if node.https { "wss" } else { "ws" };
        let address = format!("{scheme}://{}{}", node.authority, self.target(node));
        let mut request = address.into_client_request().map_err(|_| None)?;
        if let Some(token) = &self.client.token
            && let Ok(value) = format!("Bearer {token}").parse()
        {
            request.headers_mut().insert("authorization", value);
        }
        let shake = tokio_tungstenite::client_async(request, stream);
        match timeout(self.client.way.attempt_time_max, shake).await {
            Err(_) => Err(None),
            Ok(Ok((socket, _))) => Ok(Link { node: node.clone(), socket, in_values: false }),
            Ok(Err(tungstenite::Error::Http(answer))) => {
                let status = answer.status().as_u16();
                Err(Some(Problem::read(status, answer.body().as_deref().unwrap_or_default())))
            }
            Ok(Err(_)) => Err(None),
        }
    }

    fn target(&self, node: &NodeAddress) -> String {
        let SubscribeOptions { prefix, events, .. } = &self.options;
        let mut target = format!("/api/v1/subscribe?tags={}&events={events}", prefix.is_some());
        let mut add = |name: &str, value: &str| {
            let _ = write!(target, "&{name}={}", encoded(value));
        };
        if let Some(prefix) = prefix.as_ref().filter(|it| !it.is_empty()) {
            add("prefix", prefix);
        }
        if let Some(Position { epoch, sequence }) = self.place.resume() {
            add("last", &format!("{epoch}:{sequence}"));
        }
        if let Some(number) = self.events.get(node) {
            add("since_event", &number.to_string());
        }
        if let Some(engine) = &self.client.engine {
            add("engine", engine.as_str());
        }
        target
    }
}

impl Link {
    /// The next text. `None`: this link is of no use any more.
    async fn receive(&mut self, client: &Client, silence_max: Duration) -> Option<String> {
        loop {
            match timeout(silence_max, self.socket.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => return Some(text.as_str().to_owned()),
                Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return None,
                Ok(Some(Ok(_))) => {}
                // Quiet: it may have nothing to say, be no longer active, or be dead.
                Err(_) if is_active(client, &self.node).await == Some(true) => {}
                Err(_) => {
                    let others: Vec<_> =
                        client.way.nodes().into_iter().filter(|it| *it != self.node).collect();
                    if find_active(client, &others).await.is_some() {
                        return None;
                    }
                    // Nobody else is active: stay, as long as this one answers at all.
                    is_active(client, &self.node).await?;
                }
            }
        }
    }
}

/// Whether a node is active; `None`: it does not answer.
async fn is_active(client: &Client, node: &NodeAddress) -> Option<bool> {
    let call = client.call(Method::GET, "/active", &[], None, Repeat::Read);
    client.way.ask_one(&call, node, Instant::now() + PROBE_TIME_MAX).await
}

/// The first node that says it is active. All are asked at the same time.
async fn find_active(client: &Client, nodes: &[NodeAddress]) -> Option<NodeAddress> {
    let mut asked = tokio::task::JoinSet::new();
    for node in nodes.iter().cloned() {
        let client = client.clone();
        asked.spawn(async move { (is_active(&client, &node).await == Some(true)).then_some(node) });
    }
    while let Some(answer) = asked.join_next().await {
        if let Ok(Some(node)) = answer {
            return Some(node);
        }
    }
    None
}
