//! Translates between the values of the deciding crates and the messages on the wire.
// CONTRACT with the driver (driver/partner.rs calls these): keep names and shapes, fill the bodies,
// split into wire/*.rs. Everything decoded is bounded and checked.
use bytes::Bytes;
use hotpair_core::EngineIndex;
use hotpair_fsm::{BeatHeard, BeatToSend, Summary, View};
use hotpair_replication::Message;
use hotpair_types::{Channel, EngineName, Instance, NodeName};

/// What this node says of itself when a connection is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnHello {
    /// Identifies the pair: a hash over both public keys in order.
    pub pair: [u8; 16],
    /// The name of the node.
    pub node: NodeName,
    /// This start of it.
    pub instance: Instance,
    /// The public half of the key its guard signs with; absent without a guard.
    pub guard_key: Option<[u8; 32]>,
    /// The settings that must agree, with their values as text.
    pub settings: Vec<(String, String)>,
    /// The engines, in their order.
    pub engines: Vec<EngineName>,
    /// The base address of its API.
    pub api: String,
    /// Its release.
    pub release: String,
}

/// The partner's Hello, in the version both understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TheirHello {
    /// What it says.
    pub hello: OwnHello,
    /// The wire version that both speak.
    pub version: u16,
}

/// A frame of the partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The first frame of a connection.
    Hello(Box<TheirHello>),
    /// The partner refuses our Hello.
    Refusal {
        /// In words.
        why: String,
    },
    /// A frozen summary.
    Summary {
        /// Of which engine.
        engine: EngineIndex,
        /// It.
        summary: Box<Summary>,
    },
    /// From the partner's replica.
    Message {
        /// Of which engine.
        engine: EngineIndex,
        /// What.
        message: Message,
    },
}

/// A datagram of a guard, its own or its partner's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plain {
    /// That instance is reaped. The signature is not checked yet: `FencedNotice::is_signed_by`.
    Fenced(FencedNotice),
}

/// What a guard signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FencedNotice {
    /// Which pair.
    pub pair: [u8; 16],
    /// Which instance is reaped.
    pub instance: Instance,
    /// By engine: it had given degraded acknowledgements.
    pub behind: Vec<bool>,
    /// The bytes that are signed.
    pub signed: Bytes,
    /// The signature.
    pub signature: [u8; 64],
}

/// Bytes of the partner that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WireError(pub String);

/// The first frame of a connection.
#[must_use]
pub fn encode_hello(_hello: &OwnHello) -> Bytes {
    unimplemented!()
}

/// Tells the partner that its Hello is refused.
#[must_use]
pub fn encode_refusal(_why: &str) -> Bytes {
    unimplemented!()
}

/// A frozen summary for the control lane.
#[must_use]
pub fn encode_summary(_engine: EngineIndex, _summary: &Summary) -> Bytes {
    unimplemented!()
}

/// A message of a replica.
#[must_use]
pub fn encode_message(_engine: EngineIndex, _message: &Message) -> Bytes {
    unimplemented!()
}

/// A frame of the partner.
///
/// # Errors
/// `WireError` when it is not one, or breaks a limit.
pub fn decode_frame(_bytes: &[u8]) -> Result<Incoming, WireError> {
    unimplemented!()
}

/// A beat with the views of all engines.
#[must_use]
pub fn encode_beat(_beat: &BeatToSend, _number: u64, _views: &[View]) -> Bytes {
    unimplemented!()
}

/// A beat of the partner: the detector's part, the number of its views, the views.
///
/// # Errors
/// `WireError` when it is not one.
pub fn decode_beat(
    _channel: Channel,
    _bytes: &[u8],
) -> Result<(BeatHeard, u64, Vec<View>), WireError> {
    unimplemented!()
}

/// A datagram that is not QUIC.
///
/// # Errors
/// `WireError` when it is not one of ours.
pub fn decode_plain(_bytes: &[u8]) -> Result<Plain, WireError> {
    unimplemented!()
}

/// A guard's notice, signed, and the datagram that answers it.
#[must_use]
pub fn encode_fenced(
    _pair: [u8; 16],
    _instance: Instance,
    _behind: &[bool],
    _sign: impl Fn(&[u8]) -> [u8; 64],
) -> (Vec<u8>, Vec<u8>) {
    unimplemented!()
}

/// The answer to a guard's notice: it was understood.
#[must_use]
pub fn encode_fenced_answer(_notice: &FencedNotice) -> Bytes {
    unimplemented!()
}

impl FencedNotice {
    /// Whether the guard with this key signed it.
    #[must_use]
    pub fn is_signed_by(&self, _key: &[u8; 32]) -> bool {
        unimplemented!()
    }
}
