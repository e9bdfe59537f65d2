//! What ends with a `resume`, and a command that would be forgotten.
use super::{check, check_with, nervous, no_split};
use expect_test::expect;

#[test]
fn after_a_resume_silence_counts_anew() {
    check(
        "
        start master
        start backup
        ask backup pause
        crash master
        silent backup
        ask backup resume
        silence-over backup
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
            ask backup pause
                backup answers done
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            crash master
                = - | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                = - | 9 Wait sees 13
            ask backup resume
                backup answers done
                = - | 9 Wait sees 13
            silence-over backup
                backup 9 -> 10 silent e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
        "#]],
    );
}

#[test]
fn a_resume_ends_the_suspension_of_the_partner_too() {
    check_with(
        nervous,
        "
        start master
        start backup
        crash master
        silent backup
        start master
        hold-over backup
        crash master
        silent backup
        start master
        ask master resume
        hold-over backup
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
            crash master
                = - | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                backup 9 -> 10 silent e2
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
            hold-over backup
                backup 2 -> 11 recovery e2
                master 8 -> 10 offered e3
                backup 11 -> 4 released e2
                master 10 -> 2 opened e3
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            crash master
                = - | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e3
                backup 9 -> 10 silent e4
                backup 10 -> 3 opened e4
                = - | 3 open Degraded sees 13
            start master
                master 1 -> 4 partner-active e4
                backup 3 -> 2 partner-back e4
                master 4 -> 5 begin-sync e4
                master 5 -> 6 modules-match e4
                master 6 -> 7 way-settled e4
                master 7 -> 8 level e4
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
            ask master resume
                master answers done
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
            hold-over backup
                backup 2 -> 11 recovery e4
                master 8 -> 10 offered e5
                backup 11 -> 4 released e4
                master 10 -> 2 opened e5
                backup 4 -> 5 begin-sync e5
                backup 5 -> 6 modules-match e5
                backup 6 -> 7 way-settled e5
                backup 7 -> 8 level e5
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn a_switchover_that_would_be_forgotten_is_refused() {
    check_with(
        no_split,
        "
        start master
        start backup
        ! cut-from backup
        ! silent master
        ! heal-from backup
        ! hears master
        ! ask master switchover
        nothing
        ask master switchover
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
            cut-from backup
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            silent master
                = 2 open Wait sees 13 | 8 Wait sees 2
            heal-from backup
                = 2 open Wait sees 13 | 8 Wait sees 2
            hears master
                = 2 open Wait sees 8 | 8 Wait sees 2
            ask master switchover
                master answers refused: the partner is Standby - Ready, but is not yet known to have everything
                = 2 open Wait sees 8 | 8 Wait sees 2
            nothing
                backup 8 -> 4 not-level e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask master switchover
                master answers accepted
                master 2 -> 11 switchover e1
                backup 8 -> 10 offered e2
                master 11 -> 4 released e1
                backup 10 -> 2 opened e2
                master 4 -> 5 begin-sync e2
                master 5 -> 6 modules-match e2
                master 6 -> 7 way-settled e2
                master 7 -> 8 level e2
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
        "#]],
    );
}
