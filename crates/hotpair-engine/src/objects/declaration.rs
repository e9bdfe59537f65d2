//! What a config record `objects/NAME` declares: which program, how often, with what around it.
use super::attribute::{AttributeDeclaration, Binding};
use super::name::{NAME_ALLOWED, Name};
use super::surroundings::Surroundings;
use crate::alarms::AlarmDeclaration;
use crate::document::{Complaints, Fields, Json, Walk};
use std::collections::BTreeMap;
use std::time::Duration;

/// Config records with this prefix declare objects.
pub const CONFIG_PREFIX: &str = "objects/";
/// How many objects one engine may have.
pub const OBJECTS_MAX: usize = 10_000;
/// The longest document.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// How many attributes one object may have.
pub const ATTRIBUTES_MAX: usize = 1_024;
/// How many alarms one object may have.
pub const ALARMS_MAX: usize = 256;
/// The shortest period.
pub const PERIOD_MIN: Duration = Duration::from_millis(10);
/// The longest period.
pub const PERIOD_MAX: Duration = Duration::from_secs(3_600);
/// The longest `scan_limit`.
pub const SCAN_LIMIT_MAX: Duration = Duration::from_secs(60);
/// How many periods a scan may take where no `scan_limit` is declared.
pub const SCAN_LIMIT_PERIODS: u32 = 10;

/// When an object is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// From one scan to the next.
    pub period: Duration,
    /// How long after the beginning of a period; shorter than it.
    pub phase: Duration,
    /// A scan that takes longer puts the object in fault. One that takes longer than the period is
    /// counted only.
    pub scan_limit: Duration,
}

/// A declared object.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectDeclaration {
    /// Its name.
    pub name: Name,
    /// What it runs: the name of a deployed module, or of a native object.
    pub module: Box<str>,
    /// When it is scanned.
    pub schedule: Schedule,
    /// In the order of their names: a program knows them by their place.
    pub attributes: Vec<AttributeDeclaration>,
    /// In the order of their names.
    pub alarms: Vec<AlarmDeclaration>,
}

impl ObjectDeclaration {
    /// Reads the record of the object `name` and checks it against what is around it.
    ///
    /// # Errors
    /// `Complaints`: everything that is wrong with it.
    pub fn from_json(
        name: &str,
        json: &[u8],
        around: &dyn Surroundings,
    ) -> Result<Self, Complaints> {
        let mut walk = Walk::default();
        let named = Name::new(name);
        if named.is_none() {
            walk.complain("", format!("`{name}` as the object's name"), NAME_ALLOWED);
        }
        let json = walk.parse(json, DOCUMENT_BYTES_MAX);
        let found = json.and_then(|json| Self::read(&mut walk, named, &json, around));
        walk.end(found)
    }

    /// The place of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<usize> {
        self.attributes.binary_search_by(|it| it.name.as_str().cmp(name)).ok()
    }

    fn read(
        walk: &mut Walk,
        name: Option<Name>,
        json: &Json,
        around: &dyn Surroundings,
    ) -> Option<Self> {
        const KNOWN: &[&str] = &[
            "module",
            "period",
            "phase",
            "scan_limit",
            "attributes",
            "inputs",
            "outputs",
            "alarms",
        ];
        let fields = walk.fields("", json, Some(KNOWN))?;
        let module = module(walk, &fields, around);
        let schedule = schedule(walk, &fields);
        let mut attributes = attributes(walk, &fields);
        bind(walk, &fields, "inputs", &mut attributes, name.as_ref(), around);
        bind(walk, &fields, "outputs", &mut attributes, name.as_ref(), around);
        ports(walk, module.as_deref(), &attributes, around);
        let alarms = alarms(walk, &fields, &attributes);
        Some(Self {
            name: name?,
            module: module?,
            schedule: schedule?,
            attributes: attributes.into_values().flatten().collect(),
            alarms,
        })
    }
}

/// By name; none where the declaration is unsound, so that nothing more is said of it.
type Attributes<'a> = BTreeMap<&'a str, Option<AttributeDeclaration>>;

fn module(walk: &mut Walk, fields: &Fields<'_>, around: &dyn Surroundings) -> Option<Box<str>> {
    let known = around.modules();
    let allowed = match known.as_slice() {
        [] => "the name of a module, and none is deployed".to_owned(),
        known => format!("one of {}", known.join(", ")),
    };
    let json = walk.needed(fields, "module", &allowed)?;
    if let Json::Scalar(serde_json::Value::String(name)) = json
        && known.iter().any(|it| **it == **name)
    {
        return Some(name.as_str().into());
    }
    walk.complain(fields.place("module"), json, allowed);
    None
}

fn schedule(walk: &mut Walk, fields: &Fields<'_>) -> Option<Schedule> {
    walk.needed(fields, "period", "a duration such as \"100ms\"");
    let period = walk.duration(fields, "period", PERIOD_MIN..=PERIOD_MAX);
    let below = period.unwrap_or(PERIOD_MAX).saturating_sub(Duration::from_millis(1));
    let phase = match fields.get("phase") {
        None => Some(Duration::ZERO),
        Some(_) => walk.duration(fields, "phase", Duration::ZERO..=below),
    };
    let limit_min = period.unwrap_or(PERIOD_MIN).min(SCAN_LIMIT_MAX);
    let scan_limit = match fields.get("scan_limit") {
        None => period.map(|it| (it * SCAN_LIMIT_PERIODS).min(SCAN_LIMIT_MAX)),
        Some(_) => walk.duration(fields, "scan_limit", limit_min..=SCAN_LIMIT_MAX),
    };
    Some(Schedule { period: period?, phase: phase?, scan_limit: scan_limit? })
}

fn attributes<'a>(walk: &mut Walk, fields: &Fields<'a>) -> Attributes<'a> {
    let mut found = BTreeMap::new();
    for (name, json) in entries(walk, fields, "attributes", ATTRIBUTES_MAX) {
        let place = format!("attributes.{name}");
        let attribute = Name::new(name);
        if attribute.is_none() {
            walk.complain(&*place, format!("`{name}` as a name"), NAME_ALLOWED);
        }
        let read = attribute.and_then(|it| AttributeDeclaration::read(walk, &place, it, json));
        found.insert(name, read);
    }
    found
}

fn bind(
    walk: &mut Walk,
    fields: &Fields<'_>,
    which: &str,
    attributes: &mut Attributes<'_>,
    object: Option<&Name>,
    around: &dyn Surroundings,
) {
    let mut written = BTreeMap::new();
    for (name, json) in entries(walk, fields, which, ATTRIBUTES_MAX) {
        let place = format!("{which}.{name}");
        let Some(attribute) = attributes.get_mut(name) else {
            walk.complain(&*place, "no such attribute", "the name of a declared attribute");
            continue;
        };
        let tag = match json {
            Json::Scalar(serde_json::Value::String(path)) => around.tag(path).map(|it| (path, it)),
            Json::Scalar(_) | Json::List(_) | Json::Object(_) => None,
        };
        let Some((path, tag)) = tag else {
            walk.complain(&*place, json, "the path of a declared tag");
            continue;
        };
        let is_output = which == "outputs";
        if is_output {
            let other = around.writer_of(path).filter(|it| Some(&**it) != object.map(Name::as_str));
            if let Some(other) = other {
                walk.complain(
                    &*place,
                    format!("`{path}`, which object `{other}` writes"),
                    "a tag that no other object writes",
                );
            }
            if let Some(other) = written.insert(path, name) {
                walk.complain(&*place, format!("`{path}`, as in outputs.{other}"), "each tag once");
            }
        }
        let Some(attribute) = attribute else { continue };
        if attribute.binding != Binding::Own {
            walk.complain(&*place, "an input, too", "either an input or an output");
            continue;
        }
        fits(walk, &place, attribute, &tag);
        if is_output {
            inherit(walk, name, attribute, &tag);
        } else if attribute.declaration.initial.is_some() {
            let place = format!("attributes.{name}.initial");
            walk.complain(place, "a value", "nothing: an input has its tag's value");
        }
        let path = path.as_str().into();
        attribute.binding = if is_output { Binding::Output(path) } else { Binding::Input(path) };
    }
}

fn ports(
    walk: &mut Walk,
    module: Option<&str>,
    attributes: &Attributes<'_>,
    around: &dyn Surroundings,
) {
    for port in module.map(|it| around.ports(it)).unwrap_or_default() {
        let place = format!("attributes.{}", port.name);
        match attributes.get(&*port.name) {
            None => {
                walk.complain(
                    place,
                    "nothing",
                    format!("type {}, which the module needs", port.of_type),
                );
            }
            Some(None) => {}
            Some(Some(attribute)) => {
                if let Some((given, allowed)) = port.complaint(attribute) {
                    walk.complain(place, given, allowed);
                }
            }
        }
    }
}

fn fits(
    walk: &mut Walk,
    place: &str,
    attribute: &AttributeDeclaration,
    tag: &crate::tags::Declaration,
) {
    let own = &attribute.declaration;
    if own.of_type != tag.of_type {
        let given = format!("a tag of type {}", tag.of_type);
        walk.complain(place, given, format!("a tag of type {}, as the attribute", own.of_type));
    }
    if let (Some(own), Some(tag)) = (&own.unit, &tag.unit)
        && own != tag
    {
        walk.complain(
            place,
            format!("a tag in {tag}"),
            format!("a tag in {own}, as the attribute"),
        );
    }
}

/// What an output may be is what its tag may be.
fn inherit(
    walk: &mut Walk,
    name: &str,
    attribute: &mut AttributeDeclaration,
    tag: &crate::tags::Declaration,
) {
    let own = &mut attribute.declaration;
    if own.of_type != tag.of_type {
        return;
    }
    let mut beyond = |field: &str, own: &crate::tags::Value| {
        if tag.admit(own.clone()).is_err() {
            let place = format!("attributes.{name}.limits.{field}");
            walk.complain(place, own, format!("{}, as its tag", super::attribute::allowed(tag)));
        }
    };
    match &own.limits.min {
        Some(own) => beyond("min", own),
        None => own.limits.min.clone_from(&tag.limits.min),
    }
    match &own.limits.max {
        Some(own) => beyond("max", own),
        None => own.limits.max.clone_from(&tag.limits.max),
    }
    let of_tag = tag.limits.bytes_max;
    if let (Some(own), Some(of_tag)) = (own.limits.bytes_max, of_tag)
        && own > of_tag
    {
        let place = format!("attributes.{name}.limits.max_bytes");
        walk.complain(place, own, format!("at most {of_tag}, as its tag"));
    }
    own.limits.bytes_max = own.limits.bytes_max.or(of_tag);
    if own.unit.is_none() {
        own.unit.clone_from(&tag.unit);
    }
}

fn alarms(
    walk: &mut Walk,
    fields: &Fields<'_>,
    attributes: &Attributes<'_>,
) -> Vec<AlarmDeclaration> {
    let mut found = Vec::new();
    for (name, json) in entries(walk, fields, "alarms", ALARMS_MAX) {
        let place = format!("alarms.{name}");
        let alarm = Name::new(name);
        if alarm.is_none() {
            walk.complain(&*place, format!("`{name}` as a name"), NAME_ALLOWED);
        }
        let lookup = |name: &str| attributes.get(name).map(Option::as_ref);
        found.extend(alarm.and_then(|it| AlarmDeclaration::read(walk, &place, it, json, &lookup)));
    }
    AlarmDeclaration::check_order(walk, &found);
    found
}

/// The named things in a field, at most so many.
fn entries<'a>(
    walk: &mut Walk,
    fields: &Fields<'a>,
    name: &'a str,
    count_max: usize,
) -> Vec<(&'a str, &'a Json)> {
    let Some(json) = fields.get(name) else { return Vec::new() };
    let Some(inside) = walk.fields(name, json, None) else { return Vec::new() };
    let mut entries = inside.sorted();
    if entries.len() > count_max {
        walk.complain(name, format!("{} entries", entries.len()), format!("at most {count_max}"));
        entries.truncate(count_max);
    }
    entries
}
