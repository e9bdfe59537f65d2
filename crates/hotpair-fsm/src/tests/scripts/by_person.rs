//! Mode `arbiter`: what a person's promotion does about the grant.
use super::check_granted as check;
use expect_test::expect;

#[test]
fn a_person_may_do_without_the_arbiter_until_it_says_no() {
    check(
        "
        cut
        silent master
        fence-due master
        silent backup
        arbiter-away backup
        ask backup promote
        promote-due backup
        arbiter-back backup
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
            silent master
                master 2 -> 3 partner-silent e1
                = 3 open Degraded sees 13 | 8 Wait sees 2
            fence-due master
                = 3 open Degraded sees 13 | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                = 3 open Degraded sees 13 | 9 Wait sees 13
            arbiter-away backup
                = 3 open Degraded sees 13 | 9 Wait sees 13
            ask backup promote
                backup answers accepted
                backup 9 -> 10 promoted e2
                = 3 open Degraded sees 13 | 10 Wait sees 13
            promote-due backup
                backup 10 -> 3 opened e2
                = 3 open Degraded sees 13 | 3 open Degraded sees 13
            arbiter-back backup
                backup 3 -> 1 grant-taken e2
                = 3 open Degraded sees 13 | 1 Wait sees 13
            heal
                backup 1 -> 4 partner-active e2
                master 3 -> 2 partner-back e1
                backup 4 -> 5 begin-sync e2
                backup 5 -> 6 modules-match e2
                backup 6 -> 7 way-settled e2
                backup 7 -> 8 level e2
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn a_person_waits_for_a_grant_that_another_holds() {
    check(
        "
        cut
        silent master
        silent backup
        ask backup promote
        timeout backup
        ask backup promote
        crash master
        lease-ends master
        promote-due backup
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
            silent master
                master 2 -> 3 partner-silent e1
                = 3 open Degraded sees 13 | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                = 3 open Degraded sees 13 | 9 Wait sees 13
            ask backup promote
                backup answers accepted
                backup 9 -> 10 promoted e2
                = 3 open Degraded sees 13 | 10 Wait sees 13
            timeout backup
                backup 10 -> 9 grant-not-held e2
                = 3 open Degraded sees 13 | 9 Wait sees 13
            ask backup promote
                backup answers accepted
                backup 9 -> 10 promoted e4
                = 3 open Degraded sees 13 | 10 Wait sees 13
            crash master
                = - | 10 Wait sees 13
            lease-ends master
                = - | 10 Wait sees 13
            promote-due backup
                backup 10 -> 3 opened e4
                = - | 3 open Degraded sees 13
        "#]],
    );
}
