//! What a step of an object shows of the attributes that its alarms watch.
use crate::objects::Name;
use crate::tags::TagRecord;
use std::time::Duration;

/// The watched attributes after a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The time since the last step, by the schedule.
    pub(super) elapsed: Duration,
    /// In no order, few.
    values: Vec<(Name, TagRecord)>,
}

impl Observed {
    /// After a scan.
    #[must_use]
    pub const fn new(elapsed: Duration, values: Vec<(Name, TagRecord)>) -> Self {
        Self { elapsed, values }
    }

    /// After a fault: no value can be used, and no time counts.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    pub(super) fn value(&self, attribute: &Name) -> Option<&TagRecord> {
        self.values.iter().find(|it| it.0 == *attribute).map(|it| &it.1)
    }
}
