//! Any bytes as a frame, a beat, a guard's notice.
use hotpair_node::wire;
use hotpair_types::Channel;

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(message) = hotpair_protocol::decode(bytes) {
        // Every message can be shown: logs show them.
        assert!(!format!("{message:?}").is_empty());
    }
    if let Err(refused) = wire::decode_frame(bytes) {
        readable(&refused.0);
    }
    if let Err(refused) = wire::decode_beat(Channel::Primary, bytes) {
        readable(&refused.0);
    }
    if let Err(refused) = wire::decode_plain(bytes) {
        readable(&refused.0);
    }
}

/// Why bytes are refused is shown to people: a short text that no terminal obeys.
fn readable(why: &str) {
    assert!(!why.is_empty() && why.len() < 1_000, "{} bytes of reason", why.len());
    assert!(!why.chars().any(char::is_control), "control characters in {why:?}");
}
