//! Pauses that double: time stands still in these worlds, but deadlines can be read.
use super::steps::Step;
use super::world::World;
use crate::Timer;
use hotpair_types::Time;
use std::time::Duration;

fn deadline(world: &World, host: usize, timer: Timer) -> Option<Duration> {
    let machine = &world.live(host)?.machine;
    machine.next_deadline().filter(|it| it.1 == timer).map(|it| it.0.since(Time::ZERO))
}

#[test]
fn each_failed_promotion_waits_twice_as_long_as_the_one_before() {
    let mut world = World::new(|_| {});
    for step in [Step::Start(0), Step::Start(1)] {
        world.take(step);
        world.run();
    }
    world.take(Step::CrashWithGuard(0));
    world.take(Step::Fenced(0));
    for seconds in [1, 2, 4, 8, 16, 32, 64, 64] {
        world.take(Step::FailPromotion(1));
        world.run();
        let wanted = Some(Duration::from_secs(seconds));
        assert_eq!(deadline(&world, 1, Timer::Retry), wanted);
        world.take(Step::Elapsed(1, Timer::Retry));
    }
}
