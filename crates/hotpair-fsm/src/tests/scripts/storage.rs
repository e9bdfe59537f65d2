//! Storage that fails: handed over, or closed; never acting on it.
use super::{check, check_with, no_split};
use expect_test::expect;

#[test]
fn a_handover_that_fails_leaves_it_to_the_standby() {
    check(
        "
        start master
        start backup
        ! storage-fails master
        timeout master
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
            storage-fails master
                master 2 -> 11 hand-over-storage e1
                = 11 open Wait sees 8 | 8 Wait sees 2
            timeout master
                master 11 -> 1 storage-failed e1
                backup 8 -> 10 elected e2
                backup 10 -> 2 opened e2
                master 1 -> 4 partner-active e2
                = 4 Wait sees 2 | 2 open Degraded sees 4
        "#]],
    );
}

#[test]
fn a_pause_does_not_keep_failed_storage_acting() {
    check(
        "
        start master
        start backup
        ask master pause
        storage-fails master
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
            storage-fails master
                master 2 -> 1 storage-failed e1
                = 1 Wait sees 8 | 8 Wait sees 1
            ask backup resume
                backup 8 -> 10 elected e2
                backup 10 -> 2 opened e2
                master 1 -> 4 partner-active e2
                = 4 Wait sees 2 | 2 open Degraded sees 4
        "#]],
    );
}

#[test]
fn a_standby_whose_disk_hangs_is_dropped_before_its_mark_is_durable() {
    check(
        "
        start master
        start backup
        ! data-late master
        ! deliver master
        ! deliver backup
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
            data-late master
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            deliver master
                backup 8 -> 4 dropped e1
                = 2 open WhenReplicated sees 8 | 4 Wait sees 2
            deliver backup
                master 2 -> 3 drop-confirmed e1
                master 3 -> 2 partner-back e1
                = 2 open Wait sees 4 | 4 Wait sees 2
        "#]],
    );
}

#[test]
fn a_disk_that_cannot_give_up_its_right_to_act_leaves_it_to_a_person() {
    check_with(
        no_split,
        "
        start master
        start backup
        module-missing backup
        storage-fails master
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
            module-missing backup
                backup 8 -> 4 module-missing e1
                backup 4 -> 5 begin-sync e1
                = 2 open Degraded sees 5 | 5 Wait sees 2
            storage-fails master
                master 2 -> 1 storage-failed e1
                backup 5 -> 4 active-lost e1
                master 1 -> 4 not-elected e1
                = 4 Wait sees 4 | 4 Wait sees 4
            ask backup promote
                backup answers accepted
                backup 4 -> 10 promoted e2
                backup 10 -> 2 opened e2
                = 4 Wait sees 2 | 2 open Degraded sees 4
        "#]],
    );
}
