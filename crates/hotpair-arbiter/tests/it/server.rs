//! An etcd of the test's own, on a loopback address that nobody else uses.
use hotpair_arbiter::{Ask, EngineKey, Etcd, EtcdSettings, Holder};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::Sender;
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

    /// How many leases there are.
    pub(crate) fn leases(&self) -> usize {
        let request = "POST /v3/lease/leases HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}";
        exchange(self.host_and_port(), request.as_bytes()).matches("\"ID\"").count()
    }

    fn host_and_port(&self) -> &str {
        self.address.trim_start_matches("http://")
    }

    /// A client of its own whose requests are held on their way.
    pub(crate) fn slow_client(&self) -> (Etcd, Held) {
        let listener = TcpListener::bind((host(), 0)).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (pass, passes) = std::sync::mpsc::channel();
        let (moved, moves) = tokio::sync::mpsc::unbounded_channel();
        let to = self.host_and_port().to_owned();
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let mut near = near.unwrap();
                let Some(request) = read_request(&near) else { continue };
                moved.send(Move::Held).ok();
                if passes.recv().is_err() {
                    return;
                }
                let answer = exchange(&to, request.as_bytes());
                moved.send(Move::Done).ok();
                drop(near.write_all(answer.as_bytes()));
            }
        });
        (client(&address), Held { pass, moves })
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

/// Requests that wait on their way.
pub(crate) struct Held {
    pass: Sender<()>,
    moves: tokio::sync::mpsc::UnboundedReceiver<Move>,
}

#[derive(Debug, PartialEq)]
enum Move {
    Held,
    Done,
}

impl Held {
    /// Waits until one is on its way.
    pub(crate) async fn one(&mut self) {
        assert_eq!(self.moves.recv().await, Some(Move::Held));
    }

    /// Lets it arrive, and waits until it is answered.
    pub(crate) async fn arrives(&mut self) {
        self.pass.send(()).unwrap();
        assert_eq!(self.moves.recv().await, Some(Move::Done));
    }
}

/// A request made into one after whose answer the connection is closed.
fn read_request(from: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(from);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(it) = lower.strip_prefix("content-length:") {
            length = it.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head += &line.replace(" HTTP/1.1", " HTTP/1.0");
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Some(format!("{head}\r\n{}", String::from_utf8(body).unwrap()))
}

fn exchange(to: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
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
