//! A disk that works again, at the worst moment.
use super::oddities::Odd;
use super::steps::Step;
use super::world::World;
use hotpair_types::StateId;

/// The level partner won the election because this node's disk had failed, and its view that shows it is late.
/// "It answered, and has not moved" was said before.
#[test]
fn what_a_partner_said_while_the_disk_had_failed_promises_nothing() {
    let mut world = World::new(|_| {});
    for host in 0..2 {
        world.take(Step::Start(host));
        world.run();
    }
    world.take(Step::Odd(0, Odd::StorageFails));
    world.take(Step::Stalled(0));
    world.take(Step::Done(0, 0));
    for _ in 0..6 {
        for step in [Step::Deliver(0), Step::Summary(0), Step::Summary(1), Step::Deliver(1)] {
            if world.state(1) == StateId::StandbyReady && world.can(step) {
                world.take(step);
            }
        }
    }
    for step in [Step::Stored(1), Step::Stored(1), Step::Done(1, 1)] {
        if world.can(step) {
            world.take(step);
        }
    }
    assert!(world.is_open(1), "{}", world.state(1));
    world.take(Step::Mend(0));
    for step in [Step::Stored(0), Step::Stored(0), Step::Done(0, 1)] {
        if world.can(step) {
            world.take(step);
        }
    }
    assert!(!world.is_open(0));
}
