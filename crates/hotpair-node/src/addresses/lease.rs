//! The lease in the kernel, as the thread of the addresses keeps it: opened, renewed, shut.
use hotpair_address::lease::{LEASE_MIN, Lease, LeaseError};
use std::time::Duration;

/// A lease is renewed so often while it lasts.
const RENEWALS: u32 = 8;

/// One lease and how it stands.
pub(super) struct KeptLease {
    lease: Lease,
    lasts: Duration,
    open: bool,
    /// The last complaint, so that it is logged once.
    said: Option<String>,
}

impl KeptLease {
    /// Of one that is shut.
    pub(super) const fn new(lease: Lease, lasts: Duration) -> Self {
        Self { lease, lasts, open: false, said: None }
    }

    /// Between two renewals.
    pub(super) fn pause(&self) -> Duration {
        self.lasts / RENEWALS
    }

    /// Opens it, or renews it, for so long at the most.
    pub(super) fn keep(&mut self, at_most: Duration) {
        let lasts = self.lasts.min(at_most);
        if lasts < LEASE_MIN {
            // It ends by itself.
            return;
        }
        let outcome = if self.open { self.lease.renew(lasts) } else { self.lease.open(lasts) };
        match outcome {
            Ok(()) => {
                self.open = true;
                self.said = None;
            }
            // This process stood still for longer than the lease, and shorter than the gate. Opened anew at
            // the next look, through the gate.
            Err(LeaseError::Ended) => {
                tracing::warn!("the lease of the virtual addresses had ended");
                self.open = false;
            }
            Err(error) => self.complain(&error),
        }
    }

    /// Shuts it, now.
    pub(super) fn shut(&mut self) {
        if !self.open {
            return;
        }
        match self.lease.shut() {
            Ok(()) => self.open = false,
            // It ends by itself.
            Err(error) => self.complain(&error),
        }
    }

    fn complain(&mut self, error: &LeaseError) {
        let text = error.to_string();
        if self.said.as_ref() != Some(&text) {
            tracing::error!(%error, "the lease of the virtual addresses");
            self.said = Some(text);
        }
    }
}
