//! The ways a healthy pair goes: start, sync, takeover, switchover, leaving, coming back.
use super::check;
use expect_test::expect;

#[test]
fn a_cold_pair_gets_one_active_and_one_ready_standby() {
    check(
        "
        start master
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
        "#]],
    );
}

#[test]
fn the_standby_takes_over_when_the_guard_says_that_the_active_is_gone() {
    check(
        "
        start master
        start backup
        write master
        kill master
        fenced master
        write backup
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
            write master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            kill master
                = - | 8 Wait sees 2
            fenced master
                backup 8 -> 10 fenced e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 12
            write backup
                = - | 3 open Degraded sees 12
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
        "#]],
    );
}

#[test]
fn a_switchover_hands_over_without_two_open() {
    check(
        "
        start master
        start backup
        ask backup become-active
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
            ask backup become-active
                backup answers accepted
                master 2 -> 11 switchover e1
                backup 8 -> 10 offered e2
                master 11 -> 4 released e1
                backup 10 -> 2 opened e2
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
        "#]],
    );
}

#[test]
fn leaving_hands_over_first() {
    check(
        "
        start master
        start backup
        ask master leave
        start master
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
            ask master leave
                master answers accepted
                master 2 -> 11 hand-over-leave e1
                backup 8 -> 10 offered e2
                master 11 -> 4 released e1
                backup 10 -> 2 opened e2
                master 4 -> 13 leave e1
                backup 2 -> 3 partner-left e2
                = - | 3 open Degraded sees 13
            start master
                master 1 -> 4 partner-active e2
                backup 3 -> 2 partner-back e2
                master 4 -> 5 begin-sync e2
                master 5 -> 6 modules-match e2
                master 6 -> 7 way-settled e2
                master 7 -> 8 level e2
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
            ask master leave
                master answers accepted
                master 8 -> 13 leave e2
                backup 2 -> 3 partner-left e2
                = - | 3 open Degraded sees 13
        "#]],
    );
}

#[test]
fn a_cold_node_alone_acts_unverified() {
    check(
        "
        start backup
        alone backup
        write backup
        start master
    ",
        &expect![[r#"
            start backup
                = - | 1 Wait sees 13
            alone backup
                backup 1 -> 10 alone-unverified e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
            write backup
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
fn silence_makes_the_standby_act_and_the_heal_leaves_one() {
    check(
        "
        start master
        start backup
        cut
        silent backup
        silent master
        write master
        write backup
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
            write backup
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
