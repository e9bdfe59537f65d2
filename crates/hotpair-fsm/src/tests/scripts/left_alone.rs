//! An active that went on alone and leaves, and one that left with more and comes back.
use super::{check, check_with, manual, no_split};
use expect_test::expect;

#[test]
fn who_left_with_more_comes_back_alone_as_unverified_and_loses() {
    check(
        "
        start master
        start backup
        ! write-unsent master
        guard-lost master
        kill backup
        start master
        alone master
        start backup
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
            guard-lost master
                master 2 -> 13 guard-lost e1
                backup 8 -> 10 left-unreplicated e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
            kill backup
                = - | -
            start master
                = 1 Wait sees 13 | -
            alone master
                master 1 -> 10 alone-unverified e3
                master 10 -> 3 opened e3
                = 3 open Degraded sees 13 | -
            start backup
                master 3 -> 11 unverified-yields e3
                master 11 -> 4 yielded e3
                backup 1 -> 10 elected e4
                backup 10 -> 2 opened e4
                master 4 -> 5 begin-sync e4
                master 5 -> 6 modules-match e4
                master 6 -> 7 way-settled e4
                master 7 -> 8 level e4
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
        "#]],
    );
}

#[test]
fn who_left_with_more_waits_where_it_may_not_act_alone() {
    check_with(
        no_split,
        "
        start master
        start backup
        ! write-unsent master
        guard-lost master
        kill backup
        start master
        alone master
        start backup
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
            guard-lost master
                master 2 -> 13 guard-lost e1
                backup 8 -> 10 left-unreplicated e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
            kill backup
                = - | -
            start master
                = 1 Wait sees 13 | -
            alone master
                = 1 Wait sees 13 | -
            start backup
                master 1 -> 4 not-elected e1
                backup 1 -> 10 elected e4
                backup 10 -> 2 opened e4
                master 4 -> 5 begin-sync e4
                master 5 -> 6 modules-match e4
                master 6 -> 7 way-settled e4
                master 7 -> 8 level e4
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
        "#]],
    );
}

/// An entry that was answered as degraded is nowhere else: `sole` says so.
#[test]
fn who_left_after_it_had_gone_on_alone_is_waited_for() {
    check_with(
        manual,
        "
        start master
        start backup
        cut-from master
        unacknowledged master
        write master
        guard-lost master
        heal-from master
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
            cut-from master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            unacknowledged master
                master 2 -> 3 partner-silent e1
                = 3 open Degraded sees 8 | 8 Wait sees 2
            write master
                = 3 open Degraded sees 8 | 8 Wait sees 2
            guard-lost master
                master 3 -> 13 guard-lost e1
                = 13 Wait sees 8 | 8 Wait sees 2
            heal-from master
                backup 8 -> 4 left-beyond e1
                = - | 4 Wait sees 13
            start master
                master 1 -> 10 elected e3
                master 10 -> 2 opened e3
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

/// Who acts without proof answers as degraded without `sole`.
#[test]
fn who_left_after_it_had_gone_on_unverified_is_waited_for() {
    check_with(
        |it| it.suspend_after = 0,
        "
        start master
        start backup
        guard-lost master
        start master
        ask master switchover
        cut
        ! stalled master
        ! silent master
        alone master
        silent backup
        write master
        ! guard-lost master
        ! heal
        ! hears master
        nothing
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
            guard-lost master
                master 2 -> 13 guard-lost e1
                backup 8 -> 10 left e2
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
            ask master switchover
                master answers accepted
                backup 2 -> 11 switchover e2
                master 8 -> 10 offered e3
                backup 11 -> 4 released e2
                master 10 -> 2 opened e3
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            cut
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            stalled master
                master 2 -> 1 stalled e3
                = 1 open Wait sees 8 | 8 Wait sees 2
            silent master
                = 1 open Wait sees 13 | 8 Wait sees 2
            alone master
                master 1 -> 10 alone-unverified e5
                master 10 -> 3 opened e5
                = 3 open Degraded sees 13 | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e3
                = 3 open Degraded sees 13 | 9 Wait sees 13
            write master
                = 3 open Degraded sees 13 | 9 Wait sees 13
            guard-lost master
                master 3 -> 13 guard-lost e5
                = 13 open Wait sees 13 | 9 Wait sees 13
            heal
                = 13 open Wait sees 13 | 9 Wait sees 13
            hears master
                = 13 open Wait sees 8 | 9 Wait sees 13
            nothing
                backup 9 -> 8 beats-back e3
                backup 8 -> 4 left-beyond e3
                = - | 4 Wait sees 13
        "#]],
    );
}
