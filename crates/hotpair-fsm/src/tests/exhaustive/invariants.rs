//! What must hold in every world, whoever did what.
use super::super::steps::Step;
use super::super::third::With;
use super::super::world::{OTHER, World};
use crate::{Command, Rule, Timer};
use hotpair_types::StateId;

/// S1, S2, S3, S4 as far as promises go, S5 and S7; S12 is that nothing panics on the way.
pub(super) fn check(world: &World, never_two: bool) -> Result<(), String> {
    if never_two && world.is_open(0) && world.is_open(1) {
        return Err("S1/S2: both have their outputs open".into());
    }
    for host in 0..2 {
        let Some(live) = world.live(host) else { continue };
        if !world.is_open_by_right(host) {
            return Err(format!("S2: {host} is open without a grant or acknowledgement"));
        }
        if live.open.is_some_and(|it| it > world.hosts[host].disk.epoch) {
            return Err("S5: acts before its epoch is durable".into());
        }
        let (record, disk) = (live.machine.record(), &world.hosts[host].disk);
        if live.machine.view().level {
            let sole = disk.marks.sole.is_some() && disk.marks.sole == Some(disk.last_used);
            let noted = world.has_arbiter() && world.third.alone == Some(host);
            if sole || noted || world.hosts[host].behind {
                return Err(
                    "S4: level is told while sole is durable, or guard or arbiter say behind"
                        .into(),
                );
            }
        }
        if world.hosts[host].disk.marks.stale
            && live.open.is_some()
            && record.promoted_by_person.is_none()
        {
            return Err("S7: a stale node acts by itself".into());
        }
    }
    for (host, change) in &world.changes {
        if change.to == StateId::SwitchingToActive && !may_promote(change.from, change.rule) {
            return Err(format!("S3: {host} from {} by {:?}", change.from, change.rule));
        }
        let theirs = world.hosts[OTHER[*host]].history.positions();
        if change.rule == Rule::Offered && change.positions != theirs {
            return Err(format!("S4: {host} accepts a handover that ends at {theirs}"));
        }
        if change.epoch < change.epoch_before {
            return Err(format!("S5: the epoch went back: {change:?}"));
        }
    }
    Ok(())
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

/// L1: faults off, both up, links whole: one active and one ready standby.
pub(super) fn heals(mut world: World) -> Result<(), String> {
    world.changes.clear();
    world.cut = [false; 2];
    world.mend_arbiter();
    for host in 0..2 {
        world.mend(host);
    }
    for _ in 0..8 {
        for host in 0..2 {
            let ask = |it| Step::Ask(host, it);
            let (paused, stopped) =
                (world.hosts[host].disk.paused, world.state(host) == StateId::Unknown);
            for (wanted, step) in [
                (true, Step::Start(host)),
                (stopped, ask(Command::Deploy)),
                (paused, ask(Command::Resume)),
            ] {
                if wanted && world.can(step) {
                    world.take(step);
                }
            }
        }
        world.run();
        let states = [world.state(0), world.state(1)];
        if states.iter().any(|it| it.is_active()) && states.contains(&StateId::StandbyReady) {
            return Ok(());
        }
        for host in 0..2 {
            let lease_ends = Step::With(host, With::LeaseEnds);
            if world.can(lease_ends) {
                world.take(lease_ends);
            }
            for timer in [
                Timer::Handover,
                Timer::Retry,
                Timer::StartupAllowance,
                Timer::Leave,
                Timer::Answer,
            ] {
                if world.can(Step::Elapsed(host, timer)) {
                    world.take(Step::Elapsed(host, timer));
                }
            }
        }
    }
    let show = |it: usize| {
        world.live(it).map(|live| {
            let machine = &live.machine;
            let (trust, told) = (machine.cx.trust, machine.cx.is_durable());
            let view = machine.view();
            let (state, round, echo) = (machine.state().number(), view.round, view.echo);
            format!(
                "{state} {:?} {trust:?} durable {told} round {round} echo {echo}",
                machine.waiting()
            )
        })
    };
    let ways: Vec<_> =
        world.changes.iter().map(|(host, it)| (host, it.to.number(), it.rule)).collect();
    Err(format!("L1: rests at\n {:?}\n {:?}\n {ways:?}", show(0), show(1)))
}
