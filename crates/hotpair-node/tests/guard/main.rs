//! A real guard over real processes: this binary starts itself as guard, node and node's child. No
//! test harness, since a guard has one thread.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use hotpair_node::guard::node_side::{self, GuardEvent, GuardLink};
use hotpair_node::guard::{self, BackoffSettings, EXIT_RESTART, GuardSettings, Notice, Route};
use hotpair_os::child::{ChildSetup, ProcessHandle};
use hotpair_os::{readiness, signals};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("guard") => guard(&arguments[1..]),
        Some("node") => node(&arguments[1..]),
        Some("child") => child(&arguments[1]),
        Some(_) | None => {
            let tests: &[(&str, fn())] = &[
                ("the_partner_is_told_and_the_node_started_again", told_and_started_again),
                ("nothing_is_said_before_the_nodes_children_are_gone", children_first),
                ("a_node_that_leaves_cleanly_ends_the_guard_in_silence", clean_leave),
                ("a_status_that_is_meant_is_the_guards_own", meant_status),
                ("a_node_that_worked_once_is_started_again_and_again", worked_once),
                ("a_node_may_ask_to_be_started_again", asks_for_restart),
                ("a_request_to_stop_reaches_the_node", asked_to_stop),
                ("a_node_that_does_not_stop_is_killed_and_told_of", killed_in_the_end),
                ("a_node_sees_that_its_guard_is_gone", guard_lost),
                ("the_service_manager_hears_the_node_through_the_guard", service_manager),
                ("only_the_newest_notice_is_sent", newest_notice),
            ];
            for (name, test) in tests {
                println!("test {name}");
                test();
            }
            println!("guard: {} passed", tests.len());
            ExitCode::SUCCESS
        }
    }
}

/// `guard CONTROL PARTNER PARTNER`: a guard whose nodes do what they hear from the test.
fn guard(arguments: &[String]) -> ExitCode {
    let mut settings = GuardSettings::of_this_program(vec!["node".into()]).unwrap();
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
fn node(arguments: &[String]) -> ExitCode {
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
            ("exit", status) => return ExitCode::from(status.parse::<u8>().unwrap()),
            (other, _) => panic!("{other:?}"),
        }
        writeln!(test, "done").unwrap();
    }
    panic!("the test is gone");
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

fn child(control: &str) -> ExitCode {
    let mut test = UnixStream::connect(control).unwrap();
    writeln!(test, "child {}", std::process::id()).unwrap();
    drop(BufReader::new(test).lines().next());
    ExitCode::SUCCESS
}

fn notice(partners: &[String], text: &str) -> Notice {
    let route = |it: &String| Route { local: [127, 0, 0, 1].into(), partner: it.parse().unwrap() };
    let routes = [route(&partners[0]), route(&partners[1])];
    Notice { routes, datagram: text.into(), answer: format!("heard {text}").into() }
}

/// A guard, and the test's ends of everything around it.
struct Scene {
    guard: Child,
    control: UnixListener,
    partners: [UdpSocket; 2],
    manager: UnixDatagram,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn begin() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let control = UnixListener::bind(dir.path().join("control")).unwrap();
        let manager = UnixDatagram::bind(dir.path().join("notify")).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let partners = [(), ()].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("guard").arg(dir.path().join("control"));
        command.args(partners.iter().map(|it| it.local_addr().unwrap().to_string()));
        command.env("NOTIFY_SOCKET", dir.path().join("notify"));
        let guard = command.spawn().unwrap();
        Self { guard, control, partners, manager, _dir: dir }
    }

    /// Waits for a process to report.
    fn next(&self, role: &str) -> Process {
        let listening = [Some(self.control.as_fd())];
        assert_eq!(readiness::wait(listening, Some(PATIENCE)).unwrap(), [true], "no {role} came");
        let (stream, _) = self.control.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut process = Process { pid: 0, lines: BufReader::new(stream) };
        let line = process.line();
        process.pid = line.strip_prefix(role).expect(&line).trim().parse().unwrap();
        process
    }

    /// Waits for a datagram on one channel.
    fn hear(&self, channel: usize) -> (String, SocketAddr) {
        let mut bytes = [0; 64];
        self.partners[channel].set_read_timeout(Some(PATIENCE)).unwrap();
        let (length, from) = self.partners[channel].recv_from(&mut bytes).unwrap();
        (String::from_utf8_lossy(&bytes[..length]).into(), from)
    }

    fn answer(&self, channel: usize, text: &str) {
        let (heard, from) = self.hear(channel);
        assert_eq!(heard, text);
        self.partners[channel].send_to(format!("heard {text}").as_bytes(), from).unwrap();
    }

    fn signal_guard(&self, signal: i32) {
        let handle = ProcessHandle::open(self.guard.id().try_into().unwrap()).unwrap();
        handle.signal(signal).unwrap();
    }

    /// Waits for the guard's end.
    fn status(&mut self) -> i32 {
        self.guard.wait().unwrap().code().unwrap()
    }

    /// To be asked after the guard's end: nothing can come later.
    fn heard_nothing(&self) {
        for partner in &self.partners {
            partner.set_nonblocking(true).unwrap();
            assert!(partner.recv(&mut [0; 64]).is_err());
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // After a failure: a node without its guard ends by itself.
        self.guard.kill().unwrap();
        self.guard.wait().unwrap();
    }
}

struct Process {
    pid: i32,
    lines: BufReader<UnixStream>,
}

impl Process {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn send(&mut self, what: &str) {
        writeln!(self.lines.get_mut(), "{what}").unwrap();
    }

    fn ask(&mut self, what: &str) {
        self.send(what);
        assert_eq!(self.line(), "done");
    }

    fn kill(&self) {
        ProcessHandle::open(self.pid).unwrap().signal(signals::KILL).unwrap();
    }

    fn is_gone(&self) -> bool {
        !std::path::Path::new(&format!("/proc/{}", self.pid)).exists()
    }
}

fn told_and_started_again() {
    let mut scene = Scene::begin();
    let mut node = scene.next("node");
    node.ask("tell one");
    node.kill();
    assert_eq!(scene.hear(0).0, "one");
    assert!(node.is_gone(), "nothing is said before it is reaped");
    assert_eq!(scene.hear(1).0, "one");
    let mut second = scene.next("node");
    assert_ne!(second.pid, node.pid);
    scene.answer(1, "one");

    second.ask("tell two");
    second.kill();
    let told = (0..99).map(|_| scene.hear(0).0).any(|it| it == "two");
    assert!(told, "the second death is told of as well");
    scene.next("node").send("exit 0");
    assert_eq!(scene.status(), 0);
}

fn children_first() {
    let mut scene = Scene::begin();
    let mut node = scene.next("node");
    node.ask("tell one");
    node.send("spawn");
    let child = scene.next("child");
    assert_eq!(node.line(), "done");
    assert!(!child.is_gone());
    node.kill();
    assert_eq!(scene.hear(0).0, "one");
    assert!(node.is_gone() && child.is_gone());
    scene.next("node").send("exit 0");
    assert_eq!(scene.status(), 0);
}

fn clean_leave() {
    let mut scene = Scene::begin();
    let mut node = scene.next("node");
    node.ask("tell one");
    node.ask("withdraw");
    node.send("exit 0");
    assert_eq!(scene.status(), 0);
    scene.heard_nothing();
}

fn meant_status() {
    let mut scene = Scene::begin();
    scene.next("node").send("exit 4");
    assert_eq!(scene.status(), 4);

    // It ended without a word to the partner: the guard speaks for it before it ends as well.
    let mut scene = Scene::begin();
    let mut node = scene.next("node");
    node.ask("tell one");
    node.send("exit 3");
    scene.answer(0, "one");
    assert_eq!(scene.status(), 3);
}

fn worked_once() {
    let mut scene = Scene::begin();
    let mut node = scene.next("node");
    node.ask("ready");
    // The guard heard it.
    assert!(scene.manager.recv(&mut [0; 64]).is_ok());
    node.kill();
    // For example a disk that is full for a moment.
    scene.next("node").send("exit 1");
    scene.next("node").send("exit 0");
    assert_eq!(scene.status(), 0);
}

fn asks_for_restart() {
    let mut scene = Scene::begin();
    scene.next("node").send(&format!("exit {EXIT_RESTART}"));
    scene.next("node").send("exit 101");
    scene.next("node").send("exit 0");
    assert_eq!(scene.status(), 0);
}

fn asked_to_stop() {
    let mut scene = Scene::begin();
    let mut node = scene.next("node");
    node.send("heed");
    assert_eq!(node.line(), "heeds");
    scene.signal_guard(signals::INTERRUPT);
    assert_eq!(node.line(), "asked to stop");
    assert_eq!(node.line(), "done");
    node.send("exit 0");
    assert_eq!(scene.status(), 0);
}

fn killed_in_the_end() {
    let mut scene = Scene::begin();
    let mut node = scene.next("node");
    node.ask("tell one");
    scene.signal_guard(signals::TERMINATE);
    scene.answer(0, "one");
    assert!(node.is_gone());
    assert_eq!(scene.status(), 128 + signals::KILL);
}

fn guard_lost() {
    let mut scene = Scene::begin();
    let mut node = scene.next("node");
    scene.guard.kill().unwrap();
    assert_eq!(node.line(), "guard lost");
    scene.guard.wait().unwrap();
    node.send("exit 0");
    scene.heard_nothing();
}

fn service_manager() {
    let mut scene = Scene::begin();
    let mut node = scene.next("node");
    node.ask("ready");
    let mut heard = Vec::new();
    while heard.len() < 3 {
        let mut bytes = [0; 256];
        let length = scene.manager.recv(&mut bytes).unwrap();
        heard.extend(String::from_utf8_lossy(&bytes[..length]).lines().map(str::to_owned));
    }
    assert_eq!(heard, ["READY=1", "WATCHDOG=1", "STATUS=all is well"]);
    node.send("exit 0");
    assert_eq!(scene.status(), 0);
}

fn newest_notice() {
    let mut scene = Scene::begin();
    let mut node = scene.next("node");
    node.ask("tell not behind");
    node.ask("tell behind");
    node.kill();
    for _ in 0..3 {
        assert_eq!(scene.hear(0).0, "behind");
    }
    scene.next("node").send("exit 0");
    assert_eq!(scene.status(), 0);
}
