//! One alarm: a pure machine by ISA-18.2. What it knows is its record, and the record is what travels.
use super::declaration::{AlarmDeclaration, Condition, OnBadQuality, as_float};
use super::state::{AlarmState, Cause, EDGES};
use super::word::Word;
use crate::tags::{Quality, TagRecord, Value};
use hotpair_types::NodeTime;
use std::time::Duration;

/// The shortest time on the shelf.
pub const SHELF_MIN: Duration = Duration::from_secs(1);
/// The longest time on the shelf.
pub const SHELF_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Everything that is known of an alarm. Times are durations that went by, never places on a clock: a
/// partner goes on with them.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmRecord {
    /// Counts the changes.
    pub change: u64,
    /// How often it was announced. An acknowledgement can name the one that is meant.
    pub occurrence: u64,
    /// What was watched, as `AlarmDeclaration::watched`; 0: nothing yet.
    pub(super) watched: u32,
    /// The value is beyond the limit, deadband included.
    pub(super) is_beyond: bool,
    /// That held for its delay: the condition.
    pub(super) is_present: bool,
    /// How long the two have differed.
    pub(super) pending: Duration,
    /// Nothing waits for a person.
    pub(super) is_acknowledged: bool,
    /// The last value could not be used.
    pub is_bad: bool,
    /// What is left of its time on the shelf.
    pub shelf: Option<Duration>,
    pub(super) is_suppressed: bool,
    pub(super) is_out: bool,
    /// Who acknowledged the last occurrence, and when.
    pub acknowledgement: Option<(Word, NodeTime)>,
    /// The last change of state, or the last thing that a person or rule did.
    pub last: LastChange,
}

/// The last change of an alarm that people want to know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastChange {
    /// The state before it.
    pub from: AlarmState,
    /// What it was.
    pub cause: Cause,
    /// Whose word it was, if it was a person's or a rule's.
    pub by: Option<Word>,
    /// When, by the clock of the node that was active. For people.
    pub at: NodeTime,
}

/// What a person or a rule wants of an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// It was seen. With the occurrence that is meant, or whichever it is.
    Acknowledge {
        /// As in [`AlarmRecord::occurrence`].
        occurrence: Option<u64>,
    },
    /// Put it aside, for this long.
    Shelve {
        /// From [`SHELF_MIN`] to [`SHELF_MAX`].
        time: Duration,
    },
    /// Take it up again before its time.
    Unshelve,
    /// A rule of the design applies.
    Suppress,
    /// The rule does not apply any more.
    Unsuppress,
    /// Take it out of service.
    TakeOut,
    /// Put it back.
    PutBack,
}

/// Why a command does nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlarmRefusal {
    /// It is not in a state in which that could be done.
    #[error("the alarm is {}: {needed}", state.id())]
    WrongState {
        /// Its state.
        state: AlarmState,
        /// What would be needed.
        needed: &'static str,
    },
    /// It was announced again since.
    #[error("occurrence {given} is over: the alarm has come {occurrence} times")]
    Over {
        /// The one that was meant.
        given: u64,
        /// The newest.
        occurrence: u64,
    },
    /// Too long or too short on the shelf.
    #[error("{} s on the shelf; 1 s to 24 h are allowed", time.as_secs())]
    ShelfTime {
        /// What was asked for.
        time: Duration,
    },
}

impl Default for AlarmRecord {
    fn default() -> Self {
        Self {
            change: 0,
            occurrence: 0,
            watched: 0,
            is_beyond: false,
            is_present: false,
            pending: Duration::ZERO,
            is_acknowledged: true,
            is_bad: false,
            shelf: None,
            is_suppressed: false,
            is_out: false,
            acknowledgement: None,
            last: LastChange {
                from: AlarmState::Normal,
                cause: Cause::Observed,
                by: None,
                at: NodeTime(0),
            },
        }
    }
}

impl AlarmRecord {
    /// What it is to the people who watch it.
    #[must_use]
    pub const fn state(&self) -> AlarmState {
        if self.is_out {
            AlarmState::OutOfService
        } else if self.is_suppressed {
            AlarmState::Suppressed
        } else if self.shelf.is_some() {
            AlarmState::Shelved
        } else {
            match (self.is_present, self.is_acknowledged) {
                (false, true) => AlarmState::Normal,
                (true, false) => AlarmState::Unacknowledged,
                (true, true) => AlarmState::Acknowledged,
                (false, false) => AlarmState::ReturnedUnacknowledged,
            }
        }
    }

    /// Whether the condition holds, shown or not.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        self.is_present
    }

    /// Whether value and state differ, and for how long that was so already: a delay that runs.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        (self.is_beyond != self.is_present).then_some(self.pending)
    }

    /// Whether nothing differs that people want to know of: times that go by are not that.
    pub(super) fn tells_the_same(&self, other: &Self) -> bool {
        self.last == other.last
            && self.state() == other.state()
            && self.is_present == other.is_present
            && self.is_bad == other.is_bad
    }

    /// The object was scanned: the value it has, and the time since the scan before. The new record, if
    /// anything is different.
    #[must_use]
    pub fn observed(
        &self,
        declaration: &AlarmDeclaration,
        value: Option<&TagRecord>,
        elapsed: Duration,
        at: NodeTime,
    ) -> Option<Self> {
        let watched = declaration.watched();
        // Of another condition it is only known that it is over.
        let is_another = self.watched != 0 && self.watched != watched;
        let over = if is_another { self.over(at) } else { None };
        let next = over.as_ref().unwrap_or(self).held_against(declaration, value, elapsed, at);
        Some(Self { watched, ..next.or(over)? })
    }

    fn held_against(
        &self,
        declaration: &AlarmDeclaration,
        value: Option<&TagRecord>,
        elapsed: Duration,
        at: NodeTime,
    ) -> Option<Self> {
        let mut next = self.clone();
        let usable = value.filter(|it| it.quality != Quality::Bad);
        let beyond = usable.and_then(|it| declaration.condition.is_met(&it.value, self.is_beyond));
        next.is_bad = beyond.is_none();
        match (beyond, declaration.on_bad_quality) {
            (Some(beyond), _) => next.is_beyond = beyond,
            (None, OnBadQuality::Raise) => next.is_beyond = true,
            // A delay begins anew: nobody knows what the value was meanwhile.
            (None, OnBadQuality::Hold) => {
                next.pending = Duration::ZERO;
                return self.ended(next, Cause::Observed, None, at);
            }
        }
        if next.is_beyond == next.is_present {
            next.pending = Duration::ZERO;
            return self.ended(next, Cause::Observed, None, at);
        }
        let (delay, cause) = if next.is_beyond {
            (declaration.on_delay, Cause::Raised)
        } else {
            (declaration.off_delay, Cause::Returned)
        };
        // It counts from the scan that saw it first.
        if self.is_beyond == next.is_beyond {
            next.pending = (self.pending + elapsed).min(delay);
        } else {
            next.pending = Duration::ZERO;
        }
        if next.pending < delay {
            return self.ended(next, Cause::Observed, None, at);
        }
        next.is_present = next.is_beyond;
        next.pending = Duration::ZERO;
        if next.is_present && !next.is_aside() {
            next.announce();
        }
        self.ended(next, cause, None, at)
    }

    /// What it watched is watched no more.
    fn over(&self, at: NodeTime) -> Option<Self> {
        let mut next = self.clone();
        (next.is_beyond, next.is_present, next.pending) = (false, false, Duration::ZERO);
        self.ended(next, Cause::Returned, None, at)
    }

    /// Time went by: the shelf's runs. The new record, if it is on the shelf.
    #[must_use]
    pub fn passed(&self, elapsed: Duration, at: NodeTime) -> Option<Self> {
        let left = self.shelf?.saturating_sub(elapsed);
        let mut next = self.clone();
        if !left.is_zero() {
            next.shelf = Some(left);
            return self.ended(next, Cause::Passed, None, at);
        }
        next.shelf = None;
        next.back();
        self.ended(next, Cause::ShelfEnded, None, at)
    }

    /// Does what a person or a rule wants.
    ///
    /// # Errors
    /// `AlarmRefusal` says why it does nothing.
    pub fn commanded(
        &self,
        command: &Command,
        by: Word,
        at: NodeTime,
    ) -> Result<Self, AlarmRefusal> {
        let state = self.state();
        let needs = |holds: bool, needed| {
            if holds { Ok(()) } else { Err(AlarmRefusal::WrongState { state, needed }) }
        };
        let mut next = self.clone();
        let cause = match command {
            Command::Acknowledge { occurrence } => {
                needs(!self.is_aside() && !self.is_acknowledged, "nothing waits for a person")?;
                if let Some(given) = occurrence.filter(|it| *it != self.occurrence) {
                    return Err(AlarmRefusal::Over { given, occurrence: self.occurrence });
                }
                next.is_acknowledged = true;
                next.acknowledgement = Some((by.clone(), at));
                Cause::Acknowledge
            }
            Command::Shelve { time } => {
                needs(!self.is_aside(), "it is put aside already")?;
                if !(SHELF_MIN..=SHELF_MAX).contains(time) {
                    return Err(AlarmRefusal::ShelfTime { time: *time });
                }
                next.shelf = Some(*time);
                Cause::Shelve
            }
            Command::Unshelve => {
                needs(self.shelf.is_some(), "it is not on the shelf")?;
                next.shelf = None;
                Cause::Unshelve
            }
            Command::Suppress => {
                needs(!self.is_suppressed, "it is suppressed already")?;
                next.is_suppressed = true;
                Cause::Suppress
            }
            Command::Unsuppress => {
                needs(self.is_suppressed, "it is not suppressed")?;
                next.is_suppressed = false;
                Cause::Unsuppress
            }
            Command::TakeOut => {
                needs(!self.is_out, "it is out of service already")?;
                next.is_out = true;
                Cause::TakeOut
            }
            Command::PutBack => {
                needs(self.is_out, "it is in service")?;
                next.is_out = false;
                Cause::PutBack
            }
        };
        if next.is_aside() {
            // Nobody is asked for an acknowledgement of what is not announced.
            next.is_acknowledged = true;
        } else if self.is_aside() {
            next.back();
        }
        Ok(self.ended(next, cause, Some(by), at).expect("a command that is not refused changes it"))
    }

    /// Shelved, suppressed or out of service.
    const fn is_aside(&self) -> bool {
        self.shelf.is_some() || self.is_suppressed || self.is_out
    }

    fn announce(&mut self) {
        self.occurrence += 1;
        self.is_acknowledged = false;
        self.acknowledgement = None;
    }

    /// Not put aside any more, perhaps: what is there is announced.
    fn back(&mut self) {
        if !self.is_aside() && self.is_present {
            self.announce();
        }
    }

    /// Ends a step: counts it, says what it was, holds it against the table.
    fn ended(&self, mut next: Self, cause: Cause, by: Option<Word>, at: NodeTime) -> Option<Self> {
        if next == *self {
            return None;
        }
        let (from, to) = (self.state(), next.state());
        let legal = EDGES.iter().any(|it| (it.from, it.cause, it.to) == (from, cause, to));
        assert!(from == to || legal, "no change of an alarm: {from:?} to {to:?} by {cause:?}");
        next.change += 1;
        // A delay that goes on does not hide who did what before.
        if from != to || by.is_some() {
            next.last = LastChange { from, cause, by, at };
        }
        Some(next)
    }
}

impl Condition {
    /// Whether a value meets it; `was` is what it said of the value before. Nothing when the value is of
    /// a type that cannot meet it.
    fn is_met(&self, value: &Value, was: bool) -> Option<bool> {
        match self {
            Self::Above(limit) => {
                let value = as_float(value)?;
                let back = if was { limit.at - limit.deadband } else { limit.at };
                Some(value > back)
            }
            Self::Below(limit) => {
                let value = as_float(value)?;
                let back = if was { limit.at + limit.deadband } else { limit.at };
                Some(value < back)
            }
            Self::Is(wanted) => match value {
                Value::Bool(it) => Some(it == wanted),
                Value::Int(_) | Value::Float(_) | Value::Text(_) => None,
            },
        }
    }
}
