//! One walk for each mode and each kind of trouble, each to its end.
use super::explorer::{Bounds, Fault, explore};
use crate::{Command, Settings};
use Fault::{Ask, Crash, Cut, Kill, Late, Stall, Timeout};
use expect_test::{Expect, expect};
use hotpair_types::{Mode, StartAlone};

/// What a walk keeps to when it says nothing else.
pub(super) const BOUNDS: Bounds<'_> = Bounds {
    faults: &[],
    faults_max: 1,
    epoch_max: 4,
    starts_max: 2,
    round_max: 3,
    entries_max: 0,
    patient: false,
    never_two: true,
    heal_every: 5,
};

pub(super) fn mode(mode: Mode) -> impl Fn(&mut Settings) {
    move |settings| {
        settings.mode = mode;
        if mode != Mode::Availability {
            settings.start_alone = StartAlone::Proven;
        }
    }
}

/// Walks to the end. A number of worlds that changed is a change of behaviour: is it meant?
#[track_caller]
pub(super) fn check(which: Mode, bounds: &Bounds<'_>, worlds: &Expect) {
    let seen = explore(mode(which), bounds);
    worlds.assert_eq(&seen.worlds.to_string());
}

#[test]
fn availability_a_crash_opens_never_two_and_loses_nothing_replicated() {
    check(
        Mode::Availability,
        &Bounds { faults: &[Crash], entries_max: 1, ..BOUNDS },
        &expect!["174196"],
    );
}

#[test]
fn availability_a_handover_opens_never_two() {
    let faults = &[Ask(Command::Switchover), Timeout, Late];
    check(Mode::Availability, &Bounds { faults, faults_max: 2, ..BOUNDS }, &expect!["735"]);
}

#[test]
fn availability_a_handover_with_a_crash_opens_never_two() {
    let faults = &[Ask(Command::BecomeActive), Kill];
    check(
        Mode::Availability,
        &Bounds { faults, faults_max: 2, starts_max: 1, ..BOUNDS },
        &expect!["5118"],
    );
}

#[test]
fn availability_a_write_around_a_handover_is_kept() {
    let faults = &[Ask(Command::BecomeActive), Timeout, Kill];
    let bounds = Bounds { faults, faults_max: 3, starts_max: 1, entries_max: 1, ..BOUNDS };
    check(Mode::Availability, &bounds, &expect!["287708"]);
}

#[test]
fn availability_a_sync_step_by_step_opens_never_two() {
    check(
        Mode::Availability,
        &Bounds { faults: &[Kill], patient: true, ..BOUNDS },
        &expect!["29190"],
    );
}

#[test]
fn availability_leaving_opens_never_two() {
    check(
        Mode::Availability,
        &Bounds { faults: &[Ask(Command::Leave)], ..BOUNDS },
        &expect!["7272"],
    );
}

#[test]
fn availability_leaving_with_more_loses_nothing_replicated() {
    let faults = &[Ask(Command::Leave)];
    check(Mode::Availability, &Bounds { faults, entries_max: 1, ..BOUNDS }, &expect!["56603"]);
}

#[test]
fn availability_standing_still_opens_never_two() {
    let faults = &[Stall, Late];
    let bounds = Bounds { faults, faults_max: 2, epoch_max: 6, round_max: 6, ..BOUNDS };
    check(Mode::Availability, &bounds, &expect!["2185"]);
}

#[test]
fn availability_a_cut_heals() {
    check(
        Mode::Availability,
        &Bounds { faults: &[Cut], never_two: false, ..BOUNDS },
        &expect!["11431"],
    );
}

#[test]
fn availability_a_promotion_by_a_person_heals() {
    let faults = &[Ask(Command::Promote { accept_loss: true }), Kill];
    let bounds = Bounds { faults, faults_max: 2, starts_max: 1, never_two: false, ..BOUNDS };
    check(Mode::Availability, &bounds, &expect!["435"]);
}

#[test]
fn no_split_two_cuts_open_never_two() {
    check(Mode::NoSplit, &Bounds { faults: &[Cut], faults_max: 2, ..BOUNDS }, &expect!["181242"]);
}

#[test]
fn no_split_a_crash_opens_never_two() {
    check(
        Mode::NoSplit,
        &Bounds { faults: &[Crash], entries_max: 1, ..BOUNDS },
        &expect!["292560"],
    );
}

#[test]
fn no_split_a_cut_in_a_handover_opens_never_two() {
    let faults = &[Ask(Command::Switchover), Cut];
    check(
        Mode::NoSplit,
        &Bounds { faults, faults_max: 2, starts_max: 1, ..BOUNDS },
        &expect!["263741"],
    );
}

#[test]
fn no_split_leaving_with_more_loses_nothing_answered() {
    let faults = &[Ask(Command::Leave)];
    check(Mode::NoSplit, &Bounds { faults, entries_max: 1, ..BOUNDS }, &expect!["215771"]);
}

#[test]
fn manual_two_cuts_open_never_two() {
    check(Mode::Manual, &Bounds { faults: &[Cut], faults_max: 2, ..BOUNDS }, &expect!["34242"]);
}

#[test]
fn manual_a_standby_does_not_act_on_what_the_active_went_on_from() {
    let faults = &[Cut, Kill];
    let bounds =
        Bounds { faults, faults_max: 2, starts_max: 1, round_max: 2, entries_max: 1, ..BOUNDS };
    check(Mode::Manual, &bounds, &expect!["237895"]);
}

#[test]
fn manual_a_crash_opens_never_two() {
    check(Mode::Manual, &Bounds { faults: &[Crash], entries_max: 1, ..BOUNDS }, &expect!["80272"]);
}
