//! A declared alarm: the condition it watches, and how.
use crate::document::{Json, Walk};
use crate::objects::{AttributeDeclaration, Name};
use crate::tags::{Declaration, TagType, Value};
use std::time::Duration;

/// The longest message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 256;
/// The longest on or off delay.
pub const DELAY_MAX: Duration = Duration::from_secs(3_600);

/// What makes the condition true.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    /// Above a limit, and until it has come back below it by the deadband.
    Above(Limit),
    /// Below a limit, and until it has come back above it by the deadband.
    Below(Limit),
    /// A bool that has this value.
    Is(bool),
}

/// A limit of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Which of the four.
    pub level: Level,
    /// The limit, in the unit of the attribute.
    pub at: f64,
    /// How far the value has to come back, in the same unit.
    pub deadband: f64,
}

/// Which of the four limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The lower of the low ones.
    LowLow,
    /// The first below.
    Low,
    /// The first above.
    High,
    /// The higher of the high ones.
    HighHigh,
}

/// How soon a person has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// There is time.
    Low,
    /// Soon.
    Medium,
    /// Now.
    High,
    /// Before anything else.
    Critical,
}

impl Priority {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name in a declaration.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What a value that cannot be used does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBadQuality {
    /// The condition stays as it was; delays begin anew.
    Hold,
    /// The condition counts as true.
    Raise,
}

/// A declared alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmDeclaration {
    /// Its name within the object.
    pub name: Name,
    /// The attribute it watches.
    pub attribute: Name,
    /// What makes it.
    pub condition: Condition,
    /// How long the condition has to hold before it counts.
    pub on_delay: Duration,
    /// How long it has to be gone before that counts.
    pub off_delay: Duration,
    /// How soon a person has to act.
    pub priority: Priority,
    /// What a value of bad quality does.
    pub on_bad_quality: OnBadQuality,
    /// For people.
    pub message: Box<str>,
    /// That of the attribute, for people.
    pub unit: Option<Box<str>>,
}

#[derive(Clone, Copy)]
enum When {
    Level(Level),
    Is(bool),
}

const WHEN: [(&str, When); 6] = [
    ("low-low", When::Level(Level::LowLow)),
    ("low", When::Level(Level::Low)),
    ("high", When::Level(Level::High)),
    ("high-high", When::Level(Level::HighHigh)),
    ("true", When::Is(true)),
    ("false", When::Is(false)),
];

/// What is known of a named attribute: not declared, declared unsoundly, or this.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<Option<&'a AttributeDeclaration>>;

impl AlarmDeclaration {
    /// Reads the field `alarms.NAME`.
    pub(crate) fn read(
        walk: &mut Walk,
        place: &str,
        name: Name,
        json: &Json,
        attributes: Lookup<'_>,
    ) -> Option<Self> {
        const KNOWN: &[&str] = &[
            "attribute",
            "when",
            "limit",
            "unit",
            "deadband",
            "on_delay",
            "off_delay",
            "priority",
            "on_bad_quality",
            "message",
        ];
        let fields = walk.fields(place, json, Some(KNOWN))?;
        let on_delay = walk.duration(&fields, "on_delay", Duration::ZERO..=DELAY_MAX);
        let off_delay = walk.duration(&fields, "off_delay", Duration::ZERO..=DELAY_MAX);
        let priority = walk.choice(&fields, "priority", &Priority::ALL.map(|it| (it.id(), it)));
        let qualities = [("hold", OnBadQuality::Hold), ("raise", OnBadQuality::Raise)];
        let on_bad_quality = walk.choice(&fields, "on_bad_quality", &qualities);
        let message = walk.text(&fields, "message", MESSAGE_BYTES_MAX).unwrap_or_default();
        const ATTRIBUTE: &str = "the name of a declared attribute";
        let attribute = match walk.needed(&fields, "attribute", ATTRIBUTE) {
            None => None,
            Some(Json::Scalar(serde_json::Value::String(it))) if attributes(it).is_some() => {
                Name::new(it)
            }
            Some(json) => {
                walk.complain(fields.place("attribute"), json, ATTRIBUTE);
                None
            }
        };
        walk.needed(&fields, "when", "one of low-low, low, high, high-high, true, false");
        let when = walk.choice(&fields, "when", &WHEN);
        let watched = attribute.as_ref().and_then(|it| attributes(it.as_str()).flatten());
        let condition = condition(walk, &fields, when?, watched);
        Some(Self {
            name,
            attribute: attribute?,
            condition: condition?,
            on_delay: on_delay.unwrap_or_default(),
            off_delay: off_delay.unwrap_or_default(),
            priority: priority.unwrap_or(Priority::Medium),
            on_bad_quality: on_bad_quality.unwrap_or(OnBadQuality::Hold),
            message: message.into(),
            unit: watched.and_then(|it| it.declaration.unit.clone()),
        })
    }

    /// Complains of limits of one attribute that are in the wrong order.
    pub(crate) fn check_order(walk: &mut Walk, alarms: &[Self]) {
        for one in alarms {
            for other in alarms.iter().filter(|it| it.attribute == one.attribute) {
                let (Some(lower), Some(higher)) = (one.condition.limit(), other.condition.limit())
                else {
                    continue;
                };
                if lower.level < higher.level && lower.at >= higher.at {
                    let place = format!("alarms.{}.limit", other.name);
                    let allowed =
                        format!("more than {:?}, the limit of alarms.{}", lower.at, one.name);
                    walk.complain(place, format!("{:?}", higher.at), allowed);
                }
            }
        }
    }
}

impl AlarmDeclaration {
    /// Stands for what it watches, whatever the limit: for the attribute and the side, or the value of
    /// a bool. Never 0.
    pub(super) fn watched(&self) -> u32 {
        let side: &[u8] = match self.condition {
            Condition::Above(_) => b"/above",
            Condition::Below(_) => b"/below",
            Condition::Is(true) => b"/true",
            Condition::Is(false) => b"/false",
        };
        // FNV-1a: it lies on disks and must stay the same.
        let bytes = self.attribute.as_str().as_bytes().iter().chain(side);
        let hash = bytes
            .fold(0x811c_9dc5_u32, |hash, it| (hash ^ u32::from(*it)).wrapping_mul(0x0100_0193));
        hash.max(1)
    }
}

impl Condition {
    /// The name in a declaration.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Above(limit) | Self::Below(limit) => match limit.level {
                Level::LowLow => "low-low",
                Level::Low => "low",
                Level::High => "high",
                Level::HighHigh => "high-high",
            },
            Self::Is(true) => "true",
            Self::Is(false) => "false",
        }
    }

    /// The limit, if it has one.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        match self {
            Self::Above(limit) | Self::Below(limit) => Some(*limit),
            Self::Is(_) => None,
        }
    }
}

fn condition(
    walk: &mut Walk,
    fields: &crate::document::Fields<'_>,
    when: When,
    watched: Option<&AttributeDeclaration>,
) -> Option<Condition> {
    let of_type = watched.map(|it| it.declaration.of_type);
    let (fits, allowed) = match when {
        When::Level(_) => {
            let fits = of_type.is_none_or(|it| matches!(it, TagType::Int | TagType::Float));
            (fits, "an attribute of type int or float")
        }
        When::Is(_) => (of_type.is_none_or(|it| it == TagType::Bool), "an attribute of type bool"),
    };
    if let Some(of_type) = of_type
        && !fits
    {
        walk.complain(
            fields.place("attribute"),
            format!("an attribute of type {of_type}"),
            allowed,
        );
    }
    let level = match when {
        When::Is(it) => {
            for name in ["limit", "unit", "deadband"] {
                if let Some(json) = fields.get(name) {
                    walk.complain(fields.place(name), json, "nothing: a bool has no limit");
                }
            }
            return fits.then_some(Condition::Is(it));
        }
        When::Level(level) => level,
    };
    let unit = watched.and_then(|it| it.declaration.unit.as_deref());
    let json = fields.get("unit").filter(|_| watched.is_some());
    if let Some(json) = json
        && !matches!(json, Json::Scalar(serde_json::Value::String(it)) if Some(it.as_str()) == unit)
    {
        let allowed = unit.map(|it| format!("\"{it}\", as the attribute"));
        let allowed = allowed.unwrap_or_else(|| "nothing: the attribute has no unit".to_owned());
        walk.complain(fields.place("unit"), json, allowed);
    }
    // A limit beyond what the attribute may be would never be passed.
    let limits = watched.filter(|_| fits).map(|it| it.declaration.limits.clone());
    let limits = limits.map(|it| crate::tags::Limits {
        min: it.min.as_ref().map(float),
        max: it.max.as_ref().map(float),
        bytes_max: None,
    });
    let unit = unit.map(Into::into);
    let number = Declaration {
        of_type: TagType::Float,
        unit: unit.clone(),
        initial: None,
        limits: limits.unwrap_or_default(),
    };
    let what = crate::objects::allowed(&number);
    let json = walk.needed(fields, "limit", &what);
    let read = |walk: &mut Walk, name: &str, json, number: &Declaration| {
        let value = crate::objects::admitted(walk, &fields.place(name), json, number)?;
        as_float(&value)
    };
    let at = json.and_then(|json| read(walk, "limit", json, &number));
    let from_zero = crate::tags::Limits { min: Some(Value::Float(0.0)), ..Default::default() };
    let width = Declaration { limits: from_zero, ..number };
    let deadband = match fields.get("deadband") {
        None => Some(0.0),
        Some(json) => read(walk, "deadband", json, &width),
    };
    let limit = Limit { level, at: at?, deadband: deadband? };
    Some(match level {
        Level::High | Level::HighHigh => Condition::Above(limit),
        Level::Low | Level::LowLow => Condition::Below(limit),
    })
    .filter(|_| fits)
}

fn float(value: &Value) -> Value {
    as_float(value).map_or_else(|| value.clone(), Value::Float)
}

/// A number as a float; above 2^53 the nearest one.
pub(crate) fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(it) => Some(*it as f64),
        Value::Float(it) => Some(*it),
        Value::Bool(_) | Value::Text(_) => None,
    }
}
