//! Mode `arbiter`: a task for each engine asks the third party for what its state machine ordered,
//! keeps a grant alive and says what came of it. The loop never waits for it.
//!
//! Orders are a state, not a queue: what is wanted now. The answer to an order that is over is not
//! taken, and a grant that was given back in between is asked for anew.

mod keeper;

pub(crate) use keeper::Said;

use crate::clock::Clock;
use crate::settings::{self, Settings};
use hotpair_arbiter::{Arbiter, ArbiterError, EngineKey, Etcd, EtcdSettings, Holder};
use hotpair_core::EngineIndex;
use hotpair_fsm::GrantAsk;
use hotpair_types::{EngineName, Instance, NodeName};
use keeper::{Keeper, Wanted};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Reports that wait for the loop; a task that has more to say waits.
pub(crate) const REPORTS_MAX: usize = 64;
/// One question may take this part of a lease, so that some fit into what is left after a renewal is due.
const LEASE_PER_CALL: u32 = 6;
/// ... but never less, for a cluster that must write to disks, nor more.
const CALL_TIME_MIN: Duration = Duration::from_millis(300);
const CALL_TIME_MAX: Duration = Duration::from_secs(5);

/// Something that an engine's task has to say.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) engine: EngineIndex,
    /// The order that it answers; `None`: it is so whatever was ordered.
    pub(crate) ticket: Option<u64>,
    pub(crate) said: Said,
}

/// The third party, with what both nodes call the pair.
#[derive(Clone, Debug)]
pub(crate) struct ThirdParty {
    arbiter: Arc<dyn Arbiter>,
    pair: String,
    own: Holder,
    partner: NodeName,
    lease: Duration,
}

impl ThirdParty {
    /// Connects to nobody yet. `None`: the settings have none.
    ///
    /// # Errors
    /// When an address cannot be one.
    pub(crate) fn of(
        settings: &Settings,
        pair: [u8; 16],
        instance: Instance,
    ) -> Result<Option<Self>, ArbiterError> {
        let Some(arbiter) = &settings.arbiter else { return Ok(None) };
        Ok(Some(Self {
            arbiter: Arc::new(Etcd::new(etcd(arbiter))?),
            pair: pair_name(pair),
            own: holder(&settings.node.name, instance),
            partner: settings.partner.name.clone(),
            lease: arbiter.lease,
        }))
    }

    /// Starts the task of an engine, inside a runtime.
    pub(crate) fn keep(
        &self,
        engine: EngineIndex,
        name: &EngineName,
        clock: Clock,
        reports: mpsc::Sender<Report>,
    ) -> Orders {
        let (wanted, wishes) = watch::channel(Wanted::default());
        let key = EngineKey { pair: self.pair.clone(), engine: name.to_string() };
        let keeper = Keeper::new(self, engine, key, clock, wishes, reports);
        let task = tokio::spawn(keeper.run());
        Orders { wanted, partner: self.partner.clone(), call_time_max: call_time(self.lease), task }
    }
}

/// How etcd is asked.
pub(crate) fn etcd(arbiter: &settings::Arbiter) -> EtcdSettings {
    let addresses = arbiter.etcd.clone();
    EtcdSettings { addresses, call_time_max: call_time(arbiter.lease) }
}

/// How a pair is called at the arbiter: both nodes derive the same.
pub(crate) fn pair_name(pair: [u8; 16]) -> String {
    pair.iter().map(|it| format!("{it:02x}")).collect()
}

fn call_time(lease: Duration) -> Duration {
    (lease / LEASE_PER_CALL).clamp(CALL_TIME_MIN, CALL_TIME_MAX)
}

/// A process, as it is written at the arbiter.
pub(crate) fn holder(node: &NodeName, instance: Instance) -> Holder {
    let instance = format!("{}-{:016x}", instance.count, instance.tag);
    Holder { node: node.to_string(), instance }
}

/// The way to the task of an engine. Never blocks.
#[derive(Debug)]
pub(crate) struct Orders {
    wanted: watch::Sender<Wanted>,
    partner: NodeName,
    call_time_max: Duration,
    task: tokio::task::JoinHandle<()>,
}

impl Orders {
    /// Ask until it is held, and renew it until it is given back.
    pub(crate) fn ask(&self, ask: GrantAsk) {
        let GrantAsk { proven_dead, over_alone } = ask;
        let proven_dead = proven_dead.map(|it| holder(&self.partner, it));
        self.wanted.send_modify(|it| it.ask(proven_dead, over_alone));
    }

    /// Ask no more, and give back what is held.
    pub(crate) fn release(&self) {
        self.wanted.send_modify(Wanted::release);
    }

    /// Write that this node goes on alone, or take that back; until it is done.
    pub(crate) fn alone(&self, goes: bool) {
        self.wanted.send_modify(|it| it.alone(goes));
    }

    /// Whether this answers what is ordered now.
    pub(crate) fn is_current(&self, report: &Report) -> bool {
        report.ticket.is_none_or(|it| self.wanted.borrow().is_current(it))
    }

    /// Gives back what is held and ends.
    pub(crate) fn close(&self) {
        self.wanted.send_modify(Wanted::close);
    }

    /// Waits until it has, but not longer than one question may take: a grant ends by itself.
    pub(crate) async fn closed(self) {
        let abort = self.task.abort_handle();
        if tokio::time::timeout(self.call_time_max, self.task).await.is_err() {
            abort.abort();
        }
    }
}

#[cfg(test)]
mod tests;
