//! Refusals and waits of the deciding crates as the API and people see them.
use hotpair_api::face::{Evidence, Problem, ProblemKind, Reason};
use hotpair_fsm::{Refusal, Waiting};
use hotpair_replication as replication;
use std::time::Duration;

/// A refusal of the state machine, with a stable id.
#[must_use]
pub fn of_refusal(refusal: &Refusal) -> Reason {
    // The variant's name is the id: one list of reasons, in the state machine.
    let debug = format!("{refusal:?}");
    let name = debug.split([' ', '{', '(']).next().unwrap_or_default();
    Reason::new(kebab(name), refusal.to_string())
}

/// Why a node stays where it is, if it waits for something.
#[must_use]
pub fn of_waiting(waiting: Waiting) -> Option<Reason> {
    if waiting == Waiting::No {
        return None;
    }
    let debug = format!("{waiting:?}");
    let name = debug.split([' ', '{', '(']).next().unwrap_or_default();
    Some(Reason::new(kebab(name), waiting.why()))
}

fn kebab(name: &str) -> String {
    let mut text = String::new();
    for (index, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && index > 0 {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// A write that the replica refused, as a problem. `partner`: the base address of the partner.
#[must_use]
pub fn of_write(refusal: &replication::Refusal, partner: Option<String>) -> Problem {
    let text = refusal.to_string();
    match refusal {
        replication::Refusal::NotHere(replication::Taker::Partner) => {
            Problem::not_active(text, partner)
        }
        replication::Refusal::NotHere(replication::Taker::Undecided) => {
            Problem::new(ProblemKind::NoActive, text).retry_after(Duration::from_secs(1))
        }
        replication::Refusal::ConfigOnMasterOnly => {
            let text = format!(
                "{text}; set config.writable_on = \"active\" to write on whichever node is active"
            );
            Problem { active: partner, ..Problem::new(ProblemKind::ConfigOnMasterOnly, text) }
        }
        replication::Refusal::SwitchingOver => {
            Problem::new(ProblemKind::NoActive, text).retry_after(Duration::from_secs(1))
        }
        replication::Refusal::Expectation { item, current } => {
            let now = current.map_or_else(|| "not there".to_owned(), |it| it.sequence.to_string());
            let evidence = Evidence::new(format!("version of {item}"), now);
            let reason = Reason::new("version", text.clone()).with(evidence);
            Problem::new(ProblemKind::VersionMismatch, text).because(vec![reason])
        }
        replication::Refusal::NotThere { .. } => Problem::new(ProblemKind::UnknownKey, text),
        replication::Refusal::NoStandby => Problem::new(ProblemKind::StandbyRequired, text),
        replication::Refusal::Overloaded { .. } => {
            Problem::new(ProblemKind::Overloaded, text).retry_after(Duration::from_secs(1))
        }
        replication::Refusal::TooLarge { .. } | replication::Refusal::TooManyChanges { .. } => {
            Problem::new(ProblemKind::BodyTooLarge, text)
        }
        replication::Refusal::Malformed { .. } => Problem::new(ProblemKind::Unprocessable, text),
        replication::Refusal::KeyTooOld { .. } => Problem::new(ProblemKind::KeyExpired, text),
        replication::Refusal::StorageFailed => Problem::new(ProblemKind::StorageFailed, text),
        replication::Refusal::NoSuchRecord => Problem::new(ProblemKind::UnknownDivergence, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_a_stable_id_and_a_sentence() {
        let reason =
            of_refusal(&Refusal::RedundancyNotOnTime { redundancy: hotpair_fsm::Pulse::Silent });
        assert_eq!(reason.id, "redundancy-not-on-time");
        assert!(reason.text.contains("redundancy channel is silent"));
    }
}
