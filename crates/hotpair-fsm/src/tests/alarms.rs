//! What people are told is told when it begins, whatever makes it known.
use super::steps::Step;
use super::words::level;
use crate::{Action, Alarm, Boot, Event, GrantEvent, Machine, Record, Settings};
use hotpair_types::{Designation, History, Instance, Mode, StartAlone, Time};

fn told(machine: &mut Machine, at_ms: u64, event: Event) -> Vec<Alarm> {
    let actions = machine.handle(Time::from_millis(at_ms), event);
    let alarm = |it: &Action| if let Action::Alarm(it) = it { Some(*it) } else { None };
    actions.iter().filter_map(alarm).collect()
}

#[test]
fn an_alarm_is_told_once_when_an_event_makes_its_cause_known() {
    let mut settings = Settings::new(Designation::Master);
    (settings.mode, settings.start_alone) = (Mode::Arbiter, StartAlone::Proven);
    let boot = Boot {
        record: Record::default(),
        history: History::default(),
        instance: Instance { count: 1, tag: 1 },
        tag_seed: 1,
        storage_ok: true,
        undeployed: false,
    };
    let (mut machine, _) = Machine::new(settings, boot, Time::ZERO);
    let away = Event::Grant(GrantEvent::Away);
    assert_eq!(told(&mut machine, 1, away.clone()), [Alarm::ArbiterAway]);
    assert_eq!(told(&mut machine, 2, away.clone()), []);
    assert_eq!(told(&mut machine, 3, Event::Grant(GrantEvent::Reachable)), []);
    assert_eq!(told(&mut machine, 4, away), [Alarm::ArbiterAway]);
    assert_eq!(told(&mut machine, 5, Event::StorageFailed), [Alarm::StorageFailed]);
}

#[test]
fn who_acts_because_the_active_answered_nothing_tells_of_no_second_one() {
    let mut world = level(Mode::Availability);
    world.take(Step::CrashWithGuard(0));
    world.take(Step::Hint(1));
    world.run();
    assert!(world.is_open(1));
    let alarms = world.live(1).unwrap().machine.alarms();
    assert!(!alarms.contains(&Alarm::TwoActives), "{alarms:?}");
}
