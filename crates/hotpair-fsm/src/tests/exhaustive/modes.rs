//! One walk for each mode, and one for each kind of trouble.
use super::explorer::{Bounds, Fault, explore, wander};
use crate::{Command, Settings};
use hotpair_types::{Mode, StartAlone};

fn bounds() -> Bounds {
    Bounds {
        faults: Vec::new(),
        faults_max: 2,
        epoch_max: 6,
        starts_max: 2,
        round_max: 4,
        entries_max: 2,
        worlds_max: 10_000,
        never_two: true,
        heal_every: 7,
    }
}

fn mode(mode: Mode) -> impl Fn(&mut Settings) {
    move |settings| {
        settings.mode = mode;
        if mode != Mode::Availability {
            settings.start_alone = StartAlone::Proven;
        }
    }
}

macro_rules! walk {
    ($name:ident, $mode:ident, $max:literal, [$($fault:expr),+], $two:literal) => {
        #[test]
        fn $name() {
            use Fault::*;
            let faults = vec![$($fault),+];
            let bounds = Bounds { faults, faults_max: $max, never_two: $two, ..bounds() };
            let seen = explore(mode(Mode::$mode), &bounds);
            let far = Bounds { starts_max: 1000, entries_max: 1000, epoch_max: 100_000, ..bounds.clone() };
            let wandered = wander(mode(Mode::$mode), &far, 300, 120);
            println!("wandered {} {}", wandered.worlds, wandered.edges.len());
            println!("{} worlds, cut off {}, {} edges", seen.worlds, seen.cut_off, seen.edges.len());
        }
    };
}

walk!(crashes_open_never_two, Availability, 2, [Crash], true);
walk!(crashes_and_late_views_open_never_two, Availability, 2, [Crash, Late], true);
walk!(handovers_open_never_two, Availability, 3, [Ask(Command::Switchover), Timeout, Kill], true);
walk!(
    handovers_and_stalls_open_never_two,
    Availability,
    3,
    [Ask(Command::BecomeActive), Timeout, Stall, Late],
    true
);
walk!(failed_promotions_open_never_two, Availability, 3, [Promotion, Kill, Stall], true);
walk!(leaving_opens_never_two, Availability, 2, [Ask(Command::Leave), Kill, Timeout], true);
walk!(
    undeploying_opens_never_two,
    Availability,
    2,
    [Ask(Command::Undeploy), Ask(Command::Deploy), Kill],
    true
);
walk!(
    pausing_opens_never_two,
    Availability,
    3,
    [Ask(Command::Pause), Ask(Command::Resume), Kill],
    true
);
walk!(missed_beats_open_never_two, Availability, 3, [Miss, Kill, Ask(Command::BecomeActive)], true);
walk!(
    persons_heal,
    Availability,
    3,
    [Ask(Command::Promote { accept_loss: true }), Crash, Cut],
    false
);
walk!(availability_heals, Availability, 2, [Cut, Crash], false);
walk!(availability_stalls_heal, Availability, 3, [Cut, Stall], false);
walk!(no_split_cuts_open_never_two, NoSplit, 2, [Cut, Crash], true);
walk!(
    no_split_handovers_open_never_two,
    NoSplit,
    2,
    [Cut, Ask(Command::BecomeActive), Timeout],
    true
);
walk!(no_split_stalls_open_never_two, NoSplit, 2, [Cut, Stall, Late], true);
walk!(manual_cuts_open_never_two, Manual, 2, [Cut, Crash], true);
walk!(manual_handovers_open_never_two, Manual, 2, [Cut, Ask(Command::BecomeActive), Timeout], true);

#[test]
fn far_away() {
    use Fault::*;
    let all = vec![
        Crash,
        Stall,
        Miss,
        Timeout,
        Late,
        Promotion,
        Ask(Command::BecomeActive),
        Ask(Command::Switchover),
        Ask(Command::Leave),
        Ask(Command::Pause),
        Ask(Command::Resume),
        Ask(Command::Undeploy),
        Ask(Command::Deploy),
        Ask(Command::Reinit),
    ];
    let mut cuts = all.clone();
    cuts.push(Cut);
    let mut persons = cuts.clone();
    persons.push(Ask(Command::Promote { accept_loss: true }));
    let far = Bounds {
        starts_max: 1000,
        entries_max: 1000,
        epoch_max: 100_000,
        faults_max: 1,
        ..bounds()
    };
    for (name, which, faults, never_two) in [
        ("a", Mode::Availability, all.clone(), true),
        ("ac", Mode::Availability, cuts.clone(), false),
        ("ap", Mode::Availability, persons.clone(), false),
        ("nc", Mode::NoSplit, cuts.clone(), true),
        ("mc", Mode::Manual, cuts.clone(), true),
        ("np", Mode::NoSplit, persons.clone(), false),
    ] {
        let far = Bounds { faults, never_two, ..far.clone() };
        println!("{name}");
        let wandered = std::panic::catch_unwind(|| wander(mode(which), &far, 2000, 150));
        if let Ok(wandered) = wandered {
            println!("wandered {} {}", wandered.worlds, wandered.edges.len());
        }
    }
}
