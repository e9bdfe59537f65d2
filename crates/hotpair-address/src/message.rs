//! The form of netlink messages: a header, a body, attributes.
use std::io;

pub(crate) const REQUEST: u16 = 1;
pub(crate) const ACKNOWLEDGE: u16 = 4;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const HEADER_BYTES: usize = 16;

/// One request that is being put together.
pub(crate) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub(crate) fn new(kind: u16, flags: u16, sequence: u32) -> Self {
        let mut bytes = vec![0; 4];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        Self { bytes }
    }

    pub(crate) fn put(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    pub(crate) fn attribute(mut self, kind: u16, payload: &[u8]) -> Self {
        self.bytes.extend(attribute(kind, payload));
        self
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len()).expect("a few words");
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes
    }
}

/// One attribute, padded.
pub(crate) fn attribute(kind: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 4).expect("a few words");
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// One message of an answer.
pub(crate) enum Answer<'a> {
    /// How a request ended.
    Ended(u32, io::Result<()>),
    /// A dump is complete.
    Complete(u32),
    /// Something that was asked for.
    Item { kind: u16, sequence: u32, body: &'a [u8] },
}

/// The messages of one piece, up to what makes no sense.
pub(crate) fn answers(mut bytes: &[u8]) -> Vec<Answer<'_>> {
    let mut answers = Vec::new();
    while let Some(header) = bytes.first_chunk::<HEADER_BYTES>() {
        let [a, b, c, d, kind_a, kind_b, _, _, s, t, u, v, ..] = *header;
        let length = usize::try_from(u32::from_ne_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        let Some(body) = bytes.get(HEADER_BYTES..length) else { break };
        let sequence = u32::from_ne_bytes([s, t, u, v]);
        answers.push(match u16::from_ne_bytes([kind_a, kind_b]) {
            ERROR => Answer::Ended(sequence, outcome(body)),
            DONE => Answer::Complete(sequence),
            kind => Answer::Item { kind, sequence, body },
        });
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    answers
}

fn outcome(body: &[u8]) -> io::Result<()> {
    let code = body.first_chunk::<4>().map_or(0, |it| i32::from_ne_bytes(*it));
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-code)) }
}

/// The attributes in a piece of a body, up to what makes no sense.
pub(crate) fn attributes(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    while let Some([a, b, c, d]) = bytes.first_chunk::<4>() {
        let length = usize::from(u16::from_ne_bytes([*a, *b]));
        let Some(payload) = bytes.get(4..length) else { break };
        found.push((u16::from_ne_bytes([*c, *d]), payload));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_together_is_taken_apart() {
        let message = Message::new(20, REQUEST, 7).put(&[1; 8]).attribute(2, &[9, 9, 9]).finish();
        assert_eq!(message.len(), 16 + 8 + 8);
        let answers = answers(&message);
        let [Answer::Item { kind: 20, sequence: 7, body }] = answers.as_slice() else {
            panic!("one message");
        };
        assert_eq!(attributes(&body[8..]), [(2, &[9_u8, 9, 9][..])]);
    }

    #[test]
    fn a_length_that_lies_ends_the_reading() {
        let mut message = Message::new(20, REQUEST, 7).attribute(2, &[9]).finish();
        message[0] = 200;
        assert!(answers(&message).is_empty());
        message[0] = 3;
        assert!(answers(&message).is_empty());
        assert!(attributes(&[200, 0, 1, 0, 5]).is_empty());
        assert!(attributes(&[0, 0, 1, 0, 5]).is_empty());
    }
}
