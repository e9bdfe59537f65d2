//! Objects: what they run, how they do, what their attributes say.
use super::{PositionStatus, Reason, TagQuality};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an object does on the node that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectState {
    /// It is scanned here.
    Running,
    /// Its module is being made ready here.
    Waiting,
    /// It does not run, for the reasons given; the others do.
    Fault,
    /// The outputs of this node are closed: what is shown is its last checkpoint.
    Standby,
}

impl ObjectState {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Fault => "fault",
            Self::Standby => "standby",
        }
    }
}

/// When an object is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectSchedule {
    /// From one scan to the next.
    pub period_ms: u64,
    /// How long after the beginning of a period.
    pub phase_ms: u64,
    /// A scan that takes longer is a fault.
    pub scan_limit_ms: u64,
}

/// How long something took, since the outputs of this node opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectTimes {
    /// How many were counted.
    pub count: u64,
    /// The last one.
    pub last_us: u64,
    /// All of them together, by their number.
    pub mean_us: u64,
    /// The longest.
    pub longest_us: u64,
}

/// One object in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectStatus {
    /// Its name.
    pub name: String,
    /// What it runs; absent when its record cannot be read any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// What it does here.
    pub state: ObjectState,
    /// Why it does not run.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    /// When it is scanned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ObjectSchedule>,
    /// The number of its last step that is in the journal; 0 before the first.
    pub scan: u64,
    /// Slots left out, since the outputs of this node opened.
    pub overruns: u64,
    /// How long its scans took; only where it is scanned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan_time: Option<ObjectTimes>,
    /// How long after their slots they began; only where it is scanned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<ObjectTimes>,
}

/// Some objects in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectPage {
    /// The objects.
    pub objects: Vec<ObjectStatus>,
    /// Where to go on with `?after=`; absent at the end.
    pub next: Option<String>,
}

/// Where an attribute's value comes from or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectBinding {
    /// The object's own.
    Own,
    /// From a tag, before each scan.
    Input,
    /// To a tag, after each scan.
    Output,
}

/// One attribute of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectAttribute {
    /// Its name.
    pub name: String,
    /// The declared type.
    #[serde(rename = "type")]
    pub value_type: String,
    /// The declared unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Its value after the last scan; of an input, what its tag says now.
    pub value: Value,
    /// How far it can be trusted.
    pub quality: TagQuality,
    /// When it became so, milliseconds since 1970; 0: never.
    pub timestamp: u64,
    /// Where it comes from or goes to.
    pub binding: ObjectBinding,
    /// The tag it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// Everything about one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectDetail {
    /// As in a list.
    #[serde(flatten)]
    pub object: ObjectStatus,
    /// What its private state is state of; absent before the first scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The entry of its last step; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<PositionStatus>,
    /// In the order of their names.
    pub attributes: Vec<ObjectAttribute>,
    /// The newest lines that its program said on this node, oldest first; the other node has its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<ObjectLine>,
}

/// What a person sets an attribute to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeValue {
    /// As the attribute is declared.
    pub value: Value,
    /// How far it can be trusted.
    #[serde(default)]
    pub quality: TagQuality,
}

/// A line that a program said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLine {
    /// When, by the wall clock, in milliseconds since 1970.
    pub at_ms: u64,
    /// Without control characters.
    pub text: String,
}
