//! What each kind of evidence allows, and what it does not.
use super::{check, check_with, no_split};
use expect_test::expect;

#[test]
fn one_missed_beat_changes_no_role() {
    check(
        "
        start master
        start backup
        misses backup
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
                backup 9 -> 8 beats-back e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn one_silent_channel_is_degraded_not_dead() {
    check(
        "
        start master
        start backup
        redundancy-silent backup
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
            redundancy-silent backup
                backup 8 -> 9 beat-missed e1
                backup 9 -> 8 channel-degraded e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn a_hint_without_an_answer_promotes() {
    check(
        "
        start master
        start backup
        crash master
        hint backup
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
            hint backup
                backup 8 -> 9 hinted e1
                backup 9 -> 10 hint-unanswered e2
                backup 10 -> 3 opened e2
                = - | 3 open Degraded sees 2
        "#]],
    );
}

#[test]
fn an_active_that_went_on_alone_is_not_replaced_by_its_stale_standby() {
    check(
        "
        start master
        start backup
        cut-from master
        unacknowledged master
        write master
        kill master
        heal-from master
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
            cut-from master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            unacknowledged master
                master 2 -> 3 partner-silent e1
                = 3 open Degraded sees 8 | 8 Wait sees 2
            write master
                = 3 open Degraded sees 8 | 8 Wait sees 2
            kill master
                = - | 8 Wait sees 2
            heal-from master
                = - | 8 Wait sees 2
            fenced master
                backup 8 -> 4 fenced-behind e1
                = - | 4 Wait sees 12
        "#]],
    );
}

#[test]
fn a_newer_process_of_the_active_proves_that_the_old_one_is_gone() {
    check(
        "
        start master
        start backup
        write master
        crash master
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
            crash master
                = - | 8 Wait sees 2
            start master
                backup 8 -> 10 newer-instance e2
                backup 10 -> 3 opened e2
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
fn a_newer_process_with_sole_is_not_passed_over() {
    check(
        "
        start master
        start backup
        cut-from master
        unacknowledged master
        write master
        crash master
        start master
        heal-from master
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
            crash master
                = - | 8 Wait sees 2
            start master
                = 1 Wait sees 8 | 8 Wait sees 2
            heal-from master
                backup 8 -> 4 active-went-on e1
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

#[test]
fn the_hearer_yields_when_it_is_not_heard() {
    check(
        "
        start master
        start backup
        cut-from master
        silent backup
        one-way master
        heal-from master
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
            silent backup
                backup 8 -> 9 beat-missed e1
                backup 9 -> 10 silent e2
                backup 10 -> 3 opened e2
                = 2 open Wait sees 3 | 3 open Degraded sees 13
            one-way master
                master 2 -> 1 one-way e1
                master 1 -> 4 partner-active e2
                = 4 Wait sees 3 | 3 open Degraded sees 13
            heal-from master
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
fn a_process_that_stood_still_asks_first() {
    check(
        "
        start master
        start backup
        stalled master
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
            stalled master
                master 2 -> 1 stalled e1
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
fn a_view_from_before_the_cut_says_no_more_that_the_partner_acts() {
    check_with(
        no_split,
        "
        start master
        start backup
        cut
        fence-due master
        silent master
        silent backup
        promote-due backup
        write backup
        storage-fails backup
        mend backup
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
            silent master
                = 1 Wait sees 13 | 8 Wait sees 2
            silent backup
                backup 8 -> 9 beat-missed e1
                = 1 Wait sees 13 | 9 Wait sees 13
            promote-due backup
                backup 9 -> 10 silent e2
                backup 10 -> 3 opened e2
                = 1 Wait sees 13 | 3 open Degraded sees 13
            write backup
                = 1 Wait sees 13 | 3 open Degraded sees 13
            storage-fails backup
                backup 3 -> 1 storage-failed e2
                = 1 Wait sees 13 | 1 Wait sees 13
            mend backup
                = 1 Wait sees 13 | 1 Wait sees 13
            heal
                backup 1 -> 10 elected e4
                backup 10 -> 2 opened e4
                master 1 -> 4 partner-active e4
                master 4 -> 5 begin-sync e4
                master 5 -> 6 modules-match e4
                master 6 -> 7 way-settled e4
                master 7 -> 8 level e4
                = 8 Wait sees 2 | 2 open WhenReplicated sees 8
        "#]],
    );
}
