//! What becomes of a service, without one.
use super::*;

const LIMITS: Limits = Limits {
    stop_limit: Duration::from_secs(3),
    restart_first: Duration::from_millis(500),
    restart_max: Duration::from_secs(30),
    failures_max: 3,
    failures_window: Duration::from_secs(60),
    hand_over: false,
};
const HANDS_OVER: Limits = Limits { hand_over: true, ..LIMITS };

fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

fn running(limits: Limits, since: u64) -> Plan {
    let mut plan = Plan::new(limits);
    assert_eq!(plan.look(at(since), May::Run, true), Some(Effect::Start));
    plan
}

#[test]
fn it_runs_while_it_may_and_not_otherwise() {
    let mut plan = Plan::new(LIMITS);
    for may in [May::EndInOrder, May::Never] {
        assert_eq!(plan.look(at(0), may, true), None);
        assert_eq!(plan.phase(), Phase::Off);
    }
    assert_eq!(plan.look(at(1), May::Run, true), Some(Effect::Start));
    assert_eq!(plan.look(at(2), May::Run, false), None);
    assert!(!plan.is_gone());
}

#[test]
fn in_order_it_is_asked_and_killed_when_it_takes_too_long() {
    let mut plan = running(LIMITS, 0);
    assert_eq!(plan.look(at(10), May::EndInOrder, false), Some(Effect::Terminate));
    assert_eq!(plan.look(at(3_009), May::EndInOrder, false), None);
    assert_eq!(plan.look(at(3_010), May::EndInOrder, false), Some(Effect::Kill { late: true }));
    assert_eq!(plan.look(at(3_011), May::EndInOrder, false), None);
    assert!(!plan.is_gone(), "killed is not gone");
    assert_eq!(plan.look(at(3_012), May::EndInOrder, true), None);
    assert!(plan.is_gone());
}

#[test]
fn where_it_must_not_be_it_is_killed_at_once_and_once() {
    let mut plan = running(LIMITS, 0);
    assert_eq!(plan.look(at(10), May::Never, false), Some(Effect::Kill { late: false }));
    assert_eq!(plan.look(at(11), May::Never, false), None);
    let mut plan = running(LIMITS, 0);
    assert_eq!(plan.look(at(10), May::EndInOrder, false), Some(Effect::Terminate));
    assert_eq!(
        plan.look(at(11), May::Never, false),
        Some(Effect::Kill { late: false }),
        "its time to end is over when the outputs must be shut"
    );
}

#[test]
fn what_ends_when_it_should_is_no_failure() {
    for may in [May::EndInOrder, May::Never] {
        let mut plan = running(HANDS_OVER, 0);
        assert_eq!(plan.look(at(10), may, true), None);
        assert_eq!((plan.phase(), plan.failures(at(10))), (Phase::Off, 0));
    }
}

#[test]
fn one_that_may_again_while_it_ends_ends_first() {
    let mut plan = running(LIMITS, 0);
    plan.look(at(10), May::Never, false);
    assert_eq!(plan.look(at(11), May::Run, false), None);
    assert_eq!(plan.look(at(12), May::Run, true), None);
    assert_eq!(plan.look(at(12), May::Run, true), Some(Effect::Start));
    assert_eq!(plan.restarts(), 0, "it did not fail");
}

/// The waits after failures of a service that runs so long each time.
fn waits(plan: &mut Plan, ran: u64, count: usize) -> Vec<u64> {
    let Phase::Running { since } = plan.phase() else { panic!("{:?}", plan.phase()) };
    let mut now = since.0 / 1_000;
    let mut waits = Vec::new();
    for _ in 0..count {
        now += ran;
        plan.look(at(now), May::Run, true);
        let Phase::Waiting { until } = plan.phase() else { panic!("{:?}", plan.phase()) };
        let wait = until.since(at(now)).as_millis();
        let wait = u64::try_from(wait).unwrap();
        assert_eq!(plan.look(at(now + wait - 1), May::Run, true), None);
        now += wait;
        assert_eq!(plan.look(at(now), May::Run, true), Some(Effect::Start));
        waits.push(wait);
    }
    waits
}

#[test]
fn it_waits_longer_after_each_failure_and_a_long_run_forgives() {
    let mut plan = running(LIMITS, 0);
    let expected = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
    assert_eq!(waits(&mut plan, 1, 8), expected);
    assert_eq!(waits(&mut plan, 30_000, 2), [500, 500]);
    assert_eq!(waits(&mut plan, 29_999, 1), [1_000]);
    assert_eq!(plan.restarts(), 11);
}

#[test]
fn a_wait_ends_with_the_role() {
    let mut plan = running(LIMITS, 0);
    plan.look(at(1), May::Run, true);
    assert!(matches!(plan.phase(), Phase::Waiting { .. }));
    assert_eq!(plan.look(at(2), May::Never, true), None);
    assert_eq!(plan.phase(), Phase::Off);
    assert_eq!(plan.look(at(3), May::Run, true), Some(Effect::Start), "a new role, a new start");
}

/// Fails so often, with the least of waits; what was due at each.
fn failing(plan: &mut Plan, from: u64, count: usize) -> Vec<Option<Effect>> {
    let mut now = from;
    let mut due = Vec::new();
    for _ in 0..count {
        due.push(plan.look(at(now), May::Run, true));
        let Phase::Waiting { until } = plan.phase() else { panic!("{:?}", plan.phase()) };
        now = until.0 / 1_000;
        plan.look(at(now), May::Run, true);
        now += 1;
    }
    due
}

#[test]
fn so_many_failures_within_the_window_ask_for_a_handover_again_and_again() {
    let ask = |failures| Some(Effect::HandOver { failures });
    let mut plan = running(HANDS_OVER, 0);
    let asked = failing(&mut plan, 1, 10);
    // The waits have become so long that the window never holds three again: it asks all the same.
    assert_eq!(asked[..2], [None, None]);
    assert_eq!(asked[2..], [3, 4, 5, 6, 7, 8, 9, 10].map(ask), "until there is one");
    let Phase::Running { since } = plan.phase() else { panic!("{:?}", plan.phase()) };
    let long = since.0 / 1_000 + 30_000;
    assert_eq!(failing(&mut plan, long, 2), [None, None], "a long run forgives");
    let mut plan = running(LIMITS, 0);
    assert_eq!(failing(&mut plan, 1, 5), [None; 5], "it only restarts");
}

#[test]
fn failures_outside_of_the_window_do_not_count() {
    let mut plan = running(HANDS_OVER, 0);
    assert_eq!(failing(&mut plan, 1, 2), [None, None]);
    assert_eq!(plan.failures(at(2_000)), 2);
    assert_eq!(failing(&mut plan, 61_000, 1), [None]);
    assert_eq!(plan.failures(at(61_000)), 1);
}

#[test]
fn after_a_handover_the_next_one_waits() {
    let ask = Some(Effect::HandOver { failures: 3 });
    let pause = u64::try_from(HAND_OVER_PAUSE.as_millis()).unwrap();
    let mut plan = running(HANDS_OVER, 0);
    assert_eq!(failing(&mut plan, 1, 3)[2], ask);
    plan.look(at(10_000), May::EndInOrder, false);
    plan.look(at(10_001), May::EndInOrder, true);
    assert_eq!(plan.failures(at(10_001)), 0);
    // The role comes back, and it fails here still.
    assert_eq!(plan.look(at(20_000), May::Run, true), Some(Effect::Start));
    assert_eq!(failing(&mut plan, 20_001, 6), [None; 6]);
    let later = 10_000 + pause;
    assert_eq!(failing(&mut plan, later, 3)[2], ask);
}

#[test]
fn a_role_that_is_lost_is_no_handover() {
    let ask = Some(Effect::HandOver { failures: 3 });
    let mut plan = running(HANDS_OVER, 0);
    assert_eq!(failing(&mut plan, 1, 3)[2], ask);
    plan.look(at(10_000), May::Never, false);
    plan.look(at(10_001), May::Never, true);
    assert_eq!(plan.look(at(20_000), May::Run, true), Some(Effect::Start));
    let four = Some(Effect::HandOver { failures: 4 });
    assert_eq!(failing(&mut plan, 20_001, 1), [four], "it goes on counting");
}
