//! Walks in mode `arbiter`: with a third party that is away for one or for both, slow, or forgetful.
use super::explorer::{Bounds, Fault};
use super::modes::{BOUNDS, check};
use crate::Command;
use Fault::{Ask, Away, Crash, Cut, Kill, Lost, Slow, Timeout};
use expect_test::expect;
use hotpair_types::Mode;

#[test]
fn arbiter_two_cuts_open_never_two() {
    check(Mode::Arbiter, &Bounds { faults: &[Cut], faults_max: 2, ..BOUNDS }, &expect!["121905"]);
}

#[test]
fn arbiter_away_and_cut_opens_never_two() {
    let faults = &[Away, Cut];
    let bounds = Bounds { faults, faults_max: 2, starts_max: 1, round_max: 2, ..BOUNDS };
    check(Mode::Arbiter, &bounds, &expect!["69897"]);
}

#[test]
fn arbiter_a_crash_opens_never_two() {
    check(Mode::Arbiter, &Bounds { faults: &[Crash], ..BOUNDS }, &expect!["70473"]);
}

#[test]
fn arbiter_a_kill_loses_nothing_replicated() {
    let faults = &[Kill, Cut];
    let bounds = Bounds { faults, starts_max: 1, round_max: 2, entries_max: 1, ..BOUNDS };
    check(Mode::Arbiter, &bounds, &expect!["33025"]);
}

#[test]
fn arbiter_away_and_a_crash_opens_never_two() {
    let faults = &[Away, Crash];
    let bounds = Bounds { faults, faults_max: 2, starts_max: 1, round_max: 2, ..BOUNDS };
    check(Mode::Arbiter, &bounds, &expect!["9033"]);
}

#[test]
fn arbiter_slow_and_cut_opens_never_two() {
    let faults = &[Slow, Lost, Cut];
    let bounds = Bounds { faults, faults_max: 2, starts_max: 1, round_max: 2, ..BOUNDS };
    check(Mode::Arbiter, &bounds, &expect!["38528"]);
}

#[test]
fn arbiter_a_handover_without_it_opens_never_two() {
    let faults = &[Ask(Command::Switchover), Away, Timeout];
    let bounds = Bounds { faults, faults_max: 3, starts_max: 1, round_max: 2, ..BOUNDS };
    check(Mode::Arbiter, &bounds, &expect!["119349"]);
}

#[test]
fn arbiter_a_promotion_by_a_person_heals() {
    let faults = &[Ask(Command::Promote { accept_loss: true }), Cut];
    let bounds = Bounds { faults, faults_max: 2, starts_max: 1, never_two: false, ..BOUNDS };
    check(Mode::Arbiter, &bounds, &expect!["135131"]);
}

#[test]
fn arbiter_leaving_with_more_loses_nothing_answered() {
    let faults = &[Ask(Command::Leave), Away];
    let bounds =
        Bounds { faults, faults_max: 2, starts_max: 1, round_max: 2, entries_max: 1, ..BOUNDS };
    check(Mode::Arbiter, &bounds, &expect!["186567"]);
}
