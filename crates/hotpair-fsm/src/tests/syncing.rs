//! Syncs that break off again and again, as when the active lacks what the standby needs.
use super::oddities::Odd;
use super::steps::Step;
use super::words::level;
use crate::Timer;
use hotpair_types::{Mode, StateId};

const SYNCING: StateId = StateId::StandbySyncingWithActive;

#[test]
fn a_sync_that_breaks_off_again_and_again_waits_in_between() {
    let mut world = level(Mode::Availability);
    world.take(Step::Odd(1, Odd::Gap));
    for _ in 0..2 {
        assert_eq!(world.state(1), SYNCING, "it begins anew at once");
        world.take(Step::Odd(1, Odd::SyncFails));
    }
    for _ in 0..8 {
        world.take(Step::Odd(1, Odd::SyncFails));
        assert_eq!(world.state(1), StateId::StandbyNotReady, "it waits");
        world.take(Step::Elapsed(1, Timer::SyncPause));
        assert_eq!(world.state(1), SYNCING);
    }
    world.run();
    assert_eq!(world.state(1), StateId::StandbyReady);
    // Once level it counts anew.
    world.take(Step::Odd(1, Odd::Gap));
    world.take(Step::Odd(1, Odd::SyncFails));
    assert_eq!(world.state(1), SYNCING);
}
