//! Wanders far beyond the bounds of the walks, with everything that can go wrong; the same way
//! every time. Together they must take every edge by every rule.
use super::super::oddities::Odd;
use super::explorer::{Bounds, Fault, wander};
use super::modes::mode;
use crate::{Command, EDGES};
use hotpair_types::Mode;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const WALKS: u64 = 1_000;
const STEPS: usize = 150;

fn everything(cuts: bool, persons: bool) -> Vec<Fault> {
    let commands = [
        Command::BecomeActive,
        Command::Switchover,
        Command::HandOver,
        Command::Leave,
        Command::Pause,
        Command::Resume,
        Command::Undeploy,
        Command::Deploy,
        Command::Reinit,
    ];
    let mut faults = vec![
        Fault::Crash,
        Fault::Stall,
        Fault::Miss,
        Fault::Timeout,
        Fault::Late,
        Fault::Promotion,
        Fault::Away,
        Fault::Slow,
        Fault::Lost,
    ];
    faults.extend(commands.map(Fault::Ask));
    faults.extend(Odd::ALL.map(Fault::Odd));
    faults.extend(cuts.then_some(Fault::Cut));
    faults.extend(persons.then_some(Fault::Ask(Command::Promote { accept_loss: true })));
    faults
}

#[test]
fn wherever_they_wander_they_heal_and_every_edge_is_taken() {
    let mut edges = BTreeSet::new();
    for (which, cuts, persons) in [
        (Mode::Availability, false, false),
        (Mode::Availability, true, false),
        (Mode::Availability, true, true),
        (Mode::NoSplit, true, false),
        (Mode::NoSplit, true, true),
        (Mode::Manual, true, false),
        (Mode::Arbiter, true, false),
        (Mode::Arbiter, true, true),
    ] {
        let bounds = Bounds {
            faults: &everything(cuts, persons),
            faults_max: 1,
            epoch_max: u64::MAX,
            starts_max: u64::MAX,
            round_max: u32::MAX,
            entries_max: u64::MAX,
            patient: true,
            never_two: !persons && (!cuts || which != Mode::Availability),
            heal_every: 1,
        };
        edges.extend(wander(mode(which), &bounds, WALKS, STEPS).edges);
    }
    let mut never = String::new();
    for edge in EDGES {
        for &rule in edge.rules {
            if !edges.contains(&(edge.from, edge.to, rule)) {
                let (from, to) = (edge.from.number(), edge.to.number());
                writeln!(never, "{from} -> {to} by {}", rule.id()).unwrap();
            }
        }
    }
    expect_test::expect![[r#"
        4 -> 10 by late-release
        6 -> 10 by winner-fenced
        7 -> 10 by winner-fenced
        8 -> 4 by left-beyond
        9 -> 4 by not-elected
        9 -> 4 by left-beyond
        9 -> 4 by fenced-behind
        9 -> 10 by elected
        2 -> 1 by grant-ending
        2 -> 1 by grant-taken
        3 -> 1 by grant-taken
        3 -> 1 by one-way
        11 -> 1 by grant-taken
    "#]]
    .assert_eq(&never);
}
