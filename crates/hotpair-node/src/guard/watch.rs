//! The guard's loop: one wait for everything.
use super::backoff::Backoff;
use super::fencing::{Fencings, SOCKETS_MAX};
use super::leftovers::end_what_it_left;
use super::running::Running;
use super::{EXIT_MEANT_MAX, GuardSettings, service};
use crate::addresses::remove_all;
use crate::clock::Clock;
use hotpair_os::child::{self, Ended, Reaped};
use hotpair_os::{readiness, scheduling, signals, signals::Signals};
use hotpair_types::Time;
use std::io;
use std::time::Duration;

/// How often the guard vouches for itself while no node runs.
const VOUCH_INTERVAL: Duration = Duration::from_secs(1);

/// The guard.
#[derive(Debug)]
pub(super) struct Guard {
    settings: GuardSettings,
    clock: Clock,
    signals: Signals,
    backoff: Backoff,
    fencings: Fencings,
    stage: Stage,
    /// Somebody asked us to stop.
    asked_to_stop: bool,
    was_started: bool,
    /// Some node of this guard did its part.
    was_ready: bool,
}

#[derive(Debug)]
enum Stage {
    /// The node runs. With a time: it was asked to stop, and is killed then.
    Running { node: Box<Running>, kill_at: Option<Time> },
    /// The node died, and is started again at this time.
    Waiting { start_at: Time },
    /// The node is over. What is left is to tell the partner, until this time.
    Lingering { status: u8, until: Time },
}

impl Guard {
    pub(super) fn new(settings: GuardSettings) -> io::Result<Self> {
        let heard = [signals::TERMINATE, signals::INTERRUPT, signals::HANG_UP, signals::CHILD];
        let signals = Signals::take(&heard)?;
        child::adopt_orphans()?;
        if let Err(error) = scheduling::go_first(1) {
            tracing::debug!(%error, "the guard runs as any other process");
        }
        let clock = Clock::start();
        let backoff = Backoff::new(settings.backoff);
        let stage = Stage::Waiting { start_at: clock.now() };
        let fencings = Fencings::default();
        Ok(Self {
            settings,
            clock,
            signals,
            backoff,
            fencings,
            stage,
            asked_to_stop: false,
            was_started: false,
            was_ready: false,
        })
    }

    /// Until the node is over. Gives the status to end with.
    pub(super) fn run(mut self) -> io::Result<u8> {
        loop {
            if let Some(status) = self.act_on_time()? {
                return Ok(status);
            }
            self.wait()?;
            while let Some(signal) = self.signals.next()? {
                self.on_signal(signal);
            }
            self.fencings.read_answers();
            self.look_after_node()?;
        }
    }

    /// Does what is due; `Some`: all is done.
    fn act_on_time(&mut self) -> io::Result<Option<u8>> {
        let now = self.clock.now();
        self.fencings.send_due(now);
        match &mut self.stage {
            Stage::Running { node, kill_at } => {
                if kill_at.is_some_and(|it| it <= now) {
                    tracing::error!(pid = node.pid, "the node did not stop in time: killed");
                    node.kill();
                    *kill_at = Some(now + self.settings.stop_timeout);
                }
            }
            Stage::Waiting { start_at } if *start_at <= now => {
                let node = match Running::start(&self.settings, now) {
                    Ok(node) => Box::new(node),
                    Err(error) if !self.was_started => return Err(error),
                    Err(error) => {
                        // Memory or processes may be short for a moment.
                        tracing::error!(%error, "cannot start the node");
                        *start_at = now + self.settings.backoff.max;
                        return Ok(None);
                    }
                };
                self.was_started = true;
                self.stage = Stage::Running { node, kill_at: None };
            }
            Stage::Waiting { .. } => service::alive(),
            Stage::Lingering { status, until } => {
                if *until <= now || self.fencings.is_empty() {
                    return Ok(Some(*status));
                }
            }
        }
        Ok(None)
    }

    fn wait(&self) -> io::Result<()> {
        let now = self.clock.now();
        let due = match &self.stage {
            Stage::Running { kill_at, .. } => *kill_at,
            Stage::Waiting { start_at } => Some((*start_at).min(now + VOUCH_INTERVAL)),
            Stage::Lingering { until, .. } => Some(*until),
        };
        let due = [due, self.fencings.next_due()].into_iter().flatten().min();
        let mut descriptors = [None; 3 + SOCKETS_MAX];
        descriptors[0] = Some(std::os::fd::AsFd::as_fd(&self.signals));
        if let Stage::Running { node, .. } = &self.stage {
            descriptors[1] = Some(node.process());
            descriptors[2] = node.words();
        }
        descriptors[3..].copy_from_slice(&self.fencings.descriptors());
        readiness::wait(descriptors, due.map(|it| it.since(now))).map(drop)
    }

    fn on_signal(&mut self, signal: i32) {
        match (&mut self.stage, signal) {
            (_, signals::CHILD) => {}
            (Stage::Running { node, .. }, signals::HANG_UP) => node.signal(signal),
            (Stage::Waiting { .. } | Stage::Lingering { .. }, signals::HANG_UP) => {}
            (Stage::Running { node, kill_at }, _) if kill_at.is_none() => {
                node.signal(signals::TERMINATE);
                *kill_at = Some(self.clock.now() + self.settings.stop_timeout);
                self.asked_to_stop = true;
                service::stopping();
            }
            (Stage::Running { node, .. }, _) => {
                tracing::warn!(pid = node.pid, "asked to stop again: the node is killed");
                node.kill();
            }
            (Stage::Waiting { .. }, _) => {
                self.asked_to_stop = true;
                self.finish(0);
            }
            (Stage::Lingering { until, .. }, _) => *until = self.clock.now(),
        }
    }

    fn finish(&mut self, status: u8) {
        self.stage = Stage::Lingering { status, until: self.clock.now() + self.settings.linger };
    }

    fn look_after_node(&mut self) -> io::Result<()> {
        let Stage::Running { node, .. } = &mut self.stage else {
            while matches!(child::reap_any()?, Reaped::One(..)) {}
            return Ok(());
        };
        node.listen();
        loop {
            match child::reap_any()? {
                Reaped::One(pid, ended) if pid == node.pid => return self.on_death(ended),
                // An orphan of the node's that we adopted.
                Reaped::One(..) => {}
                Reaped::StillRunning | Reaped::NoChildren => return Ok(()),
            }
        }
    }

    fn on_death(&mut self, ended: Ended) -> io::Result<()> {
        let Stage::Running { node, .. } = &mut self.stage else {
            panic!("only a running node can die");
        };
        let (pid, started) = (node.pid, node.started);
        let all_gone = end_what_it_left(pid, &self.signals)?;
        // Its last words.
        node.listen();
        let notice = node.notice.take();
        self.was_ready |= node.was_ready;
        let now = self.clock.now();
        match (notice, all_gone) {
            (Some(notice), true) => match remove_all(notice.addresses.iter().copied()) {
                Ok(_) => self.fencings.begin(notice, now),
                // The next node tries again, before it says anything.
                Err(error) => {
                    tracing::error!(pid, %error, "a virtual address cannot be taken off: not told");
                }
            },
            (Some(_), false) => {
                tracing::error!(pid, "what the node left cannot be ended: not told")
            }
            (None, _) => {}
        }
        let meant = match ended {
            Ended::Exited(0) => Some(0),
            Ended::Exited(status) if status <= EXIT_MEANT_MAX && !self.was_ready => Some(status),
            Ended::Exited(status) if self.asked_to_stop => Some(status),
            Ended::Killed(signal) if self.asked_to_stop => Some(128 + signal),
            Ended::Exited(_) | Ended::Killed(_) => None,
        };
        if let Some(status) = meant {
            tracing::info!(pid, ?ended, "the node is over");
            self.finish(u8::try_from(status).unwrap_or(u8::MAX));
            return Ok(());
        }
        let wait = self.backoff.after_death(started, now);
        tracing::error!(pid, ?ended, ?wait, "the node died and is started again");
        service::status(&format!("the node died ({ended:?}); starts again in {wait:?}"));
        self.stage = Stage::Waiting { start_at: now + wait };
        Ok(())
    }
}
