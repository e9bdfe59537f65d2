//! A pair of real `hotpair` processes for tests and benches: started, cut, killed, watched, audited.
//!
//! [`Pair`] starts two nodes whose channels run through a [`Relay`], so that links are cut, thinned
//! and delayed without privileges, or through network namespaces when there are privileges. A
//! [`Writer`] writes meanwhile and keeps what it was promised; the [`Audit`] compares promises and
//! histories afterwards. The modules are in reading order.

#![warn(missing_docs)]

mod side;
mod patience;
mod address;
mod binary;
mod release;
mod http;
mod dice;
mod relay;
mod relay_tcp;
mod namespaces;
mod third_host;
mod links;
mod settings;
mod etcd;
mod modbus;
mod postgres;
mod process;
mod status;
mod pair;
mod data;
mod rot;
mod writer;
mod subscriber;
mod watch;
mod audit;

pub use address::{free_address, own_loopback};
pub use audit::Audit;
pub use binary::hotpair_binary;
pub use dice::Dice;
pub use etcd::Etcd;
pub use http::{Request, Response};
pub use links::Links;
pub use modbus::ModbusDevice;
pub use namespaces::Namespaces;
pub use pair::Pair;
pub use patience::{eventually, patience};
pub use postgres::Postgres;
pub use process::{NodeProcess, Signal};
pub use relay::{Impairment, Relay};
pub use release::{LAST_RELEASE, Release};
pub use rot::{confuse, load};
pub use settings::{NodeSettings, PairSettings};
pub use side::{Channel, Side};
pub use status::Status;
pub use subscriber::{Arrived, Subscriber};
pub use third_host::{Frames, Knocking};
pub use watch::{Sample, Watch};
pub use writer::{Outcome, Record, Target, Writer};
