//! Commands and why they are refused.
use super::{check, check_with, no_split};
use expect_test::expect;

#[test]
fn a_switchover_without_a_ready_standby_is_refused() {
    check(
        "
        start master
        ask master switchover
        alone master
        ask master switchover
        ask master become-active
    ",
        &expect![[r#"
            start master
                = 1 Wait sees 13 | -
            ask master switchover
                master answers refused: not possible in Determining Failover Status
                = 1 Wait sees 13 | -
            alone master
                master 1 -> 10 alone-unverified e1
                master 10 -> 3 opened e1
                = 3 open Degraded sees 13 | -
            ask master switchover
                master answers refused: not possible in Active - Standby not Available; the partner is Unknown, it must be Standby - Ready
                = 3 open Degraded sees 13 | -
            ask master become-active
                master answers done
                = 3 open Degraded sees 13 | -
        "#]],
    );
}

#[test]
fn a_promotion_shows_the_loss_and_yields_to_a_living_active() {
    check(
        "
        start master
        start backup
        ask backup promote-unconfirmed
        crash master
        silent backup
        ask backup promote
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
            ask backup promote-unconfirmed
                backup answers refused: the partner is active and heard (Active); use switchover; what is lost must be confirmed: this node ends at config e0:0, runtime e0:0, the partner was seen at config e0:0, runtime e0:0
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            crash master
                = - | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                backup 9 -> 10 silent e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
            ask backup promote
                backup answers refused: not possible in Active - Standby not Available
                = - | 3 open Degraded sees 13
        "#]],
    );
}

#[test]
fn a_person_promotes_a_node_that_may_not_start_alone() {
    check_with(
        no_split,
        "
        start backup
        alone backup
        ask backup promote-unconfirmed
        ask backup promote
    ",
        &expect![[r#"
            start backup
                = - | 1 Wait sees 13
            alone backup
                = - | 1 Wait sees 13
            ask backup promote-unconfirmed
                backup answers refused: what is lost must be confirmed: this node ends at config e0:0, runtime e0:0, and it was not level
                = - | 1 Wait sees 13
            ask backup promote
                backup answers accepted
                backup 1 -> 10 promoted e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 13
        "#]],
    );
}

#[test]
fn a_pause_holds_on_both_and_blocks_takeovers() {
    check(
        "
        start master
        start backup
        ask master pause
        kill master
        fenced master
        silent backup
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
            kill master
                = - | 8 Wait sees 2
            fenced master
                = - | 8 Wait sees 12
            silent backup
                backup 8 -> 9 beat-missed e1
                = - | 9 Wait sees 12
            ask backup resume
                backup answers done
                backup 9 -> 10 fenced e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 12
        "#]],
    );
}

#[test]
fn a_pause_that_does_not_reach_the_partner_is_refused() {
    check(
        "
        start master
        start backup
        cut
        ask master pause
        answer-over master
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
            ask master pause
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            answer-over master
                master answers refused: the partner did not answer within the handover time
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            heal
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn a_person_switches_over_in_a_pause() {
    check(
        "
        start master
        start backup
        ask master pause
        ask backup become-active
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
        "#]],
    );
}

#[test]
fn reinit_copies_anew_and_is_for_standbys() {
    check(
        "
        start master
        start backup
        ask master reinit
        ask backup reinit
        ask backup leave
        kill master
        start backup
        ask backup reinit
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
            ask master reinit
                master answers refused: this node is not a standby
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask backup reinit
                backup answers accepted
                backup 8 -> 4 reinit e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            ask backup leave
                backup answers accepted
                backup 8 -> 13 leave e1
                master 2 -> 3 partner-left e1
                = 3 open Degraded sees 13 | -
            kill master
                = - | -
            start backup
                = - | 1 Wait sees 13
            ask backup reinit
                backup answers refused: this node is not a standby
                = - | 1 Wait sees 13
        "#]],
    );
}

#[test]
fn a_forced_failover_is_forwarded_only_when_primary_alone_misses() {
    check(
        "
        start master
        start backup
        ! misses backup
        ask backup switchover
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
            misses backup
                backup 8 -> 9 beat-missed e1
                = 2 open WhenReplicated sees 8 | 9 Wait sees 2
            ask backup switchover
                backup answers accepted
                backup 9 -> 8 beats-back e1
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
