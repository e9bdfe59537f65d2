//! Two cores that speak in the bytes of the wire, with a stand-in for their drivers.
use bytes::Bytes;
use hotpair_core::{
    Core, CoreSettings, EngineBoot, EngineIndex, EngineInput, EngineOutput, Input, Output,
    StoreTicket,
};
use hotpair_fsm::{self as fsm, GrantEvent};
use hotpair_node::greeting;
use hotpair_node::wire::{self, Incoming, OwnHello};
use hotpair_replication as replication;
use hotpair_types::{
    Channel, Designation, EngineName, History, Instance, NodeName, NodeTime, PerChannel, Time,
};
use std::collections::VecDeque;
use std::time::Duration;

/// The one engine.
pub(crate) const ENGINE: EngineIndex = EngineIndex(0);
/// More of what a node does for itself than this means that it never ends.
const OWN_STEPS_MAX: usize = 10_000;
/// What is on its way beyond this is lost.
const ON_THE_WAY_MAX: usize = 256;

/// Something on its way.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) channel: Channel,
    /// A datagram; else a frame.
    pub(crate) beat: bool,
    pub(crate) bytes: Bytes,
}

/// One node.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) core: Core,
    pub(crate) own: OwnHello,
    /// By channel: a connection, and who said Hello on it.
    links: PerChannel<Option<Option<Instance>>>,
    disk: VecDeque<StoreTicket>,
    pub(crate) sent: VecDeque<Parcel>,
}

/// Both nodes.
#[derive(Debug)]
pub(crate) struct WirePair {
    pub(crate) hosts: [Host; 2],
    now: Time,
    /// Disks answer when they are told to, not at once.
    pub(crate) slow_disks: bool,
}

impl WirePair {
    pub(crate) fn new() -> Self {
        let mut pair = Self { hosts: [0, 1].map(Host::new), now: Time::ZERO, slow_disks: false };
        for host in [0, 1] {
            let mut out = Vec::new();
            let core = core(host, &mut out);
            pair.hosts[host].core = core;
            pair.carry_out(host, out);
        }
        pair
    }

    pub(crate) fn give(&mut self, host: usize, input: Input) {
        let mut out = Vec::new();
        let wall = NodeTime(1_700_000_000_000 + self.now.0 / 1_000);
        let core = &mut self.hosts[host].core;
        core.handle(self.now, wall, input, &mut out);
        core.handle(self.now, wall, Input::Flush, &mut out);
        self.carry_out(host, out);
    }

    pub(crate) fn tell(&mut self, host: usize, input: EngineInput) {
        self.give(host, Input::Engine { engine: ENGINE, input });
    }

    fn carry_out(&mut self, host: usize, out: Vec<Output>) {
        let mut own: VecDeque<EngineInput> = VecDeque::new();
        self.send_or_do(host, out, &mut own);
        let mut steps = 0;
        while let Some(input) = own.pop_front() {
            steps += 1;
            assert!(steps < OWN_STEPS_MAX, "a node is never done with itself");
            let mut out = Vec::new();
            let wall = NodeTime(1_700_000_000_000 + self.now.0 / 1_000);
            let input = Input::Engine { engine: ENGINE, input };
            let core = &mut self.hosts[host].core;
            core.handle(self.now, wall, input, &mut out);
            core.handle(self.now, wall, Input::Flush, &mut out);
            self.send_or_do(host, out, &mut own);
        }
    }

    fn send_or_do(&mut self, host: usize, out: Vec<Output>, own: &mut VecDeque<EngineInput>) {
        for output in out {
            let output = match output {
                Output::Beat { beat, number, views } => {
                    let bytes = wire::encode_beat(&beat, number, &views);
                    self.hosts[host].send(Parcel { channel: beat.channel, beat: true, bytes });
                    continue;
                }
                Output::Engine { output, .. } => output,
            };
            let frame = |bytes| Parcel { channel: Channel::Redundancy, beat: false, bytes };
            match output {
                EngineOutput::Summary(it) => {
                    self.hosts[host].send(frame(wire::encode_summary(ENGINE, &it)));
                }
                EngineOutput::Send { message, .. } => {
                    self.hosts[host].send(frame(wire::encode_message(ENGINE, &message)));
                }
                EngineOutput::Store { ticket, .. } if self.slow_disks => {
                    self.hosts[host].disk.push_back(ticket);
                }
                EngineOutput::Store { ticket, .. } => own.push_back(EngineInput::Stored(ticket)),
                EngineOutput::CloseOutputs => own.push_back(EngineInput::OutputsClosed),
                EngineOutput::PrepareObjects => own.push_back(EngineInput::ObjectsReady),
                EngineOutput::TellGuard { behind } => {
                    own.push_back(EngineInput::GuardTold { behind });
                }
                EngineOutput::AskGrant(_) | EngineOutput::GoAlone | EngineOutput::EndAlone => {
                    own.push_back(EngineInput::Grant(GrantEvent::Away));
                }
                EngineOutput::Data(replication::Output::ReadJournal { ticket, .. }) => {
                    let input = replication::Input::JournalRead { ticket, entries: Vec::new() };
                    own.push_back(EngineInput::Data(input));
                }
                EngineOutput::Data(_)
                | EngineOutput::OpenOutputs { .. }
                | EngineOutput::StopObjects
                | EngineOutput::ReleaseGrant
                | EngineOutput::Reply { .. }
                | EngineOutput::RoleChanged(_)
                | EngineOutput::Alarm(_)
                | EngineOutput::Stopped { .. }
                | EngineOutput::Step(_) => {}
            }
        }
    }

    /// The oldest operation of a disk is done, or has failed.
    pub(crate) fn commit(&mut self, host: usize, well: bool) {
        if let Some(ticket) = self.hosts[host].disk.pop_front() {
            let done = if well { EngineInput::Stored } else { EngineInput::StoreFailed };
            self.tell(host, done(ticket));
        }
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
        for host in [0, 1] {
            self.give(host, Input::Tick);
        }
    }

    /// A channel is connected: both say Hello on it.
    pub(crate) fn connect(&mut self, channel: Channel) {
        for host in [0, 1] {
            self.hosts[host].links[channel] = Some(None);
            let bytes = wire::encode_hello(&self.hosts[host].own);
            self.hosts[host].sent.push_back(Parcel { channel, beat: false, bytes });
            self.give(host, Input::LinkUp { channel });
        }
    }

    pub(crate) fn disconnect(&mut self, channel: Channel) {
        for host in [0, 1] {
            if self.hosts[host].links[channel].take().is_some() {
                self.give(host, Input::LinkDown { channel });
            }
        }
    }

    /// Something arrives, as the driver takes it.
    pub(crate) fn arrives(&mut self, to: usize, parcel: &Parcel) {
        let channel = parcel.channel;
        let Some(greeted) = self.hosts[to].links[channel] else { return };
        if parcel.beat {
            return match wire::decode_beat(channel, &parcel.bytes) {
                Ok((beat, number, views)) => self.give(to, Input::Beat { beat, number, views }),
                Err(_) => self.give(to, Input::Refused { channel }),
            };
        }
        match (wire::decode_frame(&parcel.bytes), greeted) {
            (Ok(Incoming::Hello(their)), _) => match greeting::judge(&self.hosts[to].own, &their) {
                Ok(differences) => {
                    let instance = their.hello.instance;
                    self.hosts[to].links[channel] = Some(Some(instance));
                    let differs = differences.blocking.map(Into::into);
                    let compares = their.compares();
                    self.give(to, Input::Hello { channel, instance, differs, compares });
                }
                Err(refusal) => {
                    let bytes = wire::encode_refusal(&refusal.to_string());
                    self.hosts[to].send(Parcel { channel, beat: false, bytes });
                    self.give(to, Input::Refused { channel });
                }
            },
            (Ok(Incoming::Refusal { .. }) | Err(_), _) | (Ok(_), None) => {
                self.give(to, Input::Refused { channel });
            }
            (Ok(Incoming::Summary { engine, summary }), Some(from)) => {
                let input = EngineInput::Summary { from, summary };
                self.give(to, Input::Engine { engine, input });
            }
            (Ok(Incoming::Message { engine, message }), Some(from)) => {
                let input = EngineInput::Message { channel, from, message };
                self.give(to, Input::Engine { engine, input });
            }
        }
    }
}

impl Host {
    fn new(host: usize) -> Self {
        let own = OwnHello {
            pair: [7; 16],
            node: NodeName::new(["gw-a", "gw-b"][host]).expect("a sound name"),
            instance: instance(host),
            guard_key: None,
            settings: vec![("pair.mode".to_owned(), "availability".to_owned())],
            engines: vec![EngineName::default()],
            api: "http://127.0.0.1:1".to_owned(),
            release: "0".to_owned(),
        };
        let (disk, sent) = (VecDeque::new(), VecDeque::new());
        let links = PerChannel { redundancy: None, primary: None };
        Self { core: core(host, &mut Vec::new()), own, links, disk, sent }
    }

    fn send(&mut self, parcel: Parcel) {
        if self.links[parcel.channel].is_some() && self.sent.len() < ON_THE_WAY_MAX {
            self.sent.push_back(parcel);
        }
    }
}

const fn instance(host: usize) -> Instance {
    Instance { count: 3, tag: host as u64 + 1 }
}

fn core(host: usize, out: &mut Vec<Output>) -> Core {
    let mut settings = fsm::Settings::new(Designation::ALL[host]);
    settings.startup_allowance = Duration::from_secs(1);
    settings.handover_timeout = Duration::from_secs(1);
    let settings = settings.check().expect("the defaults are sound");
    let boot = EngineBoot {
        name: EngineName::default(),
        fsm_settings: settings,
        fsm: fsm::Boot {
            record: fsm::Record::default(),
            history: History::default(),
            instance: instance(host),
            tag_seed: host as u64,
            storage_ok: true,
            undeployed: false,
        },
        replication_settings: replication::Settings::default(),
        replication: replication::Boot::empty(Designation::ALL[host], instance(host)),
    };
    let settings = CoreSettings {
        beats: settings.beats,
        instance: instance(host),
        required: PerChannel { redundancy: false, primary: true },
        recording: false,
    };
    let (core, first) = Core::new(settings, vec![boot], Time::ZERO);
    out.extend(first);
    core
}
