//! Troubles of a standby.
use super::{check, check_with, nervous};
use expect_test::expect;

#[test]
fn a_gap_costs_the_level_and_the_sync_begins_again() {
    check(
        "
        start master
        start backup
        gap backup
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
            gap backup
                backup 8 -> 4 gap e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn a_missing_module_a_lost_network_and_other_settings_make_not_ready() {
    check(
        "
        start master
        start backup
        module-missing backup
        mend backup
        network-fails backup
        mend backup
        settings-differ backup
        mend backup
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
            mend backup
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            network-fails backup
                backup 8 -> 4 network-lost e1
                = 2 open Degraded sees 4 | 4 Wait sees 2
            mend backup
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
            settings-differ backup
                backup 8 -> 4 settings-differ e1
                = 2 open Degraded sees 4 | 4 Wait sees 2
            mend backup
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn data_that_is_not_acknowledged_drops_the_standby() {
    check(
        "
        start master
        start backup
        data-late master
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
                backup 8 -> 4 dropped e1
                backup 4 -> 5 begin-sync e1
                backup 5 -> 6 modules-match e1
                backup 6 -> 7 way-settled e1
                master 2 -> 3 drop-confirmed e1
                master 3 -> 2 partner-back e1
                backup 7 -> 8 level e1
                = 2 open WhenReplicated sees 8 | 8 Wait sees 2
        "#]],
    );
}

#[test]
fn a_standby_that_leaves_is_stale() {
    check(
        "
        start master
        start backup
        ask backup leave
        kill master
        start backup
        alone backup
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
            ask backup leave
                backup answers accepted
                backup 8 -> 13 leave e1
                master 2 -> 3 partner-left e1
                = 3 open Degraded sees 13 | -
            kill master
                = - | -
            start backup
                = - | 1 Wait sees 13
            alone backup
                = - | 1 Wait sees 13
        "#]],
    );
}

#[test]
fn too_many_changes_suspend_recovery_until_a_quiet_window() {
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
        quiet-window backup
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
            quiet-window backup
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
