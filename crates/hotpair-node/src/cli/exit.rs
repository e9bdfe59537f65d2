//! How a command ends: five statuses, and what is said with each.

use super::terminal::{Screen, clean};
use super::words::{evidence_lines, reason_lines};
use crate::settings::Problems;
use hotpair_api::face::Reason;
use serde_json::json;
use std::process::ExitCode;

/// The status of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed, or not as wanted.
    Failed,
    /// Wrong use.
    WrongUse,
    /// No node could be reached.
    NotReachable,
    /// A node refused, with the reason.
    Refused,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::WrongUse => 2,
            Exit::NotReachable => 3,
            Exit::Refused => 4,
        })
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// Failed, in words.
    Failed(String),
    /// A settings file is wrong.
    Settings(Problems),
    /// The command cannot mean anything as it was written.
    WrongUse(String),
    /// No node answered.
    NotReachable(String),
    /// A node answered, and did not do it.
    Answered {
        /// The status it ends with.
        exit: Exit,
        /// One sentence.
        text: String,
        /// The stable id of the problem.
        id: String,
        /// Every reason that holds.
        reasons: Vec<Reason>,
        /// The node to ask instead.
        active: Option<String>,
    },
}

impl Failure {
    /// The status it ends with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Failed(_) | Self::Settings(_) => Exit::Failed,
            Self::WrongUse(_) => Exit::WrongUse,
            Self::NotReachable(_) => Exit::NotReachable,
            Self::Answered { exit, .. } => *exit,
        }
    }

    /// In one sentence.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Failed(text) | Self::WrongUse(text) | Self::NotReachable(text) => text.clone(),
            Self::Answered { text, .. } => clean(text, 500),
            Self::Settings(problems) => problems.to_string(),
        }
    }

    pub(super) fn show(&self, screen: &Screen) {
        if screen.json {
            let body = match self {
                Self::Failed(text) => json!({"id": "failed", "text": text}),
                Self::Settings(problems) => {
                    json!({"id": "wrong-settings", "text": problems.to_string()})
                }
                Self::WrongUse(text) => json!({"id": "wrong-use", "text": text}),
                Self::NotReachable(text) => json!({"id": "not-reachable", "text": text}),
                Self::Answered { text, id, reasons, active, .. } => {
                    json!({"id": id, "text": text, "reasons": reasons, "active": active})
                }
            };
            screen.json(&json!({ "error": body }));
            return;
        }
        match self {
            Self::Failed(text) | Self::WrongUse(text) | Self::NotReachable(text) => {
                screen.error(&format!("{} {text}", screen.red("error:")));
            }
            Self::Settings(problems) => screen.error(&problems.to_string()),
            Self::Answered { exit, text, id, reasons, active } => {
                let word = if *exit == Exit::Refused { "refused:" } else { "error:" };
                screen.error(&format!("{} {}", screen.red(word), clean(text, 500)));
                for line in reasons.iter().flat_map(|it| match reasons.as_slice() {
                    // What was said already is not said again.
                    [only] if only.text == *text => evidence_lines(&it.evidence, screen),
                    _ => reason_lines(it, screen),
                }) {
                    screen.error(&line);
                }
                match active {
                    Some(active) => {
                        screen.error(&format!("  ask {} instead", clean(active, 200)));
                    }
                    None if id == "not-active" => screen.error(
                        "  ask on the partner's host: its HTTP interface cannot be reached from here",
                    ),
                    None if id == "unknown-tag" => screen.error(
                        "  tags are declared in config: hotpair config set 'tags/PATH={\"type\":\"float\"}'",
                    ),
                    None => {}
                }
            }
        }
    }
}
