//! Alarms of objects, by the states of ISA-18.2: as they stand, and what people want of them.
use serde::{Deserialize, Serialize};

/// What makes an alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlarmCondition {
    /// The attribute it watches.
    pub attribute: String,
    /// `low-low`, `low`, `high`, `high-high`, `true` or `false`.
    pub when: String,
    /// The limit, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// How far the value has to come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadband: Option<f64>,
    /// The unit of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// Who acknowledged, and what they said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmWord {
    /// Who.
    pub who: String,
    /// What they said; may be empty.
    pub comment: String,
    /// When, milliseconds since 1970.
    pub timestamp: u64,
}

/// The last change of an alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmChange {
    /// The state before it.
    pub from: String,
    /// What it was.
    pub cause: String,
    /// When, milliseconds since 1970.
    pub timestamp: u64,
    /// Who did it, if it was a person or a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// What they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// One alarm of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectAlarm {
    /// The object.
    pub object: String,
    /// Its alarm.
    pub alarm: String,
    /// `normal`, `unacknowledged`, `acknowledged`, `returned-unacknowledged`, `shelved`, `suppressed` or
    /// `out-of-service`.
    pub state: String,
    /// Whether the condition holds, also while the alarm is put aside.
    pub present: bool,
    /// The last value could not be used.
    pub bad: bool,
    /// How often it was announced.
    pub occurrence: u64,
    /// `low`, `medium`, `high` or `critical`.
    pub priority: String,
    /// For people.
    pub message: String,
    /// What makes it.
    pub condition: AlarmCondition,
    /// How much of its delay is over; absent when none runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// What is left of its time on the shelf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shelf_ms: Option<u64>,
    /// Who acknowledged the last occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<AlarmWord>,
    /// The last change; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<AlarmChange>,
    /// The sequence of the entry of the last change; 0 before the first.
    pub sequence: u64,
    /// The number of its epoch.
    pub epoch: u64,
}

/// Some alarms in the order of objects and alarms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectAlarmPage {
    /// The alarms.
    pub alarms: Vec<ObjectAlarm>,
    /// Where to go on with `?after=`; absent at the end.
    pub next: Option<String>,
}

/// What is wanted of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmCommand {
    /// It was seen.
    Acknowledge {
        /// Only this occurrence; absent: whichever it is.
        occurrence: Option<u64>,
    },
    /// Put it aside for this long.
    Shelve {
        /// From a second to a day.
        for_ms: u64,
    },
    /// Take it up again before its time.
    Unshelve,
    /// A rule of the design applies.
    Suppress,
    /// It does not apply any more.
    Unsuppress,
    /// Take it out of service.
    TakeOut,
    /// Put it back.
    PutBack,
}

/// A command with who gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmOrder {
    /// What.
    pub command: AlarmCommand,
    /// Who; absent: the caller, as the node sees it.
    pub who: Option<String>,
    /// What they say; may be empty.
    pub comment: String,
}
