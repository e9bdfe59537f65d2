//! Elections: who acts when it is not clear.
use super::{check, check_with, newest};
use expect_test::expect;

#[test]
fn the_newer_history_acts_whoever_started_first() {
    check(
        "
        start master
        start backup
        kill backup
        fenced backup
        write master
        crash master
        start backup
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
            kill backup
                = 2 open WhenReplicated sees 8 | -
            fenced backup
                master 2 -> 3 partner-left e1
                = 3 open Degraded sees 12 | -
            write master
                = 3 open Degraded sees 12 | -
            crash master
                = - | -
            start backup
                = - | 1 Wait sees 13
            start master
                master 1 -> 10 elected e3
                master 10 -> 2 opened e3
                backup 1 -> 4 partner-active e3
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn the_older_data_started_alone_yields_to_sole() {
    check(
        "
        start master
        start backup
        kill backup
        fenced backup
        write master
        crash master
        start backup
        alone backup
        write backup
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
            kill backup
                = 2 open WhenReplicated sees 8 | -
            fenced backup
                master 2 -> 3 partner-left e1
                = 3 open Degraded sees 12 | -
            write master
                = 3 open Degraded sees 12 | -
            crash master
                = - | -
            start backup
                = - | 1 Wait sees 13
            alone backup
                backup 1 -> 10 alone-unverified e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
            write backup
                = - | 3 open Degraded sees 13
            start master
                backup 3 -> 11 unverified-yields e2
                backup 11 -> 4 yielded e2
                master 1 -> 10 partner-yielded e3
                master 10 -> 2 opened e3
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn after_a_cut_one_of_two_actives_yields() {
    check_with(
        newest,
        "
        start master
        start backup
        cut
        silent backup
        silent master
        write master
        heal
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
            cut
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                backup 9 -> 10 silent e2
                backup 10 -> 3 opened e2
                = 2 open WhenReplicated sees 8 | 3 open Degraded sees 13
            silent master
                master 2 -> 3 partner-silent e1
                = 3 open Degraded sees 13 | 3 open Degraded sees 13
            write master
                = 3 open Degraded sees 13 | 3 open Degraded sees 13
            heal
                master 3 -> 11 election-lost e1
                master 11 -> 4 yielded e1
                backup 3 -> 2 partner-back e2
                master 4 -> 5 begin-sync e4
                master 5 -> 6 modules-match e4
                master 6 -> 7 way-settled e4
                master 7 -> 8 level e4
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
        "#]],
    );
}

#[test]
fn who_hands_over_yields_to_one_that_acts_already() {
    check(
        "
        start master
        start backup
        ! ask master switchover
        ! cut-from master
        silent backup
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
            ask master switchover
                master answers accepted
                master 2 -> 11 switchover e1
                = 11 open WhenReplicated sees 8 | 8 Wait sees 2
            cut-from master
                = 11 open WhenReplicated sees 8 | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                backup 9 -> 10 silent e2
                backup 10 -> 3 opened e2
                master 11 -> 1 stale-epoch e1
                master 1 -> 4 partner-active e2
                = 4 Wait sees 3 | 3 open Degraded sees 13
        "#]],
    );
}
