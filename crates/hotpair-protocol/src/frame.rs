//! How a message becomes bytes: one byte for all versions, the kind, how the body is packed, the body.
use crate::compression::{pack, unpack};
use crate::hello::Hello;
use crate::message::Message;
use crate::replica::ReplicaMessage;
use crate::{BEAT_BYTES_MAX, ENGINES_MAX};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest frame, in bytes, packed or not.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The first byte of every message of every version.
const MARK: u8 = 0xb7;
const PLAIN: u8 = 0;
const PACKED: u8 = 1;
const HEADER_BYTES: usize = 3;

/// What a Hello and a refusal may be long: they are read before the partner is known to be sane.
const HELLO_BYTES_MAX: usize = 64 * 1024;

macro_rules! kinds {
    ($($(#[$doc:meta])* $Kind:ident = $code:literal),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        enum Kind {
            $($(#[$doc])* $Kind = $code),+
        }

        impl Kind {
            const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$Kind),)+
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    Hello = 1,
    Refusal = 2,
    Beat = 3,
    Summary = 4,
    Replica = 5,
}

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end too soon.
    #[error("it ends before it is whole")]
    Cut,
    /// Another protocol.
    #[error("it begins with {0:#04x}, not with the mark of a message")]
    Mark(u8),
    /// A kind that this release does not know.
    #[error("its kind {0} is unknown")]
    Kind(u8),
    /// A way of packing that this release does not know.
    #[error("its packing {0} is unknown")]
    Packing(u8),
    /// Longer than its kind may be.
    #[error("it has {bytes} bytes, {limit_bytes} are allowed")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit_bytes: usize,
    },
    /// The packed body cannot be unpacked.
    #[error("its body cannot be unpacked")]
    Compression,
    /// The body is not what its kind says.
    #[error("its body is not what its kind says: {0}")]
    Body(postcard::Error),
    /// More bytes than the message has.
    #[error("{0} bytes follow its end")]
    Trailing(usize),
    /// It speaks of an engine that cannot be.
    #[error("engine {0} of at most {ENGINES_MAX}")]
    Engine(u8),
}

/// The bytes of a message.
#[must_use]
pub fn encode(message: &Message) -> Bytes {
    match message {
        Message::Hello(it) => frame(Kind::Hello, it, false),
        Message::Refusal(it) => frame(Kind::Refusal, it, false),
        Message::Beat(it) => frame(Kind::Beat, it, false),
        Message::Summary(engine, it) => frame(Kind::Summary, &(engine, it), false),
        Message::Replica(engine, it) => frame(Kind::Replica, &(engine, it), is_bulk(it)),
    }
}

fn is_bulk(message: &ReplicaMessage) -> bool {
    matches!(
        message,
        ReplicaMessage::Chunk { .. }
            | ReplicaMessage::SnapshotBegins { .. }
            | ReplicaMessage::ModuleChunk { .. }
            | ReplicaMessage::Losing { .. }
            | ReplicaMessage::Ahead { .. }
    )
}

fn frame(kind: Kind, body: &impl Serialize, may_pack: bool) -> Bytes {
    let header = vec![MARK, kind as u8, PLAIN];
    let bytes = postcard::to_extend(body, header).expect("a vector takes any number of bytes");
    match pack(&bytes[HEADER_BYTES..]) {
        Some(packed) if may_pack => [&[MARK, kind as u8, PACKED], &packed[..]].concat().into(),
        Some(_) | None => bytes.into(),
    }
}

/// The message that these bytes are.
///
/// # Errors
/// `DecodeError`, whatever the bytes; nothing beyond the limits is allocated.
pub fn decode(bytes: &[u8]) -> Result<Message, DecodeError> {
    let (header, body) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(DecodeError::Cut)?;
    let [mark, kind, packing] = *header;
    if mark != MARK {
        return Err(DecodeError::Mark(mark));
    }
    let kind = Kind::from_code(kind).ok_or(DecodeError::Kind(kind))?;
    let limit_bytes = match kind {
        Kind::Hello | Kind::Refusal | Kind::Summary => HELLO_BYTES_MAX,
        Kind::Beat => BEAT_BYTES_MAX,
        Kind::Replica => FRAME_BYTES_MAX,
    };
    if bytes.len() > limit_bytes {
        return Err(DecodeError::TooLong { bytes: bytes.len(), limit_bytes });
    }
    let unpacked;
    let body = match (packing, kind) {
        (PLAIN, _) => body,
        (PACKED, Kind::Replica) => {
            unpacked = unpack(body)?;
            &unpacked
        }
        (other, _) => return Err(DecodeError::Packing(other)),
    };
    match kind {
        // Later releases may say more at its end.
        Kind::Hello => Ok(Message::Hello(begin::<Hello>(body)?.0)),
        Kind::Refusal => Ok(Message::Refusal(begin(body)?.0)),
        Kind::Beat => Ok(Message::Beat(whole(body)?)),
        Kind::Summary => {
            let (engine, it) = whole(body)?;
            Ok(Message::Summary(checked(engine)?, it))
        }
        Kind::Replica => {
            let (engine, it) = whole(body)?;
            Ok(Message::Replica(checked(engine)?, it))
        }
    }
}

fn checked(engine: u8) -> Result<u8, DecodeError> {
    if usize::from(engine) < ENGINES_MAX { Ok(engine) } else { Err(DecodeError::Engine(engine)) }
}

fn begin<T: DeserializeOwned>(body: &[u8]) -> Result<(T, &[u8]), DecodeError> {
    postcard::take_from_bytes(body).map_err(DecodeError::Body)
}

fn whole<T: DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    let (value, rest) = begin(body)?;
    if rest.is_empty() { Ok(value) } else { Err(DecodeError::Trailing(rest.len())) }
}
