//! Commands, `why-not` and figures.
use super::Face;
use crate::driver::Driver;
use crate::reasons;
use hotpair_api::face::{
    Accepted, ArbiterReach, Caller, Command, CommandKind, EngineMeasures, Forecast, GrantMeasures,
    LogLevel, Measures, Problem, ProblemKind, QueueMeasure, Reason, Verdict,
};
use hotpair_core::EngineIndex;
use hotpair_fsm as fsm;
use hotpair_types::{EngineName, StateId};
use std::time::Duration;
use tokio::sync::oneshot;

impl Face {
    pub(super) async fn do_command(
        &self,
        engine: Option<EngineName>,
        caller: Caller,
        command: Command,
    ) -> Result<Verdict, Problem> {
        let kind = command.kind();
        let asked = match command {
            Command::Switchover { dry_run: true } => {
                return self.with(engine, Driver::forecast_switchover).await;
            }
            Command::Switchover { dry_run: false } => fsm::Command::Switchover,
            Command::BecomeActive => fsm::Command::BecomeActive,
            Command::Promote { accept_data_loss } => {
                fsm::Command::Promote { accept_loss: accept_data_loss }
            }
            Command::Pause => fsm::Command::Pause,
            Command::Resume => fsm::Command::Resume,
            Command::Reinit => fsm::Command::Reinit,
            Command::Deploy => fsm::Command::Deploy,
            Command::Undeploy => fsm::Command::Undeploy,
            Command::Log(level) => return self.set_level(level).await,
            Command::Drain => {
                return self
                    .call(|driver| {
                        driver.leave();
                        driver.accepted(CommandKind::Drain, "the node hands over and ends")
                    })
                    .await;
            }
            Command::Restart => return self.restart(engine, caller).await,
            Command::Drill => {
                let text = "drills are not built yet";
                return Err(Problem::new(ProblemKind::NotFound, text));
            }
        };
        self.ask_machine(engine, caller, kind, asked).await
    }

    async fn ask_machine(
        &self,
        engine: Option<EngineName>,
        caller: Caller,
        kind: CommandKind,
        asked: fsm::Command,
    ) -> Result<Verdict, Problem> {
        let (sender, receiver) = oneshot::channel();
        let index = self.engine(engine.as_ref())?;
        let (since_event, active, state) = self
            .call(move |driver| {
                tracing::info!(engine = %driver.name_of(index), ?asked, %caller, "asked");
                let since = driver.events.last();
                driver.command(index, asked, Some(sender));
                (since, driver.partner.api(), driver.state_of(index))
            })
            .await?;
        let reply = receiver.await.map_err(|_| super::ending())?;
        let forwarded = matches!(asked, fsm::Command::Switchover) && state.is_standby();
        Ok(match reply {
            fsm::Reply::Accepted => Verdict::Accepted(Accepted {
                command: kind,
                text: format!("{kind} is under way"),
                since_event,
                forwarded,
                forecast: None,
            }),
            fsm::Reply::Done => Verdict::Accepted(Accepted {
                command: kind,
                text: format!("{kind}: done"),
                since_event,
                forwarded,
                forecast: None,
            }),
            fsm::Reply::Refused(list) => Verdict::Refused {
                reasons: list.iter().map(reasons::of_refusal).collect(),
                active: active.filter(|_| state.is_standby()),
            },
        })
    }

    /// Takes the engine off this node and puts it back.
    async fn restart(
        &self,
        engine: Option<EngineName>,
        caller: Caller,
    ) -> Result<Verdict, Problem> {
        let off = fsm::Command::Undeploy;
        let kind = CommandKind::Restart;
        let verdict = self.ask_machine(engine.clone(), caller.clone(), kind, off).await?;
        if matches!(verdict, Verdict::Refused { .. }) {
            return Ok(verdict);
        }
        self.ask_machine(engine, caller, kind, fsm::Command::Deploy).await
    }

    async fn set_level(&self, level: LogLevel) -> Result<Verdict, Problem> {
        let text = match level {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        };
        self.call(move |driver| {
            if let Some(log_level) = &driver.log_level {
                // One of the five is a level.
                log_level.set(text).ok();
            }
            driver.accepted(CommandKind::Log, &format!("the log level is {text}"))
        })
        .await
    }

    pub(super) async fn do_why_not(
        &self,
        engine: Option<EngineName>,
        command: CommandKind,
    ) -> Result<Vec<Reason>, Problem> {
        let asked = match command {
            CommandKind::Switchover => fsm::Command::Switchover,
            CommandKind::BecomeActive => fsm::Command::BecomeActive,
            CommandKind::Promote => fsm::Command::Promote { accept_loss: false },
            CommandKind::Pause => fsm::Command::Pause,
            CommandKind::Resume => fsm::Command::Resume,
            CommandKind::Reinit => fsm::Command::Reinit,
            CommandKind::Deploy => fsm::Command::Deploy,
            CommandKind::Undeploy | CommandKind::Restart => fsm::Command::Undeploy,
            CommandKind::Drain | CommandKind::Drill | CommandKind::Log => return Ok(Vec::new()),
        };
        self.with(engine, move |driver, index| {
            let machine = driver.core.engine(index).expect("an index of this node").machine();
            machine.why_not(asked).iter().map(reasons::of_refusal).collect()
        })
        .await
    }
}

impl Driver {
    pub(crate) fn state_of(&self, index: EngineIndex) -> StateId {
        self.core.engine(index).expect("an index of this node").machine().state()
    }

    fn accepted(&self, command: CommandKind, text: &str) -> Verdict {
        let since_event = self.events.last();
        let text = text.to_owned();
        Verdict::Accepted(Accepted { command, text, since_event, forwarded: false, forecast: None })
    }

    /// What a switchover would cost, from what is known now.
    fn forecast_switchover(&mut self, index: EngineIndex) -> Verdict {
        let engine = self.core.engine(index).expect("an index of this node");
        let refusals = engine.machine().why_not(fsm::Command::Switchover);
        if !refusals.is_empty() {
            let active = self.partner.api().filter(|_| engine.machine().state().is_standby());
            let reasons = refusals.iter().map(reasons::of_refusal).collect();
            return Verdict::Refused { reasons, active };
        }
        let channels = self.core.channels(self.clock.now()).channels;
        let round_trip = channels.redundancy.round_trip.or(channels.primary.round_trip);
        let figures = &self.runtime(index).figures;
        let forecast = forecast(round_trip, figures.commit(), figures.writes_per_second());
        let Verdict::Accepted(accepted) = self.accepted(CommandKind::Switchover, "would be taken")
        else {
            unreachable!("built in the line above")
        };
        Verdict::Accepted(Accepted { forecast: Some(forecast), ..accepted })
    }

    /// Figures for `/metrics`.
    pub(super) fn measures(&mut self) -> Measures {
        let now = self.clock.now();
        let detector = self.core.channels(now);
        let engines = self.indexes().map(|index| self.engine_measures(index)).collect();
        let lanes = hotpair_transport::Lane::ALL.into_iter();
        Measures {
            engines,
            beat_missed: hotpair_types::PerChannel::from_fn(|it| {
                detector.channels[it].missed_total
            }),
            beat_round_trip_seconds: self.round_trips.clone(),
            queues: lanes
                .map(|lane| QueueMeasure {
                    name: lane.to_string(),
                    bytes: lane.queue_bytes_max().saturating_sub(self.transport.room_bytes(lane))
                        as u64,
                })
                .collect(),
            certificate_expiry_seconds: Some(self.certificate_seconds()),
            refused: vec![
                ("handshake".to_owned(), self.refused_handshakes()),
                ("message".to_owned(), self.partner.garbage),
            ],
        }
    }

    fn engine_measures(&mut self, index: EngineIndex) -> EngineMeasures {
        let grant = self.grant_status(index, self.clock.now()).map(|it| GrantMeasures {
            reachable: it.arbiter == ArbiterReach::Answers,
            left_seconds: it.left_ms.map_or(0.0, |it| it as f64 / 1_000.0),
        });
        let engine = self.core.engine(index).expect("an index of this node");
        let runtime = &self.engines[usize::from(index.0)];
        let machine = engine.machine();
        let ours = engine.replica().positions();
        let lag = |kind| {
            let (_, view) = engine.partner_view()?;
            let level = machine.state().is_active();
            let theirs = view.positions.of(kind).sequence;
            level.then(|| ours.of(kind).sequence.saturating_sub(theirs))
        };
        let progress = engine.progress().copied().unwrap_or_default();
        EngineMeasures {
            name: runtime.name.to_string(),
            state: (!runtime.stopped).then_some(machine.state()),
            partner_state: machine.partner_state(),
            epoch: machine.epoch().number,
            role_changes: runtime.role_changes.iter().map(|(k, v)| (k.clone(), *v)).collect(),
            config_lag_entries: lag(hotpair_types::JournalKind::Config).unwrap_or(0),
            runtime_lag_entries: lag(hotpair_types::JournalKind::Runtime).unwrap_or(0),
            lag_seconds: runtime.figures.lag_seconds(self.clock.now()),
            sync_bytes_done: progress.bytes,
            sync_bytes_total: progress.bytes_total.max(progress.bytes),
            divergence_entries: engine
                .replica()
                .divergence()
                .filter(|it| !it.fate.is_settled())
                .count() as u64,
            paused: machine.record().paused,
            grant,
            takeover_seconds: runtime.takeover_seconds.clone(),
            commit_seconds: runtime.figures.commit_seconds.clone(),
            objects: self.object_measures(index),
            alarms: self.alarm_measures(index),
            history: self.history_measures(index),
        }
    }
}

/// Offer, accept, release: three one-way trips. The last entries here, the epoch and the right to
/// act alone there: three commits, and the partner's disk is taken to be like ours.
fn forecast(
    round_trip: Option<Duration>,
    commit: Option<Duration>,
    writes_per_second: f64,
) -> Forecast {
    let millis = |it: Duration| it.as_secs_f64() * 1_000.0;
    let known = |it: Option<Duration>| match it {
        Some(it) => format!("{:.2} ms", millis(it)),
        None => "an unknown time".to_owned(),
    };
    let gap_ms = round_trip.map_or(0.0, millis) * 1.5 + commit.map_or(0.0, millis) * 3.0;
    let held = (writes_per_second * gap_ms / 1_000.0).ceil();
    // Rates are finite and not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
    let held_writes = held as u64;
    let text = format!(
        "three trips at a round trip of {} and three commits of {}, as measured here of late; at \
         {writes_per_second:.0} writes a second about {held_writes} are held meanwhile; nothing is lost",
        known(round_trip),
        known(commit),
    );
    Forecast { gap_ms, held_writes, lost_entries: 0, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_is_made_of_what_was_measured() {
        let millis = Duration::from_millis;
        let forecast = forecast(Some(millis(2)), Some(millis(4)), 1_000.0);
        assert_eq!((forecast.gap_ms, forecast.held_writes), (15.0, 15));
        assert!(forecast.text.contains("2.00 ms") && forecast.text.contains("4.00 ms"));
    }

    #[test]
    fn what_was_not_measured_is_said_to_be_unknown() {
        let forecast = forecast(None, None, 0.0);
        assert_eq!(forecast.held_writes, 0);
        assert!(forecast.text.contains("unknown"), "{}", forecast.text);
    }
}
