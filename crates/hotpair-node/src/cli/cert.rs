//! `hotpair cert`: the certificate around this node's key. The partner pins the key, so a new certificate
//! needs no word with it.

use super::arguments::CertCommand;
use super::confirm::confirm;
use super::words::day;
use super::{Context, Exit, Failure, target};
use crate::run_file::RunFile;
use crate::settings::{self, Unpaired};
use hotpair_os::child::ProcessHandle;
use hotpair_os::signals;
use hotpair_transport::Identity;
use serde_json::json;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) fn carry_out(cx: &Context, command: &CertCommand) -> Result<Exit, Failure> {
    let file = target::settings_file(&cx.global);
    let node = settings::load_unpaired(&file).map_err(super::run::refused)?;
    let key_file = node.node.data_dir.join("node.key");
    let identity = load(&key_file)?;
    match command {
        CertCommand::Show => {
            show(cx, &node, &key_file, &identity, None);
            Ok(Exit::Done)
        }
        CertCommand::Rotate => {
            let until = day(identity.validity().until);
            let question = format!("Replace the certificate that is valid until {until}?");
            confirm(cx, &[], &question)?;
            let new = identity.renew().map_err(|error| Failure::Failed(error.to_string()))?;
            new.save(&key_file).map_err(|error| Failure::Failed(error.to_string()))?;
            let told = tell(&node.node.data_dir);
            show(cx, &node, &key_file, &new, Some(told));
            Ok(Exit::Done)
        }
    }
}

fn load(key_file: &Path) -> Result<Identity, Failure> {
    Identity::load(key_file).map_err(|error| Failure::Failed(error.to_string()))
}

/// What came of the word to the running node.
#[derive(Debug, PartialEq)]
enum Told {
    Now,
    /// None runs, and the next start reads the file.
    NobodyRuns,
    /// It runs, and could not be told.
    Not(String),
}

/// Lets the running node read its key file again.
fn tell(data_dir: &Path) -> Told {
    let Ok(running) = RunFile::read(data_dir) else { return Told::NobodyRuns };
    // As a service manager does; a node without a guard hears it itself.
    let Ok(pid) = i32::try_from(running.guard_pid.unwrap_or(running.node_pid)) else {
        return Told::NobodyRuns;
    };
    let handle = ProcessHandle::open(pid);
    told(pid, is_hotpair(pid), || handle.and_then(|it| it.signal(signals::HANG_UP)))
}

fn told(pid: i32, ours: io::Result<bool>, signal: impl FnOnce() -> io::Result<()>) -> Told {
    // The file of a node that was killed may name a process that is another one by now.
    match ours {
        Ok(true) => {}
        Ok(false) => return Told::NobodyRuns,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Told::NobodyRuns,
        Err(error) => return Told::Not(format!("process {pid}: {error}")),
    }
    match signal() {
        Ok(()) => Told::Now,
        Err(error) => Told::Not(format!("process {pid}: {error}")),
    }
}

/// Whether the process runs a program of this name.
fn is_hotpair(pid: i32) -> io::Result<bool> {
    let program = std::fs::read_link(format!("/proc/{pid}/exe"))?;
    let name = program.file_name().unwrap_or_default();
    Ok(name.to_string_lossy().starts_with("hotpair"))
}

fn show(cx: &Context, node: &Unpaired, key_file: &Path, identity: &Identity, told: Option<Told>) {
    let validity = identity.validity();
    let left = validity.until.duration_since(SystemTime::now()).unwrap_or_default();
    let days_left = left.as_secs() / (24 * 3_600);
    if cx.screen.json {
        let unix = |it: SystemTime| it.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        cx.screen.json(&json!({
            "node": node.node.name.as_str(),
            "key": identity.key().to_string(),
            "key_file": key_file,
            "valid_from": unix(validity.from),
            "valid_until": unix(validity.until),
            "days_left": days_left,
            "node_told": told.as_ref().map(|it| matches!(it, Told::Now)),
        }));
        return;
    }
    cx.screen.line(&format!("node    {}", node.node.name));
    cx.screen.line(&format!("key     {}", identity.key()));
    cx.screen.line(&format!("valid   {} to {}", day(validity.from), day(validity.until)));
    cx.screen.line(&match days_left {
        _ if left.is_zero() => {
            "        expired: the partner accepts it with an alarm; `hotpair cert rotate`".into()
        }
        0 => "        less than a day left; `hotpair cert rotate`".into(),
        days => format!("        {days} days left"),
    });
    if let Some(told) = told {
        cx.screen.line(&words(&told));
    }
}

fn words(told: &Told) -> String {
    match told {
        Told::Now => {
            "The running node reads it now; connections that are up stay up, the next ones show it."
                .into()
        }
        Told::NobodyRuns => "No node runs here; the next start reads it.".into(),
        Told::Not(why) => format!(
            "The node that runs could not be told ({why}): send SIGHUP to it, or reload its service."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied<T>() -> io::Result<T> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    #[test]
    fn a_node_that_runs_and_could_not_be_told_is_said_to_run() {
        let not = Told::Not("process 7: permission denied".into());
        assert_eq!(told(7, Ok(true), || Ok(())), Told::Now);
        assert_eq!(told(7, Ok(true), denied), not);
        // Of another user: neither its program nor a signal is allowed.
        assert_eq!(told(7, denied(), || panic!("it is not known to be a node")), not);
        let text = words(&not);
        assert!(text.contains("could not be told (process 7: permission denied)"), "{text}");
        assert!(text.contains("SIGHUP"), "{text}");
    }

    #[test]
    fn another_process_or_none_under_the_number_is_not_signalled() {
        let never = || panic!("it is not ours");
        assert_eq!(told(7, Ok(false), never), Told::NobodyRuns);
        assert_eq!(told(7, Err(io::ErrorKind::NotFound.into()), never), Told::NobodyRuns);
        assert!(words(&Told::NobodyRuns).contains("next start"));
    }
}
