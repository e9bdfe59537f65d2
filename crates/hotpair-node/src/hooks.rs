//! Calls a person's programs when the role changes: no shell, a time limit, one after the other. What is
//! called because this node acts is an output: it passes the gate.

use crate::gate::Gate;
use crate::guard::memory;
use crate::settings::Hooks;
use hotpair_api::face::{EngineStatus, NodeStatus};
use hotpair_types::{Designation, StateId};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::timeout;

/// What keepalived calls a role; every state is one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Active,
    Standby,
    /// Neither: still deciding, switching, or not deployed.
    Fault,
}

/// Follows the status for ever, and calls the programs that the settings name at that moment. `gates`: of
/// the engines, in the order of the status.
pub(crate) async fn run(
    mut status: watch::Receiver<Arc<NodeStatus>>,
    gates: Arc<[Arc<Gate>]>,
    hooks: watch::Receiver<Hooks>,
) {
    let mut seen: BTreeMap<String, StateId> = BTreeMap::new();
    loop {
        let now = status.borrow_and_update().clone();
        for (engine, gate) in now.engines.iter().zip(&*gates) {
            let state = engine.state.unwrap_or(StateId::Unknown);
            let before = seen.insert(engine.name.clone(), state).unwrap_or(StateId::Unknown);
            // Switching is on the way to a role, not one: what it ends in is told. Nor is acting one
            // before the outputs are open, or when a standstill has shut them: then comes another state.
            let under_way =
                matches!(state, StateId::SwitchingToActive | StateId::SwitchingToStandby)
                    || (state.is_active() && gate.passes().is_none());
            if under_way {
                seen.insert(engine.name.clone(), before);
            } else if role_of(before) != role_of(state) {
                let hooks = hooks.borrow().clone();
                call_all(&hooks, &now, engine, gate, before, state).await;
            }
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

const fn role_of(state: StateId) -> Role {
    if state.is_active() {
        return Role::Active;
    }
    if state.is_standby() { Role::Standby } else { Role::Fault }
}

async fn call_all(
    hooks: &Hooks,
    node: &NodeStatus,
    engine: &EngineStatus,
    gate: &Gate,
    before: StateId,
    state: StateId,
) {
    let role = role_of(state);
    // Looked at before each program: the one before it may have taken its time.
    let passes = || role != Role::Active || gate.passes().is_some();
    let (own, word) = match role {
        Role::Active => (hooks.on_active.as_slice(), "MASTER"),
        Role::Standby => (hooks.on_standby.as_slice(), "BACKUP"),
        Role::Fault => (&[][..], "FAULT"),
    };
    let reason = engine.last_change.as_ref().map_or("", |it| it.cause.as_str());
    let environment = [
        ("HOTPAIR_ENGINE", engine.name.clone()),
        ("HOTPAIR_STATE", state.id().to_owned()),
        ("HOTPAIR_PREVIOUS", before.id().to_owned()),
        ("HOTPAIR_EPOCH", engine.epoch.to_string()),
        ("HOTPAIR_REASON", reason.to_owned()),
        ("HOTPAIR_PARTNER", engine.partner_state.id().to_owned()),
    ];
    let mut names = [node.node.as_str(), node.partner.as_str()];
    names.sort_unstable();
    let priority = match engine.designation {
        Designation::Master => "150",
        Designation::Backup => "100",
    };
    let pair = names.join("+");
    let keepalived = ["INSTANCE", pair.as_str(), word, priority];
    let own = own.iter().map(|it| (it, &[][..]));
    for (program, arguments) in own.chain(hooks.notify.iter().map(|it| (it, &keepalived[..]))) {
        if passes() {
            call(program, arguments, &environment, hooks).await;
        } else {
            let name = program.display();
            tracing::warn!(%name, "a hook is not called: the outputs are shut again");
        }
    }
}

async fn call(program: &Path, arguments: &[&str], environment: &[(&str, String)], hooks: &Hooks) {
    let mut command = Command::new(program);
    command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).kill_on_drop(true);
    memory::untune(command.as_std_mut());
    let name = program.display();
    match timeout(hooks.time_limit, command.status()).await {
        Ok(Ok(status)) if status.success() => tracing::info!(%name, "hook called"),
        Ok(Ok(status)) => tracing::warn!(%name, %status, "a hook failed"),
        Ok(Err(error)) => tracing::warn!(%name, %error, "a hook cannot be called"),
        Err(_) => tracing::warn!(%name, limit = ?hooks.time_limit, "a hook was ended: too slow"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;
    use std::time::Duration;

    fn status(state: StateId) -> Arc<NodeStatus> {
        let text = include_str!("../tests/it/whole_status.json");
        let mut status: NodeStatus = serde_json::from_str(text).unwrap();
        status.engines[0].state = Some(state);
        Arc::new(status)
    }

    fn script(dir: &Path, name: &str, body: &str) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[tokio::test]
    async fn programs_hear_of_every_role_and_a_slow_one_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let line = |what: &str| format!("echo \"{what}\" >> {}", log.display());
        let hooks = Hooks {
            on_active: vec![
                script(dir.path(), "slow", "exec sleep 60"),
                script(
                    dir.path(),
                    "active",
                    &line("active $HOTPAIR_PREVIOUS $HOTPAIR_EPOCH $HOTPAIR_REASON"),
                ),
            ],
            on_standby: vec![script(dir.path(), "standby", &line("standby $HOTPAIR_STATE"))],
            notify: vec![
                dir.path().join("absent"),
                script(dir.path(), "notify", &line("notify $*")),
            ],
            time_limit: Duration::from_millis(200),
        };
        let (sender, receiver) = watch::channel(status(StateId::StandbyReady));
        let (_keep, hooks) = watch::channel(hooks);
        let clock = Clock::start();
        let gate = Arc::new(Gate::new(clock));
        let running = tokio::spawn(run(receiver, [gate.clone()].into(), hooks));
        let lines = async |count: usize| {
            let read = || std::fs::read_to_string(&log).unwrap_or_default();
            let enough = async {
                while read().lines().count() < count {
                    tokio::task::yield_now().await;
                }
            };
            timeout(Duration::from_secs(20), enough).await.unwrap();
            read()
        };
        lines(2).await;
        sender.send_replace(status(StateId::StandbyMissedHeartbeats));
        sender.send_replace(status(StateId::SwitchingToActive));
        // Acting by its word, but nothing may leave: nobody is told so.
        sender.send_replace(status(StateId::ActiveStandbyNotAvailable));
        let open_until = clock.now() + Duration::from_secs(3600);
        gate.open(hotpair_types::Epoch { number: 3, tag: 7 }, open_until);
        sender.send_replace(status(StateId::SwitchingToActive));
        sender.send_replace(status(StateId::ActiveStandbyNotAvailable));
        lines(4).await;
        // Gaining a standby is no change of role.
        sender.send_replace(status(StateId::Active));
        sender.send_replace(status(StateId::DeterminingFailoverStatus));
        let heard = lines(5).await;
        expect_test::expect![[r#"
            standby standby-ready
            notify INSTANCE gw-a+gw-b BACKUP 150
            active standby-ready 3 fenced
            notify INSTANCE gw-a+gw-b MASTER 150
            notify INSTANCE gw-a+gw-b FAULT 150
        "#]]
        .assert_eq(&heard);
        drop(sender);
        running.await.unwrap();
    }

    #[tokio::test]
    async fn nobody_hears_of_a_role_whose_outputs_are_shut() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let says =
            |what: &str| script(dir.path(), what, &format!("echo {what} >> {}", log.display()));
        let (on_active, on_standby) = (vec![says("active")], vec![says("standby")]);
        let time_limit = Duration::from_secs(10);
        let hooks = Hooks { on_active, on_standby, notify: Vec::new(), time_limit };
        let (sender, receiver) = watch::channel(status(StateId::Active));
        let (_keep, hooks) = watch::channel(hooks);
        let gate = Arc::new(Gate::new(Clock::start()));
        let running = tokio::spawn(run(receiver, [gate].into(), hooks));
        // One thread: after that the other task waits for the next status, or for a program.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        sender.send_replace(status(StateId::StandbyReady));
        let read = || std::fs::read_to_string(&log).unwrap_or_default();
        let told = async {
            while !read().contains("standby") {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(20), told).await.unwrap();
        assert_eq!(read(), "standby\n");
        drop(sender);
        running.await.unwrap();
    }
}
