//! What a process leaves behind when it dies: its children, and theirs.
use crate::clock::Clock;
use hotpair_os::child::{self, Reaped};
use hotpair_os::{readiness, signals, signals::Signals};
use hotpair_types::Time;
use std::io;
use std::time::Duration;

/// How long what it left is given to die of being killed.
const REAP_TIMEOUT: Duration = Duration::from_secs(5);

/// Kills what a child and its children started, in its group or out of it, and reaps them all. Orphans have
/// to be adopted. `false`: something does not die.
pub(crate) fn end_what_it_left(first: child::Pid, signals: &Signals) -> io::Result<bool> {
    child::signal_group(first, signals::KILL)?;
    let clock = Clock::start();
    loop {
        match child::reap_any()? {
            Reaped::One(..) => {}
            Reaped::NoChildren => return Ok(true),
            Reaped::StillRunning => {
                if clock.now().since(Time::ZERO) > REAP_TIMEOUT {
                    return Ok(false);
                }
                child::signal_children(signals::KILL)?;
                let signals = Some(std::os::fd::AsFd::as_fd(signals));
                readiness::wait([signals], Some(Duration::from_millis(1)))?;
            }
        }
    }
}
