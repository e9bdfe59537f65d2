//! What waits is taken in batches before the next flush.
use super::{Driver, Inlets};
use std::time::Duration;

/// Inputs of one kind that are taken before the next flush.
const BATCH_MAX: usize = 1_024;
/// Requests may take so long before the next flush.
const REQUESTS_TIME_MAX: Duration = Duration::from_millis(5);

impl Driver {
    /// Takes what waits in each queue, up to a bound.
    pub(super) fn drain(&mut self, inlets: &mut Inlets) {
        for _ in 0..BATCH_MAX {
            let Some(event) = inlets.transport.try_recv() else { break };
            self.partner_event(event);
        }
        for _ in 0..BATCH_MAX {
            let Ok(done) = inlets.completions.try_recv() else { break };
            self.on_completion(done);
        }
        while let Ok(says) = inlets.guard.try_recv() {
            self.on_guard(says);
        }
        while let Ok(report) = inlets.grants.try_recv() {
            self.on_grant(report);
        }
        while let Ok(report) = inlets.addresses.try_recv() {
            self.on_addresses(report);
        }
        while let Ok(scanned) = inlets.scanned.try_recv() {
            self.on_scanned(scanned);
        }
        while let Ok(report) = inlets.services.try_recv() {
            self.on_services(report);
        }
        while let Ok(report) = inlets.forwarded.try_recv() {
            self.on_forwarded(report);
        }
        // Reads never pass through the core: by time too, so that beats and deadlines are not late.
        let until = self.clock.now() + REQUESTS_TIME_MAX;
        for _ in 0..BATCH_MAX {
            if self.clock.now() >= until {
                break;
            }
            let Ok(request) = inlets.requests.try_recv() else { break };
            request(self);
        }
    }
}
