//! The messages between the node and a program that is a runtime state provider.
use crate::answer::document;
use crate::face::{
    Done, Problem, ProblemKind, ProviderEncoding, ProviderEvent, ProviderItem, ProviderOp,
    WriteOutcome,
};
use crate::name::check_item;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hotpair_types::{Ack, StateId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// From the program.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Incoming {
    /// Changes that the program has applied.
    Post {
        id: u64,
        ops: Vec<OpMessage>,
        #[serde(default)]
        ack: Option<Ack>,
        #[serde(default)]
        idempotency_key: Option<String>,
    },
    /// The answer to `snapshot-wanted`.
    Snapshot { id: u64, items: Vec<ItemMessage> },
}

/// One change.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum OpMessage {
    Set {
        item: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<Value>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value_base64: Option<String>,
    },
    Remove {
        item: String,
    },
    ReplaceAll {
        items: Vec<ItemMessage>,
    },
}

/// One item with its value: JSON, or any bytes in base64.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemMessage {
    item: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

impl OpMessage {
    pub(super) fn parse(self) -> Result<ProviderOp, Problem> {
        match self {
            Self::Set { item, value, value_base64 } => {
                ItemMessage { item, value, value_base64 }.parse().map(ProviderOp::Set)
            }
            Self::Remove { item } => {
                check_item(&item, ProblemKind::Unprocessable)?;
                Ok(ProviderOp::Remove { item })
            }
            Self::ReplaceAll { items } => parse_items(items).map(ProviderOp::ReplaceAll),
        }
    }

    fn show(op: ProviderOp, encoding: ProviderEncoding) -> Self {
        match op {
            ProviderOp::Set(item) => {
                let ItemMessage { item, value, value_base64 } = ItemMessage::show(item, encoding);
                Self::Set { item, value, value_base64 }
            }
            ProviderOp::Remove { item } => Self::Remove { item },
            ProviderOp::ReplaceAll(items) => {
                Self::ReplaceAll { items: show_items(items, encoding) }
            }
        }
    }
}

impl ItemMessage {
    fn parse(self) -> Result<ProviderItem, Problem> {
        check_item(&self.item, ProblemKind::Unprocessable)?;
        let refuse = |text: &str| Err(Problem::new(ProblemKind::Unprocessable, text));
        let value = match (self.value, self.value_base64) {
            (Some(value), None) => serde_json::to_vec(&value).expect("a JSON value is JSON"),
            (None, Some(coded)) => match BASE64_STANDARD.decode(coded) {
                Ok(value) => value,
                Err(_) => return refuse("`value_base64` is not base64"),
            },
            // `"value": null` arrives as absent: JSON's null is a value too.
            (None, None) => b"null".to_vec(),
            (Some(_), Some(_)) => return refuse("`value` and `value_base64` exclude each other"),
        };
        Ok(ProviderItem { item: self.item, value })
    }

    fn show(it: ProviderItem, encoding: ProviderEncoding) -> Self {
        let value = match encoding {
            ProviderEncoding::Json => serde_json::from_slice(&it.value).ok(),
            ProviderEncoding::Base64 => None,
        };
        let value_base64 = value.is_none().then(|| BASE64_STANDARD.encode(&it.value));
        Self { item: it.item, value, value_base64 }
    }
}

pub(super) fn parse_items(items: Vec<ItemMessage>) -> Result<Vec<ProviderItem>, Problem> {
    items.into_iter().map(ItemMessage::parse).collect()
}

fn show_items(items: Vec<ProviderItem>, encoding: ProviderEncoding) -> Vec<ItemMessage> {
    items.into_iter().map(|it| ItemMessage::show(it, encoding)).collect()
}

/// To the program.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Outgoing {
    /// The session is open.
    Welcome { provider: String, encoding: ProviderEncoding, node: String },
    /// The partner's changes.
    Apply { sequence: u64, epoch: u64, ops: Vec<OpMessage> },
    /// The whole state.
    Restore { sequence: u64, epoch: u64, items: Vec<ItemMessage> },
    /// Give a snapshot.
    SnapshotWanted { id: u64 },
    /// The engine's state here; `may_post` while it is active.
    Role { state: StateId, epoch: u64, may_post: bool },
    /// What became of a post.
    Posted {
        id: u64,
        #[serde(flatten)]
        outcome: OutcomeMessage,
    },
}

/// Three outcomes, never two.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub(super) enum OutcomeMessage {
    Done(Done),
    Refused { problem: Value },
    Unknown { detail: String },
}

impl OutcomeMessage {
    pub(super) fn refused(problem: &Problem) -> Self {
        Self::Refused { problem: document(problem) }
    }
}

impl From<WriteOutcome> for OutcomeMessage {
    fn from(outcome: WriteOutcome) -> Self {
        match outcome {
            WriteOutcome::Done(done) => Self::Done(done),
            WriteOutcome::Refused(problem) => Self::refused(&problem),
            WriteOutcome::Unknown { detail } => Self::Unknown { detail },
        }
    }
}

/// Items from which on a message is large.
const LARGE_ITEMS: usize = 1_000;

impl Outgoing {
    /// Whether it takes long to write it out.
    pub(super) fn is_large(&self) -> bool {
        let items = match self {
            Self::Apply { ops, .. } => ops.len(),
            Self::Restore { items, .. } => items.len(),
            Self::Welcome { .. }
            | Self::SnapshotWanted { .. }
            | Self::Role { .. }
            | Self::Posted { .. } => 0,
        };
        items >= LARGE_ITEMS
    }

    /// The message for an event; `Err` has the reason of a close.
    pub(super) fn of(event: ProviderEvent, encoding: ProviderEncoding) -> Result<Self, String> {
        match event {
            ProviderEvent::Apply { ops, sequence, epoch } => {
                let ops = ops.into_iter().map(|it| OpMessage::show(it, encoding)).collect();
                Ok(Self::Apply { sequence, epoch, ops })
            }
            ProviderEvent::Restore { items, sequence, epoch } => {
                Ok(Self::Restore { sequence, epoch, items: show_items(items, encoding) })
            }
            ProviderEvent::SnapshotWanted { id } => Ok(Self::SnapshotWanted { id }),
            ProviderEvent::Role { state, epoch } => {
                Ok(Self::Role { state, epoch, may_post: state.is_active() })
            }
            ProviderEvent::Close { reason } => Err(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_through_in_either_encoding() {
        for (text, encoding) in [
            (r#"{"item":"a","value":{"x":[1,2.5]}}"#, ProviderEncoding::Json),
            (r#"{"item":"a","value":null}"#, ProviderEncoding::Json),
            (r#"{"item":"a","value_base64":"/wA="}"#, ProviderEncoding::Base64),
            (r#"{"item":"a","value_base64":"/wA="}"#, ProviderEncoding::Json),
        ] {
            let message: ItemMessage = serde_json::from_str(text).unwrap();
            let item = message.parse().unwrap();
            let shown = ItemMessage::show(item.clone(), encoding);
            assert_eq!(shown.parse().unwrap(), item, "{text}");
        }
    }

    #[test]
    fn a_hostile_item_is_refused() {
        for text in [
            r#"{"item":"","value":1}"#,
            r#"{"item":"a/../b","value":1}"#,
            r#"{"item":"a","value":1,"value_base64":"AA=="}"#,
            r#"{"item":"a","value_base64":"§"}"#,
        ] {
            let message: ItemMessage = serde_json::from_str(text).unwrap();
            assert!(message.parse().is_err(), "{text}");
        }
    }
}
