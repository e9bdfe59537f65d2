//! What must hold of every change of role.
use crate::world::{OTHER, World};
use hotpair_fsm::{Action, Machine, RoleChange, Rule};
use hotpair_types::{Mode, StateId};

/// The first promise that a change of role breaks.
pub(crate) fn broken_change(world: &World, it: &(usize, RoleChange)) -> Option<String> {
    let (host, change) = it;
    let (from, to, rule) = (change.from, change.to, change.rule);
    let told = |name: &str, what: &str| {
        let (from, to) = (from.number(), to.number());
        Some(format!("{name}: {host} leaves {from} for {to} by {}: {what}", rule.id()))
    };
    let promotes = to == StateId::SwitchingToActive;
    if promotes && !may_promote(from, rule) {
        return told("S3", "nothing allows it");
    }
    let other = &world.hosts[OTHER[*host]];
    let theirs = other.history.positions();
    // One that is void by now is accepted in vain.
    let stands = world.state(OTHER[*host]) == StateId::SwitchingToStandby;
    if rule == Rule::Offered && stands && change.positions != theirs {
        return told("S4", &format!("the handover ends at {theirs}"));
    }
    if promotes && is_death(rule) && other.live.is_none() && other.behind {
        return told("S4", "who died had gone on alone");
    }
    let same = change.partner.is_some_and(|(it, _)| it == world.instance(OTHER[*host]));
    let alone = other.has_sole() || other.disk.marks.unverified;
    if rule == Rule::LeftUnreplicated && same && alone {
        return told("S4", "who left had gone on alone");
    }
    if change.epoch < change.epoch_before {
        return told("S5", "the epoch went back");
    }
    let record = world.live(*host)?.machine.record();
    if matches!(rule, Rule::ActiveWentOn | Rule::Dropped) && !record.marks.stale {
        return told("S7", "not noted as stale");
    }
    // What is not durable yet was not answered, and may still be moved past.
    let paused = record.paused && world.hosts[*host].disk.paused;
    if paused && !may_while_paused(to, rule) {
        return told("pause", "nothing moves by itself");
    }
    let silence = matches!(rule, Rule::Silent | Rule::HintUnanswered);
    if silence && record.damping.suspended && world.mode != Mode::Arbiter {
        return told("damping", "suspended, and it is no proof");
    }
    None
}

/// By the guard's word on the partner.
const fn is_death(rule: Rule) -> bool {
    matches!(rule, Rule::Fenced | Rule::WinnerFenced)
}

/// What a person asks for, and what closes outputs.
const fn may_while_paused(to: StateId, rule: Rule) -> bool {
    let promotes = matches!(to, StateId::SwitchingToActive);
    let hands_over = matches!(to, StateId::SwitchingToStandby);
    let asked = matches!(rule, Rule::Promoted | Rule::Offered | Rule::Switchover);
    asked
        || !(promotes || hands_over)
        || (hands_over && matches!(rule, Rule::ElectionLost | Rule::UnverifiedYields))
}

/// S13: what an event did to the role stands in the changes that were told.
pub(crate) fn untold(before: StateId, actions: &[Action], after: &Machine) -> Option<String> {
    let mut at = before;
    for action in actions {
        let Action::Record(change) = action else { continue };
        if change.from != at {
            break;
        }
        at = change.to;
    }
    let after = after.state();
    let (before, now) = (before.number(), after.number());
    (at != after).then(|| format!("S13: from {before} to {now}, and not every change is told"))
}

/// S3, written down once more, apart from the table of edges.
fn may_promote(from: StateId, rule: Rule) -> bool {
    use Rule::*;
    let proof = [Left, LeftUnreplicated, Fenced, NewerInstance, LateRelease];
    let level = [Silent, HintUnanswered, Offered];
    let behind = [LeftEqual, HandBack, LateRelease, WinnerFenced, Retried];
    let unsure = [NotMoved, AloneSole, AloneUnverified, PartnerYielded];
    rule == Promoted
        || (rule == Elected && (from.is_standby() || from.number() == 1))
        || (from.is_level() && (proof.contains(&rule) || level.contains(&rule)))
        || (from.is_syncing() && behind.contains(&rule))
        || (from.number() == 1 && unsure.contains(&rule))
}
