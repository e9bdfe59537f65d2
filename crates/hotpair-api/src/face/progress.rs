//! How far a client of a subscription has come, seen by the node while it follows.
use std::sync::{Arc, Mutex, PoisonError};

/// How far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The number of the epoch of `sequence`.
    pub epoch: u64,
    /// The runtime sequence.
    pub sequence: u64,
    /// The client said so. Otherwise it was written to its connection, and may not have arrived.
    pub is_confirmed: bool,
}

/// Shared between a client's session and the node.
#[derive(Clone, Debug, Default)]
pub struct FeedProgress(Arc<Mutex<Reached>>);

impl FeedProgress {
    /// How far it has come.
    #[must_use]
    pub fn get(&self) -> Reached {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So much was written to its connection. Says nothing about a client that says it itself.
    pub fn written(&self, epoch: u64, sequence: u64) {
        let mut reached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !reached.is_confirmed && sequence > reached.sequence {
            *reached = Reached { epoch, sequence, is_confirmed: false };
        }
    }

    /// The client has everything up to here, and has begun with that at the latest.
    pub fn confirmed(&self, epoch: u64, sequence: u64) {
        let mut reached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *reached = Reached { epoch, sequence, is_confirmed: true };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_how_far_it_is_is_believed_alone() {
        let progress = FeedProgress::default();
        progress.written(2, 9);
        progress.written(2, 7);
        assert_eq!(progress.get(), Reached { epoch: 2, sequence: 9, is_confirmed: false });
        progress.confirmed(2, 8);
        progress.written(2, 40);
        assert_eq!(progress.get(), Reached { epoch: 2, sequence: 8, is_confirmed: true });
    }
}
