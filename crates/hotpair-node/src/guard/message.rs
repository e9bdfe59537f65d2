//! What node and guard say to each other over the inherited socket.
//!
//! Node to guard: length (4 bytes, little endian), then one [`ToGuard`] in postcard. A guard that
//! is older than the node's program skips what it cannot read. Guard to node: the number of what it
//! took, 8 bytes, little endian.
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// The longest message to the guard, without its length.
pub(super) const MESSAGE_BYTES_MAX: usize = 8 * 1024;
/// The longest datagram of a notice: beside QUIC on the same port.
pub(super) const DATAGRAM_BYTES_MAX: usize = 1200;
const STATUS_BYTES_MAX: usize = 256;

/// One way to the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// From where.
    pub local: IpAddr,
    /// The partner's port of the channel.
    pub partner: SocketAddr,
}

/// What the partner is to be told if this instance dies. Opaque to the guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Both channels.
    pub routes: [Route; 2],
    /// The signed datagram. Whether the partner is behind is part of it: a change is a new notice.
    pub datagram: Vec<u8>,
    /// The datagram that answers it.
    pub answer: Vec<u8>,
    /// Virtual addresses that are taken off this host first: whoever hears that the node is dead claims them.
    pub addresses: Vec<IpAddr>,
}

/// What the node says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ToGuard {
    /// To be sent from now on when the node dies; replaces the one before.
    Notice { number: u64, notice: Notice },
    /// Nothing is to be sent: it is all said.
    Withdraw { number: u64 },
    /// The node does its part.
    Ready,
    /// The node's loop goes round.
    Alive,
    /// For people who ask the service manager.
    Status(String),
    /// The node reads its settings anew.
    Reloading,
    /// The node is on its way out.
    Stopping,
}

impl ToGuard {
    pub(super) fn status(text: &str) -> Self {
        let mut end = text.len().min(STATUS_BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self::Status(text[..end].chars().map(|it| if it.is_control() { ' ' } else { it }).collect())
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let bytes =
            postcard::to_extend(self, vec![0; 4]).expect("a vector takes any number of bytes");
        let length = u32::try_from(bytes.len() - 4).expect("bounded where it is made");
        let mut bytes = bytes;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes
    }
}

/// A message longer than any there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of {bytes} bytes, at most {MESSAGE_BYTES_MAX} are possible")]
pub(super) struct MessageTooLong {
    bytes: usize,
}

/// Takes bytes as they come, gives whole messages.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
}

impl Inbox {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message that is whole and known.
    pub(super) fn next(&mut self) -> Result<Option<ToGuard>, MessageTooLong> {
        loop {
            let Some((length, rest)) = self.bytes.split_first_chunk::<4>() else { return Ok(None) };
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            if length > MESSAGE_BYTES_MAX {
                return Err(MessageTooLong { bytes: length });
            }
            let Some(body) = rest.get(..length) else { return Ok(None) };
            let message = postcard::from_bytes(body);
            self.bytes.drain(..4 + length);
            match message {
                Ok(message) => return Ok(Some(message)),
                Err(error) => tracing::warn!(%error, length, "the node says what we do not know"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> ToGuard {
        let route =
            Route { local: [127, 0, 0, 1].into(), partner: SocketAddr::from(([127, 0, 0, 2], 9)) };
        let notice = Notice {
            routes: [route; 2],
            datagram: vec![1; 900],
            answer: vec![2; 16],
            addresses: vec![[192, 0, 2, 9].into()],
        };
        ToGuard::Notice { number: 7, notice }
    }

    #[test]
    fn messages_come_whole_however_the_bytes_come() {
        let mut inbox = Inbox::default();
        let bytes = [notice().encode(), ToGuard::Ready.encode()].concat();
        let mut heard = Vec::new();
        for byte in bytes {
            inbox.push(&[byte]);
            heard.extend(inbox.next().unwrap());
        }
        assert_eq!(heard, [notice(), ToGuard::Ready]);
    }

    #[test]
    fn what_a_newer_node_says_is_skipped() {
        let mut inbox = Inbox::default();
        inbox.push(&[1, 0, 0, 0, 99]);
        inbox.push(&ToGuard::Alive.encode());
        assert_eq!(inbox.next(), Ok(Some(ToGuard::Alive)));
        assert_eq!(inbox.next(), Ok(None));
    }

    #[test]
    fn a_message_without_end_is_refused() {
        let mut inbox = Inbox::default();
        inbox.push(&[0, 0, 1, 0]);
        assert_eq!(inbox.next(), Err(MessageTooLong { bytes: 65_536 }));
    }

    #[test]
    fn a_status_is_short_and_plain() {
        let text = format!("a\u{1b}{}", "ä".repeat(300));
        let ToGuard::Status(text) = ToGuard::status(&text) else { panic!("a status") };
        assert!(text.len() <= STATUS_BYTES_MAX && text.starts_with("a ä"));
    }
}
