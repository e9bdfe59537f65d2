//! When one service is started, stopped, killed and started again, and when a node had better hand over.
//! Pure: what is allowed, what was seen and the time are arguments.
use hotpair_types::Time;
use std::collections::VecDeque;
use std::time::Duration;

/// A node that handed over because of a service does so again only after this: where it fails on both
/// hosts, the role is not thrown to and fro.
pub(crate) const HAND_OVER_PAUSE: Duration = Duration::from_secs(600);

/// Beyond so many doublings the wait is at its longest in any case.
const DOUBLINGS_MAX: u32 = 20;
/// Failures within the window that are remembered.
const FAILURES_KEPT_MAX: usize = 1_024;

/// The settings of one service that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// From the signal to end to the one that kills.
    pub(crate) stop_limit: Duration,
    /// Before the second start in a row; doubled before each further one …
    pub(crate) restart_first: Duration,
    /// … and never longer than this. A run that lasted so long is forgiven what was before.
    pub(crate) restart_max: Duration,
    /// So many failures …
    pub(crate) failures_max: u32,
    /// … within this time are a reason to hand over.
    pub(crate) failures_window: Duration,
    /// Whether they are.
    pub(crate) hand_over: bool,
}

/// What the service may do at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum May {
    /// The gate is open.
    Run,
    /// It is to end, and is given its time for that.
    EndInOrder,
    /// It must not be there.
    Never,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Start it.
    Start,
    /// Ask it to end.
    Terminate,
    /// End it. `late`: it was asked, and took too long.
    Kill { late: bool },
    /// It failed so often that the partner had better act, if it can.
    HandOver { failures: u32 },
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It is not there and is not to be.
    Off,
    /// It runs.
    Running { since: Time },
    /// It was asked to end, and is killed then.
    Ending { kill_at: Time },
    /// It was killed, and is not gone yet.
    Killed { since: Time },
    /// It failed, and is started again then.
    Waiting { until: Time },
}

/// One service.
#[derive(Debug)]
pub(crate) struct Plan {
    limits: Limits,
    phase: Phase,
    /// When it failed, within the window.
    failures: VecDeque<Time>,
    /// Failures without a long run between them.
    in_a_row: u32,
    /// Starts after a failure, since the node's start.
    restarts: u64,
    /// It failed so often that the partner had better act. Stays so, however long the waits have become,
    /// until it has run for long or the role went.
    is_due: bool,
    /// A handover was asked for in this time of acting.
    asked: bool,
    handed_over: Option<Time>,
}

impl Plan {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            phase: Phase::Off,
            failures: VecDeque::new(),
            in_a_row: 0,
            restarts: 0,
            is_due: false,
            asked: false,
            handed_over: None,
        }
    }

    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) const fn restarts(&self) -> u64 {
        self.restarts
    }

    /// How often it failed within the window before now.
    pub(crate) fn failures(&self, now: Time) -> u32 {
        let recent = |it: &&Time| now.since(**it) < self.limits.failures_window;
        u32::try_from(self.failures.iter().filter(recent).count()).unwrap_or(u32::MAX)
    }

    /// No process of it is left.
    pub(crate) const fn is_gone(&self) -> bool {
        matches!(self.phase, Phase::Off | Phase::Waiting { .. })
    }

    /// What is due. To be asked again until nothing is. `ended`: no process of it is left, which is news
    /// where one was.
    pub(crate) fn look(&mut self, now: Time, may: May, ended: bool) -> Option<Effect> {
        if may != May::Run {
            self.note_handover(now, may);
        }
        match (self.phase, may) {
            (Phase::Off, May::Run) => Some(self.start(now)),
            (Phase::Off, May::EndInOrder | May::Never) => None,
            (Phase::Waiting { until }, May::Run) if now >= until => {
                self.restarts += 1;
                Some(self.start(now))
            }
            (Phase::Waiting { .. }, May::Run) => None,
            (Phase::Waiting { .. }, May::EndInOrder | May::Never) => self.off(),
            (Phase::Running { since }, May::Run) if ended => self.fail(now, since),
            (Phase::Running { .. }, May::Run) => None,
            (_, May::Run | May::EndInOrder | May::Never) if ended => self.off(),
            (Phase::Running { .. }, May::EndInOrder) => {
                self.phase = Phase::Ending { kill_at: now + self.limits.stop_limit };
                Some(Effect::Terminate)
            }
            (Phase::Ending { kill_at }, May::Run | May::EndInOrder) => {
                (now >= kill_at).then(|| self.kill(now, true))
            }
            (Phase::Running { .. } | Phase::Ending { .. }, May::Never) => {
                Some(self.kill(now, false))
            }
            (Phase::Killed { .. }, May::Run | May::EndInOrder | May::Never) => None,
        }
    }

    const fn start(&mut self, now: Time) -> Effect {
        self.phase = Phase::Running { since: now };
        Effect::Start
    }

    const fn off(&mut self) -> Option<Effect> {
        self.phase = Phase::Off;
        None
    }

    const fn kill(&mut self, now: Time, late: bool) -> Effect {
        self.phase = Phase::Killed { since: now };
        Effect::Kill { late }
    }

    /// It ended though it was to run, whatever its status.
    fn fail(&mut self, now: Time, since: Time) -> Option<Effect> {
        if now.since(since) >= self.limits.restart_max {
            self.in_a_row = 0;
            self.is_due = false;
        }
        let doublings = self.in_a_row.min(DOUBLINGS_MAX);
        let wait = self.limits.restart_first.saturating_mul(1 << doublings);
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.phase = Phase::Waiting { until: now + wait.min(self.limits.restart_max) };
        self.failures.retain(|it| now.since(*it) < self.limits.failures_window);
        self.failures.push_back(now);
        while self.failures.len() > FAILURES_KEPT_MAX {
            self.failures.pop_front();
        }
        let within = self.failures(now);
        self.is_due |= within >= self.limits.failures_max;
        let quiet = self.handed_over.is_none_or(|it| now.since(it) >= HAND_OVER_PAUSE);
        let due = self.limits.hand_over && self.is_due && quiet;
        self.asked |= due;
        due.then_some(Effect::HandOver { failures: within.max(self.in_a_row) })
    }

    /// The role went in order after a handover was asked for.
    fn note_handover(&mut self, now: Time, may: May) {
        let asked = std::mem::take(&mut self.asked);
        if asked && may == May::EndInOrder {
            self.handed_over = Some(now);
            // What is counted against it on the other host is counted anew here.
            self.failures.clear();
            self.is_due = false;
        }
    }
}

#[cfg(test)]
mod tests;
