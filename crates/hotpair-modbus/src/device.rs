//! What a config record `modbus/NAME` declares: where a device is, and which tags are what of it.
use crate::point::{Encoding, Number, Point, Table, WordOrder};
use hotpair_engine::document::{Fields, Json, Walk};
use hotpair_engine::tags::Declaration;
use hotpair_engine::{Complaint, Complaints};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Config records with this prefix declare devices.
pub const CONFIG_PREFIX: &str = "modbus/";
/// How many devices one engine may have.
pub const DEVICES_MAX: usize = 256;
/// The longest document.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// Inputs and outputs of one device.
pub const POINTS_MAX: usize = 4_096;
/// The shortest time between two polls.
pub const POLL_MIN: Duration = Duration::from_millis(10);
/// The longest.
pub const POLL_MAX: Duration = Duration::from_secs(3_600);
/// The shortest time that a request may take.
pub const TIMEOUT_MIN: Duration = Duration::from_millis(10);
/// The longest.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(30);

const TIMEOUT: Duration = Duration::from_secs(1);
const NAME_BYTES_MAX: usize = 64;
const NAME_ALLOWED: &str = "1 to 64 of letters, digits, `_`, `-`";
const ADDRESS_ALLOWED: &str = "an IP address and a port, such as \"192.0.2.7:502\"";

/// A declared device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Its name.
    pub name: Box<str>,
    /// Where it is.
    pub address: SocketAddr,
    /// The unit behind that address; 255 means the device itself.
    pub unit: u8,
    /// Between the beginnings of two polls.
    pub poll: Duration,
    /// How long a request may take.
    pub timeout: Duration,
    /// What is read, in the order of the tags.
    pub inputs: Vec<Point>,
    /// What is written, in the order of the tags.
    pub outputs: Vec<Point>,
}

/// The declaration of a tag; none when it is not declared.
pub type TagOf<'a> = &'a dyn Fn(&str) -> Option<Arc<Declaration>>;

impl Device {
    /// Reads the record of the device `name` and checks it against the tags. A point that is unsound by itself,
    /// for instance because its tag is gone, is left out and complained of: the others are served.
    ///
    /// # Errors
    /// `Complaints`: everything that is wrong with it, when it is no device.
    pub fn from_json(
        name: &str,
        json: &[u8],
        tag: TagOf<'_>,
    ) -> Result<(Self, Vec<Complaint>), Complaints> {
        let mut walk = Walk::default();
        let legal = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-');
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(legal) {
            let name: String = name.chars().take(80).collect();
            walk.complain("", format!("`{name}` as the device's name"), NAME_ALLOWED);
        }
        let mut left_out = Walk::default();
        let json = walk.parse(json, DOCUMENT_BYTES_MAX);
        let found = json.and_then(|json| Self::read(&mut walk, &mut left_out, name, &json, tag));
        let left_out = left_out.end(Some(())).err().map_or_else(Vec::new, |it| it.0);
        match walk.end(found) {
            Ok(device) => Ok((device, left_out)),
            Err(Complaints(mut all)) => {
                all.extend(left_out);
                all.sort();
                Err(Complaints(all))
            }
        }
    }

    fn read(
        walk: &mut Walk,
        left_out: &mut Walk,
        name: &str,
        json: &Json,
        tag: TagOf<'_>,
    ) -> Option<Self> {
        const KNOWN: &[&str] = &["address", "unit", "poll", "timeout", "inputs", "outputs"];
        let fields = walk.fields("", json, Some(KNOWN))?;
        let address = address(walk, &fields);
        let unit = fields.get("unit").map_or(Some(255), |_| whole(walk, &fields, "unit", 255));
        let unit = unit.and_then(|it| u8::try_from(it).ok());
        walk.needed(&fields, "poll", "a duration such as \"100ms\"");
        let poll = walk.duration(&fields, "poll", POLL_MIN..=POLL_MAX);
        let timeout = match fields.get("timeout") {
            None => Some(TIMEOUT),
            Some(_) => walk.duration(&fields, "timeout", TIMEOUT_MIN..=TIMEOUT_MAX),
        };
        let inputs = points(walk, left_out, &fields, "inputs", tag);
        let outputs = points(walk, left_out, &fields, "outputs", tag);
        if inputs.len() + outputs.len() > POINTS_MAX {
            let given = format!("{} inputs and outputs", inputs.len() + outputs.len());
            walk.complain("", given, format!("at most {POINTS_MAX} of both together"));
        }
        for (tag, point) in &outputs {
            let place = format!("outputs.{tag}");
            if inputs.contains_key(tag) {
                walk.complain(place, "an input too", "a tag that is either read or written");
            } else if point.as_ref().is_some_and(|it| !it.table.is_writable()) {
                walk.complain(
                    format!("{place}.table"),
                    "one that cannot be written",
                    "coil, holding",
                );
            }
        }
        twice(walk, &outputs);
        Some(Self {
            name: name.into(),
            address: address?,
            unit: unit?,
            poll: poll?,
            timeout: timeout?,
            inputs: inputs.into_values().flatten().collect(),
            outputs: outputs.into_values().flatten().collect(),
        })
    }
}

/// By tag; none where the point is unsound, so that nothing more is said of it.
type Points = BTreeMap<Box<str>, Option<Point>>;

fn address(walk: &mut Walk, fields: &Fields<'_>) -> Option<SocketAddr> {
    let json = walk.needed(fields, "address", ADDRESS_ALLOWED)?;
    if let Json::Scalar(serde_json::Value::String(text)) = json
        && let Ok(address) = text.parse::<SocketAddr>()
        && address.port() != 0
        && !address.ip().is_unspecified()
        && !address.ip().is_multicast()
    {
        return Some(address);
    }
    walk.complain(fields.place("address"), json, ADDRESS_ALLOWED);
    None
}

fn whole(walk: &mut Walk, fields: &Fields<'_>, name: &str, max: u16) -> Option<u16> {
    let json = fields.get(name)?;
    if let Json::Scalar(serde_json::Value::Number(number)) = json
        && let Some(it) = number.as_u64().and_then(|it| u16::try_from(it).ok())
        && it <= max
    {
        return Some(it);
    }
    walk.complain(fields.place(name), json, format!("a whole number from 0 to {max}"));
    None
}

fn finite(walk: &mut Walk, fields: &Fields<'_>, name: &str, is_factor: bool) -> Option<f64> {
    let json = fields.get(name)?;
    if let Json::Scalar(serde_json::Value::Number(number)) = json
        && let Some(it) = number.as_f64()
        && it.is_finite()
        && !(is_factor && it == 0.0)
    {
        return Some(it);
    }
    let allowed = if is_factor { "a number other than 0" } else { "a number" };
    walk.complain(fields.place(name), json, allowed);
    None
}

fn points(
    walk: &mut Walk,
    left_out: &mut Walk,
    fields: &Fields<'_>,
    which: &str,
    tag: TagOf<'_>,
) -> Points {
    let Some(json) = fields.get(which) else { return Points::new() };
    let place = fields.place(which);
    let Some(listed) = walk.fields(&place, json, None) else { return Points::new() };
    let mut points = Points::new();
    for (name, json) in listed.sorted() {
        let place = listed.place(name);
        points.insert(name.into(), point(left_out, &place, name, json, tag));
    }
    points
}

fn point(walk: &mut Walk, place: &str, name: &str, json: &Json, tag: TagOf<'_>) -> Option<Point> {
    const KNOWN: &[&str] = &["table", "address", "type", "words", "scale", "offset"];
    let declared = tag(name);
    if declared.is_none() {
        walk.complain(place, "a tag that is not declared", "a declared tag");
    }
    let fields = walk.fields(place, json, Some(KNOWN))?;
    walk.needed(&fields, "table", "one of coil, discrete, input, holding");
    walk.needed(&fields, "address", "a whole number from 0 to 65535");
    let table = walk.choice(&fields, "table", &Table::WORDS)?;
    let address = whole(walk, &fields, "address", u16::MAX)?;
    let encoding = encoding(walk, &fields, table)?;
    if u32::from(address) + u32::from(encoding.width()) > 1 << 16 {
        let allowed = format!("at most {}", (1 << 16) - u32::from(encoding.width()));
        walk.complain(fields.place("address"), address, allowed);
        return None;
    }
    let of_type = declared?.of_type;
    if !encoding.fits(of_type) {
        let allowed = match encoding {
            Encoding::Bit => "a tag of type bool",
            Encoding::Number { .. } => "a tag of type float, or int where nothing is scaled",
        };
        walk.complain(place, format!("a tag of type {of_type}"), allowed);
        return None;
    }
    Some(Point { tag: name.into(), of_type, table, address, encoding })
}

fn encoding(walk: &mut Walk, fields: &Fields<'_>, table: Table) -> Option<Encoding> {
    if table.has_bits() {
        let mut is_sound = true;
        for name in ["type", "words", "scale", "offset"] {
            if let Some(json) = fields.get(name) {
                walk.complain(fields.place(name), json, "nothing: the table has bits");
                is_sound = false;
            }
        }
        return is_sound.then_some(Encoding::Bit);
    }
    walk.needed(fields, "type", "one of u16, i16, u32, i32, f32, f64");
    let number = walk.choice(fields, "type", &Number::WORDS);
    let words = match fields.get("words") {
        None => Some(WordOrder::default()),
        Some(_) => walk.choice(fields, "words", &WordOrder::WORDS),
    };
    let is_scaled = fields.get("scale").is_some() || fields.get("offset").is_some();
    let of = |walk: &mut Walk, name: &str, default: f64| match fields.get(name) {
        None => Some(default),
        Some(_) => finite(walk, fields, name, name == "scale"),
    };
    let scaling = (of(walk, "scale", 1.0), of(walk, "offset", 0.0));
    let scaling = (scaling.0?, scaling.1?);
    Some(Encoding::Number { number: number?, words: words?, scaling: is_scaled.then_some(scaling) })
}

/// Two outputs to the same place would undo each other for ever.
fn twice(walk: &mut Walk, outputs: &Points) {
    let mut taken: BTreeMap<(Table, u16), &str> = BTreeMap::new();
    for point in outputs.values().flatten() {
        for at in 0..point.encoding.width() {
            let place = (point.table, point.address.saturating_add(at));
            if let Some(other) = taken.insert(place, &point.tag)
                && *other != *point.tag
            {
                let given = format!("a place that output `{other}` is written to");
                let allowed = "a place of its own";
                walk.complain(format!("outputs.{}.address", point.tag), given, allowed);
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(path: &str) -> Option<Arc<Declaration>> {
        let of_type = match path {
            "tank/level" | "tank/pump" => "float",
            "tank/count" => "int",
            "valve/open" | "valve/command" => "bool",
            _ => return None,
        };
        let json = format!("{{\"type\": \"{of_type}\"}}");
        Some(Arc::new(Declaration::from_json(path, json.as_bytes()).expect("a declaration")))
    }

    fn complaints(json: &str) -> Vec<(String, String)> {
        let found = Device::from_json("plc", json.as_bytes(), &tag).expect_err("unsound");
        found.as_slice().iter().map(|it| (it.field.to_string(), it.given.to_string())).collect()
    }

    #[test]
    fn a_sound_record_is_a_device() {
        let json = r#"{"address": "192.0.2.7:502", "unit": 3, "poll": "200ms", "timeout": "500ms",
            "inputs": {
                "tank/level": {"table": "input", "address": 4, "type": "u16", "scale": 0.01},
                "tank/count": {"table": "holding", "address": 0, "type": "u32", "words": "little"},
                "valve/open": {"table": "discrete", "address": 0}},
            "outputs": {
                "tank/pump": {"table": "holding", "address": 65534, "type": "f32"},
                "valve/command": {"table": "coil", "address": 9}}}"#;
        let (device, left_out) = Device::from_json("plc-1", json.as_bytes(), &tag).expect("sound");
        assert_eq!(left_out, []);
        assert_eq!((device.unit, device.poll), (3, Duration::from_millis(200)));
        let inputs: Vec<_> = device.inputs.iter().map(|it| (&*it.tag, it.address)).collect();
        assert_eq!(inputs, [("tank/count", 0), ("tank/level", 4), ("valve/open", 0)]);
        assert_eq!(device.outputs[1].encoding, Encoding::Bit);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let json = r#"{"address": "plc.example:502", "unit": 256, "poll": "1ms", "pol": 1,
            "inputs": {
                "nobody": {"table": "input", "address": 0, "type": "u16"},
                "tank/count": {"table": "input", "address": 0, "type": "u16", "scale": 0},
                "valve/open": {"table": "input", "address": 0, "type": "u16"},
                "tank/level": {"table": "bits", "address": -1}},
            "outputs": {"tank/pump": {"table": "input", "address": 65535, "type": "u16"}}}"#;
        let fields: Vec<_> = complaints(json).into_iter().map(|it| it.0).collect();
        let expected = [
            "address",
            "inputs.nobody",
            "inputs.tank/count.scale",
            "inputs.tank/level.table",
            "inputs.valve/open",
            "outputs.tank/pump.table",
            "pol",
            "poll",
            "unit",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn outputs_that_undo_each_other_or_an_input_are_refused() {
        let json = r#"{"address": "192.0.2.7:502", "poll": "1s",
            "inputs": {"tank/level": {"table": "input", "address": 0, "type": "u16"}},
            "outputs": {
                "tank/level": {"table": "holding", "address": 0, "type": "u16"},
                "tank/count": {"table": "holding", "address": 5, "type": "u16"},
                "tank/pump": {"table": "holding", "address": 4, "type": "f32"}}}"#;
        let found = complaints(json);
        let expected = ["outputs.tank/level", "outputs.tank/pump.address"];
        let fields: Vec<_> = found.iter().map(|it| &*it.0).collect();
        assert_eq!(fields, expected, "{found:?}");
    }

    #[test]
    fn a_point_that_is_unsound_by_itself_is_left_out_and_the_others_stay() {
        let json = r#"{"address": "192.0.2.7:502", "poll": "1s",
            "inputs": {
                "gone": {"table": "input", "address": 1, "type": "u16"},
                "tank/count": {"table": "input", "address": 0, "type": "u16"},
                "tank/level": {"table": "input", "address": 65535, "type": "f32"},
                "valve/open": {"table": "coil", "address": 1, "type": "u16"}},
            "outputs": {"gone/too": {"table": "holding", "address": 0, "type": "u16"}}}"#;
        let (device, left_out) = Device::from_json("plc", json.as_bytes(), &tag).expect("a device");
        let inputs: Vec<_> = device.inputs.iter().map(|it| &*it.tag).collect();
        assert_eq!((&*inputs, device.outputs.len()), (&["tank/count"][..], 0));
        let fields: Vec<_> = left_out.iter().map(|it| &*it.field).collect();
        let expected = [
            "inputs.gone",
            "inputs.tank/level.address",
            "inputs.valve/open.type",
            "outputs.gone/too",
        ];
        assert_eq!(fields, expected);
    }
}
