//! Translates between the values of the deciding crates and the messages on the wire.
//!
//! What is decoded is bounded and checked: nothing the partner says reaches a panic.

mod hello;
mod view;
mod summary;
mod entry;
mod replica;

use bytes::Bytes;
use hotpair_core::EngineIndex;
use hotpair_fsm::{BeatHeard, BeatToSend, Summary, View};
use hotpair_protocol as protocol;
use hotpair_replication::Message;
use hotpair_transport::PinnedKey;
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
    /// The version of its data: an older node never overwrites newer data.
    pub data_schema: u32,
}

impl TheirHello {
    /// Whether it understands `Message::Compare`.
    #[must_use]
    pub const fn compares(&self) -> bool {
        self.version >= protocol::VersionRange::COMPARES
    }
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
pub fn encode_hello(hello: &OwnHello) -> Bytes {
    protocol::encode(&protocol::Message::Hello(hello::to_wire(hello)))
}

/// Tells the partner that its Hello is refused.
#[must_use]
pub fn encode_refusal(why: &str) -> Bytes {
    let refusal = protocol::Refusal { why: protocol::Text::cut(why) };
    protocol::encode(&protocol::Message::Refusal(refusal))
}

/// A frozen summary for the control lane.
#[must_use]
pub fn encode_summary(engine: EngineIndex, summary: &Summary) -> Bytes {
    protocol::encode(&protocol::Message::Summary(engine.0, summary::to_wire(summary)))
}

/// A message of a replica.
#[must_use]
pub fn encode_message(engine: EngineIndex, message: &Message) -> Bytes {
    let bytes = protocol::encode(&protocol::Message::Replica(engine.0, replica::to_wire(message)));
    if bytes.len() > protocol::FRAME_BYTES_MAX {
        let (length, session) = (bytes.len(), message.session());
        tracing::error!(length, ?session, "a message is too long for a frame and will be refused");
    }
    bytes
}

/// A frame of the partner.
///
/// # Errors
/// `WireError` when it is not one, or breaks a limit.
pub fn decode_frame(bytes: &[u8]) -> Result<Incoming, WireError> {
    Ok(match decode(bytes)? {
        protocol::Message::Hello(it) => Incoming::Hello(Box::new(hello::from_wire(it)?)),
        protocol::Message::Refusal(it) => {
            let why = it.why.chars().flat_map(char::escape_debug).collect();
            Incoming::Refusal { why }
        }
        protocol::Message::Summary(engine, it) => {
            let summary = Box::new(summary::from_wire(it));
            Incoming::Summary { engine: EngineIndex(engine), summary }
        }
        protocol::Message::Replica(engine, it) => {
            let message = replica::from_wire(it);
            Incoming::Message { engine: EngineIndex(engine), message }
        }
        protocol::Message::Beat(_) => return Err(WireError("a beat came as a frame".to_owned())),
    })
}

fn decode(bytes: &[u8]) -> Result<protocol::Message, WireError> {
    protocol::decode(bytes).map_err(|it| WireError(it.to_string()))
}

/// A beat with the views of all engines.
#[must_use]
pub fn encode_beat(beat: &BeatToSend, number: u64, views: &[View]) -> Bytes {
    protocol::encode(&protocol::Message::Beat(view::beat_to_wire(beat, number, views)))
}

/// A beat of the partner: the detector's part, the number of its views, the views.
///
/// # Errors
/// `WireError` when it is not one.
pub fn decode_beat(
    channel: Channel,
    bytes: &[u8],
) -> Result<(BeatHeard, u64, Vec<View>), WireError> {
    match decode(bytes)? {
        protocol::Message::Beat(it) => Ok(view::beat_from_wire(channel, it)),
        protocol::Message::Hello(_)
        | protocol::Message::Refusal(_)
        | protocol::Message::Summary(..)
        | protocol::Message::Replica(..) => Err(WireError("a frame came as a datagram".to_owned())),
    }
}

/// A datagram that is not QUIC.
///
/// # Errors
/// `WireError` when it is not one of ours.
pub fn decode_plain(bytes: &[u8]) -> Result<Plain, WireError> {
    let decoded = protocol::Fenced::decode(bytes).map_err(|it| WireError(it.to_string()))?;
    let (protocol::Fenced { pair, instance, behind }, signed, signature) = decoded;
    let behind = behind.into_inner();
    Ok(Plain::Fenced(FencedNotice { pair, instance, behind, signed, signature }))
}

/// The datagram that a guard sends when this instance is reaped, and the one that answers it.
#[must_use]
pub fn encode_fenced(
    pair: [u8; 16],
    instance: Instance,
    behind: &[bool],
    sign: impl FnOnce(&[u8]) -> [u8; 64],
) -> (Bytes, Bytes) {
    let behind = protocol::List::for_sending(behind.to_vec());
    let mut answer = Bytes::new();
    let datagram = protocol::Fenced { pair, instance, behind }.encode(|content| {
        let signature = sign(content);
        answer = protocol::FencedAnswer::encode(&signature);
        signature
    });
    (datagram, answer)
}

/// The answer to a guard's notice: it was understood.
#[must_use]
pub fn encode_fenced_answer(notice: &FencedNotice) -> Bytes {
    protocol::FencedAnswer::encode(&notice.signature)
}

impl FencedNotice {
    /// Whether the guard with this key signed it.
    #[must_use]
    pub fn is_signed_by(&self, key: &[u8; 32]) -> bool {
        PinnedKey::from_bytes(*key).verify(&self.signed, &self.signature)
    }
}

#[cfg(test)]
mod tests;
