//! The thread that starts and ends the processes of services.
use super::plan::{Effect, Limits, May, Phase, Plan};
use super::process::Process;
use super::{Failing, Order, Report, Role};
use crate::clock::Clock;
use crate::gate::Gate;
use crate::settings::{OnFailure, ServiceSettings};
use hotpair_core::EngineIndex;
use hotpair_types::Time;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// Between two looks at the gate and the processes.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// The same while a process may end at any moment and something waits for it.
const LOOK_INTERVAL_URGENT: Duration = Duration::from_millis(2);
/// The same while there is nothing to look at.
const LOOK_INTERVAL_IDLE: Duration = Duration::from_secs(1);
/// A service that was killed and is not gone after so long is the guard's.
const GONE_TIME_MAX: Duration = Duration::from_secs(5);

/// What the thread is made of.
pub(crate) struct Parts {
    pub(crate) services: Vec<(EngineIndex, ServiceSettings)>,
    /// The program that is a warden, too.
    pub(crate) hotpair: PathBuf,
    pub(crate) gates: Vec<Arc<Gate>>,
    pub(crate) clock: Clock,
    /// Whether there is a guard that ends the services when this process ends.
    pub(crate) guarded: bool,
    pub(crate) reports: UnboundedSender<Report>,
}

/// How one service stands, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) engine: EngineIndex,
    pub(crate) name: String,
    pub(crate) phase: Phase,
    pub(crate) pid: Option<u32>,
    pub(crate) restarts: u64,
    /// Within the window.
    pub(crate) failures: u32,
    /// How it ended last, when that was a failure.
    pub(crate) last_end: Option<String>,
}

struct Entry {
    engine: EngineIndex,
    service: ServiceSettings,
    plan: Plan,
    process: Option<Process>,
    last_end: Option<String>,
}

/// What an engine wants of its services.
#[derive(Clone, Default)]
struct Wanted {
    /// Outputs are open, as this.
    role: Option<Role>,
    /// Otherwise: whether they are given time to end.
    in_order: bool,
    /// The stop to report.
    stop: Option<u64>,
}

/// The thread's state.
pub(crate) struct Keeper {
    entries: Vec<Entry>,
    wanted: Vec<Wanted>,
    hotpair: PathBuf,
    gates: Vec<Arc<Gate>>,
    clock: Clock,
    guarded: bool,
    reports: UnboundedSender<Report>,
    told: Vec<View>,
}

impl Keeper {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { services, hotpair, gates, clock, guarded, reports } = parts;
        let entry = |(engine, service): (EngineIndex, ServiceSettings)| {
            let plan = Plan::new(limits(&service));
            Entry { engine, service, plan, process: None, last_end: None }
        };
        let wanted = vec![Wanted::default(); gates.len()];
        let entries = services.into_iter().map(entry).collect();
        Self { entries, wanted, hotpair, gates, clock, guarded, reports, told: Vec::new() }
    }

    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        self.tell();
        loop {
            match orders.recv_timeout(self.pause()) {
                Ok(Order::Run(engine, role)) => {
                    *self.wanted(engine) = Wanted { role: Some(role), ..Wanted::default() };
                }
                Ok(Order::Stop { engine, in_order, number }) => {
                    *self.wanted(engine) = Wanted { role: None, in_order, stop: Some(number) };
                }
                Ok(Order::Close) | Err(RecvTimeoutError::Disconnected) => return self.end_all(),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.look();
            self.tell();
        }
    }

    fn wanted(&mut self, engine: EngineIndex) -> &mut Wanted {
        &mut self.wanted[usize::from(engine.0)]
    }

    fn pause(&self) -> Duration {
        let urgent = |it: &Entry| match it.plan.phase() {
            Phase::Ending { .. } | Phase::Killed { .. } => true,
            Phase::Off | Phase::Running { .. } | Phase::Waiting { .. } => false,
        };
        if self.entries.iter().any(urgent) {
            LOOK_INTERVAL_URGENT
        } else if self.wanted.iter().any(|it| it.role.is_some()) {
            LOOK_INTERVAL
        } else {
            LOOK_INTERVAL_IDLE
        }
    }

    /// The gate, at this moment.
    fn may(&self, engine: EngineIndex) -> May {
        let at = usize::from(engine.0);
        let Wanted { role, in_order, .. } = &self.wanted[at];
        match (role, in_order) {
            (Some(_), _) if self.gates[at].passes().is_some() => May::Run,
            // Nobody closed it, but its time is over: this process stood still.
            (Some(_), _) | (None, false) => May::Never,
            (None, true) => May::EndInOrder,
        }
    }

    /// Until when the outputs of an engine are open.
    fn open_until(&self, engine: EngineIndex) -> Option<Time> {
        let gate = &self.gates[usize::from(engine.0)];
        gate.until(gate.passes()?)
    }

    fn look(&mut self) {
        for at in 0..self.entries.len() {
            while let Some(effect) = self.due(at) {
                self.carry_out(at, effect);
            }
            self.renew(at);
        }
        self.report_gone();
    }

    fn due(&mut self, at: usize) -> Option<Effect> {
        let may = self.may(self.entries[at].engine);
        let now = self.clock.now();
        let entry = &mut self.entries[at];
        let ended = entry.look_for_end(may);
        if let Phase::Killed { since } = entry.plan.phase()
            && !ended
            && self.guarded
            && now.since(since) > GONE_TIME_MAX
        {
            // Until it is gone the outputs do not count as closed. The guard tries when this process is
            // gone, and tells the partner nothing before it has succeeded.
            tracing::error!(service = %entry.service.name, "it does not die: left to the guard");
            std::process::abort();
        }
        entry.plan.look(now, may, ended)
    }

    fn carry_out(&mut self, at: usize, effect: Effect) {
        match effect {
            Effect::Start => self.start(at),
            Effect::Terminate => {
                let entry = &self.entries[at];
                let Phase::Ending { kill_at } = entry.plan.phase() else { return };
                tracing::info!(service = %entry.service.name, limit = ?entry.service.stop_limit, "asked to end");
                let until = self.clock.awake_at(kill_at);
                if let Some(process) = &mut self.entries[at].process {
                    // Its time to end is its own: the gate is shut already.
                    process.renew(until);
                    process.terminate();
                }
            }
            Effect::Kill { late } => {
                let entry = &mut self.entries[at];
                let why = if late { "it took too long to end" } else { "the outputs are shut" };
                tracing::warn!(service = %entry.service.name, why, "killed");
                if let Some(process) = &mut entry.process {
                    process.kill();
                }
            }
            Effect::HandOver { failures } => {
                let entry = &self.entries[at];
                let failing = Failing {
                    engine: entry.engine,
                    service: entry.service.name.clone(),
                    failures,
                    last_end: entry.last_end.clone().unwrap_or_default(),
                };
                self.reports.send(Report::HandOver(failing)).ok();
            }
        }
    }

    fn start(&mut self, at: usize) {
        let engine = self.entries[at].engine;
        let role = self.wanted(engine).role.clone();
        let (Some(role), Some(until)) = (role, self.open_until(engine)) else { return };
        let until = self.clock.awake_at(until);
        let entry = &mut self.entries[at];
        let service = &entry.service;
        match Process::start(&self.hotpair, service, &role, until, self.clock) {
            Ok(process) => {
                tracing::info!(service = %service.name, warden = process.pid(), "service started");
                entry.process = Some(process);
            }
            Err(error) => entry.last_end = Some(format!("it cannot be started: {error}")),
        }
    }

    /// It may run as long as the gate is open.
    fn renew(&mut self, at: usize) {
        let entry = &self.entries[at];
        if !matches!(entry.plan.phase(), Phase::Running { .. }) {
            return;
        }
        let Some(until) = self.open_until(entry.engine) else { return };
        let until = self.clock.awake_at(until);
        if let Some(process) = &mut self.entries[at].process {
            process.renew(until);
        }
    }

    fn report_gone(&mut self) {
        for (at, wanted) in self.wanted.iter_mut().enumerate() {
            let of = |it: &&Entry| usize::from(it.engine.0) == at;
            if self.entries.iter().filter(of).all(|it| it.plan.is_gone())
                && let Some(number) = wanted.stop.take()
            {
                let engine = EngineIndex(u8::try_from(at).expect("at most 8 engines"));
                // A driver that is gone needs no word.
                self.reports.send(Report::Gone(engine, number)).ok();
            }
        }
    }

    fn end_all(&mut self) {
        self.wanted.fill(Wanted::default());
        let begun = self.clock.now();
        loop {
            self.look();
            let gone = self.entries.iter().all(|it| it.plan.is_gone());
            if gone || self.clock.now().since(begun) > GONE_TIME_MAX {
                return;
            }
            std::thread::sleep(LOOK_INTERVAL_URGENT);
        }
    }

    /// Tells the driver when something changed.
    fn tell(&mut self) {
        let now = self.clock.now();
        let view = |it: &Entry| View {
            engine: it.engine,
            name: it.service.name.clone(),
            phase: it.plan.phase(),
            pid: it.process.as_ref().map(Process::pid),
            restarts: it.plan.restarts(),
            failures: it.plan.failures(now),
            last_end: it.last_end.clone(),
        };
        let views: Vec<_> = self.entries.iter().map(view).collect();
        if views != self.told {
            self.told.clone_from(&views);
            self.reports.send(Report::Views(views)).ok();
        }
    }
}

impl Entry {
    /// Whether nothing of it is left.
    fn look_for_end(&mut self, may: May) -> bool {
        let Some(process) = &mut self.process else { return true };
        let Some(ended) = process.ended() else { return false };
        let text = match ended {
            Ok(end) => end.text(),
            Err(error) => format!("its end cannot be seen: {error}"),
        };
        let (name, failed) = (&self.service.name, may == May::Run);
        if failed && matches!(self.plan.phase(), Phase::Running { .. }) {
            tracing::warn!(service = %name, end = %text, "a service ended by itself");
            self.last_end = Some(text);
        } else {
            tracing::info!(service = %name, end = %text, "a service is gone");
        }
        self.process = None;
        true
    }
}

fn limits(service: &ServiceSettings) -> Limits {
    Limits {
        stop_limit: service.stop_limit,
        restart_first: service.restart_first,
        restart_max: service.restart_max,
        failures_max: service.failures_max,
        failures_window: service.failures_window,
        hand_over: service.on_failure == OnFailure::HandOver,
    }
}
