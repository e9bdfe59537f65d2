//! What was understood can be said again, on the wire and in the terms of those who decide.
use hotpair_fsm::BeatToSend;
use hotpair_node::wire::{self, Incoming};
use hotpair_protocol::{BEAT_BYTES_MAX, FRAME_BYTES_MAX, decode, encode};
use hotpair_types::Channel;

/// The kinds of messages, and one that is none. The first byte of an input chooses.
const KINDS: u8 = 6;
/// What every message begins with.
const MARK: u8 = 0xb7;
const PLAIN: u8 = 0;

pub(crate) fn run(bytes: &[u8]) {
    let Some((kind, body)) = bytes.split_first() else { return };
    let frame = [&[MARK, kind % KINDS, PLAIN], body].concat();
    if let Ok(message) = decode(&frame) {
        let again = encode(&message);
        assert!(again.len() <= FRAME_BYTES_MAX, "{} bytes", again.len());
        assert_eq!(decode(&again).as_ref(), Ok(&message), "said again");
    }
    inside(&frame);
    beat(&frame);
}

/// In the terms of the core and back.
fn inside(frame: &[u8]) {
    let Ok(incoming) = wire::decode_frame(frame) else { return };
    let again = match &incoming {
        Incoming::Hello(it) => wire::encode_hello(&it.hello),
        Incoming::Refusal { .. } => return,
        Incoming::Summary { engine, summary } => wire::encode_summary(*engine, summary),
        Incoming::Message { engine, message } => wire::encode_message(*engine, message),
    };
    let decoded = wire::decode_frame(&again).expect("what was understood can be said again");
    match (incoming, decoded) {
        // Ours says our versions; the rest is theirs.
        (Incoming::Hello(before), Incoming::Hello(after)) => {
            assert_eq!(before.hello, after.hello);
        }
        (before, after) => assert_eq!(before, after),
    }
}

fn beat(frame: &[u8]) {
    let Ok((heard, number, views)) = wire::decode_beat(Channel::Redundancy, frame) else { return };
    let beat = BeatToSend {
        channel: heard.channel,
        instance: heard.instance,
        sequence: heard.sequence,
        of: heard.of,
        heard: heard.heard,
        ask: heard.ask,
    };
    let again = wire::encode_beat(&beat, number, &views);
    assert!(again.len() <= BEAT_BYTES_MAX, "{} bytes", again.len());
    let decoded = wire::decode_beat(Channel::Redundancy, &again);
    assert_eq!(decoded, Ok((heard, number, views)));
}
