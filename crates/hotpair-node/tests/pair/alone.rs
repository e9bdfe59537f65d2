//! A node alone with two engines: how the ends of services are told, which alarms outlive a start, and what waits for
//! whom when the guard is gone.
use crate::site::{Polls, write_settings};
use hotpair_api::face::{
    Caller, Command, NodeFace, NodeStatus, Verdict, WriteOptions, WriteOutcome,
};
use hotpair_node::driver::Ended;
use hotpair_node::guard_link::{GuardLink, GuardSays};
use hotpair_node::node::{Node, NodeParts};
use hotpair_node::settings::{EngineSettings, OnFailure, ServiceSettings, Settings};
use hotpair_types::{Ack, Designation, StateId};
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedSender};

const PATIENCE: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(60);

fn service(name: &str, engine: &str, command: &[&str]) -> ServiceSettings {
    ServiceSettings {
        name: name.into(),
        command: command.iter().map(ToString::to_string).collect(),
        engine: engine.parse().unwrap(),
        stop_limit: Duration::from_secs(1),
        on_failure: OnFailure::Restart,
        failures_max: 5,
        failures_window: LONG,
        restart_first: LONG,
        restart_max: LONG,
    }
}

/// Two engines that act as soon as the node is up.
fn settings(dir: &Path) -> Settings {
    let [mut settings, _] = write_settings(dir);
    settings.pair.startup_allowance = Duration::from_millis(100);
    let master = settings.node.name.clone();
    let engine = |name: &str| EngineSettings {
        name: name.parse().unwrap(),
        master: master.clone(),
        designation: Designation::Master,
    };
    settings.engines = vec![engine("first"), engine("second")];
    settings
}

/// Starts it, with a guard that says what the test says. The sockets of one before may still be there.
async fn start(settings: &Settings) -> (Node, UnboundedSender<GuardSays>) {
    let started = async {
        loop {
            let (link, mut told) = GuardLink::none(settings.engines.len());
            let (says, inlet) = mpsc::unbounded_channel();
            let mut parts = NodeParts::without_guard(settings.clone()).unwrap();
            parts.guard = (link, inlet);
            parts.program = Some(env!("CARGO_BIN_EXE_hotpair").into());
            match Node::start(parts).await {
                Ok(node) => {
                    let forward = says.clone();
                    tokio::spawn(async move {
                        while let Some(it) = told.recv().await {
                            forward.send(it).ok();
                        }
                    });
                    return (node, says);
                }
                Err(error) => println!("again: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, started).await.expect("it starts")
}

async fn until(node: &Node, is_it: impl Fn(&NodeStatus) -> bool) -> NodeStatus {
    let mut status = node.face().status();
    let reached = tokio::time::timeout(PATIENCE, status.wait_for(|it| is_it(it))).await;
    let status = reached.map(|it| (**it.unwrap()).clone());
    status.unwrap_or_else(|_| panic!("{:?}", node.face().status().borrow()))
}

fn acts(status: &NodeStatus) -> bool {
    let alone = Some(StateId::ActiveStandbyNotAvailable);
    status.engines.len() == 2 && status.engines.iter().all(|it| it.state == alone)
}

/// What the record of a role holds is not new to its state machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_whose_cause_outlives_a_start_is_raised_by_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    for _ in 0..2 {
        let (node, _says) = start(&settings).await;
        let status = until(&node, acts).await;
        let raised = |it: &NodeStatus| it.alarms.iter().any(|it| it.id == "unverified");
        assert!(raised(&status), "{:?}", status.alarms);
        node.leave().await;
        assert_eq!(node.ended().await, Ended::Stopped);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_by_which_a_shell_means_more_is_told_as_the_status_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path());
    let says = |name, script| service(name, "first", &["/bin/sh", "-c", script]);
    settings.services = vec![
        says("as-if-missing", "exit 127"),
        says("as-if-killed", "exit 143"),
        says("killed", "kill -TERM $$"),
        service("missing", "first", &["/nowhere/at/all"]),
    ];
    let (node, _says) = start(&settings).await;
    let all = |it: &NodeStatus| it.services.iter().all(|it| it.last_end.is_some());
    let status = until(&node, |it| it.services.len() == 4 && all(it)).await;
    let ends: Vec<_> = status.services.iter().map(|it| it.last_end.clone().unwrap()).collect();
    assert_eq!(
        ends,
        [
            "ended with status 127",
            "ended with status 143",
            "ended by signal 15",
            "it cannot be started: No such file or directory (os error 2)",
        ]
    );
    node.leave().await;
    assert_eq!(node.ended().await, Ended::Stopped);
}

/// The first engine has nothing to wait for; the second one's outputs count as closed when its service is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_guard_a_node_ends_when_every_engine_has_stored_what_it_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path());
    settings.services = vec![service("slow", "second", &["/bin/sleep", "1000"])];
    // Nothing is on the disk before that by itself.
    settings.writes.persist_interval = LONG;
    let (node, says) = start(&settings).await;
    until(&node, |it| acts(it) && it.services.iter().any(|it| it.pid.is_some())).await;
    let polls = Polls::new();
    let second = Some("second".parse().unwrap());
    let registration = node.face().register(second.clone(), polls.clone()).await.unwrap();
    let options = WriteOptions { ack: Some(Ack::Replicated), ..WriteOptions::default() };
    let outcome = registration.post(&[polls.set("counter", "7")], options).await.unwrap();
    let WriteOutcome::Done(done) = outcome else { panic!("{outcome:?}") };
    assert!(done.degraded, "it is in the memory of one host: {done:?}");
    says.send(GuardSays::Lost).unwrap();
    drop(registration);
    assert_eq!(node.ended().await, Ended::GuardLost);

    settings.services.clear();
    let (node, _says) = start(&settings).await;
    let polls = Polls::new();
    let _registration = node.face().register(second, polls.clone()).await.unwrap();
    polls.become_like(&[("counter", "7")]).await;
    node.leave().await;
    assert_eq!(node.ended().await, Ended::Stopped);
}

/// A stop must come to its end: what manages the service would kill it, and say nothing to the partner.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_is_deployed_while_its_node_stops_stops_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path());
    let slowly = "trap 'sleep 1; exit' TERM; while :; do sleep 1; done";
    settings.services = vec![service("slow", "second", &["/bin/sh", "-c", slowly])];
    let (node, _says) = start(&settings).await;
    until(&node, |it| acts(it) && it.services.iter().any(|it| it.pid.is_some())).await;
    let order = async |command| {
        let caller = Caller { address: "here".into(), agent: "test".into() };
        let first = Some("first".parse().unwrap());
        node.face().command(first, caller, command).await.unwrap()
    };
    let verdict = order(Command::Undeploy).await;
    assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
    until(&node, |it| it.engines[0].state != Some(StateId::ActiveStandbyNotAvailable)).await;
    node.leave().await;
    let verdict = order(Command::Deploy).await;
    assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
    let ended = tokio::time::timeout(PATIENCE, node.ended()).await;
    assert_eq!(ended.expect("it ends"), Ended::Stopped);
}
