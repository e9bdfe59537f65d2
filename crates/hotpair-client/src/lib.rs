//! Follows the active node: retries with keys, resumes subscriptions. For users' programs.
//!
//! ```no_run
//! # async fn example() -> Result<(), hotpair_client::Error> {
//! let client = hotpair_client::Client::new(["http://10.0.0.1:8650", "http://10.0.0.2:8650"])?;
//! let written = client.write_tag("tank/setpoint", 3.5).await?;
//! println!("{} under epoch {}", written.sequence, written.epoch);
//! # Ok(()) }
//! ```
//!
//! Give the addresses of both nodes. Whatever happens to them, a write ends in one of four ways:
//! it is done, it was refused, nobody could be reached (it was not sent), or it is *unknown*
//! whether it is done. Every write carries an idempotency key, so that it is applied once however
//! often it had to be sent.
//!
//! The modules below are in reading order.

#![warn(missing_docs)]

mod address;
mod problem;
mod error;
mod stream;
mod connection;
mod call;
mod builder;
mod client;
mod answers;
mod place;
mod subscription;

pub use address::{AddressError, NodeAddress};
pub use answers::{
    Expectation, Operation, Quality, Record, RecordPage, Tag, TagPage, TagWrite, Written,
};
pub use builder::ClientBuilder;
pub use client::{Client, WriteOptions};
pub use error::{Attempt, Error};
pub use problem::Problem;
pub use subscription::{FeedItem, SubscribeOptions, Subscription};
