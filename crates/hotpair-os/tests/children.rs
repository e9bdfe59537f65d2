//! Real children: this binary starts itself again. No test harness, so that there is one thread and
//! no other test's children.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use hotpair_os::child::{self, ChildSetup, Ended, ProcessHandle, Reaped};
use hotpair_os::{inherit, readiness};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("exit") => std::process::exit(7),
        Some("talk") => talk(&arguments[1]),
        Some("parent") => parent(&arguments[1]),
        Some("orphan-maker") => orphan_maker(&arguments[1]),
        Some("wait") => wait(&arguments[1]),
        Some(_) | None => {
            reaps_what_ended_and_says_how();
            a_child_gets_the_socket();
            a_child_is_told_of_its_parents_death();
            adopts_and_ends_what_a_child_left();
            println!("children: 4 passed");
        }
    }
}

fn me(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments).stdin(Stdio::null());
    command
}

const PLAIN: ChildSetup =
    ChildSetup { own_group: true, signal_on_parent_death: None, keep_open: None };

/// A child that holds a socket open, and is there when this returns.
fn spawn_with(role: &str, setup: ChildSetup) -> (child::Pid, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    let mut command = me(&[role, &far.as_raw_fd().to_string()]);
    ChildSetup { keep_open: Some(far.as_raw_fd()), ..setup }.apply(&mut command);
    let pid = command.spawn().unwrap().id();
    drop(far);
    (pid.try_into().unwrap(), near)
}

fn line(stream: &mut UnixStream) -> String {
    let mut byte = [0];
    let mut line = String::new();
    while stream.read(&mut byte).unwrap() == 1 && byte != [b'\n'] {
        line.push(byte[0].into());
    }
    line
}

/// In one piece: two processes may say a line to the same socket at once.
fn say(stream: &mut UnixStream, line: &str) {
    stream.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn talk(fd: &str) {
    let mut stream = inherit::unix_stream(fd.parse().unwrap()).unwrap();
    say(&mut stream, "here");
    assert_eq!(line(&mut stream), "go");
}

fn wait(fd: &str) {
    let mut stream = inherit::unix_stream(fd.parse().unwrap()).unwrap();
    say(&mut stream, &std::process::id().to_string());
    drop(line(&mut stream));
    panic!("nobody says a word to it");
}

/// Starts a child that is to die with it, hands the socket on, says its number, and waits.
fn parent(fd: &str) {
    let mut stream = inherit::unix_stream(fd.parse().unwrap()).unwrap();
    let (_, mut near) =
        spawn_with("wait", ChildSetup { signal_on_parent_death: Some(libc::SIGTERM), ..PLAIN });
    let pid = line(&mut near);
    say(&mut stream, &pid);
    // The grandchild's socket stays open for ever: only the signal can end it.
    std::mem::forget(near.try_clone().unwrap());
    drop(line(&mut stream));
}

/// Starts a child in a group of its own, and ends before it.
#[allow(clippy::zombie_processes, reason = "that is what it is for")]
fn orphan_maker(fd: &str) {
    let mut stream = inherit::unix_stream(fd.parse().unwrap()).unwrap();
    let setup = ChildSetup { keep_open: Some(stream.as_raw_fd()), ..PLAIN };
    let mut command = me(&["wait", fd]);
    setup.apply(&mut command);
    drop(command.spawn().unwrap());
    say(&mut stream, "made");
}

fn reap_one() -> (child::Pid, Ended) {
    loop {
        match child::reap_any().unwrap() {
            Reaped::One(pid, ended) => return (pid, ended),
            Reaped::StillRunning => std::thread::yield_now(),
            Reaped::NoChildren => panic!("there is none"),
        }
    }
}

fn reaps_what_ended_and_says_how() {
    assert_eq!(child::reap_any().unwrap(), Reaped::NoChildren);
    let pid = me(&["exit"]).spawn().unwrap().id().try_into().unwrap();
    let handle = ProcessHandle::open(pid).unwrap();
    assert_eq!(readiness::wait([Some(handle.as_fd())], None).unwrap(), [true]);
    assert_eq!(child::reap_any().unwrap(), Reaped::One(pid, Ended::Exited(7)));
    assert!(handle.signal(libc::SIGKILL).is_err(), "it is gone");

    let (pid, _near) = spawn_with("wait", PLAIN);
    assert_eq!(child::reap_any().unwrap(), Reaped::StillRunning);
    assert_eq!(child::children().unwrap(), [pid]);
    child::signal_group(pid, libc::SIGKILL).unwrap();
    assert_eq!(reap_one(), (pid, Ended::Killed(libc::SIGKILL)));
    child::signal_group(pid, libc::SIGKILL).unwrap();
}

fn a_child_gets_the_socket() {
    let (pid, mut near) = spawn_with("talk", PLAIN);
    assert_eq!(line(&mut near), "here");
    say(&mut near, "go");
    assert_eq!(reap_one(), (pid, Ended::Exited(0)));
}

fn a_child_is_told_of_its_parents_death() {
    child::adopt_orphans().unwrap();
    let (parent, mut near) = spawn_with("parent", PLAIN);
    let grandchild: child::Pid = line(&mut near).parse().unwrap();
    ProcessHandle::open(parent).unwrap().signal(libc::SIGKILL).unwrap();
    let mut ended = [reap_one(), reap_one()];
    ended.sort_by_key(|it| it.0 != parent);
    assert_eq!(ended[0], (parent, Ended::Killed(libc::SIGKILL)));
    assert_eq!(ended[1], (grandchild, Ended::Killed(libc::SIGTERM)));
}

fn adopts_and_ends_what_a_child_left() {
    let (maker, mut near) = spawn_with("orphan-maker", PLAIN);
    let mut lines = [line(&mut near), line(&mut near)];
    lines.sort_by_key(|it| it == "made");
    let orphan = lines[0].parse().unwrap();
    assert_eq!(reap_one(), (maker, Ended::Exited(0)));
    child::signal_group(maker, libc::SIGKILL).unwrap();
    assert_eq!(child::reap_any().unwrap(), Reaped::StillRunning, "it is in another group");
    child::signal_children(libc::SIGKILL).unwrap();
    assert_eq!(reap_one(), (orphan, Ended::Killed(libc::SIGKILL)));
    assert_eq!(child::reap_any().unwrap(), Reaped::NoChildren);
}
