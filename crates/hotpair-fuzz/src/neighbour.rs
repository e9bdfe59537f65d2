//! Any bytes as a frame on the network of a virtual address.
use hotpair_address::frame::{announcement, holder};

pub(crate) fn run(bytes: &[u8]) {
    let Some(told) = holder(bytes) else { return };
    let again = announcement(told.address, told.hardware);
    assert_eq!(
        holder(&again),
        Some(told),
        "what was understood means the same when it is said again"
    );
}
