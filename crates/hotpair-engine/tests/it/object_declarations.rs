//! A declared object is checked whole: every mistake is named, with what was given and what is allowed.
use expect_test::{Expect, expect};
use hotpair_engine::Complaints;
use hotpair_engine::alarms::{Condition, Level};
use hotpair_engine::objects::{Around, Binding, ObjectDeclaration, Port};
use hotpair_engine::tags::{Quality, TagType, Tags, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) const TANK: &str = r#"{
    "module": "tank",
    "period": "100ms",
    "phase": "20ms",
    "attributes": {
        "setpoint": {"type": "float", "unit": "m", "initial": 2, "limits": {"min": 0.5, "max": 3.5}},
        "level": {"type": "float", "unit": "m", "history": true},
        "pump": {"type": "float", "unit": "%"},
        "running": {"type": "bool", "initial": false}
    },
    "inputs": {"level": "tank/level"},
    "outputs": {"pump": "tank/pump"},
    "alarms": {
        "level-high": {"attribute": "level", "when": "high", "limit": 3, "unit": "m",
            "deadband": 0.1, "on_delay": "2s", "priority": "high", "message": "Tank nearly full"},
        "level-high-high": {"attribute": "level", "when": "high-high", "limit": 3.5},
        "stopped": {"attribute": "running", "when": "false", "off_delay": "1s"}
    }
}"#;

pub(crate) fn tags() -> Tags {
    let tags = Tags::new();
    for (path, json) in [
        ("tank/level", r#"{"type": "float", "unit": "m", "limits": {"min": 0, "max": 4}}"#),
        ("tank/pump", r#"{"type": "float", "unit": "%", "limits": {"min": 0, "max": 100}}"#),
        ("tank/count", r#"{"type": "int"}"#),
    ] {
        tags.config_changed(&format!("tags/{path}"), Some(json.as_bytes())).unwrap();
    }
    tags
}

pub(crate) fn declared(name: &str, json: &str) -> Result<ObjectDeclaration, Complaints> {
    let writers = BTreeMap::from([("tank/count".into(), "counter".into())]);
    let port = |name: &str, of_type, is_written| Port { name: name.into(), of_type, is_written };
    let level = port("level", TagType::Float, false);
    let needs = vec![level.clone(), port("pump", TagType::Float, true)];
    let mixer = vec![Port { is_written: true, ..level }, port("speed", TagType::Int, false)];
    let modules = [("pid", vec![]), ("tank", needs), ("mixer", mixer)];
    let modules = modules.map(|(name, ports)| (name.into(), ports)).into();
    let around = Around { tags: &tags(), modules: &modules, writers: &writers };
    ObjectDeclaration::from_json(name, json.as_bytes(), &around)
}

fn refused(name: &str, json: &str, expect: Expect) {
    expect.assert_eq(&declared(name, json).unwrap_err().to_string());
}

#[test]
fn a_declaration_says_what_is_to_run() {
    let tank = declared("tank-1", TANK).unwrap();
    assert_eq!((tank.name.as_str(), &*tank.module), ("tank-1", "tank"));
    assert_eq!(tank.schedule.period, Duration::from_millis(100));
    assert_eq!(tank.schedule.phase, Duration::from_millis(20));
    assert_eq!(tank.schedule.scan_limit, Duration::from_secs(1), "ten periods");
    let names: Vec<_> = tank.attributes.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["level", "pump", "running", "setpoint"], "in order: a program counts them");
    assert_eq!(tank.attribute("running"), Some(2));
    assert_eq!(tank.attribute("speed"), None);
    let [level, pump, running, setpoint] = &tank.attributes[..] else { panic!("four") };
    assert_eq!(level.binding, Binding::Input("tank/level".into()));
    assert!(level.history && !pump.history);
    assert_eq!(pump.binding, Binding::Output("tank/pump".into()));
    assert_eq!(pump.declaration.limits.max, Some(Value::Float(100.0)), "those of its tag");
    assert_eq!(running.binding, Binding::Own);
    assert_eq!(setpoint.first().value, Value::Float(2.0));
    assert_eq!(
        (setpoint.first().quality, level.first().quality),
        (Quality::Uncertain, Quality::Bad)
    );
    let [high, high_high, stopped] = &tank.alarms[..] else { panic!("three") };
    let Condition::Above(limit) = high.condition else { panic!("{:?}", high.condition) };
    assert_eq!((limit.level, limit.at, limit.deadband), (Level::High, 3.0, 0.1));
    assert_eq!(high.on_delay, Duration::from_secs(2));
    assert_eq!(high_high.on_delay, Duration::ZERO);
    assert_eq!(stopped.condition, Condition::Is(false));
}

#[test]
fn every_mistake_is_named_and_not_only_the_first() {
    let json = r#"{
        "modul": "tank",
        "module": "boiler",
        "period": "5ms",
        "phase": 3,
        "attributes": {
            "no name": {"type": "float"},
            "level": {"type": "float", "unit": "mm", "limits": {"min": 4, "max": 1}, "initial": 2},
            "count": {"type": "int"},
            "mode": {"type": "word"},
            "text": {"type": "text", "limits": {"max_bytes": 0, "min": 1}},
            "pump": {"type": "float", "limits": {"max": 200}}
        },
        "inputs": {"level": "tank/level", "gone": "tank/level", "mode": "tank/nowhere"},
        "outputs": {"level": "tank/pump", "count": "tank/count", "pump": "tank/pump"},
        "alarms": {
            "high": {"attribute": "pump", "when": "high", "limit": 300, "deadband": -1},
            "low": {"attribute": "pump", "when": "low", "limit": 50},
            "low-low": {"attribute": "pump", "when": "low-low", "limit": 60, "priority": "urgent"},
            "bool": {"attribute": "level", "when": "true", "limit": 1},
            "empty": {"on_delay": "2 fortnights"}
        }
    }"#;
    refused(
        "tank 1",
        json,
        expect![[r#"
            `tank 1` as the object's name; allowed: 1 to 64 of a-z, A-Z, 0-9, `_`, `-`
            `alarms.bool.attribute`: an attribute of type float; allowed: an attribute of type bool
            `alarms.bool.limit`: 1; allowed: nothing: a bool has no limit
            `alarms.empty.attribute`: nothing; allowed: the name of a declared attribute
            `alarms.empty.on_delay`: "2 fortnights"; allowed: a duration such as "100ms", whole milliseconds, from 0s to 1h
            `alarms.empty.when`: nothing; allowed: one of low-low, low, high, high-high, true, false
            `alarms.high.deadband`: -1; allowed: a number, at least 0.0 %
            `alarms.high.limit`: 300; allowed: a number, from 0.0 to 200.0 %
            `alarms.low-low.priority`: "urgent"; allowed: one of low, medium, high, critical
            `alarms.low.limit`: 50.0; allowed: more than 60.0, the limit of alarms.low-low
            `attributes.level.initial`: 2; allowed: a number, at least 4.0 mm
            `attributes.level.limits.max`: 1; allowed: a number, at least 4.0 mm
            `attributes.mode.type`: "word"; allowed: one of bool, int, float, text
            `attributes.no name`: `no name` as a name; allowed: 1 to 64 of a-z, A-Z, 0-9, `_`, `-`
            `attributes.pump.limits.max`: 200.0; allowed: a number, from 0.0 to 100.0 %, as its tag
            `attributes.text.limits.max_bytes`: 0; allowed: a whole number from 1 to 65536
            `attributes.text.limits.min`: 1; allowed: nothing: an attribute of type text has no such limit
            `inputs.gone`: no such attribute; allowed: the name of a declared attribute
            `inputs.level`: a tag in m; allowed: a tag in mm, as the attribute
            `inputs.mode`: "tank/nowhere"; allowed: the path of a declared tag
            `modul`: a field that is not known; allowed: module, period, phase, scan_limit, attributes, inputs, outputs, alarms
            `module`: "boiler"; allowed: one of mixer, pid, tank
            `outputs.count`: `tank/count`, which object `counter` writes; allowed: a tag that no other object writes
            `outputs.level`: an input, too; allowed: either an input or an output
            `outputs.pump`: `tank/pump`, as in outputs.level; allowed: each tag once
            `period`: "5ms"; allowed: a duration such as "100ms", whole milliseconds, from 10ms to 1h
            `phase`: 3; allowed: a duration such as "100ms", whole milliseconds, from 0s to 59m 59s 999ms"#]],
    );
}

#[test]
fn a_document_that_is_none_is_refused_with_its_place() {
    refused("tank", "{", expect!["EOF while parsing an object at line 1 column 1; allowed: JSON"]);
    refused(
        "tank",
        "[1, 2]",
        expect![
            "a list of 2; allowed: an object of module, period, phase, scan_limit, attributes, inputs, outputs, alarms"
        ],
    );
    refused(
        "tank",
        "{}",
        expect![[r#"
            `module`: nothing; allowed: one of mixer, pid, tank
            `period`: nothing; allowed: a duration such as "100ms""#]],
    );
    let twice = r#"{"module": "pid", "period": "1s", "period": "2s",
        "attributes": {"a": {"type": "int"}, "a": {"type": "int", "unit": "m"}}}"#;
    refused(
        "tank",
        twice,
        expect![[r#"
        `attributes.a`: written twice; allowed: once
        `period`: written twice; allowed: once"#]],
    );
    let long = format!("{{\"module\": \"{}\"}}", "x".repeat(300_000));
    refused("tank", &long, expect!["300014 bytes; allowed: a document of at most 262144 bytes"]);
}

#[test]
fn what_the_module_needs_has_to_be_declared() {
    refused(
        "tank",
        &TANK.replace("\"tank\",", "\"mixer\","),
        expect![[r#"
        `attributes.level`: an input; allowed: an output, or neither: the module writes it
        `attributes.speed`: nothing; allowed: type int, which the module needs"#]],
    );
    let json = r#"{"module": "tank", "period": "1s", "attributes": {"pump": {"type": "bool"}}}"#;
    refused(
        "tank",
        json,
        expect![[r#"
        `attributes.level`: nothing; allowed: type float, which the module needs
        `attributes.pump`: type bool; allowed: type float, which the module needs"#]],
    );
}

#[test]
fn one_tag_is_written_by_one_object() {
    let json = |attribute: &str| {
        let outputs = format!(r#""outputs": {{"{attribute}": "tank/count", "b": "tank/count"}}"#);
        format!(
            r#"{{"module": "pid", "period": "10ms", {outputs},
            "attributes": {{"a": {{"type": "int"}}, "b": {{"type": "int"}}}}}}"#
        )
    };
    refused(
        "tank",
        &json("a"),
        expect![[r#"
        `outputs.a`: `tank/count`, which object `counter` writes; allowed: a tag that no other object writes
        `outputs.b`: `tank/count`, as in outputs.a; allowed: each tag once
        `outputs.b`: `tank/count`, which object `counter` writes; allowed: a tag that no other object writes"#]],
    );
    declared("counter", &json("b").replacen(r#""b": "tank/count", "#, "", 1)).unwrap();
}

proptest! {
    #[test]
    fn no_document_makes_the_checker_panic(
        cut in 0..TANK.len(),
        insert in "[a-z0-9\"{},:\\[\\] .-]{0,6}",
        remove in 0..12_usize,
    ) {
        let mut json: Vec<u8> = TANK.into();
        let end = (cut + remove).min(json.len());
        json.splice(cut..end, insert.bytes());
        let json = String::from_utf8(json).unwrap();
        if let Err(complaints) = declared("tank", &json) {
            prop_assert!(!complaints.as_slice().is_empty());
        }
    }
}

#[test]
fn an_alarm_has_no_unit_that_its_attribute_does_not_have() {
    let json = r#"{"module": "tank", "period": "1s", "attributes": {"x": {"type": "float"}},
        "alarms": {"high": {"attribute": "x", "when": "high", "limit": 3, "unit": "cm"}}}"#;
    refused(
        "tank",
        json,
        expect![[r#"
            `alarms.high.unit`: "cm"; allowed: nothing: the attribute has no unit
            `attributes.level`: nothing; allowed: type float, which the module needs
            `attributes.pump`: nothing; allowed: type float, which the module needs"#]],
    );
}
