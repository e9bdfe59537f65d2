//! A provider's session with the fake node.
use super::reply;
use hotpair_api::face::*;
use hotpair_types::Ack;
use std::sync::Mutex;

/// A session that acknowledges every post with the next sequence.
pub struct FakeSession(pub Mutex<u64>);

impl ProviderSession for FakeSession {
    fn post(&self, post: ProviderPost) -> Reply<'_, WriteOutcome> {
        let sequence = {
            let mut sequence = self.0.lock().unwrap();
            *sequence += 1;
            *sequence
        };
        Box::pin(async move {
            // The first answers come later than the last: order must not depend on it.
            for _ in 0..(200_u64.saturating_sub(sequence)) {
                tokio::task::yield_now().await;
            }
            let acknowledged = post.options.ack.unwrap_or(Ack::Replicated);
            Ok(WriteOutcome::Done(Done { sequence, epoch: 3, acknowledged, degraded: false }))
        })
    }

    fn snapshot(&self, _: u64, _: Vec<ProviderItem>) -> Reply<'_, ()> {
        reply(Ok(()))
    }
}
