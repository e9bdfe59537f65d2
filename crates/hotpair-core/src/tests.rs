//! What a node does with the clock in its hand, where its parts meet.
use crate::{
    Core, CoreSettings, EngineBoot, EngineIndex, EngineInput, EngineOutput, Input, Output,
    StoreTicket,
};
use hotpair_fsm::{self as fsm, GrantEvent};
use hotpair_replication as replication;
use hotpair_types::{
    Designation, EngineName, Epoch, History, Instance, JournalKind, Mode, NodeTime, PerChannel,
    StartAlone, Time,
};
use std::time::Duration;

const MAIN: EngineIndex = EngineIndex(0);
const START: Instance = Instance { count: 2, tag: 7 };

/// A node that was alone with the right to act, in mode `arbiter`. Nobody hears it.
struct Alone {
    core: Core,
    now: Time,
    seen: Vec<EngineOutput>,
}

impl Alone {
    fn start() -> Self {
        let mut settings = fsm::Settings::new(Designation::Master);
        (settings.mode, settings.start_alone) = (Mode::Arbiter, StartAlone::Proven);
        let used = Epoch { number: 5, tag: 1 };
        let mut record = fsm::Record { epoch: used, last_used: used, ..fsm::Record::default() };
        record.marks.sole = Some(used);
        let boot = EngineBoot {
            name: EngineName::new("main").unwrap(),
            fsm_settings: settings.check().unwrap(),
            fsm: fsm::Boot {
                record,
                history: History::default(),
                instance: START,
                tag_seed: 3,
                storage_ok: true,
                undeployed: false,
            },
            replication_settings: replication::Settings::default(),
            replication: replication::Boot {
                designation: Designation::Master,
                instance: START,
                config: replication::JournalBoot::empty(JournalKind::Config),
                runtime: replication::JournalBoot::empty(JournalKind::Runtime),
                divergence: Vec::new(),
                modules: Vec::new(),
            },
        };
        let settings = CoreSettings {
            beats: settings.beats,
            instance: START,
            required: PerChannel { redundancy: false, primary: false },
            recording: false,
        };
        let (core, out) = Core::new(settings, vec![boot], Time::ZERO);
        let mut alone = Self { core, now: Time::ZERO, seen: Vec::new() };
        alone.take(out);
        alone
    }

    fn give(&mut self, input: Input) {
        let mut out = Vec::new();
        self.core.handle(self.now, NodeTime(1), input, &mut out);
        self.take(out);
    }

    fn engine(&mut self, input: EngineInput) {
        self.give(Input::Engine { engine: MAIN, input });
    }

    /// A disk and objects that do at once what they are told; the rest is kept to look at.
    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            let Output::Engine { output, .. } = output else { continue };
            if let EngineOutput::Store { ticket: ticket @ StoreTicket::Machine(_), .. } = &output {
                self.engine(EngineInput::Stored(*ticket));
            }
            if matches!(output, EngineOutput::PrepareObjects) {
                self.engine(EngineInput::ObjectsReady);
            }
            self.seen.push(output);
        }
    }

    /// Lets time pass, as a driver does: never later than the next deadline.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now = self.core.next_deadline().min(end).max(self.now + Duration::from_micros(1));
            self.give(Input::Tick);
        }
    }

    fn saw(&mut self, what: impl Fn(&EngineOutput) -> bool) -> bool {
        std::mem::take(&mut self.seen).iter().any(what)
    }

    fn held_for(&mut self, time: Duration) {
        let until = self.now + time;
        self.engine(EngineInput::Grant(GrantEvent::Held { revision: 20, until }));
    }
}

#[test]
fn outputs_are_open_by_the_grant_and_not_longer() {
    let mut node = Alone::start();
    node.pass(Duration::from_secs(11));
    assert!(node.saw(|it| matches!(it, EngineOutput::AskGrant(_))));
    assert_eq!(node.core.outputs_until(MAIN), None, "not before the grant is held");

    node.held_for(Duration::from_millis(300));
    let opened =
        |it: &EngineOutput| matches!(it, EngineOutput::OpenOutputs { epoch } if epoch.number == 21);
    assert!(node.saw(opened), "odd, and not below the revision");
    // 100 ms are left to close in.
    assert_eq!(node.core.outputs_until(MAIN), Some(node.now + Duration::from_millis(200)));

    node.pass(Duration::from_millis(150));
    assert!(!node.saw(|it| matches!(it, EngineOutput::CloseOutputs)));
    node.held_for(Duration::from_secs(3));
    // Renewed: now what counts as a standstill comes first.
    let still = node.core.outputs_until(MAIN).unwrap().since(node.now);
    assert!(still <= Duration::from_millis(400), "{still:?}");

    node.pass(Duration::from_millis(2_899));
    assert!(!node.saw(|it| matches!(it, EngineOutput::CloseOutputs)));
    node.pass(Duration::from_millis(2));
    assert!(node.saw(|it| matches!(it, EngineOutput::CloseOutputs)), "not renewed");
    let end = node.core.outputs_until(MAIN).unwrap();
    assert!(end <= node.now, "the gate is shut by the clock, whatever the loop does");
}
