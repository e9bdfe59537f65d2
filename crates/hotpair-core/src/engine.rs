//! One engine of the node: its state machine and its replica, each telling the other what it
//! needs to know.
mod looking;

use crate::{EngineIndex, EngineInput, EngineOutput, Output, Step, StoreOp, StoreTicket};
use hotpair_fsm::{
    self as fsm, Acknowledge, Action, Event, Machine, Picture, ReplicaOrder, SyncFailure, Timer,
};
use hotpair_replication::{self as replication, AckRule, Direction, Fact, Progress, Replica};
use hotpair_types::{EngineName, Instance, JournalKind, NodeTime, Positions, Time};
use std::collections::VecDeque;
use std::time::Duration;

/// More steps than this for one input mean that machine and replica answer each other for ever.
const STEPS_MAX: usize = 10_000;

/// What an engine starts from.
#[derive(Clone, Debug)]
pub struct EngineBoot {
    /// Its name.
    pub name: EngineName,
    /// What decides its role.
    pub fsm_settings: fsm::Settings,
    /// What the state machine starts from.
    pub fsm: fsm::Boot,
    /// What decides how data travels.
    pub replication_settings: replication::Settings,
    /// The data.
    pub replication: replication::Boot,
}

/// One engine of a node.
#[derive(Debug)]
pub struct Engine {
    index: EngineIndex,
    name: EngineName,
    machine: Machine,
    replica: Replica,
    /// When machine and replica want to be called: looked up after each change of them.
    machine_due: Option<(Time, Timer)>,
    replica_due: Option<Time>,
    events: VecDeque<Event>,
    data: Vec<replication::Output>,
    picture: Picture,
    positions: Option<Positions>,
    partner: Option<Instance>,
    partner_view: Option<(Time, fsm::View)>,
    /// The active shows more than we have, since when.
    ahead: Option<(Time, Positions)>,
    progress: Option<Progress>,
    pub(crate) publish: bool,
    pub(crate) ask_fast: bool,
    pub(crate) recording: bool,
}

impl Engine {
    pub(crate) fn new(
        index: EngineIndex,
        boot: EngineBoot,
        recording: bool,
        now: Time,
        out: &mut Vec<Output>,
    ) -> Self {
        let replica = Replica::new(boot.replication_settings, boot.replication);
        let (machine, actions) = Machine::new(boot.fsm_settings, boot.fsm, now);
        let mut engine = Self {
            index,
            name: boot.name,
            machine_due: machine.next_deadline(),
            machine,
            replica_due: replica.next_deadline(),
            replica,
            events: VecDeque::new(),
            data: Vec::new(),
            picture: Picture::default(),
            positions: None,
            partner: None,
            partner_view: None,
            ahead: None,
            progress: None,
            publish: true,
            ask_fast: false,
            recording,
        };
        for action in actions {
            engine.carry_out(now, action, out);
        }
        engine.settle(now, out);
        engine
    }

    /// Takes one input and everything that follows from it.
    pub(crate) fn handle(&mut self, now: Time, input: EngineInput, out: &mut Vec<Output>) {
        match input {
            EngineInput::Summary { from, summary } => {
                if self.partner == Some(from) {
                    self.events.push_back(Event::PartnerSummary(summary));
                }
            }
            EngineInput::Message { from, message, channel: _ } => {
                self.tell(now, replication::Input::Message { from, message }, out);
            }
            EngineInput::Data(input) => self.tell(now, input, out),
            EngineInput::Stored(StoreTicket::Machine(ticket)) => {
                self.events.push_back(Event::Stored(ticket));
            }
            EngineInput::Stored(StoreTicket::Replica(ticket)) => {
                let ticket = replication::StoreTicket(ticket);
                self.tell(now, replication::Input::Stored { ticket }, out);
            }
            EngineInput::StoreFailed(StoreTicket::Machine(_)) => {
                self.events.push_back(Event::StorageFailed);
            }
            EngineInput::StoreFailed(StoreTicket::Replica(ticket)) => {
                let ticket = replication::StoreTicket(ticket);
                self.tell(now, replication::Input::StoreFailed { ticket }, out);
                self.events.push_back(Event::StorageFailed);
            }
            EngineInput::StorageSound => self.events.push_back(Event::StorageSound),
            EngineInput::OutputsClosed => self.events.push_back(Event::OutputsClosed),
            EngineInput::ObjectsReady => self.events.push_back(Event::ObjectsReady),
            EngineInput::PromotionFailed => self.events.push_back(Event::PromotionFailed),
            EngineInput::GuardTold { behind } => {
                self.events.push_back(Event::GuardTold { behind });
            }
            EngineInput::Grant(grant) => self.events.push_back(Event::Grant(grant)),
            EngineInput::Command { id, command } => {
                self.events.push_back(Event::Command { id, command });
            }
        }
        self.settle(now, out);
    }

    /// Gives the state machine an event and carries out what follows.
    pub(crate) fn event(&mut self, now: Time, event: Event, out: &mut Vec<Output>) {
        if let Event::PartnerView { instance, view } = &event {
            self.partner = Some(*instance);
            self.partner_view = Some((now, *view));
            self.watch_positions(now, view);
        }
        self.events.push_back(event);
        self.settle(now, out);
    }

    /// Decides by changed settings from now on.
    pub(crate) fn take_settings(
        &mut self,
        now: Time,
        policy: fsm::Policy,
        data: &replication::Settings,
        out: &mut Vec<Output>,
    ) {
        self.replica.set_settings(data.clone());
        self.replica_due = self.replica.next_deadline();
        self.event(now, Event::Policy(policy), out);
    }

    /// Tells the machine what the detector sees, when that changed.
    pub(crate) fn see(&mut self, now: Time, picture: Picture, out: &mut Vec<Output>) {
        if self.picture != picture {
            self.picture = picture;
            self.event(now, Event::Picture(picture), out);
        }
    }

    /// A standby that follows must have what its active shows; the data may be on its way for a
    /// while, not for ever (docs/design/states.md, "a position that was not sent to us").
    fn watch_positions(&mut self, now: Time, view: &fsm::View) {
        let ours = self.replica.positions();
        let lacks = |kind| view.positions.of(kind).sequence > ours.of(kind).sequence;
        let behind = self.machine.state().is_level()
            && view.state.is_active()
            && JournalKind::ALL.into_iter().any(lacks);
        self.ahead = match self.ahead {
            _ if !behind => None,
            Some((since, at)) if at == ours => Some((since, at)),
            Some(_) | None => Some((now, ours)),
        };
        if let Some((since, _)) = self.ahead
            && now.since(since) >= self.patience()
        {
            self.ahead = None;
            self.events.push_back(Event::NotSentToUs);
        }
    }

    const fn patience(&self) -> Duration {
        self.machine.settings().drop_after
    }

    /// Fires what is due. `wall` is for people and for the age of idempotency keys.
    pub(crate) fn tick(&mut self, now: Time, wall: NodeTime, out: &mut Vec<Output>) {
        if self.replica_due.is_some_and(|it| it <= now) {
            self.tell(now, replication::Input::Tick { wall }, out);
        }
        self.settle(now, out);
        for _ in 0..STEPS_MAX {
            let Some((_, timer)) = self.machine_due.filter(|(at, _)| *at <= now) else { return };
            self.events.push_back(Event::Elapsed(timer));
            self.settle(now, out);
        }
        panic!("timers of engine {} elapse for ever: {:?}", self.name, self.machine.state());
    }

    /// Gives the replica an input and deals with what it says.
    pub(crate) fn tell(&mut self, now: Time, input: replication::Input, out: &mut Vec<Output>) {
        let mut data = std::mem::take(&mut self.data);
        self.replica.handle(now, input, &mut data);
        self.replica_due = self.replica.next_deadline();
        for output in data.drain(..) {
            self.sort(output, out);
        }
        self.data = data;
    }

    fn sort(&mut self, output: replication::Output, out: &mut Vec<Output>) {
        let output = match output {
            replication::Output::Send { lane, message } => EngineOutput::Send { lane, message },
            replication::Output::Store { ticket, op } => EngineOutput::Store {
                ticket: StoreTicket::Replica(ticket.0),
                op: StoreOp::Data(op),
            },
            replication::Output::Fact(fact) => return self.learn(fact),
            replication::Output::Progress(progress) => {
                self.progress = Some(progress);
                return;
            }
            output @ (replication::Output::ReadJournal { .. }
            | replication::Output::Apply { .. }
            | replication::Output::Restore { .. }
            | replication::Output::Reply { .. }
            | replication::Output::Alarm(_)
            | replication::Output::ReadBlob { .. }
            | replication::Output::WriteBlob { .. }
            | replication::Output::RemoveBlob { .. }
            | replication::Output::DivergenceDiscarded { .. }) => EngineOutput::Data(output),
        };
        self.put(output, out);
    }

    fn put(&self, output: EngineOutput, out: &mut Vec<Output>) {
        out.push(Output::Engine { engine: self.index, output });
    }

    fn learn(&mut self, fact: Fact) {
        let event = match fact {
            Fact::ModulesMatch => Event::ModulesMatch,
            Fact::WaySettled => Event::WaySettled,
            Fact::SyncFailed { reason } => Event::SyncFailed(match reason {
                replication::SyncFailure::EntriesGone => SyncFailure::Broken,
                replication::SyncFailure::Inconsistent => SyncFailure::Corrupt,
                replication::SyncFailure::ModuleUnavailable => SyncFailure::Module,
            }),
            Fact::Gap(_) => Event::Gap,
            Fact::PartnerBegan => Event::PartnerBegan,
            Fact::PartnerCaughtUp { .. } => Event::DataTransferred,
            Fact::DataUnacknowledged(late) => Event::Unacknowledged(late),
            Fact::Drained { .. } => Event::WritesDrained,
            Fact::LosingEntriesStored => Event::LosingEntriesStored,
            Fact::AheadFetched => Event::FetchedAhead,
            Fact::StorageFailed => Event::StorageFailed,
            Fact::DataTransferred { .. } => Event::DataReceived,
            Fact::Swapped => Event::Swapped,
            Fact::DegradedWanted => return,
        };
        self.events.push_back(event);
    }

    /// Hands waiting events to the machine until none is left.
    fn settle(&mut self, now: Time, out: &mut Vec<Output>) {
        for _ in 0..STEPS_MAX {
            if self.events.is_empty() {
                return;
            }
            let positions = self.replica.positions();
            let event = if self.positions == Some(positions) {
                self.events.pop_front().expect("it is not empty")
            } else {
                self.positions = Some(positions);
                Event::History(self.replica.history())
            };
            self.step(now, event, out);
        }
        panic!("engine {} does not settle in {:?}", self.name, self.machine.state());
    }

    /// The view to show now.
    pub(crate) fn view(&mut self, now: Time, out: &mut Vec<Output>) -> fsm::View {
        let positions = self.replica.positions();
        if self.positions != Some(positions) {
            self.positions = Some(positions);
            self.step(now, Event::History(self.replica.history()), out);
            self.settle(now, out);
        }
        self.machine.view()
    }

    fn step(&mut self, now: Time, event: Event, out: &mut Vec<Output>) {
        let from = self.machine.state();
        let recorded = self.recording.then(|| event.clone());
        let actions = self.machine.handle(now, event);
        self.machine_due = self.machine.next_deadline();
        if let Some(event) = recorded {
            let to = self.machine.state();
            self.put(EngineOutput::Step(Box::new(Step { now, event, from, to })), out);
        }
        for action in actions {
            self.carry_out(now, action, out);
        }
    }

    fn carry_out(&mut self, now: Time, action: Action, out: &mut Vec<Output>) {
        let output = match action {
            Action::Store { ticket, record } => {
                if record.marks.sole.is_some() {
                    // May come back alone: what it answered goes to its disk before that.
                    self.tell(now, replication::Input::Direction(Direction::Persist), out);
                }
                let op = StoreOp::Record(record);
                EngineOutput::Store { ticket: StoreTicket::Machine(ticket), op }
            }
            Action::Publish => {
                self.publish = true;
                return;
            }
            Action::PublishSummary => return self.publish_summary(out),
            Action::OpenOutputs { epoch } => EngineOutput::OpenOutputs { epoch },
            Action::CloseOutputs => EngineOutput::CloseOutputs,
            Action::PrepareObjects => EngineOutput::PrepareObjects,
            Action::StopObjects => EngineOutput::StopObjects,
            Action::Replica(order) => return self.direct(now, order, out),
            Action::Acknowledge(how) => {
                let rule = match how {
                    Acknowledge::Wait => AckRule::Wait,
                    Acknowledge::WhenReplicated => AckRule::WithPartner,
                    Acknowledge::Degraded => AckRule::Alone,
                };
                let rule = replication::Input::Direction(Direction::AcknowledgeBy(rule));
                return self.tell(now, rule, out);
            }
            Action::TellGuard { behind } => EngineOutput::TellGuard { behind },
            Action::AskGrant(ask) => EngineOutput::AskGrant(ask),
            Action::ReleaseGrant => EngineOutput::ReleaseGrant,
            Action::GoAlone => EngineOutput::GoAlone,
            Action::EndAlone => EngineOutput::EndAlone,
            Action::AskFast(fast) => {
                self.ask_fast = fast;
                return;
            }
            Action::Reply { id, reply } => EngineOutput::Reply { id, reply },
            Action::Record(change) => EngineOutput::RoleChanged(Box::new(change)),
            Action::Alarm(alarm) => EngineOutput::Alarm(alarm),
            Action::Stopped { process, seen } => {
                self.tell(now, replication::Input::Direction(Direction::Persist), out);
                EngineOutput::Stopped { process, seen }
            }
        };
        self.put(output, out);
    }

    /// The partner shows that it has the very summaries that we have.
    pub(crate) fn has_agreed(&self) -> bool {
        let pair = self.machine.view().pair;
        pair.is_some() && self.partner_view.is_some_and(|(_, view)| view.pair == pair)
    }

    /// Sends the frozen summary, if there is one.
    pub(crate) fn publish_summary(&mut self, out: &mut Vec<Output>) {
        let Some(summary) = self.machine.summary().cloned() else { return };
        self.put(EngineOutput::Summary(Box::new(summary)), out);
    }

    fn direct(&mut self, now: Time, order: ReplicaOrder, out: &mut Vec<Output>) {
        if matches!(order, ReplicaOrder::SyncModules | ReplicaOrder::Follow) {
            self.progress = None;
        }
        let partner = self.partner.unwrap_or_default();
        let direction = match order {
            ReplicaOrder::SyncModules => Direction::BeginSync { partner },
            ReplicaOrder::SettleWay => Direction::SettleWay,
            ReplicaOrder::TransferData => Direction::TransferData,
            ReplicaOrder::StopSync => Direction::StopSync,
            ReplicaOrder::Follow => Direction::Follow,
            ReplicaOrder::ServePartner { partner } => Direction::ServePartner { partner },
            ReplicaOrder::StopServing => Direction::StopServing,
            ReplicaOrder::StopWrites => Direction::StopWrites,
            ReplicaOrder::ResumeWrites { epoch } => Direction::ResumeWrites { epoch },
            ReplicaOrder::BecomeActive { epoch } => Direction::BecomeActive { epoch },
            ReplicaOrder::BecomeStandby => Direction::BecomeStandby,
            ReplicaOrder::FetchAhead { loser: _ } => Direction::FetchAhead { partner },
            ReplicaOrder::StoreLosingEntries { winner, epoch } => Direction::StoreLosingEntries {
                winner: Box::new(winner),
                winner_epoch: epoch,
                rule: self.machine.settings().conflict_winner.as_str().into(),
            },
            ReplicaOrder::Reinit => Direction::Reinit,
        };
        self.tell(now, replication::Input::Direction(direction), out);
    }
}
