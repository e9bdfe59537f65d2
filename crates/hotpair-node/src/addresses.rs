//! Virtual addresses: a thread that keeps them on their interfaces while the gate lets them, and not a
//! moment longer. `hotpair-address` decides when to ask, claim and announce; nothing of it is carried out
//! without the gate.
mod keeper;
mod lease;

pub(crate) use keeper::View;
use keeper::{Keeper, Parts};

use crate::clock::Clock;
use crate::gate::Gate;
use crate::settings::Settings;
use hotpair_address::kernel::{Kernel, KernelError};
use hotpair_address::lease::{self as lease_tables, Lease, LeaseError};
use hotpair_types::Epoch;
use std::net::IpAddr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tokio::sync::mpsc::UnboundedSender;

/// Takes them off wherever they stand on this host. Where there are none the kernel is not even asked: on
/// the way to a takeover nothing else may fail for their sake.
///
/// # Errors
/// The first that could not be taken off; the others were tried.
pub(crate) fn remove_all(
    addresses: impl IntoIterator<Item = IpAddr>,
) -> Result<usize, KernelError> {
    let mut addresses = addresses.into_iter().peekable();
    if addresses.peek().is_none() {
        return Ok(0);
    }
    let mut kernel = Kernel::open()?;
    let mut outcome = Ok(0);
    for it in addresses {
        let removed = kernel.remove(it);
        outcome = match (outcome, removed) {
            (Ok(before), Ok(it)) => Ok(before + it.count),
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        };
    }
    outcome
}

/// Why the addresses of a host cannot be made ready for a start.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// One that an earlier process left stays.
    #[error("a virtual address that was left here: {0}")]
    LeftOver(#[from] KernelError),
    /// The lease.
    #[error("the lease of the virtual addresses: {0}")]
    Lease(#[from] LeaseError),
}

/// Takes off what a process before this one had no time to; makes the tables of the lease, shut, or takes
/// them off where none is wanted.
pub(crate) fn make_ready(settings: &Settings) -> Result<Option<Lease>, NotReady> {
    if settings.virtual_addresses.is_empty() {
        return Ok(None);
    }
    let node = settings.node.name.as_str();
    let lease = if settings.address_lease {
        Some(Lease::install(node, &settings.virtual_addresses)?)
    } else {
        lease_tables::remove(node)?;
        None
    };
    let count = remove_all(settings.virtual_addresses.iter().map(|it| it.address))?;
    if count > 0 {
        tracing::warn!(count, "virtual addresses were left here by an earlier process: taken off");
    }
    Ok(lease)
}

/// What the thread is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Have them, under this epoch.
    Claim(Epoch),
    /// Take them off, then report this number.
    Release(u64),
    /// Take them off and end.
    Close,
}

/// What the driver hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// None of them stands on this host any more.
    Released(u64),
    /// How they stand.
    Views(Vec<View>),
}

/// The driver's end of it.
pub(crate) struct Addresses {
    orders: mpsc::Sender<Order>,
    thread: JoinHandle<()>,
    /// The release that is waited for.
    releases: u64,
    /// The node whose tables of the lease are to be taken off at the end.
    tables: Option<String>,
}

impl Addresses {
    /// Starts the thread where there are addresses; they pass this gate.
    pub(crate) fn keep(
        settings: &Settings,
        gate: Arc<Gate>,
        clock: Clock,
        guarded: bool,
        reports: UnboundedSender<Report>,
        lease: Option<Lease>,
    ) -> Option<Self> {
        let addresses = settings.virtual_addresses.clone();
        if addresses.is_empty() {
            return None;
        }
        let partner = settings.channels.iter().map(|it| it.1.partner.ip()).collect();
        let node = settings.node.name.to_string();
        let lease = lease.map(|it| (it, settings.lease_time()));
        let leased = lease.is_some();
        let parts = Parts { addresses, partner, gate, clock, guarded, reports, lease };
        Some(Self::start(parts, leased.then_some(node)))
    }

    /// Whether a lease in the kernel holds them.
    pub(crate) const fn is_leased(&self) -> bool {
        self.tables.is_some()
    }

    fn start(parts: Parts, tables: Option<String>) -> Self {
        let (orders, inlet) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("hotpair-address".to_owned())
            .spawn(move || Keeper::new(parts).run(&inlet))
            .expect("a thread can be started");
        Self { orders, thread, releases: 0, tables }
    }

    /// The outputs are open: have them.
    pub(crate) fn claim(&self, epoch: Epoch) {
        self.order(Order::Claim(epoch));
    }

    /// The outputs are shut: `Report::Released` confirms it with a number that `is_last` knows.
    pub(crate) fn release(&mut self) {
        self.releases += 1;
        self.order(Order::Release(self.releases));
    }

    pub(crate) const fn is_last(&self, release: u64) -> bool {
        self.releases == release
    }

    /// Takes them off, and waits until that is done.
    pub(crate) fn close(self) {
        self.order(Order::Close);
        if self.thread.join().is_err() {
            tracing::error!("the thread of the virtual addresses panicked");
        }
        if let Some(Err(error)) = self.tables.as_deref().map(lease_tables::remove) {
            tracing::warn!(%error, "the tables of the lease stay");
        }
    }

    fn order(&self, order: Order) {
        // A thread that is gone panicked: the process ends, and the guard takes the addresses off.
        if self.orders.send(order).is_err() {
            tracing::error!("the thread of the virtual addresses is gone: the node ends");
            std::process::abort();
        }
    }
}
