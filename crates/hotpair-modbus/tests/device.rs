//! The loop of a device against one that does as it is told here: silence, exceptions, a role that goes.
use hotpair_engine::Post;
use hotpair_engine::tags::{Declaration, Quality, Reading, TagWrite, Value};
use hotpair_modbus::{Device, Health, Site, SiteError, Written, doubt, run};
use hotpair_types::{Epoch, NodeTime, Position};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const LONG: Duration = Duration::from_secs(20);
const READ_INPUT: u8 = 4;
const WRITE_ONE: u8 = 6;

/// What a device was asked and how its connections ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Asked { function: u8, address: u16, last: u16 },
    Ended(Option<ErrorKind>),
}

/// The answer to a request: function, address, and the value or count. None: silence.
type Answers = Box<dyn FnMut(u8, u16, u16) -> Option<Vec<u8>> + Send>;

struct Plc {
    address: String,
    seen: watch::Receiver<Vec<Seen>>,
}

impl Plc {
    async fn start(mut answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (say, seen) = watch::channel(Vec::new());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let end = serve(&mut stream, &mut answers, &say).await;
                say.send_modify(|it| it.push(Seen::Ended(end)));
            }
        });
        Self { address, seen }
    }

    async fn until(&mut self, what: &str, is_there: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let found = tokio::time::timeout(LONG, self.seen.wait_for(|it| is_there(it))).await;
        let found = found.unwrap_or_else(|_| panic!("never: {what}")).expect("the device runs");
        found.clone()
    }
}

/// One connection; gives the error it ended with, none for an orderly end.
async fn serve(
    stream: &mut TcpStream,
    answers: &mut Answers,
    say: &watch::Sender<Vec<Seen>>,
) -> Option<ErrorKind> {
    loop {
        let mut head = [0; 12];
        if let Err(error) = stream.read_exact(&mut head).await {
            return Some(error.kind()).filter(|it| *it != ErrorKind::UnexpectedEof);
        }
        let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        let (function, address, last) = (head[7], word(8), word(10));
        say.send_modify(|it| it.push(Seen::Asked { function, address, last }));
        let Some(answer) = answers(function, address, last) else { continue };
        let length = u16::try_from(answer.len() + 1).expect("short");
        let mut frame = head[..4].to_vec();
        frame.extend(length.to_be_bytes());
        frame.push(head[6]);
        frame.extend(answer);
        stream.write_all(&frame).await.expect("the node reads");
    }
}

fn registers(count: u16) -> Option<Vec<u8>> {
    let mut answer = vec![READ_INPUT, u8::try_from(count * 2).expect("few")];
    answer.extend((0..count).flat_map(|_| 7_u16.to_be_bytes()));
    Some(answer)
}

fn exception(function: u8, code: u8) -> Option<Vec<u8>> {
    Some(vec![function | 0x80, code])
}

fn written(address: u16, value: u16) -> Option<Vec<u8>> {
    Some([&[WRITE_ONE], &address.to_be_bytes()[..], &value.to_be_bytes()[..]].concat())
}

struct Held {
    epoch: Option<Epoch>,
    tags: BTreeMap<Box<str>, Reading>,
}

struct Node(Mutex<Held>);

impl Node {
    fn new(epoch: Option<Epoch>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Held { epoch, tags: BTreeMap::new() })))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().expect("no panic")
    }

    fn set(&self, tag: &str, value: f64, quality: Quality) {
        let reading = Reading {
            path: tag.into(),
            declaration: declared(tag),
            value: Some(Value::Float(value)),
            quality,
            timestamp: NodeTime(1),
            position: Position::default(),
        };
        self.held().tags.insert(tag.into(), reading);
    }

    fn quality(&self, tag: &str) -> Quality {
        self.held().tags[tag].quality
    }
}

impl Site for Node {
    fn may_write(&self) -> Option<Epoch> {
        self.held().epoch
    }

    fn read(&self, tag: &str) -> Option<Reading> {
        self.held().tags.get(tag).cloned()
    }

    async fn write(&self, tags: Vec<TagWrite>) -> Result<(), SiteError> {
        let mut held = self.held();
        for write in tags {
            let reading = held.tags.get_mut(&write.path).expect("declared");
            (reading.value, reading.quality) = (Some(write.value), write.quality);
        }
        Ok(())
    }

    async fn post(&self, _posts: Vec<Post>) -> Result<(), SiteError> {
        Ok(())
    }

    fn wall(&self) -> NodeTime {
        NodeTime(2)
    }
}

fn declared(path: &str) -> Option<Arc<Declaration>> {
    let declaration = Declaration::from_json(path, br#"{"type": "float"}"#);
    Some(Arc::new(declaration.expect("a declaration")))
}

const fn epoch(number: u64) -> Option<Epoch> {
    Some(Epoch { number, tag: 9 })
}

/// Runs the device until it is dropped.
fn begin(node: &Arc<Node>, plc: &Plc, rest: &str) -> tokio::task::JoinSet<()> {
    let json = format!(r#"{{"address": "{}", {rest}}}"#, plc.address);
    let (device, _) = Device::from_json("plc", json.as_bytes(), &declared).expect("a device");
    let node = node.clone();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        let (health, _) = watch::channel(Health::default());
        run(&device, &*node, &Written::new(), &health).await;
    });
    tasks
}

const PUMP: &str = r#""outputs": {"pump": {"table": "holding", "address": 3, "type": "u16"}}"#;
const ENDED: Seen = Seen::Ended(Some(ErrorKind::ConnectionReset));

fn ends(seen: &[Seen]) -> Vec<Seen> {
    seen.iter().filter(|it| matches!(it, Seen::Ended(_))).cloned().collect()
}

#[tokio::test]
async fn a_connection_without_an_answer_is_aborted_so_that_nothing_of_it_comes_later() {
    let mut plc = Plc::start(Box::new(|_, _, _| None)).await;
    let node = Node::new(epoch(1));
    node.set("pump", 5.0, Quality::Good);
    let _tasks = begin(&node, &plc, &format!(r#""poll": "1h", "timeout": "50ms", {PUMP}"#));
    let seen = plc.until("the connection ends", |it| !ends(it).is_empty()).await;
    assert_eq!(ends(&seen)[0], ENDED, "an orderly end sends what waits in the kernel: {seen:?}");
}

#[tokio::test]
async fn a_device_that_is_not_wanted_any_more_is_aborted_too() {
    let mut plc = Plc::start(Box::new(|_, _, _| None)).await;
    let node = Node::new(epoch(1));
    node.set("pump", 5.0, Quality::Good);
    let tasks = begin(&node, &plc, &format!(r#""poll": "1h", "timeout": "30s", {PUMP}"#));
    plc.until("a write is under way", |it| !it.is_empty()).await;
    drop(tasks);
    let seen = plc.until("the connection ends", |it| !ends(it).is_empty()).await;
    assert_eq!(ends(&seen), [ENDED]);
}

#[tokio::test]
async fn a_write_under_way_ends_with_the_role() {
    let mut plc = Plc::start(Box::new(|_, _, _| None)).await;
    let node = Node::new(epoch(1));
    node.set("pump", 5.0, Quality::Good);
    let _tasks = begin(&node, &plc, &format!(r#""poll": "1h", "timeout": "30s", {PUMP}"#));
    plc.until("a write is under way", |it| !it.is_empty()).await;
    node.held().epoch = None;
    let seen = plc.until("the connection ends", |it| !ends(it).is_empty()).await;
    assert_eq!(ends(&seen), [ENDED]);
}

#[tokio::test]
async fn a_role_that_went_and_came_between_two_polls_tells_the_device_anew() {
    let mut plc = Plc::start(Box::new(|_, address, value| written(address, value))).await;
    let node = Node::new(epoch(1));
    node.set("pump", 5.0, Quality::Good);
    let _tasks = begin(&node, &plc, &format!(r#""poll": "1h", {PUMP}"#));
    plc.until("the first active wrote", |it| it.len() == 1).await;
    node.held().epoch = epoch(3);
    let seen = plc.until("the next active wrote", |it| it.len() == 2).await;
    assert_eq!(seen[0], seen[1]);
}

const NEIGHBOURS: &str = r#""poll": "20ms", "inputs": {
    "a": {"table": "input", "address": 0, "type": "u16"},
    "b": {"table": "input", "address": 4, "type": "u16"}}"#;

#[tokio::test]
async fn neighbours_are_read_one_by_one_only_when_the_device_has_not_all_of_them() {
    for (code, is_split) in
        [(2, true), (3, true), (4, false), (6, false), (0x0a, false), (0x0b, false)]
    {
        let mut first = true;
        let mut plc = Plc::start(Box::new(move |function, _, count| {
            if std::mem::take(&mut first) { exception(function, code) } else { registers(count) }
        }))
        .await;
        let node = Node::new(epoch(1));
        node.set("a", 1.0, Quality::Good);
        node.set("b", 1.0, Quality::Good);
        let _tasks = begin(&node, &plc, NEIGHBOURS);
        let seen = plc.until("four requests", |it| it.len() >= 4).await;
        let counts = seen.iter().map(|it| match it {
            Seen::Asked { last, .. } => *last,
            Seen::Ended(_) => panic!("an exception ended the connection: {seen:?}"),
        });
        let expected = if is_split { [5, 1, 1, 1] } else { [5, 5, 5, 5] };
        assert_eq!(counts.take(4).collect::<Vec<_>>(), expected, "exception {code}");
    }
}

#[tokio::test]
async fn a_device_that_is_busy_makes_its_inputs_bad() {
    let mut plc = Plc::start(Box::new(|function, _, _| exception(function, 6))).await;
    let node = Node::new(epoch(1));
    node.set("a", 1.0, Quality::Good);
    node.set("b", 1.0, Quality::Good);
    let _tasks = begin(&node, &plc, NEIGHBOURS);
    plc.until("two polls", |it| it.len() >= 2).await;
    assert_eq!((node.quality("a"), node.quality("b")), (Quality::Bad, Quality::Bad));
}

#[tokio::test]
async fn what_is_not_read_any_more_is_bad_and_keeps_its_value() {
    let node = Node::new(epoch(1));
    node.set("a", 1.0, Quality::Good);
    doubt(&*node, &BTreeSet::from(["a".into(), "nobody".into()])).await.expect("the node takes it");
    assert_eq!(node.quality("a"), Quality::Bad);
    assert_eq!(node.held().tags["a"].value, Some(Value::Float(1.0)));
}
