//! A script goes in, a transcript of role changes comes out. Only `check` knows the world.
mod main_way;
mod evidence;
mod endings;
mod leaving;
mod left_alone;
mod commands;
mod handover;
mod modes;
mod granted;
mod ungranted;
mod by_person;
mod conflict;
mod trouble;
mod storage;
mod resuming;
mod recovery;
mod detector;

use super::oddities::Odd;
use super::steps::Step;
use super::third::With;
use super::world::World;
use crate::{Command, Reply, Settings, Timer};
use expect_test::Expect;
use hotpair_types::Mode;
use std::fmt::Write as _;

/// Each line is one step; after each, everything that happens by itself happens.
#[track_caller]
fn check(script: &str, transcript: &Expect) {
    check_with(|_| {}, script, transcript);
}

#[track_caller]
fn check_with(change: impl Fn(&mut Settings), script: &str, transcript: &Expect) {
    let mut world = World::new(change);
    let mut actual = String::new();
    for line in script.lines().map(str::trim).filter(|it| !it.is_empty()) {
        let (quiet, line) = line.strip_prefix("! ").map_or((false, line), |it| (true, it));
        for step in parse(line) {
            assert!(
                world.can(step),
                "{line}: cannot happen in {:?} {:?}\n{actual}",
                world.state(0),
                world.state(1)
            );
            world.take(step);
        }
        if !quiet {
            world.run();
        }
        writeln!(actual, "{line}").unwrap();
        for (host, reply) in world.replies.drain(..) {
            writeln!(actual, "    {} answers {}", ["master", "backup"][host], said(&reply))
                .unwrap();
        }
        for (host, change) in world.changes.drain(..) {
            let name = ["master", "backup"][host];
            let (from, to, rule) = (change.from.number(), change.to.number(), change.rule.id());
            writeln!(actual, "    {name} {from} -> {to} {rule} {}", change.epoch).unwrap();
        }
        let shows = |it: usize| {
            world.live(it).map_or_else(
                || "-".into(),
                |live| {
                    let open = if live.open.is_some() { " open" } else { "" };
                    let machine = &live.machine;
                    let id = machine.state().number();
                    format!(
                        "{id}{open} {:?} sees {}",
                        machine.acknowledge(),
                        machine.partner_state().number()
                    )
                },
            )
        };
        writeln!(actual, "    = {} | {}", shows(0), shows(1)).unwrap();
    }
    transcript.assert_eq(&actual);
}

fn said(reply: &Reply) -> String {
    match reply {
        Reply::Accepted => "accepted".into(),
        Reply::Done => "done".into(),
        Reply::Refused(reasons) => {
            let reasons: Vec<_> = reasons.iter().map(ToString::to_string).collect();
            format!("refused: {}", reasons.join("; "))
        }
    }
}

fn parse(line: &str) -> Vec<Step> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let host = |it: &str| match it {
        "master" => 0,
        "backup" => 1,
        other => panic!("no such host: {other}"),
    };
    let command = |it: &str| match it {
        "switchover" => Command::Switchover,
        "hand-over" => Command::HandOver,
        "become-active" => Command::BecomeActive,
        "promote" => Command::Promote { accept_loss: true },
        "promote-unconfirmed" => Command::Promote { accept_loss: false },
        "pause" => Command::Pause,
        "resume" => Command::Resume,
        "undeploy" => Command::Undeploy,
        "deploy" => Command::Deploy,
        "leave" => Command::Leave,
        "reinit" => Command::Reinit,
        other => panic!("no such command: {other}"),
    };
    if let Some((at, what)) = rest.split_once(' ') {
        assert_eq!(word, "ask");
        return vec![Step::AskAnyway(host(at), command(what))];
    }
    match word {
        "cut" => return vec![Step::Cut(0), Step::Cut(1)],
        "heal" => return vec![Step::Heal(0), Step::Heal(1)],
        "nothing" => return Vec::new(),
        _ => {}
    }
    let host = host(rest);
    vec![match word {
        "start" => Step::Start(host),
        "crash" => Step::Crash(host),
        "kill" => Step::CrashWithGuard(host),
        "fenced" => Step::Fenced(host),
        "misses" => Step::Misses(host),
        "silent" => Step::Silent(host),
        "hint" => Step::Hint(host),
        "unacknowledged" => Step::Unacknowledged(host),
        "fence-due" => Step::FenceDue(host),
        "promote-due" => Step::PromoteDue(host),
        "alone" => Step::Elapsed(host, Timer::StartupAllowance),
        "timeout" => Step::Elapsed(host, Timer::Handover),
        "leave-over" => Step::Elapsed(host, Timer::Leave),
        "hold-over" => Step::Elapsed(host, Timer::RecoveryHold),
        "write" => Step::Write(host),
        "write-unsent" => Step::WriteUnsent(host),
        "fail-promotion" => Step::FailPromotion(host),
        "late" => Step::DeliverOld(host),
        "retry" => Step::Elapsed(host, Timer::Retry),
        "hears" => Step::Hears(host),
        "deliver" => Step::Deliver(host),
        "silence-over" => Step::Elapsed(host, Timer::Silence),
        "answer-over" => Step::Elapsed(host, Timer::Answer),
        "quiet-window" => Step::Elapsed(host, Timer::Damping),
        "storage-fails" => Step::Odd(host, Odd::StorageFails),
        "network-fails" => Step::Odd(host, Odd::NetworkFails),
        "module-missing" => Step::Odd(host, Odd::ModuleMissing),
        "settings-differ" => Step::Odd(host, Odd::SettingsDiffer),
        "gap" => Step::Odd(host, Odd::Gap),
        "not-sent" => Step::Odd(host, Odd::NotSent),
        "data-late" => Step::Odd(host, Odd::DataLate),
        "redundancy-silent" => Step::Odd(host, Odd::RedundancySilent),
        "guard-lost" => Step::Odd(host, Odd::GuardLost),
        "one-way" => Step::Odd(host, Odd::OneWay),
        "recovers-by-itself" => Step::Odd(host, Odd::Automatic),
        "mend" => Step::Mend(host),
        "arbiter-away" => Step::With(host, With::Cut),
        "arbiter-back" => Step::With(host, With::Heal),
        "grant-ending" => Step::Elapsed(host, Timer::Grant),
        "grant-lost" => Step::With(host, With::Lost),
        "lease-ends" => Step::With(host, With::LeaseEnds),
        "stalled" => Step::Stalled(host),
        "cut-from" => Step::Cut(host),
        "heal-from" => Step::Heal(host),
        other => panic!("no such step: {other}"),
    }]
}

fn no_split(settings: &mut Settings) {
    settings.mode = Mode::NoSplit;
    settings.start_alone = hotpair_types::StartAlone::Proven;
}

fn manual(settings: &mut Settings) {
    settings.mode = Mode::Manual;
    settings.start_alone = hotpair_types::StartAlone::Proven;
}

/// One step of a script by itself, and what happens by itself after it.
#[track_caller]
fn step(world: &mut World, line: &str) {
    for step in parse(line) {
        assert!(world.can(step), "{line}");
        world.take(step);
    }
    world.run();
}

/// A script in mode `arbiter` that begins with a level pair.
#[track_caller]
fn check_granted(script: &str, transcript: &Expect) {
    check_with(arbiter, &format!("start master\nstart backup\n{script}"), transcript);
}

fn arbiter(settings: &mut Settings) {
    settings.mode = Mode::Arbiter;
    settings.start_alone = hotpair_types::StartAlone::Proven;
}

fn newest(settings: &mut Settings) {
    settings.conflict_winner = hotpair_types::ConflictWinner::NewestEpoch;
}

/// Suspends after the first change.
fn nervous(settings: &mut Settings) {
    settings.suspend_after = 1;
}
