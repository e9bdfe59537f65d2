//! The bare limit: two processes of this program that do the least the job needs, over the same loopback.
//!
//! The front takes a request of the same bytes, passes it to the back, waits for its word and answers.
//! With `durable` both append to a file and sync it, at the same time. The back takes requests
//! itself from the moment the front's connection is closed: a takeover on a closed connection alone.
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc, oneshot};

pub(crate) const ROLE: &str = "bare";

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 66\r\n\r\n\
    {\"sequence\":1,\"epoch\":1,\"acknowledged\":\"replicated\",\"degraded\":no}";
const REFUSAL: &[u8] = b"HTTP/1.1 421 Not here\r\ncontent-length: 0\r\n\r\n";
const WRITES_QUEUED_MAX: usize = 1024;

/// Both processes. Dropped: killed.
#[derive(Debug)]
pub(crate) struct Bare {
    front: Child,
    back: Child,
    pub(crate) front_api: SocketAddr,
    pub(crate) back_api: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Bare {
    pub(crate) async fn start(durable: bool, ballast_mib: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (back, back_api) =
            spawn(&folder.path().join("back"), durable, ballast_mib, None).await?;
        let (front, front_api) =
            spawn(&folder.path().join("front"), durable, ballast_mib, Some(back_api)).await?;
        Ok(Self { front, back, front_api, back_api, _folder: folder })
    }

    pub(crate) fn kill_front(&mut self) -> Result<Instant> {
        let at = Instant::now();
        self.front.kill()?;
        Ok(at)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        for child in [&mut self.front, &mut self.back] {
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }
}

async fn spawn(
    file: &Path,
    durable: bool,
    ballast_mib: usize,
    partner: Option<SocketAddr>,
) -> Result<(Child, SocketAddr)> {
    let mut command = Command::new(std::env::current_exe()?);
    let partner = partner.map_or_else(|| "-".to_owned(), |it| it.to_string());
    let sync = if durable { "durable" } else { "memory" };
    command.arg(ROLE).arg(file).args([sync, &ballast_mib.to_string(), &partner]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("piped")?;
    let stdout = tokio::process::ChildStdout::from_std(stdout)?;
    let line = BufReader::new(stdout).lines().next_line().await?.context("it says its address")?;
    Ok((child, line.parse()?))
}

/// One of the two processes.
pub(crate) async fn serve(arguments: &[String]) -> Result<()> {
    let [file, sync, ballast_mib, partner] = arguments else { bail!("not for people") };
    let ballast: Vec<u8> = vec![1; ballast_mib.parse::<usize>()? << 20];
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let disk = (sync == "durable").then(|| Disk::open(file.into()));
    let partner = match partner.parse::<SocketAddr>() {
        Ok(partner) => Some(Arc::new(Partner::connect(partner).await?)),
        Err(_) => None,
    };
    // The back acts when the front is gone, the front from the beginning.
    let acts = Arc::new(AtomicBool::new(partner.is_some()));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (disk, partner, acts) = (disk.clone(), partner.clone(), acts.clone());
        tokio::spawn(async move {
            // Whoever goes away has said all it wanted.
            let _closed = client(stream, disk, partner, acts).await;
        });
        std::hint::black_box(&ballast);
    }
}

async fn client(
    mut stream: TcpStream,
    disk: Option<Disk>,
    partner: Option<Arc<Partner>>,
    acts: Arc<AtomicBool>,
) -> Result<()> {
    let mut first = [0; 1];
    stream.read_exact(&mut first).await?;
    if first[0] == b'R' {
        let served = replica(stream, disk).await;
        acts.store(true, Ordering::Release);
        return served;
    }
    let mut buffer = first.to_vec();
    loop {
        while !whole(&buffer) {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        let answer = if acts.load(Ordering::Acquire) { ANSWER } else { REFUSAL };
        let request = std::mem::take(&mut buffer);
        let local = async {
            if let Some(disk) = &disk {
                disk.write(request.clone()).await;
            }
        };
        let remote = async {
            if let Some(partner) = &partner {
                partner.send(&request).await;
            }
        };
        if answer.len() == ANSWER.len() {
            tokio::join!(local, remote);
        }
        stream.write_all(answer).await?;
    }
}

/// A head and, as the load writes them, a body of `{"value":…}`.
fn whole(buffer: &[u8]) -> bool {
    buffer.windows(4).any(|it| it == b"\r\n\r\n") && buffer.ends_with(b"}")
}

/// Takes frames of the front and answers each with its number.
async fn replica(stream: TcpStream, disk: Option<Disk>) -> Result<()> {
    let (mut read, write) = stream.into_split();
    let write = Arc::new(Mutex::new(write));
    loop {
        let number = read.read_u64().await?;
        let length = read.read_u32().await? as usize;
        let mut bytes = vec![0; length];
        read.read_exact(&mut bytes).await?;
        let (disk, write) = (disk.clone(), write.clone());
        let done = async move {
            if let Some(disk) = &disk {
                disk.write(bytes).await;
            }
            let _front_gone = write.lock().await.write_u64(number).await;
        };
        tokio::spawn(done);
    }
}

/// The front's connection to the back, with many frames in flight.
struct Partner {
    frames: mpsc::Sender<(Vec<u8>, oneshot::Sender<()>)>,
}

impl Partner {
    async fn connect(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let (mut read, mut write) = stream.into_split();
        write.write_all(b"R").await?;
        let (frames, mut queued) =
            mpsc::channel::<(Vec<u8>, oneshot::Sender<()>)>(WRITES_QUEUED_MAX);
        let waiting = Arc::new(Mutex::new(std::collections::BTreeMap::new()));
        let answered = waiting.clone();
        tokio::spawn(async move {
            let mut number = 0_u64;
            while let Some((bytes, done)) = queued.recv().await {
                number += 1;
                waiting.lock().await.insert(number, done);
                let length = u32::try_from(bytes.len()).expect("a small request");
                let frame = [&number.to_be_bytes()[..], &length.to_be_bytes(), &bytes].concat();
                if write.write_all(&frame).await.is_err() {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            while let Ok(number) = read.read_u64().await {
                let done: Option<oneshot::Sender<()>> = answered.lock().await.remove(&number);
                if let Some(done) = done {
                    let _client_gone = done.send(());
                }
            }
        });
        Ok(Self { frames })
    }

    async fn send(&self, bytes: &[u8]) {
        let (done, answered) = oneshot::channel();
        if self.frames.send((bytes.to_vec(), done)).await.is_ok() {
            let _back_gone = answered.await;
        }
    }
}

/// A file that is appended to and synced by one thread, many writes at once.
#[derive(Clone)]
struct Disk(mpsc::Sender<(Vec<u8>, oneshot::Sender<()>)>);

impl Disk {
    fn open(path: PathBuf) -> Self {
        let (writes, mut queued) =
            mpsc::channel::<(Vec<u8>, oneshot::Sender<()>)>(WRITES_QUEUED_MAX);
        std::thread::spawn(move || {
            let mut file = std::fs::File::create(path).expect("a file in a fresh folder");
            while let Some(first) = queued.blocking_recv() {
                let mut group = vec![first];
                while let Ok(next) = queued.try_recv() {
                    group.push(next);
                }
                let bytes: Vec<u8> = group.iter().flat_map(|it| it.0.iter().copied()).collect();
                file.write_all(&bytes).expect("the disk takes it");
                file.sync_data().expect("the disk takes it");
                for (_, done) in group {
                    let _gone = done.send(());
                }
            }
        });
        Self(writes)
    }

    async fn write(&self, bytes: Vec<u8>) {
        let (done, synced) = oneshot::channel();
        if self.0.send((bytes, done)).await.is_ok() {
            let _gone = synced.await;
        }
    }
}

/// One `fdatasync` of a 4 KiB append, median of some.
pub(crate) fn sync_once(folder: &Path) -> Result<Duration> {
    let mut file = std::fs::File::create(folder.join("sync"))?;
    let mut times = Vec::new();
    for _ in 0..9 {
        file.write_all(&[7; 4096])?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}
