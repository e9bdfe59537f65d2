//! The gate that every output passes: acknowledgements, virtual addresses, hooks, what a load balancer is
//! told. Open under an epoch, until a moment on the monotonic clock. A process that stood still finds it
//! shut, whatever it believed before (docs/design/states.md, S14).
use crate::clock::Clock;
use hotpair_types::{Epoch, Time};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One engine's gate. It is looked at where the effect happens, on whichever thread that is.
#[derive(Debug)]
pub(crate) struct Gate {
    clock: Clock,
    open: Mutex<Option<Open>>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    epoch: Epoch,
    until: Time,
}

impl Gate {
    /// Shut.
    pub(crate) const fn new(clock: Clock) -> Self {
        Self { clock, open: Mutex::new(None) }
    }

    /// Opens it until then.
    pub(crate) fn open(&self, epoch: Epoch, until: Time) {
        *self.lock() = Some(Open { epoch, until });
    }

    /// Nothing passes from here on.
    pub(crate) fn shut(&self) {
        *self.lock() = None;
    }

    /// An open gate stays open until then and no longer.
    pub(crate) fn hold_until(&self, until: Time) {
        if let Some(open) = self.lock().as_mut() {
            open.until = until;
        }
    }

    /// Whether an effect of this epoch may leave at this moment.
    pub(crate) fn check(&self, epoch: Epoch, now: Time) -> bool {
        self.until(epoch).is_some_and(|until| now < until)
    }

    /// Until when effects of this epoch may leave; `None`: not at all.
    pub(crate) fn until(&self, epoch: Epoch) -> Option<Time> {
        let open = *self.lock();
        open.filter(|it| it.epoch == epoch).map(|it| it.until)
    }

    /// The epoch under which an effect may leave at this very moment.
    pub(crate) fn passes(&self) -> Option<Epoch> {
        let open = (*self.lock())?;
        self.check(open.epoch, self.clock.now()).then_some(open.epoch)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        // Each change is one assignment: there is no half of it to be afraid of.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const EPOCH: Epoch = Epoch { number: 3, tag: 7 };

    #[test]
    fn it_lets_through_under_its_epoch_until_its_deadline() {
        let clock = Clock::start();
        let gate = Gate::new(clock);
        assert_eq!(gate.passes(), None, "shut from the start");
        gate.open(EPOCH, clock.now() + Duration::from_secs(3600));
        assert_eq!(gate.passes(), Some(EPOCH));
        assert!(gate.check(EPOCH, clock.now()));
        assert!(!gate.check(Epoch { number: 5, ..EPOCH }, clock.now()), "of another epoch");
        gate.hold_until(clock.now());
        assert_eq!(gate.passes(), None, "the deadline is over though nobody shut it");
        gate.hold_until(clock.now() + Duration::from_secs(3600));
        gate.shut();
        gate.hold_until(clock.now() + Duration::from_secs(3600));
        assert_eq!(gate.passes(), None, "a deadline opens nothing");
    }
}
