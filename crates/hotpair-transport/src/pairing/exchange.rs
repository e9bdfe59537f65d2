//! What the two say to each other on the one stream of a pairing, and how it is proven.
use super::{PairingError, Why};
use crate::PinnedKey;
use hotpair_types::{NodeName, PerChannel};
use quinn::{Connection, RecvStream, SendStream};
use ring::hmac;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

const MESSAGE_BYTES_MAX: usize = 4 * 1024;
const EXPORTER_LABEL: &[u8] = b"EXPORTER-hotpair-pairing";

/// Joining host: this am I.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) proof: [u8; 32],
    pub(super) party: PartyFacts,
}

/// Inviting host: come in, this am I; or not.
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Welcome { proof: [u8; 32], party: PartyFacts },
    Refused(Why),
}

/// Joining host: I have it all.
#[derive(Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) done: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PartyFacts {
    name: String,
    redundancy: SocketAddr,
    primary: SocketAddr,
}

impl PartyFacts {
    pub(super) fn new(name: &NodeName, channels: &PerChannel<SocketAddr>) -> Self {
        let PerChannel { redundancy, primary } = *channels;
        Self { name: name.to_string(), redundancy, primary }
    }

    pub(super) fn check(self) -> Result<(NodeName, PerChannel<SocketAddr>), PairingError> {
        let name = NodeName::new(&self.name).map_err(|it| protocol(&it))?;
        Ok((name, PerChannel { redundancy: self.redundancy, primary: self.primary }))
    }
}

/// Who proves that it knows the secret.
#[derive(Clone, Copy)]
pub(super) enum Prover {
    Joining,
    Inviting,
}

/// A code that only who knows the secret can make, for this connection and these keys alone.
pub(super) struct Proof {
    key: hmac::Key,
    content: Vec<u8>,
}

impl Proof {
    pub(super) fn new(
        connection: &Connection,
        secret: &[u8; 16],
        prover: Prover,
        joining: PinnedKey,
        inviting: PinnedKey,
    ) -> Result<Self, PairingError> {
        let mut bound = [0; 32];
        connection
            .export_keying_material(&mut bound, EXPORTER_LABEL, b"")
            .map_err(|_| PairingError::Protocol("no binding to the connection".to_owned()))?;
        let role: &[u8] = match prover {
            Prover::Joining => b"hotpair pairing, joining host",
            Prover::Inviting => b"hotpair pairing, inviting host",
        };
        let content =
            [role, &bound, joining.as_bytes().as_slice(), inviting.as_bytes().as_slice()].concat();
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), content })
    }

    pub(super) fn make(&self) -> [u8; 32] {
        let tag = hmac::sign(&self.key, &self.content);
        tag.as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes")
    }

    /// In constant time.
    pub(super) fn is(&self, proof: &[u8; 32]) -> bool {
        hmac::verify(&self.key, &self.content, proof).is_ok()
    }
}

pub(super) async fn say(
    stream: &mut SendStream,
    message: &impl Serialize,
) -> Result<(), PairingError> {
    let bytes = postcard::to_extend(message, vec![0; 2]);
    let mut bytes = bytes.expect("a vector takes any number of bytes");
    let length = u16::try_from(bytes.len() - 2).expect("names and addresses are short");
    bytes[..2].copy_from_slice(&length.to_be_bytes());
    stream.write_all(&bytes).await.map_err(|it| protocol(&it))
}

pub(super) async fn hear<T: DeserializeOwned>(stream: &mut RecvStream) -> Result<T, PairingError> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).await.map_err(|it| protocol(&it))?;
    let length = usize::from(u16::from_be_bytes(length));
    if length > MESSAGE_BYTES_MAX {
        return Err(PairingError::Protocol(format!("a message of {length} bytes")));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.map_err(|it| protocol(&it))?;
    postcard::from_bytes(&bytes).map_err(|it| protocol(&it))
}

pub(super) fn protocol(error: &impl ToString) -> PairingError {
    PairingError::Protocol(crate::link::words(error.to_string().as_bytes()))
}
