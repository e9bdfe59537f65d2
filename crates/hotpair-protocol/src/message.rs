//! Everything that one node says to the other over QUIC.
use crate::beat::Beat;
use crate::hello::{Hello, Refusal};
use crate::replica::ReplicaMessage;
use crate::summary::Summary;

/// One message. Beats are datagrams, the others frames on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The first frame of a connection.
    Hello(Hello),
    /// The other's Hello is refused.
    Refusal(Refusal),
    /// A beat.
    Beat(Beat),
    /// A frozen summary of an engine, by its index.
    Summary(u8, Summary),
    /// Of the replica of an engine, by its index.
    Replica(u8, ReplicaMessage),
}
