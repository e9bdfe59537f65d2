//! The guard's notice and its answer: datagrams beside QUIC, so their first byte has 0x40 clear.
use crate::frame::DecodeError;
use crate::{ENGINES_MAX, List};
use bytes::Bytes;
use hotpair_types::Instance;
use serde::{Deserialize, Serialize};

/// An Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;

const NOTICE: u8 = 0x11;
const ANSWER: u8 = 0x12;
const VERSION: u8 = 1;
/// What is signed begins with this and not with anything else that is signed.
const PURPOSE: &[u8] = b"hotpair fenced\0";
const NOTICE_BYTES_MAX: usize = 256;
/// How much of the notice's signature an answer repeats: nobody guesses it.
const ECHO_BYTES: usize = 32;

/// That instance is reaped, with all its children.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fenced {
    /// Which pair.
    pub pair: [u8; 16],
    /// Which instance.
    pub instance: Instance,
    /// By engine: it had given degraded acknowledgements.
    pub behind: List<bool, ENGINES_MAX>,
}

impl Fenced {
    /// The datagram, signed by whoever holds the key.
    #[must_use]
    pub fn encode(&self, sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE_BYTES]) -> Bytes {
        let content = postcard::to_extend(self, vec![NOTICE, VERSION]);
        let mut datagram = content.expect("a vector takes any number of bytes");
        let signature = sign(&Self::signed(&datagram));
        datagram.extend(signature);
        datagram.into()
    }

    /// Reads a datagram: what it says, what was signed, and the signature, which is not checked here.
    ///
    /// # Errors
    /// `DecodeError` when it is not a notice.
    pub fn decode(datagram: &[u8]) -> Result<(Self, Bytes, [u8; SIGNATURE_BYTES]), DecodeError> {
        if datagram.len() > NOTICE_BYTES_MAX {
            let bytes = datagram.len();
            return Err(DecodeError::TooLong { bytes, limit_bytes: NOTICE_BYTES_MAX });
        }
        let (content, signature) =
            datagram.split_last_chunk::<SIGNATURE_BYTES>().ok_or(DecodeError::Cut)?;
        let body = match content {
            [NOTICE, VERSION, body @ ..] => body,
            [NOTICE, other, ..] => return Err(DecodeError::Packing(*other)),
            [other, ..] => return Err(DecodeError::Mark(*other)),
            [] => return Err(DecodeError::Cut),
        };
        let (notice, rest) = postcard::take_from_bytes(body).map_err(DecodeError::Body)?;
        if !rest.is_empty() {
            return Err(DecodeError::Trailing(rest.len()));
        }
        Ok((notice, Self::signed(content).into(), *signature))
    }

    fn signed(content: &[u8]) -> Vec<u8> {
        [PURPOSE, content].concat()
    }
}

/// The notice was understood. Proves that whoever answers has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FencedAnswer;

impl FencedAnswer {
    /// The answer to the notice with this signature.
    #[must_use]
    pub fn encode(signature: &[u8; SIGNATURE_BYTES]) -> Bytes {
        let echo = &signature[SIGNATURE_BYTES - ECHO_BYTES..];
        [&[ANSWER, VERSION], echo].concat().into()
    }
}
