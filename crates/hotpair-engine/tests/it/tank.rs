//! A tank with a controller, killed at any scan and continued elsewhere: the trend is the same bit for bit.
use crate::object_declarations::tags;
use crate::table::at;
use hotpair_engine::objects::{
    Around, Checkpoints, Due, Fault, FaultKind, Native, NativeObject, Object, ObjectDeclaration,
    Scan, Scheduler, Unit, Verdict,
};
use hotpair_engine::objects::{Next, Port};
use hotpair_engine::tags::{Quality, TagType, TagWrite, Tags, Value};
use hotpair_engine::{Item, RuntimeStateProvider};
use hotpair_types::{NodeTime, Time};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

const DOCUMENT: &str = r#"{
    "module": "tank",
    "period": "100ms",
    "attributes": {
        "setpoint": {"type": "float", "unit": "m", "initial": 2, "limits": {"min": 0.5, "max": 3.5}},
        "demand": {"type": "float", "unit": "m"},
        "level": {"type": "float", "unit": "m", "limits": {"min": 0, "max": 4}, "history": true},
        "pump": {"type": "float", "unit": "%"}
    },
    "inputs": {"demand": "tank/level"},
    "outputs": {"pump": "tank/pump"}
}"#;
const SCANS: u64 = 1_000;

/// The whole of it: water, pump and a controller with all three parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Tank {
    level: f64,
    pump: f64,
    integral: f64,
    last_level: f64,
    scans: u64,
    /// What does not change is not told again.
    ballast: Vec<u8>,
}

fn tank() -> Tank {
    Tank { ballast: vec![7; 3_000], ..Tank::default() }
}

impl NativeObject for Tank {
    const IDENTITY: &'static str = "tank/1";

    fn scan(&mut self, scan: &mut Scan<'_>) -> Result<(), Fault> {
        let seconds = scan.inputs().elapsed().as_secs_f64();
        let setpoint = scan.number("setpoint")?.unwrap_or(1.0);
        let demand = scan.number("demand")?.unwrap_or(0.0);
        if demand > 3.9 {
            return Err(Fault::new(FaultKind::Trapped, "the demand is beyond reason"));
        }
        assert!(demand < 3.8, "nobody thought of {demand}");
        self.scans += 1;
        let error = setpoint - self.level;
        let falls = (self.last_level - self.level) / seconds;
        let speed = 120.0 * error + 40.0 * falls + self.integral;
        self.integral = (self.integral + 10.0 * error * seconds).clamp(-100.0, 100.0);
        self.last_level = self.level;
        self.pump += (speed.clamp(0.0, 100.0) - self.pump) * seconds / 1.5;
        let flow = 0.25 * self.pump / 100.0 - (0.04 + 0.02 * demand) * self.level.sqrt();
        self.level = (self.level + flow * seconds / 2.0).max(0.0);
        scan.set("level", self.level)?;
        // A little more than the pump can do, now and then: the declaration's limits hold it.
        scan.set("pump", self.pump * 1.1)
    }
}

fn declaration() -> Arc<ObjectDeclaration> {
    Arc::new(declared_as(DOCUMENT))
}

fn declared_as(json: &str) -> ObjectDeclaration {
    let tags = tags();
    let port = |name: &str| Port { name: name.into(), of_type: TagType::Float, is_written: false };
    let modules = BTreeMap::from([("tank".into(), vec![port("setpoint")])]);
    let around = Around { tags: &tags, modules: &modules, writers: &BTreeMap::new() };
    ObjectDeclaration::from_json("tank", json.as_bytes(), &around).unwrap()
}

/// One node's share: what it replicates, and the object while it is active.
struct Node {
    tags: Tags,
    checkpoints: Checkpoints,
    running: Option<(Scheduler, Object)>,
}

impl Node {
    fn standby() -> Self {
        Self { tags: tags(), checkpoints: Checkpoints::new(), running: None }
    }

    fn activate(&mut self, now: Time) {
        let declaration = declaration();
        let checkpoint = self.checkpoints.get("tank");
        let program = Native::new(Arc::clone(&declaration), tank());
        let object =
            Object::resume(Arc::clone(&declaration), Box::new(program), checkpoint.as_ref())
                .unwrap();
        let mut scheduler = Scheduler::new(now);
        let last_scan = checkpoint.map_or(0, |it| it.scan);
        scheduler.deploy(now, declaration.name.clone(), declaration.schedule, last_scan, None);
        self.running = Some((scheduler, object));
    }

    /// The next scan, at its slot; its unit is not posted yet.
    fn scan(&mut self) -> (Due, Result<Unit, Fault>) {
        let (scheduler, object) = self.running.as_mut().unwrap();
        let due = match scheduler.next(Time::ZERO) {
            Next::Scan(due) => due,
            Next::Wait(at) => match scheduler.next(at) {
                Next::Scan(due) => due,
                other @ (Next::Wait(_) | Next::Idle) => panic!("{other:?} at {at}"),
            },
            Next::Idle => panic!("idle"),
        };
        let unit = object.scan(&due, NodeTime(due.scan * 100), &|path| self.tags.read(path));
        let result = unit.as_ref().map(|_| ()).map_err(Clone::clone);
        let verdict = scheduler.ended(due.slot, "tank", due.run, result);
        assert_eq!(matches!(verdict, Verdict::Keep), unit.is_ok());
        (due, unit)
    }
}

/// The journal between two nodes, and what clients saw of it.
#[derive(Default)]
struct Journal {
    sequence: u64,
    trend: Vec<(u64, u64, Option<Value>)>,
}

impl Journal {
    fn post(&mut self, active: &Node, standby: Option<&Node>, unit: &Unit) {
        self.sequence += 1;
        let at = at(1, self.sequence);
        let outputs = active.tags.prepare_batch(unit.outputs.clone()).unwrap();
        let posts = active.checkpoints.prepare(unit).unwrap();
        let node = |node: &Node| {
            node.tags.commit(at, outputs.clone()).unwrap();
            node.checkpoints.commit(at, posts.clone()).unwrap();
        };
        node(active);
        standby.into_iter().for_each(node);
        let held = active.checkpoints.get("tank").unwrap();
        let level = held.attributes.iter().find(|it| it.0.as_str() == "level");
        let Some((_, record)) = level else { return };
        let Value::Float(level) = record.value else { panic!("{record:?}") };
        self.trend.push((held.scan, level.to_bits(), active.tags.read("tank/pump").unwrap().value));
    }

    /// The plant around it: what comes in at a scan, whoever runs it.
    fn field(&mut self, scan: u64, nodes: &[&Node]) {
        self.sequence += 1;
        let value = Value::Float(1.0 + (scan as f64 / 40.0).sin());
        let write = TagWrite {
            path: "tank/level".into(),
            value,
            quality: if scan.is_multiple_of(97) { Quality::Bad } else { Quality::Good },
            timestamp: NodeTime(scan),
        };
        for node in nodes {
            let posts = node.tags.prepare_batch(vec![write.clone()]).unwrap();
            node.tags.commit(at(1, self.sequence), posts).unwrap();
        }
    }
}

/// One after the other is killed; `after_scan` says whether its last scan was done and not posted.
fn trend(kills: &[(u64, bool)]) -> Vec<(u64, u64, Option<Value>)> {
    let mut journal = Journal::default();
    let (mut active, mut standby) = (Node::standby(), Node::standby());
    active.activate(Time::ZERO);
    let mut kills = kills.to_vec();
    for scan in 1..=SCANS {
        journal.field(scan, &[&active, &standby]);
        if scan == 300 {
            let object = &mut active.running.as_mut().unwrap().1;
            object.set("setpoint", Value::Int(3), Quality::Good, NodeTime(7)).unwrap();
        }
        while let Some(at) = kills.iter().position(|it| it.0 == scan) {
            let (_, after_scan) = kills.remove(at);
            if after_scan {
                drop(active.scan());
            }
            // The next standby is a new process: it has a snapshot.
            let fresh = Node::standby();
            fresh.checkpoints.restore(at_end(&journal), &items(&standby.checkpoints)).unwrap();
            fresh.tags.restore(at_end(&journal), &items(&standby.tags)).unwrap();
            active = std::mem::replace(&mut standby, fresh);
            active.activate(Time::from_millis(scan * 17));
            if scan == 300 {
                let object = &mut active.running.as_mut().unwrap().1;
                object.set("setpoint", Value::Int(3), Quality::Good, NodeTime(7)).unwrap();
            }
        }
        let (due, unit) = active.scan();
        assert_eq!(due.scan, scan);
        journal.post(&active, Some(&standby), &unit.unwrap());
        assert_eq!(active.checkpoints.get("tank"), standby.checkpoints.get("tank"));
    }
    journal.trend
}

fn at_end(journal: &Journal) -> hotpair_types::Position {
    at(1, journal.sequence)
}

fn items(provider: &dyn RuntimeStateProvider) -> Vec<Item> {
    let item = |(item, value)| Item { position: at(1, 1), item, value };
    provider.snapshot().unwrap().into_iter().map(item).collect()
}

#[test]
fn a_thousand_scans_have_a_trend_worth_comparing() {
    let trend = trend(&[]);
    assert_eq!(trend.len(), 1_000);
    let different: std::collections::BTreeSet<_> = trend.iter().map(|it| it.1).collect();
    assert!(different.len() > 900, "{} levels", different.len());
    let level = |scan: usize| f64::from_bits(trend[scan - 1].1);
    assert!((level(299) - 2.0).abs() < 0.5, "{}", level(299));
    assert!((level(1_000) - 3.0).abs() < 0.5, "{}", level(1_000));
    assert!(trend.iter().any(|it| it.2 == Some(Value::Float(100.0))), "held at the limit");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_takeover_at_any_scan_leaves_the_trend_as_it_is(
        kills in prop::collection::vec((1..=SCANS, any::<bool>()), 1..6),
    ) {
        prop_assert_eq!(trend(&kills), trend(&[]));
    }
}

#[test]
fn a_fault_has_no_effect_and_goes_to_the_partner() {
    let mut journal = Journal::default();
    let (mut active, mut standby) = (Node::standby(), Node::standby());
    active.activate(Time::ZERO);
    for scan in 1..=3 {
        journal.field(scan, &[&active, &standby]);
        let (_, unit) = active.scan();
        journal.post(&active, Some(&standby), &unit.unwrap());
    }
    let before = active.checkpoints.get("tank").unwrap();
    for (demand, text) in [
        (3.95, "trapped: the demand is beyond reason"),
        (3.85, "trapped: panicked: nobody thought of 3.85"),
    ] {
        journal.sequence += 1;
        for node in [&active, &standby] {
            let post = node.tags.prepare("tank/level", demand.into(), Quality::Good, NodeTime(1));
            node.tags.commit(at_end(&journal), vec![post.unwrap()]).unwrap();
        }
        let (due, result) = active.scan();
        let fault = result.unwrap_err();
        assert_eq!(fault.to_string(), text);
        let (scheduler, object) = active.running.as_mut().unwrap();
        let name = object.declaration().name.clone();
        assert_eq!(object.scan(&due, NodeTime(1), &|_| None).unwrap_err(), fault, "never again");
        let unit = Unit::of_fault(name.clone(), due.scan, Some(fault.clone()));
        let restart = scheduler.restart(due.slot, "tank").unwrap();
        journal.post(&active, Some(&standby), &unit);
        let held = standby.checkpoints.get("tank").unwrap();
        assert_eq!((held.scan, held.fault.clone()), (due.scan, Some(fault.clone())));
        assert_eq!(
            (held.attributes, held.chunks),
            (before.attributes.clone(), before.chunks.clone())
        );
        let program = Native::new(declaration(), Tank::default());
        let held = standby.checkpoints.get("tank");
        let refused = Object::resume(declaration(), Box::new(program), held.as_ref());
        assert_eq!(refused.unwrap_err(), fault, "the partner does not run it either");
        journal.post(&active, Some(&standby), &Unit::of_fault(name, restart, None));
        active.activate(Time::ZERO);
    }
    journal.field(4, &[&active, &standby]);
    let (due, unit) = active.scan();
    assert_eq!(due.scan, 8, "two faults and two restarts");
    journal.post(&active, None, &unit.unwrap());
    standby.activate(Time::ZERO);
    journal.field(4, &[&standby]);
    assert_eq!(standby.scan().0.scan, 8);
}

#[test]
fn a_fault_in_the_first_scan_leaves_nothing_to_go_on_from() {
    let mut active = Node::standby();
    active.activate(Time::ZERO);
    let post = active.tags.prepare("tank/level", 3.95.into(), Quality::Good, NodeTime(1)).unwrap();
    let mut journal = Journal { sequence: 1, ..Journal::default() };
    active.tags.commit(at_end(&journal), vec![post]).unwrap();
    let (due, result) = active.scan();
    let name = declaration().name.clone();
    journal.post(&active, None, &Unit::of_fault(name.clone(), due.scan, result.err()));
    journal.post(&active, None, &Unit::of_fault(name, 2, None));
    active.activate(Time::ZERO);
    journal.field(3, &[&active]);
    assert!(active.scan().1.unwrap().whole, "everything is new");
}

#[test]
fn a_change_keeps_what_still_fits() {
    let mut active = Node::standby();
    active.activate(Time::ZERO);
    let mut journal = Journal::default();
    let object = &mut active.running.as_mut().unwrap().1;
    object.set("setpoint", Value::Int(1), Quality::Good, NodeTime(7)).unwrap();
    for scan in 1..=5 {
        journal.field(scan, &[&active]);
        let (_, unit) = active.scan();
        journal.post(&active, None, &unit.unwrap());
    }
    let held = active.checkpoints.get("tank").unwrap();
    let mut changed = (*declaration()).clone();
    let pump = changed.attribute("pump").unwrap();
    changed.attributes.remove(pump);
    let setpoint = changed.attribute("setpoint").unwrap();
    changed.attributes[setpoint].declaration.limits.min = Some(Value::Float(2.5));
    let changed = Arc::new(changed);
    let program = Native::new(Arc::clone(&changed), Tank::default());
    let mut object = Object::resume(Arc::clone(&changed), Box::new(program), Some(&held)).unwrap();
    assert_eq!(object.value("setpoint").unwrap().quality, Quality::Uncertain, "as declared");
    assert_eq!(object.value("level"), held.attributes.get("level"), "kept");
    let mut scheduler = Scheduler::new(Time::ZERO);
    scheduler.deploy(Time::ZERO, changed.name.clone(), changed.schedule, 5, None);
    let Next::Scan(due) = scheduler.next(Time::ZERO) else { panic!("due") };
    let unit = object.scan(&due, NodeTime(1), &|path| active.tags.read(path));
    assert_eq!(unit.unwrap_err().kind, FaultKind::BadOutput, "it writes what is not there");
    // The state of another program is left behind.
    let mut other = held.clone();
    other.program = "tank/0".into();
    let program = Native::new(declaration(), Tank::default());
    let mut object = Object::resume(declaration(), Box::new(program), Some(&other)).unwrap();
    let mut scheduler = Scheduler::new(Time::ZERO);
    scheduler.deploy(Time::ZERO, declaration().name.clone(), declaration().schedule, 5, None);
    let Next::Scan(due) = scheduler.next(Time::ZERO) else { panic!("due") };
    let unit = object.scan(&due, NodeTime(1), &|path| active.tags.read(path)).unwrap();
    assert!(unit.whole && unit.scan == 6);
    assert_eq!(unit.program.as_deref(), Some("tank/1"));
}

#[test]
fn a_changed_declaration_leaves_private_state_whole() {
    let mut active = Node::standby();
    active.activate(Time::ZERO);
    let mut journal = Journal::default();
    for scan in 1..=5 {
        journal.field(scan, &[&active]);
        let unit = active.scan().1.unwrap();
        let chunks = if scan == 1 { 3 } else { 1 };
        assert_eq!(unit.chunks.len(), chunks, "only what changed");
        journal.post(&active, None, &unit);
    }
    let json = DOCUMENT.replace(r#""pump": {"#, r#""spare": {"type": "int"}, "pump": {"#);
    let changed = Arc::new(declared_as(&json));
    let program = Native::new(Arc::clone(&changed), Tank::default());
    let held = active.checkpoints.get("tank").unwrap();
    let object = Object::resume(Arc::clone(&changed), Box::new(program), Some(&held)).unwrap();
    active.running.as_mut().unwrap().1 = object;
    let unit = active.scan().1.unwrap();
    assert!(unit.whole);
    journal.post(&active, None, &unit);
    let held = active.checkpoints.get("tank").unwrap();
    let mut program = Native::new(changed, Tank::default());
    hotpair_engine::objects::Program::apply(&mut program, &held.state()).unwrap();
    assert_eq!((program.get().scans, program.get().ballast.len()), (6, 3_000));
}
