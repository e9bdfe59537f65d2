//! An active that leaves with entries that its level standby lacks.
use super::{check, check_granted, check_with, manual};
use expect_test::expect;

#[test]
fn an_active_that_leaves_while_a_write_is_on_its_way() {
    check(
        "
        start master
        start backup
        write master
        ! write-unsent master
        guard-lost master
        start master
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            start backup
                master 1 -> 10 elected e1
                master 10 -> 2 opened e1
                backup 1 -> 4 partner-active e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            write master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            write-unsent master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            guard-lost master
                master 2 -> 13 guard-lost e1
                backup 8 -> 10 left-unreplicated e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
            start master
                master 1 -> 4 partner-active e2
                backup 3 -> 2 partner-back e2
                master 4 -> 5 begin-sync e2
                master 5 -> 6 modules-match e2
                master 6 -> 7 way-settled e2
                master 7 -> 8 level e2
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
        "#]],
    );
}

#[test]
fn who_left_with_more_is_replaced_once_the_grant_can_be_got() {
    check_granted(
        "
        arbiter-away backup
        ! write-unsent master
        guard-lost master
        arbiter-back backup
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            start backup
                master 1 -> 10 elected e1
                master 10 -> 2 opened e1
                backup 1 -> 4 partner-active e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            arbiter-away backup
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            write-unsent master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            guard-lost master
                master 2 -> 13 guard-lost e1
                = - | 8 Wait sees 13
            arbiter-back backup
                backup 8 -> 10 left-unreplicated e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
        "#]],
    );
}

#[test]
fn a_pause_holds_who_could_act_on_leaving() {
    check(
        "
        start master
        start backup
        ask master pause
        ! write-unsent master
        guard-lost master
        ask backup resume
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            start backup
                master 1 -> 10 elected e1
                master 10 -> 2 opened e1
                backup 1 -> 4 partner-active e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask master pause
                master answers done
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            write-unsent master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            guard-lost master
                master 2 -> 13 guard-lost e1
                = - | 8 Wait sees 13
            ask backup resume
                backup 8 -> 10 left-unreplicated e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
        "#]],
    );
}

/// A drop that was not heard of was not confirmed, so nothing was answered on it.
#[test]
fn a_drop_that_was_not_heard_of_holds_nobody_back() {
    check(
        "
        start master
        start backup
        ! write-unsent master
        ! data-late master
        guard-lost master
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            start backup
                master 1 -> 10 elected e1
                master 10 -> 2 opened e1
                backup 1 -> 4 partner-active e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            write-unsent master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            data-late master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            guard-lost master
                master 2 -> 13 guard-lost e1
                backup 8 -> 10 left-unreplicated e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
        "#]],
    );
}

/// Its standby misses beats, so nothing is handed over.
#[test]
fn a_person_makes_it_leave_with_more_where_silence_moves_nobody() {
    check_with(
        manual,
        "
        start master
        start backup
        ! redundancy-silent master
        ! misses backup
        ! deliver backup
        ! write-unsent master
        ask master leave
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            start backup
                master 1 -> 10 elected e1
                master 10 -> 2 opened e1
                backup 1 -> 4 partner-active e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            redundancy-silent master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            misses backup
                backup 8 -> 9 beat-missed e1
                = 2 open WhenReplicated sees 8 | 9 Wait sees 2
            deliver backup
                = 2 open WhenReplicated sees 9 | 9 Wait sees 2
            write-unsent master
                = 2 open WhenReplicated sees 9 | 9 Wait sees 2
            ask master leave
                master answers accepted
                master 2 -> 13 leave e1
                backup 9 -> 10 left-unreplicated e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
        "#]],
    );
}
