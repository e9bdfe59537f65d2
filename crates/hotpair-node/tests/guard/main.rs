//! A real guard over real processes: this binary starts itself as guard, node and node's child. No
//! test harness, since a guard has one thread.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod roles;
mod scene;

use hotpair_node::guard::EXIT_RESTART;
use hotpair_os::signals;
use scene::Scene;
use std::process::ExitCode;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("guard") => roles::guard(&arguments[1..], "node"),
        Some("guard-of-leaver") => roles::guard(&arguments[1..], "leaver"),
        Some("node") => roles::node(&arguments[1..]),
        Some("leaver") => roles::leaver(&arguments[1..]),
        Some("child") => roles::child(&arguments[1]),
        Some(_) | None => {
            let tests: &[(&str, fn())] = &[
                ("the_partner_is_told_and_the_node_started_again", told_and_started_again),
                ("nothing_is_said_before_the_nodes_children_are_gone", children_first),
                ("a_node_that_leaves_cleanly_ends_the_guard_in_silence", clean_leave),
                ("a_node_that_was_seen_leaving_is_not_reported_dead", seen_leaving),
                ("a_node_that_nobody_saw_leaving_is_reported", unseen_leaving),
                ("a_status_that_is_meant_is_the_guards_own", meant_status),
                ("a_node_that_worked_once_is_started_again_and_again", worked_once),
                ("a_node_may_ask_to_be_started_again", asks_for_restart),
                ("a_request_to_stop_reaches_the_node", asked_to_stop),
                ("a_node_that_does_not_stop_is_killed_and_told_of", killed_in_the_end),
                ("a_node_sees_that_its_guard_is_gone", guard_lost),
                ("the_service_manager_hears_the_node_through_the_guard", service_manager),
                ("only_the_newest_notice_is_sent", newest_notice),
                ("a_node_takes_its_memory_in_huge_pages", huge_pages),
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

fn seen_leaving() {
    let mut scene = Scene::begin_with("guard-of-leaver");
    scene.next("leaver").send("leave seen");
    assert_eq!(scene.status(), 0);
    scene.heard_nothing();
}

fn unseen_leaving() {
    let mut scene = Scene::begin_with("guard-of-leaver");
    scene.next("leaver").send("leave unseen");
    // Signed by exactly the instance that left, which is reaped now.
    let notice = scene.hear_bytes(0);
    let fenced = hotpair_node::wire::decode_plain(&notice).unwrap();
    let hotpair_node::wire::Plain::Fenced(fenced) = fenced;
    assert_eq!((fenced.instance, fenced.behind), (roles::INSTANCE, vec![true]));
    assert_eq!(scene.status(), 0);
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

fn huge_pages() {
    let mut scene = Scene::begin();
    let mut node = scene.next("node");
    node.send("environment GLIBC_TUNABLES");
    // Whoever runs the tests may have set it for all.
    let given = std::env::var("GLIBC_TUNABLES");
    let expected = given.as_deref().unwrap_or("glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1");
    assert_eq!(node.line(), expected);
    assert_eq!(node.line(), "done");
    node.send("exit 0");
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
