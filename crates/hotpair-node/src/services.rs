//! Services: programs of people that run on the active alone. A thread keeps them while the gate lets them,
//! and not a moment longer; `plan` decides when to start, end, kill and start again; a *warden*, a process
//! of its own for each, ends what the node could not end any more.
mod plan;
mod lines;
pub(crate) mod warden;
mod process;
mod end;
mod keeper;

pub(crate) use keeper::View;
pub(crate) use plan::Phase;
pub(crate) use process::COMMAND;

use crate::clock::Clock;
use crate::gate::Gate;
use crate::settings::Settings;
use hotpair_core::EngineIndex;
use keeper::{Keeper, Parts};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tokio::sync::mpsc::UnboundedSender;

/// As what a service runs: the names and values of its environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// What the thread is told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    /// The outputs of this engine are open: have its services.
    Run(EngineIndex, Role),
    /// They are shut: end them, in order or at once, then report this number.
    Stop { engine: EngineIndex, in_order: bool, number: u64 },
    /// End all at once, and end.
    Close,
}

/// What the driver hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// No service of the engine is left.
    Gone(EngineIndex, u64),
    /// How they stand.
    Views(Vec<View>),
    /// One fails so often that the partner had better act.
    HandOver(Failing),
}

/// Why a node had better hand over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failing {
    pub(crate) engine: EngineIndex,
    pub(crate) service: String,
    pub(crate) failures: u32,
    pub(crate) last_end: String,
}

/// The driver's end of it.
pub(crate) struct Services {
    orders: mpsc::Sender<Order>,
    thread: JoinHandle<()>,
    /// Which engines have services.
    engines: Vec<EngineIndex>,
    /// The stop that is waited for.
    stops: u64,
}

impl Services {
    /// Starts the thread where there are services. `gates`: of the engines, in the order of the settings.
    pub(crate) fn keep(
        settings: &Settings,
        hotpair: PathBuf,
        gates: Vec<Arc<Gate>>,
        clock: Clock,
        guarded: bool,
        reports: UnboundedSender<Report>,
    ) -> Option<Self> {
        if settings.services.is_empty() {
            return None;
        }
        let index = |name: &_| {
            let at = settings.engines.iter().position(|it| it.name == *name);
            let at = at.expect("the settings checked the name of the engine");
            EngineIndex(u8::try_from(at).expect("at most 8 engines"))
        };
        let services: Vec<_> =
            settings.services.iter().map(|it| (index(&it.engine), it.clone())).collect();
        let engines = services.iter().map(|it| it.0).collect();
        let parts = Parts { services, hotpair, gates, clock, guarded, reports };
        let (orders, inlet) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("hotpair-service".to_owned())
            .spawn(move || Keeper::new(parts).run(&inlet))
            .expect("a thread can be started");
        Some(Self { orders, thread, engines, stops: 0 })
    }

    /// Whether there are any for this engine.
    pub(crate) fn has(&self, engine: EngineIndex) -> bool {
        self.engines.contains(&engine)
    }

    /// The outputs are open, or the role is another one with open outputs.
    pub(crate) fn run(&self, engine: EngineIndex, role: Role) {
        self.order(Order::Run(engine, role));
    }

    /// The outputs are shut: `Report::Gone` confirms it with the number that this gives.
    pub(crate) fn stop(&mut self, engine: EngineIndex, in_order: bool) -> u64 {
        self.stops += 1;
        self.order(Order::Stop { engine, in_order, number: self.stops });
        self.stops
    }

    /// Ends all of them, and waits until that is done.
    pub(crate) fn close(self) {
        self.order(Order::Close);
        if self.thread.join().is_err() {
            tracing::error!("the thread of the services panicked");
        }
    }

    fn order(&self, order: Order) {
        // A thread that is gone panicked: the process ends, and the wardens end the services.
        if self.orders.send(order).is_err() {
            tracing::error!("the thread of the services is gone: the node ends");
            std::process::abort();
        }
    }
}
