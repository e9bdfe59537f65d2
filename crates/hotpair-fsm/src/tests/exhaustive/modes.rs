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
        patient: false,
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
    let mut all = vec![
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
    all.extend(super::super::steps::Odd::ALL.map(Odd));
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
    let mut edges = std::collections::BTreeSet::new();
    for (name, which, faults, never_two) in [
        ("a", Mode::Availability, all.clone(), true),
        ("ac", Mode::Availability, cuts.clone(), false),
        ("ap", Mode::Availability, persons.clone(), false),
        ("nc", Mode::NoSplit, cuts.clone(), true),
        ("mc", Mode::Manual, cuts.clone(), true),
        ("np", Mode::NoSplit, persons.clone(), false),
    ] {
        let far = Bounds { faults, never_two, patient: true, ..far.clone() };
        println!("{name}");
        let wandered = std::panic::catch_unwind(|| wander(mode(which), &far, 2000, 150));
        if let Ok(wandered) = wandered {
            println!("wandered {} {}", wandered.worlds, wandered.edges.len());
            edges.extend(wandered.edges);
        }
    }
    for edge in crate::EDGES {
        for &rule in edge.rules {
            if !edges.contains(&(edge.from, edge.to, rule)) {
                println!("never {} -> {} by {}", edge.from.number(), edge.to.number(), rule.id());
            }
        }
    }
}

#[test]
fn probe_sizes() {
    use Fault::*;
    let base = Bounds {
        faults_max: 2,
        entries_max: 0,
        epoch_max: 4,
        round_max: 3,
        worlds_max: 200_000,
        heal_every: 0,
        ..bounds()
    };
    for (name, m, faults, b) in [
        ("cut2", Mode::Availability, vec![Cut], Bounds { never_two: false, ..base.clone() }),
        (
            "hand2tk",
            Mode::Availability,
            vec![Ask(Command::Switchover), Timeout, Kill],
            base.clone(),
        ),
        (
            "patient",
            Mode::Availability,
            vec![Kill],
            Bounds { patient: true, faults_max: 1, ..base.clone() },
        ),
        ("n cut2", Mode::NoSplit, vec![Cut], base.clone()),
        ("n cutkill", Mode::NoSplit, vec![Cut, Kill], base.clone()),
        ("n hand", Mode::NoSplit, vec![Cut, Ask(Command::Switchover), Timeout], base.clone()),
        ("m cutkill", Mode::Manual, vec![Cut, Kill], base.clone()),
    ] {
        let at = std::time::Instant::now();
        let seen = explore(mode(m), &Bounds { faults, ..b });
        println!(
            "{name}: {} cut off {} edges {} {:?}",
            seen.worlds,
            seen.cut_off,
            seen.edges.len(),
            at.elapsed()
        );
    }
}
