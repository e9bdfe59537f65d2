//! An etcd of the test's own, on a loopback address that nobody else uses.
use hotpair_arbiter::{Ask, EngineKey, Etcd, EtcdSettings, Holder};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    _data: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Every process has its own addresses, and every server of it one more: ports need not be free.
fn host() -> String {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    format!("127.{}.{high}.{low}", 100 + NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Server {
    /// `None`, said aloud, where etcd is not installed.
    pub(crate) fn start() -> Option<Self> {
        let data = tempfile::tempdir().unwrap();
        let host = host();
        let (client, peer) = (format!("http://{host}:2379"), format!("http://{host}:2380"));
        let spawned = Command::new("etcd")
            .arg("--data-dir")
            .arg(data.path())
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .args(["--logger", "zap", "--log-outputs", "stderr"])
            // Short leases are raised to what an election may take.
            .args(["--heartbeat-interval", "20", "--election-timeout", "200"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("SKIPPED: etcd is not installed (Debian: etcd-server)");
                return None;
            }
            Err(error) => panic!("etcd cannot be started: {error}"),
        };
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let served = log.find(|line| line.as_ref().unwrap().contains("serving client traffic"));
        assert!(served.is_some(), "etcd ended before it served");
        // Nobody reads it any more, and a full pipe would stop it.
        std::thread::spawn(move || log.for_each(drop));
        Some(Self { child, address: client, _data: data })
    }

    pub(crate) fn client(&self) -> Etcd {
        client(&self.address)
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

pub(crate) fn client(address: &str) -> Etcd {
    let call_time_max = Duration::from_secs(5);
    Etcd::new(EtcdSettings { addresses: vec![address.to_owned()], call_time_max }).unwrap()
}

pub(crate) fn engine() -> EngineKey {
    EngineKey { pair: "pair-1".into(), engine: "main".into() }
}

pub(crate) fn holder(node: &str, instance: u32) -> Holder {
    Holder { node: node.into(), instance: instance.to_string() }
}

/// A plain question.
pub(crate) fn ask(node: &str, lease: Duration) -> Ask {
    Ask { engine: engine(), holder: holder(node, 1), lease, proven_dead: None, over_alone: false }
}
