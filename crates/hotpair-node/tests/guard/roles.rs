//! The other processes of these tests: guard, nodes, a node's child.
use crate::PATIENCE;
use hotpair_node::guard::node_side::{self, GuardEvent, GuardLink};
use hotpair_node::guard::{self, BackoffSettings, GuardSettings, Notice, Route};
use hotpair_node::guard_link::{self, GuardSays, NoticeParts};
use hotpair_os::child::ChildSetup;
use hotpair_os::{readiness, signals};
use hotpair_transport::Identity;
use hotpair_types::Instance;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Of the node that leaves.
pub(crate) const INSTANCE: Instance = Instance { count: 3, tag: 9 };

/// `guard CONTROL PARTNER PARTNER`: a guard whose nodes do what they hear from the test.
pub(crate) fn guard(arguments: &[String], role: &str) -> ExitCode {
    let mut settings = GuardSettings::of_this_program(vec![role.into()]).unwrap();
    settings.arguments.extend(arguments.iter().map(Into::into));
    settings.stop_timeout = Duration::from_millis(200);
    settings.backoff = BackoffSettings {
        first: Duration::from_millis(1),
        max: Duration::from_millis(1),
        quiet: PATIENCE,
    };
    guard::run(settings)
}

/// `node CONTROL PARTNER PARTNER --guard-fd FD`.
pub(crate) fn node(arguments: &[String]) -> ExitCode {
    let [control, partners @ .., flag, fd] = arguments else { panic!("{arguments:?}") };
    assert_eq!(flag, "--guard-fd");
    // Before there is another thread: who does not heed it is deaf to it.
    let asked = signals::Signals::take(&[signals::TERMINATE]).unwrap();
    let mut test = UnixStream::connect(control).unwrap();
    writeln!(test, "node {}", std::process::id()).unwrap();
    let mut says = test.try_clone().unwrap();
    let (sender, events) = mpsc::channel();
    let on_event = move |event| match event {
        GuardEvent::Told { number } => sender.send(number).unwrap(),
        GuardEvent::Lost => writeln!(says, "guard lost").unwrap(),
    };
    let link = node_side::connect(fd.parse().unwrap(), on_event).unwrap();
    let told = |number| while events.recv().unwrap() < number {};
    for line in BufReader::new(test.try_clone().unwrap()).lines() {
        let line = line.unwrap();
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("tell", text) => told(link.tell(notice(partners, text))),
            ("withdraw", _) => told(link.withdraw()),
            ("ready", _) => ready(&link),
            ("spawn", _) => spawn_child(control),
            ("heed", _) => heed(&asked, &mut test),
            ("environment", name) => {
                writeln!(test, "{}", std::env::var(name).unwrap_or_default()).unwrap();
            }
            ("exit", status) => return ExitCode::from(status.parse::<u8>().unwrap()),
            (other, _) => panic!("{other:?}"),
        }
        writeln!(test, "done").unwrap();
    }
    panic!("the test is gone");
}

/// `leaver CONTROL PARTNER PARTNER --guard-fd FD`: ends by itself, as a node does that has left.
pub(crate) fn leaver(arguments: &[String]) -> ExitCode {
    let [control, partners @ .., _, fd] = arguments else { panic!("{arguments:?}") };
    let mut test = UnixStream::connect(control).unwrap();
    let signer = Arc::new(Identity::generate().unwrap());
    let routes = notice(partners, "").routes;
    let addresses = Vec::new();
    let parts = NoticeParts { pair: [7; 16], instance: INSTANCE, routes, signer, addresses };
    let (says, mut told) = tokio::sync::mpsc::unbounded_channel();
    let (mut line, _) =
        guard_link::GuardLink::connect(fd.parse().unwrap(), 1, parts, says).unwrap();
    line.tell(0, true);
    while told.blocking_recv().unwrap() != (GuardSays::Told { behind: vec![true] }) {}
    writeln!(test, "leaver {}", std::process::id()).unwrap();
    let mut word = String::new();
    BufReader::new(test).read_line(&mut word).unwrap();
    line.ended(word.trim() == "leave seen");
    ExitCode::SUCCESS
}

fn ready(link: &GuardLink) {
    link.ready();
    link.alive();
    link.status("all\nis well");
}

/// Waits to be asked to stop, and says so.
fn heed(asked: &signals::Signals, test: &mut UnixStream) {
    writeln!(test, "heeds").unwrap();
    assert_eq!(readiness::wait([Some(asked.as_fd())], Some(PATIENCE)).unwrap(), [true]);
    writeln!(test, "asked to stop").unwrap();
}

/// A child in a group of its own, which outlives the node if nobody ends it.
fn spawn_child(control: &str) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", control]).stdin(Stdio::null());
    let setup = ChildSetup { own_group: true, signal_on_parent_death: None, keep_open: None };
    setup.apply(&mut command);
    std::mem::forget(command.spawn().unwrap());
}

pub(crate) fn child(control: &str) -> ExitCode {
    let mut test = UnixStream::connect(control).unwrap();
    writeln!(test, "child {}", std::process::id()).unwrap();
    drop(BufReader::new(test).lines().next());
    ExitCode::SUCCESS
}

fn notice(partners: &[String], text: &str) -> Notice {
    let route = |it: &String| Route { local: [127, 0, 0, 1].into(), partner: it.parse().unwrap() };
    let routes = [route(&partners[0]), route(&partners[1])];
    Notice {
        routes,
        datagram: text.into(),
        answer: format!("heard {text}").into(),
        addresses: Vec::new(),
    }
}
