//! The rules of an election, one by one: from two summaries that differ in one thing.
use crate::{PartnerSeen, Summary, Verdict, decide};
use hotpair_types::{ConflictWinner, Designation, Epoch, History, Instance, Position, Positions};

const MASTER: Verdict = Verdict::Wins(Designation::Master);
const BACKUP: Verdict = Verdict::Wins(Designation::Backup);

const fn epoch(number: u64) -> Epoch {
    Epoch { number, tag: number }
}

/// Entries by the epoch they were written under, in order.
fn history(epochs: &[u64]) -> History {
    let mut history = History::default();
    for (sequence, &number) in (1..).zip(epochs) {
        history.runtime.note(Position { epoch: epoch(number), sequence });
    }
    history
}

fn summary(designation: Designation, epochs: &[u64]) -> Summary {
    let last_used = epochs.last().map_or(Epoch::NONE, |&it| epoch(it));
    Summary {
        designation,
        instance: Instance { count: 3, tag: 7 },
        active: false,
        sole: false,
        unverified: false,
        stale: false,
        storage_ok: true,
        promoted_by_person: None,
        last_used,
        epoch: last_used,
        active_for_ms: 0,
        history: history(epochs),
        partner_seen: None,
    }
}

/// Decides with both orders of the arguments.
fn wins(
    master: &[u64],
    backup: &[u64],
    change: impl FnOnce(&mut Summary, &mut Summary),
) -> Verdict {
    let mut master = summary(Designation::Master, master);
    let mut backup = summary(Designation::Backup, backup);
    change(&mut master, &mut backup);
    let verdict = decide(&master, &backup, ConflictWinner::LongestActive);
    assert_eq!(verdict, decide(&backup, &master, ConflictWinner::LongestActive));
    verdict
}

#[test]
fn what_cannot_win_does_not() {
    assert_eq!(wins(&[1, 1], &[1], |it, _| it.storage_ok = false), BACKUP);
    assert_eq!(wins(&[1, 1], &[1], |it, _| it.stale = true), BACKUP);
    assert_eq!(wins(&[], &[1], |_, _| {}), BACKUP);
    // A stale one does not win against an empty one without a person.
    assert_eq!(wins(&[], &[1], |_, it| it.stale = true), Verdict::Person);
    assert_eq!(
        wins(&[1], &[1], |a, b| (a.storage_ok, b.storage_ok) = (false, false)),
        Verdict::Person
    );
}

#[test]
fn a_store_that_was_rolled_back_does_not_win() {
    let seen = |count, tag| {
        Some(PartnerSeen { instance: Instance { count, tag }, positions: Positions::default() })
    };
    assert_eq!(wins(&[1, 1], &[1], |_, it| it.partner_seen = seen(4, 7)), BACKUP);
    assert_eq!(wins(&[1, 1], &[1], |_, it| it.partner_seen = seen(3, 8)), BACKUP);
    assert_eq!(wins(&[1, 1], &[1], |_, it| it.partner_seen = seen(3, 7)), MASTER);
    assert_eq!(wins(&[1, 1], &[1], |_, it| it.partner_seen = seen(2, 9)), MASTER);
}

#[test]
fn where_neither_can_win_who_acts_goes_on() {
    // Swapped disks: each is older than what the other has seen of its node.
    let rolled_back = |master: &mut Summary, backup: &mut Summary| {
        let instance = Instance { count: 9, tag: 9 };
        let seen = Some(PartnerSeen { instance, positions: Positions::default() });
        (master.partner_seen, backup.partner_seen) = (seen, seen);
    };
    assert_eq!(wins(&[1], &[1], |a, b| rolled_back(a, b)), Verdict::Person);
    let acts_unproven = |a: &mut Summary, b: &mut Summary| {
        rolled_back(a, b);
        (a.active, a.unverified, b.sole) = (true, true, true);
    };
    assert_eq!(wins(&[1], &[1], acts_unproven), MASTER);
    let both_act = |a: &mut Summary, b: &mut Summary| {
        rolled_back(a, b);
        (a.active, b.active, b.active_for_ms) = (true, true, 1);
    };
    assert_eq!(wins(&[1], &[1], both_act), BACKUP);
    let a_person_promoted_one = |a: &mut Summary, b: &mut Summary| {
        both_act(a, b);
        a.promoted_by_person = Some(epoch(3));
    };
    assert_eq!(wins(&[1], &[1], a_person_promoted_one), MASTER);
    let one_acts_unproven = |a: &mut Summary, b: &mut Summary| {
        both_act(a, b);
        (a.sole, b.unverified) = (true, true);
    };
    assert_eq!(wins(&[1], &[1], one_acts_unproven), MASTER);
    let acts_on_a_failed_disk = |a: &mut Summary, b: &mut Summary| {
        acts_unproven(a, b);
        a.storage_ok = false;
    };
    assert_eq!(wins(&[1], &[1], acts_on_a_failed_disk), Verdict::Person);
}

#[test]
fn a_person_counts_more_than_history() {
    let promoted = |_: &mut Summary, it: &mut Summary| it.promoted_by_person = Some(epoch(2));
    assert_eq!(wins(&[1, 1, 3], &[1, 2], promoted), BACKUP);
    // One that was followed since is over.
    assert_eq!(wins(&[1, 2, 3], &[1, 2], promoted), MASTER);
}

#[test]
fn sole_counts_more_than_unverified_and_one_active_more_than_none() {
    let unverified = |a: &mut Summary, b: &mut Summary| {
        (a.active, a.unverified, b.sole) = (true, true, true);
    };
    assert_eq!(wins(&[1, 1, 3], &[1], unverified), BACKUP);
    assert_eq!(wins(&[1, 1], &[1], |_, it| it.active = true), BACKUP);
}

#[test]
fn sole_holds_what_the_other_was_never_told() {
    assert_eq!(wins(&[1, 1], &[1], |_, it| it.sole = true), BACKUP);
    assert_eq!(wins(&[1, 3], &[1, 2], |a, b| (a.sole, b.sole) = (true, true)), MASTER);
    // Of two the higher one, whatever their histories are.
    let later = |a: &mut Summary, b: &mut Summary| {
        (a.sole, b.sole, b.last_used) = (true, true, epoch(4));
    };
    assert_eq!(wins(&[1, 1], &[1], later), BACKUP);
}

#[test]
fn the_longer_history_wins_and_the_master_when_they_are_equal() {
    assert_eq!(wins(&[1], &[1, 1], |_, _| {}), BACKUP);
    assert_eq!(wins(&[1, 2], &[1], |_, _| {}), MASTER);
    assert_eq!(wins(&[1, 2], &[1, 2], |_, _| {}), MASTER);
    assert_eq!(wins(&[1, 3], &[1, 4], |_, _| {}), BACKUP);
    // Each is ahead in one journal.
    let ahead = |a: &mut Summary, b: &mut Summary| {
        a.history.config.note(Position { epoch: epoch(1), sequence: 1 });
        b.last_used = epoch(2);
    };
    assert_eq!(wins(&[1], &[1, 2], ahead), BACKUP);
}

#[test]
fn of_two_actives_the_longer_one_wins() {
    let both = |a: &mut Summary, b: &mut Summary| {
        (a.active, b.active, a.active_for_ms, b.active_for_ms) = (true, true, 10, 20);
    };
    assert_eq!(wins(&[1, 3], &[1, 2], both), BACKUP);
}
