//! A clean stop: hand over, tell the partner, give back, close.
use super::{Driver, Ended};
use crate::grants::Orders;
use hotpair_fsm::Command;

impl Driver {
    /// Begins a clean stop: hand over if possible, else say `Leaving`.
    pub(crate) fn leave(&mut self) {
        if self.leaving {
            return;
        }
        tracing::info!("stopping: handing over");
        self.leaving = true;
        for engine in self.indexes() {
            self.command(engine, Command::Leave, None);
        }
        self.end_if_all_stopped(Ended::Stopped);
    }

    /// A stopped engine refuses to leave and does not say again that it has stopped.
    pub(super) fn end_if_all_stopped(&mut self, how: Ended) {
        if self.engines.iter().all(|it| it.stopped) {
            self.ended.get_or_insert(how);
        }
    }

    pub(super) async fn end(mut self) {
        // An engine that was undeployed before has nothing to tell.
        let mut left = self.engines.iter().filter_map(|it| it.left_seen).peekable();
        let partner_knows = left.peek().is_some() && left.all(|it| it);
        self.services.close();
        if let Some(addresses) = self.addresses.take() {
            addresses.close();
        }
        let grants: Vec<_> = self.engines.iter_mut().filter_map(|it| it.grant.take()).collect();
        grants.iter().for_each(Orders::close);
        self.transport.close().await;
        // Waits for what was submitted; the thread is needed for nothing else any more.
        self.store.close();
        for orders in grants {
            orders.closed().await;
        }
        self.guard.ended(partner_knows);
    }
}
