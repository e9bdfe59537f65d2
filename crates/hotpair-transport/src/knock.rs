//! The node that does not dial, asks now and then why nobody comes.
//!
//! Who dials follows from the two keys. Where one of them is pinned wrongly, each node may wait for
//! the other: then nobody would dial, and nobody would hear that a wrong key speaks. So who waits in
//! vain knocks. A knock proves both keys like any handshake and never becomes a connection, so it
//! crosses nothing (docs/decisions/0003).

use crate::event::Direction;
use crate::shared::Shared;
use crate::{probe, reach};
use hotpair_types::Channel;
use quinn::ConnectionError;
use std::sync::Arc;
use std::time::Duration;

/// How long nobody must have come, and the pause between two knocks: as long as the dialer's longest.
const KNOCK_EVERY: Duration = Duration::from_millis(500);

/// Knocks while there is no connection, for ever.
pub(crate) async fn knock_always(shared: Arc<Shared>, channel: Channel) {
    let mut waited = false;
    loop {
        tokio::time::sleep(KNOCK_EVERY).await;
        let waits = shared.link(channel).is_none();
        if waits && waited {
            knock(&shared, channel).await;
        }
        waited = waits;
    }
}

/// Knocks once. Being let in is no news: the partner dials now if it can (`reach::accept`).
async fn knock(shared: &Arc<Shared>, channel: Channel) {
    let address = *shared.channels[channel].partner.borrow();
    let tls = shared.tls().asking();
    let Some((connecting, verifier)) = reach::begin(shared, channel, address, &tls) else { return };
    let prove = async {
        let connection = connecting.await?;
        let welcome = probe::welcome(&connection).await;
        connection.close(0u32.into(), b"knocked");
        welcome.map(drop)
    };
    let proven: Result<Result<(), ConnectionError>, _> =
        tokio::time::timeout(reach::DIAL_TIME_MAX, prove).await;
    if let Ok(Err(error)) = proven {
        reach::note_refusal(shared, channel, &error, Direction::Outbound, address, &verifier);
    }
}
