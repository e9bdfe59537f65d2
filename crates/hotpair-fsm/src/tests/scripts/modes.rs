//! What the modes promise when every link is cut.
use super::{check_with, manual, no_split};
use expect_test::expect;

#[test]
fn no_split_closes_before_the_standby_opens() {
    check_with(
        no_split,
        "
        start master
        start backup
        cut
        fence-due master
        silent backup
        promote-due backup
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
            fence-due master
                master 2 -> 1 fence-due e1
                = 1 Wait sees 8 | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                = 1 Wait sees 8 | 9 Wait sees 13
            promote-due backup
                backup 9 -> 10 silent e2
                backup 10 -> 3 opened e2
                = 1 Wait sees 8 | 3 open Degraded sees 13
            heal
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
fn no_split_goes_on_when_the_standby_never_moved() {
    check_with(
        no_split,
        "
        start master
        start backup
        cut
        fence-due master
        silent backup
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
            fence-due master
                master 2 -> 1 fence-due e1
                = 1 Wait sees 8 | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                = 1 Wait sees 8 | 9 Wait sees 13
            heal
                backup 9 -> 8 beats-back e1
                master 1 -> 10 not-moved e3
                master 10 -> 2 opened e3
                backup 8 -> 4 not-level e1
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn no_split_goes_on_alone_with_sole() {
    check_with(
        no_split,
        "
        start master
        start backup
        kill backup
        fenced backup
        cut
        fence-due master
        write master
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
            cut
                = 3 open Degraded sees 12 | -
            fence-due master
                = 3 open Degraded sees 12 | -
            write master
                = 3 open Degraded sees 12 | -
        "#]],
    );
}

#[test]
fn no_split_starts_alone_only_with_sole() {
    check_with(
        no_split,
        "
        start master
        start backup
        kill backup
        fenced backup
        write master
        crash master
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
            kill backup
                = 2 open WhenReplicated sees 8 | -
            fenced backup
                master 2 -> 3 partner-left e1
                = 3 open Degraded sees 12 | -
            write master
                = 3 open Degraded sees 12 | -
            crash master
                = - | -
            start master
                = 1 Wait sees 13 | -
            alone master
                master 1 -> 10 alone-sole e3
                master 10 -> 3 opened e3
                = 3 open Degraded sees 13 | -
            start backup
                backup 1 -> 4 partner-active e3
                master 3 -> 2 partner-back e3
                backup 4 -> 5 begin-sync e3
                backup 5 -> 6 modules-match e3
                backup 6 -> 7 way-settled e3
                backup 7 -> 8 level e3
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn manual_moves_nobody_on_silence_but_on_proof() {
    check_with(
        manual,
        "
        start master
        start backup
        cut
        silent backup
        silent master
        heal
        kill master
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
            cut
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                = 2 open WhenReplicated sees 8 | 9 Wait sees 13
            silent master
                master 2 -> 3 partner-silent e1
                = 3 open Degraded sees 13 | 9 Wait sees 13
            heal
                backup 9 -> 8 beats-back e1
                backup 8 -> 4 active-went-on e1
                master 3 -> 2 partner-back e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            kill master
                = - | 8 Wait sees 2
            fenced master
                backup 8 -> 10 fenced e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 12
        "#]],
    );
}
