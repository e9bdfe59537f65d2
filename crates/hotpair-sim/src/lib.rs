//! Two whole cores, one clock, one seed: what the network, the disks, the clocks and the processes
//! may do to a pair, and what must hold all the same.
//!
//! A run has two phases: faults, then none; after the second the pair must have healed. Everything
//! follows from the seed: the same seed gives the same trace hash. The modules are in reading order.

#![warn(missing_docs)]

/// Notes a line of what happens; it is made only when somebody will read it.
macro_rules! note {
    ($world:expr, $($line:tt)*) => {
        if $world.tells() {
            let line = format!($($line)*);
            $world.note(&line);
        }
    };
}

mod rng;
mod agenda;
mod disk;
mod net;
mod node;
mod client;
mod arbiter;
mod faults;
mod report;
mod world;
mod starting;
mod carry;
mod answers;
mod writing;
mod links;
mod strike;
mod crashes;
mod damage;
mod losses;
mod invariants;
mod forks;

pub use faults::{Fault, FaultKind};
pub use forks::{ForkReport, run_fork};
pub use report::{Failure, Plan, Report, Tell, run};
pub use rng::Rng;
