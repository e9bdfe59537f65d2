//! Recovery after a person switched over: not against that person, and not held for ever.
use super::{check, check_with, nervous, no_split};
use expect_test::expect;

#[test]
fn a_switchover_of_long_ago_does_not_hold_recovery_back() {
    check_with(
        no_split,
        "
        start master
        start backup
        ask master switchover
        ask backup switchover
        cut
        fence-due master
        silent master
        silent backup
        promote-due backup
        heal
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
            ask backup switchover
                backup answers accepted
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
            fence-due master
                master 2 -> 1 fence-due e3
                = 1 Wait sees 8 | 8 Wait sees 2
            silent master
                = 1 Wait sees 13 | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e3
                = 1 Wait sees 13 | 9 Wait sees 13
            promote-due backup
                backup 9 -> 10 silent e4
                backup 10 -> 3 opened e4
                = 1 Wait sees 13 | 3 open Degraded sees 13
            heal
                master 1 -> 4 partner-active e4
                backup 3 -> 2 partner-back e4
                master 4 -> 5 begin-sync e4
                master 5 -> 6 modules-match e4
                master 6 -> 7 way-settled e4
                master 7 -> 8 level e4
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
fn a_master_that_was_replaced_was_lost() {
    check(
        "
        start master
        start backup
        ask master switchover
        ! crash master
        start master
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
            crash master
                = - | 2 open WhenReplicated sees 8
            start master
                master 1 -> 4 partner-active e2
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
        "#]],
    );
}

#[test]
fn a_suspended_standby_waits_out_silence_and_acts_on_proof() {
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
        ask backup switchover
        ! kill master
        silent backup
        fenced master
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
            ask backup switchover
                backup answers accepted
                backup 2 -> 11 switchover e4
                master 8 -> 10 offered e5
                backup 11 -> 4 released e4
                master 10 -> 2 opened e5
                backup 4 -> 5 begin-sync e5
                backup 5 -> 6 modules-match e5
                backup 6 -> 7 way-settled e5
                backup 7 -> 8 level e5
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            kill master
                = - | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e5
                = - | 9 Wait sees 13
            fenced master
                backup 9 -> 10 fenced e6
                backup 10 -> 3 opened e6
                = - | 3 open Degraded sees 12
        "#]],
    );
}

#[test]
fn a_service_that_fails_hands_over_like_a_person_but_not_in_a_pause() {
    check(
        "
        start master
        start backup
        ask backup hand-over
        ask master pause
        ask master hand-over
        ask master resume
        ask master hand-over
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
            ask backup hand-over
                backup answers refused: this node is not the active
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask master pause
                master answers done
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask master hand-over
                master answers refused: automatic changes of role are paused
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask master resume
                master answers done
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask master hand-over
                master answers accepted
                master 2 -> 11 hand-over-service e1
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
