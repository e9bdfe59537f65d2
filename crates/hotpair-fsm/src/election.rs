//! Who acts when it is not clear: a pure function of two frozen summaries.
use crate::context::Context;
use crate::facts::Frozen;
use crate::{Action, Summary};
use hotpair_types::{ConflictWinner, Designation, Epoch, JournalKind, StateId};

/// What an election says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// This one acts.
    Wins(Designation),
    /// Neither may act without a person.
    Person,
}

/// Decides. The order of the arguments does not matter.
#[must_use]
pub fn decide(one: &Summary, other: &Summary, rule: ConflictWinner) -> Verdict {
    let (master, backup) = match one.designation {
        Designation::Master => (one, other),
        Designation::Backup => (other, one),
    };
    let pick = |master: bool| {
        Verdict::Wins(if master { Designation::Master } else { Designation::Backup })
    };
    let stale = (is_stale(master, backup), is_stale(backup, master));
    // A store that was thrown away remembers no epoch either.
    let is_empty = |it: &Summary| it.history.is_empty() && it.last_used.is_none();
    let empty = (is_empty(master), is_empty(backup));
    // Rule 0: what cannot win.
    let barred = |me: &Summary, stale: bool, empty: bool, other_empty: bool| {
        !me.storage_ok || stale || (empty && !other_empty)
    };
    match (barred(master, stale.0, empty.0, empty.1), barred(backup, stale.1, empty.1, empty.0)) {
        // Who acts already goes on: a person could only confirm it. Of two actives the rest decides.
        (true, true) if master.storage_ok && backup.storage_ok => {
            match (master.active, backup.active) {
                (true, true) => {}
                (false, false) => return Verdict::Person,
                (active, _) => return pick(active),
            }
        }
        (true, true) => return Verdict::Person,
        (true, false) => return pick(false),
        (false, true) => return pick(true),
        (false, false) => {}
    }
    // Rule 1: a person; `sole` against `unverified`; exactly one active.
    let person = (promoted_since(master, backup), promoted_since(backup, master));
    if person.0 != person.1 {
        return pick(person.0 > person.1);
    }
    if master.sole && backup.unverified && !backup.sole {
        return pick(true);
    }
    if backup.sole && master.unverified && !master.sole {
        return pick(false);
    }
    if master.active != backup.active {
        return pick(master.active);
    }
    if master.active {
        return pick(master_wins_conflict(master, backup, rule));
    }
    // None active: who is `sole` holds what the other was never told.
    if master.sole != backup.sole {
        return pick(master.sole);
    }
    if master.sole && master.last_used != backup.last_used {
        return pick(master.last_used > backup.last_used);
    }
    // Rule 2: the history that contains the other's; else the higher last used epoch.
    let contains =
        (master.history.contains(&backup.history), backup.history.contains(&master.history));
    match contains {
        (true, false) => pick(true),
        (false, true) => pick(false),
        // Rule 4: equal.
        (true, true) => pick(true),
        (false, false) if master.last_used != backup.last_used => {
            pick(master.last_used > backup.last_used)
        }
        // Rule 3: diverged under the same epoch.
        (false, false) => pick(master_wins_conflict(master, backup, rule)),
    }
}

/// Marked, or below what its partner has seen of it: rolled back.
fn is_stale(me: &Summary, other: &Summary) -> bool {
    me.stale || is_rolled_back(me, other)
}

/// The store of `me` is older than what `other` has seen of it: its starts are counted on its own
/// disk before it says a word. Positions prove nothing: what was seen in a beat may never have
/// reached that disk, and a crash that loses it is not a rollback.
pub(crate) fn is_rolled_back(me: &Summary, other: &Summary) -> bool {
    let Some(seen) = other.partner_seen else { return false };
    seen.instance.count > me.instance.count
        || (seen.instance.count == me.instance.count && seen.instance.tag != me.instance.tag)
}

/// The epoch of a person's `promote` that the other has not followed.
fn promoted_since(me: &Summary, other: &Summary) -> Option<Epoch> {
    let epoch = me.promoted_by_person?;
    let followed = JournalKind::ALL
        .into_iter()
        .any(|kind| other.history.of(kind).lineage.spans().iter().any(|span| span.epoch == epoch));
    (!followed && other.last_used != epoch).then_some(epoch)
}

fn master_wins_conflict(master: &Summary, backup: &Summary, rule: ConflictWinner) -> bool {
    let newest = || master.last_used >= backup.last_used;
    match rule {
        ConflictWinner::LongestActive if master.active_for_ms == backup.active_for_ms => newest(),
        ConflictWinner::LongestActive => master.active_for_ms > backup.active_for_ms,
        ConflictWinner::NewestEpoch => newest(),
        ConflictWinner::Master => true,
    }
}

/// Why two nodes hold an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Situation {
    NoneActive,
    BothActive,
    /// One acts without proof while the other has `sole`.
    Unverified,
}

impl Context {
    /// Freezes a summary when an election begins, forgets it when there is none. `settling`: the
    /// winner has not finished what the election left to do.
    pub(crate) fn hold_election(
        &mut self,
        situation: Option<Situation>,
        settling: bool,
        active_for_ms: u64,
        state: StateId,
    ) {
        if situation.is_none() {
            if !settling && self.facts.summary.is_some() {
                self.facts.summary = None;
            }
            return;
        }
        // What bars a node from winning is news that both must hear of.
        let outdated = self.facts.summary.as_ref().is_some_and(|it| {
            let it = &it.summary;
            it.storage_ok != self.could_act(state)
                || it.stale != self.record.marks.stale
                || it.sole != self.sole()
        });
        if self.facts.summary.is_none() || (outdated && !settling) {
            let summary = Summary {
                designation: self.settings.designation,
                instance: self.instance,
                active: state.is_active(),
                sole: self.sole(),
                unverified: self.record.marks.unverified,
                stale: self.record.marks.stale,
                storage_ok: self.could_act(state),
                promoted_by_person: self.record.promoted_by_person,
                last_used: self.record.last_used,
                epoch: self.record.epoch,
                active_for_ms,
                history: self.facts.history.clone(),
                partner_seen: self.record.partner_seen,
            };
            self.facts.summary = Some(Frozen::new(summary));
            self.note_partner_seen(false);
            self.act(Action::PublishSummary);
        }
    }

    /// Both summaries, when the partner's is the one its view names.
    fn both_summaries(&self) -> Option<(&Summary, &Summary)> {
        let (own, partner) = (self.facts.summary.as_ref()?, self.facts.partner_summary.as_ref()?);
        let view = self.answers()?;
        (view.summary == Some(partner.digest)).then_some((&*own.summary, &*partner.summary))
    }

    /// The hash of both.
    pub(crate) fn pair(&self) -> Option<u64> {
        let (own, partner) = self.both_summaries()?;
        Some(Summary::digest_of_pair(own, partner))
    }

    /// The verdict, when both nodes have the same two summaries. `Some(true)`: we win.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let (own, partner) = self.both_summaries()?;
        let pair = Summary::digest_of_pair(own, partner);
        (self.answers()?.pair == Some(pair))
            .then(|| decide(own, partner, self.settings.conflict_winner))
    }

    /// Whether we win, if that is agreed.
    pub(crate) fn wins(&self) -> Option<bool> {
        match self.verdict()? {
            Verdict::Wins(it) => Some(it == self.settings.designation),
            Verdict::Person => None,
        }
    }

    /// Whether one and the other are both standby or undecided and no other row says who acts.
    pub(crate) fn none_active(
        &self,
        state: StateId,
        follows: Option<hotpair_types::Instance>,
    ) -> bool {
        let Some(partner) = self.heard_partner() else { return false };
        let Some(view) = self.answers() else { return false };
        let undecided = |it: StateId| it == StateId::DeterminingFailoverStatus || it.is_standby();
        if !undecided(state) || !undecided(view.state) {
            return false;
        }
        // 1 against 8 or 9: the one that is level moves, or lets the other go on, if it can.
        let partner_decides = view.state.is_level()
            && state == StateId::DeterminingFailoverStatus
            && self.could_act(state);
        let partner_ready_of_older = view.state.is_level() && !view.follows && !state.is_level();
        let we_decide = state.is_level()
            && (follows != Some(partner.instance)
                || (view.state == StateId::DeterminingFailoverStatus && view.storage_ok))
            && !view.state.is_level();
        !partner_decides && !partner_ready_of_older && !we_decide
    }
}
