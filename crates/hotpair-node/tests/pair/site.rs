//! A pair in this process, with a module in each node.
use hotpair_api::face::{
    Caller, Command, NodeFace, NodeStatus, Verdict, WriteOptions, WriteOutcome,
};
use hotpair_engine::objects::Natives;
use hotpair_engine::{Item, Post, ProviderError, RuntimeStateProvider, Update};
use hotpair_node::config_table::ConfigTable;
use hotpair_node::face::Registration;
use hotpair_node::node::{Node, NodeError, NodeParts};
use hotpair_node::settings::{self, Settings};
use hotpair_transport::Identity;
use hotpair_types::{Position, StateId};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const PATIENCE: Duration = Duration::from_secs(30);
const STARTS_MAX: usize = 5;

/// Live state that can be waited for.
pub(crate) struct Polls(watch::Sender<BTreeMap<String, String>>);

impl Polls {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::default()))
    }

    pub(crate) fn set(&self, item: &str, value: &str) -> Post {
        self.0.send_modify(|it| drop(it.insert(item.into(), value.into())));
        Post { item: item.into(), value: Some(value.to_owned().into()) }
    }

    pub(crate) async fn become_like(&self, expected: &[(&str, &str)]) {
        let expected = expected.iter().map(|(item, value)| ((*item).into(), (*value).into()));
        let expected: BTreeMap<String, String> = expected.collect();
        let mut state = self.0.subscribe();
        let reached = tokio::time::timeout(PATIENCE, state.wait_for(|it| *it == expected));
        assert!(reached.await.is_ok(), "{:?} instead of {expected:?}", self.0.borrow());
    }
}

impl RuntimeStateProvider for Polls {
    fn name(&self) -> &str {
        "polls"
    }

    fn apply(&self, update: &Update) -> Result<(), ProviderError> {
        let text = |it: &bytes::Bytes| String::from_utf8_lossy(it).into_owned();
        self.0.send_modify(|it| {
            drop(match &update.value {
                Some(value) => it.insert(update.item.to_string(), text(value)),
                None => it.remove(&*update.item),
            });
        });
        Ok(())
    }

    fn snapshot(&self) -> Result<Vec<(Box<str>, bytes::Bytes)>, ProviderError> {
        let state = self.0.borrow();
        Ok(state.iter().map(|(item, value)| (item.as_str().into(), value.clone().into())).collect())
    }

    fn restore(&self, _: Position, items: &[Item]) -> Result<(), ProviderError> {
        let text = |it: &Item| String::from_utf8_lossy(&it.value).into_owned();
        self.0.send_replace(items.iter().map(|it| (it.item.to_string(), text(it))).collect());
        Ok(())
    }
}

/// One node with the module in it.
pub(crate) struct Site {
    pub(crate) node: Node,
    pub(crate) polls: Arc<Polls>,
    pub(crate) registration: Registration,
    pub(crate) records: ConfigTable<hotpair_node::face::Face, String>,
}

impl Site {
    pub(crate) async fn start(settings: &Settings) -> Result<Self, NodeError> {
        Self::start_with(settings, Natives::default()).await
    }

    pub(crate) async fn start_with(
        settings: &Settings,
        natives: Natives,
    ) -> Result<Self, NodeError> {
        let parts = NodeParts { natives, ..NodeParts::without_guard(settings.clone())? };
        let node = Node::start(parts).await?;
        let polls = Polls::new();
        let registration = node.face().register(None, polls.clone()).await.unwrap();
        let records = ConfigTable::new(node.face().clone(), None, "devices");
        Ok(Self { node, polls, registration, records })
    }

    /// Starts a node again in the same process: the sockets of the one before may take a moment
    /// longer than it to go.
    pub(crate) async fn start_again(settings: &Settings) -> Self {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match Self::start(settings).await {
                Ok(site) => return site,
                Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn become_state(&self, state: StateId) {
        let mut status = self.node.face().status();
        let is_it = |it: &Arc<NodeStatus>| it.engines[0].state == Some(state);
        let reached = tokio::time::timeout(PATIENCE, status.wait_for(is_it)).await.is_ok();
        let status = status.borrow();
        let engine = &status.engines[0];
        let (now, last) = (engine.state, &engine.last_change);
        assert!(
            reached,
            "{} is {now:?}, not {state:?}; {last:?}; {:?}",
            status.node, engine.blockers
        );
    }

    pub(crate) async fn post(&self, item: &str, value: &str) {
        let post = self.polls.set(item, value);
        let outcome = self.registration.post(&[post], WriteOptions::default()).await.unwrap();
        assert!(matches!(outcome, WriteOutcome::Done(_)), "{outcome:?}");
    }

    pub(crate) async fn records_become(&mut self, expected: &[(&str, &str)]) {
        let reached = tokio::time::timeout(PATIENCE, async {
            loop {
                let rows = self.records.rows().await.unwrap();
                let rows: Vec<_> =
                    rows.iter().map(|it| (it.key.as_str(), it.value.as_str())).collect();
                if rows == expected {
                    return;
                }
                assert!(self.records.changed().await, "the node ended");
            }
        });
        assert!(reached.await.is_ok(), "{:?}", self.records.rows().await);
    }

    /// "Make me responsible."
    pub(crate) async fn take_over(&self) {
        let caller = Caller { address: "here".into(), agent: "test".into() };
        let command = self.node.face().command(None, caller, Command::BecomeActive);
        let verdict = command.await.unwrap();
        assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
        self.become_state(StateId::Active).await;
    }

    /// The base address of its API.
    pub(crate) fn base(&self) -> String {
        self.node.face().status().borrow().api.clone()
    }

    pub(crate) async fn stop(self) {
        drop(self.registration);
        self.node.leave().await;
        self.node.ended().await;
    }
}

/// An address whose port is ours, UDP and TCP, until this is dropped.
struct Reserved {
    address: SocketAddr,
    _udp: UdpSocket,
    _tcp: TcpListener,
}

impl Reserved {
    fn new() -> Self {
        loop {
            let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = tcp.local_addr().unwrap();
            if let Ok(udp) = UdpSocket::bind(address) {
                return Self { address, _udp: udp, _tcp: tcp };
            }
        }
    }
}

pub(crate) fn write_settings(dir: &Path) -> [Settings; 2] {
    let keys = [Identity::generate().unwrap(), Identity::generate().unwrap()];
    // If somebody takes one before the node does, others are tried.
    let reserved = [(); 4].map(|()| Reserved::new());
    let at = |node: usize, channel: usize| -> SocketAddr { reserved[2 * node + channel].address };
    [0, 1].map(|node| {
        let other = 1 - node;
        let dir = dir.join(["a", "b"][node]);
        std::fs::create_dir_all(&dir).unwrap();
        keys[node].save(&dir.join("node.key")).unwrap();
        let text = format!(
            r#"
            [node]
            name = "{}"
            designation = "{}"
            data_dir = {dir:?}
            [partner]
            name = "{}"
            key = "{}"
            [channels.redundancy]
            listen = "{}"
            partner = "{}"
            [channels.primary]
            listen = "{}"
            partner = "{}"
            [config]
            writable_on = "active"
            [recovery]
            mode = "manual"
            [api]
            listen = "127.0.0.1:0"
            "#,
            ["gw-a", "gw-b"][node],
            ["master", "backup"][node],
            ["gw-a", "gw-b"][other],
            keys[other].key(),
            at(node, 0),
            at(other, 0),
            at(node, 1),
            at(other, 1),
        );
        let file = dir.join("node.toml");
        std::fs::write(&file, text).unwrap();
        settings::load(&file).unwrap()
    })
}

pub(crate) async fn start_pair(dir: &Path) -> ([Settings; 2], Site, Site) {
    start_pair_with(dir, [Natives::default(), Natives::default()]).await
}

pub(crate) async fn start_pair_with(
    dir: &Path,
    natives: [Natives; 2],
) -> ([Settings; 2], Site, Site) {
    let mut errors = Vec::new();
    for attempt in 0..STARTS_MAX {
        let settings = write_settings(&dir.join(attempt.to_string()));
        let start = async |it: usize| Site::start_with(&settings[it], natives[it].clone()).await;
        match (start(0).await, start(1).await) {
            (Ok(master), Ok(backup)) => return (settings, master, backup),
            (master, backup) => errors.extend([master.err(), backup.err()].into_iter().flatten()),
        }
    }
    panic!("no pair in {STARTS_MAX} attempts: {errors:?}");
}
