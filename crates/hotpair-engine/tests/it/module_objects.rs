//! Modules as programs of objects: what cannot go on is in fault, the others go on (row X15).
use crate::table::at;
use crate::wat::{bytes, module};
use hotpair_engine::modules::{Budget, Module, ModuleProgram, attributes_of};
use hotpair_engine::objects::{
    Around, Checkpoint, Checkpoints, Due, FaultKind, Name, Next, Object, ObjectDeclaration, Said,
    Scheduler, Unit, Verdict,
};
use hotpair_engine::tags::{Quality, Tags, Value};
use hotpair_types::{NodeTime, Time};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const TOTALISER: &[u8] = include_bytes!("../../../../examples/modules/totaliser.wasm");

const TOTAL: &str = r#"{
    "module": "m",
    "period": "100ms",
    "attributes": {
        "pulses": {"type": "int"}, "wraps_at": {"type": "int", "initial": 1000},
        "per_pulse": {"type": "float", "initial": 0.5},
        "next_period": {"type": "bool", "initial": false},
        "total": {"type": "float"}, "count": {"type": "int"}, "period": {"type": "float"},
        "last_period": {"type": "float"}, "flow_per_s": {"type": "float"}
    },
    "inputs": {"pulses": "meter/pulses"},
    "outputs": {"count": "meter/count"}
}"#;

fn tags() -> Tags {
    let tags = Tags::new();
    for path in ["meter/pulses", "meter/count"] {
        tags.config_changed(&format!("tags/{path}"), Some(br#"{"type": "int"}"#)).unwrap();
    }
    tags
}

fn declared(name: &str, document: &str, module: &Module) -> Arc<ObjectDeclaration> {
    let modules = BTreeMap::from([("m".into(), attributes_of(module))]);
    let around = Around { tags: &tags(), modules: &modules, writers: &BTreeMap::new() };
    Arc::new(ObjectDeclaration::from_json(name, document.as_bytes(), &around).unwrap())
}

fn object(
    declaration: &Arc<ObjectDeclaration>,
    module: &Module,
    from: Option<&Checkpoint>,
) -> Object {
    let program = ModuleProgram::new(module, Budget::default(), declaration).unwrap();
    Object::resume(Arc::clone(declaration), Box::new(program), from).unwrap()
}

/// Objects of one node with their schedule.
struct Node {
    tags: Tags,
    scheduler: Scheduler,
    objects: BTreeMap<Name, Object>,
    checkpoints: Checkpoints,
    entries: u64,
}

impl Node {
    fn new() -> Self {
        let (tags, objects) = (tags(), BTreeMap::new());
        let (scheduler, checkpoints) = (Scheduler::new(Time::ZERO), Checkpoints::new());
        Self { tags, scheduler, objects, checkpoints, entries: 0 }
    }

    fn deploy(&mut self, declaration: &Arc<ObjectDeclaration>, module: &Module) {
        let checkpoint = self.checkpoints.get(declaration.name.as_str());
        let object = object(declaration, module, checkpoint.as_ref());
        let last_scan = checkpoint.map_or(0, |it| it.scan);
        let (name, schedule) = (declaration.name.clone(), declaration.schedule);
        self.scheduler.deploy(Time::ZERO, name.clone(), schedule, last_scan, None);
        self.objects.insert(name, object);
    }

    fn set(&mut self, tag: &str, value: i64) {
        self.entries += 1;
        let post = self.tags.prepare(tag, value.into(), Quality::Good, NodeTime(1)).unwrap();
        self.tags.commit(at(1, self.entries), vec![post]).unwrap();
    }

    fn take(&mut self, unit: &Unit) {
        self.entries += 1;
        let posts = self.checkpoints.prepare(unit).unwrap();
        self.checkpoints.commit(at(1, self.entries), posts).unwrap();
    }

    /// Everything that is due up to then.
    fn run(&mut self, until: Time) -> Vec<Unit> {
        let (mut now, mut units) = (Time::ZERO, Vec::new());
        loop {
            let due = match self.scheduler.next(now) {
                Next::Scan(due) => due,
                Next::Wait(at) if at <= until => {
                    now = at;
                    continue;
                }
                Next::Wait(_) | Next::Idle => return units,
            };
            let object = self.objects.get_mut(&due.object).unwrap();
            let scanned = object.scan(&due, NodeTime(1), &|path| self.tags.read(path));
            let result = scanned.as_ref().map(|_| ()).map_err(Clone::clone);
            match self.scheduler.ended(now, due.object.as_str(), due.run, result) {
                Verdict::Keep => {
                    let unit = scanned.unwrap();
                    self.take(&unit);
                    units.push(unit);
                }
                Verdict::Fault(fault) => {
                    let unit = Unit::of_fault(due.object, due.scan, Some(fault));
                    self.take(&unit);
                }
                Verdict::Stale => panic!("nothing else happened"),
            }
        }
    }
}

fn hostile(code: &str) -> Module {
    module(&format!(
        r#"(module (memory (export "memory") 1) (func (export "hotpair_v1_scan") {code}))"#
    ))
}

#[test]
fn hostile_modules_are_in_fault_with_the_reason_and_the_others_go_on() {
    let mut node = Node::new();
    let good = Module::admit(TOTALISER).unwrap();
    node.deploy(&declared("good", TOTAL, &good), &good);
    let plain = r#"{"module": "m", "period": "100ms", "attributes": {}}"#;
    let cases = [
        ("loops", "(loop $l (br $l))", FaultKind::OutOfBudget, "was not done"),
        ("traps", "unreachable", FaultKind::Trapped, "unreachable"),
        ("grows", "(drop (memory.grow (i32.const 100)))", FaultKind::OutOfMemory, "4194304"),
    ];
    for (name, code, ..) in cases {
        let module = hostile(code);
        node.deploy(&declared(name, plain, &module), &module);
    }
    // What imports what it may not, or is no module, does not get this far.
    let foreign = r#"(module (import "wasi" "exit" (func)) (memory (export "memory") 1)
        (func (export "hotpair_v1_scan")))"#;
    assert!(Module::admit(&bytes(foreign)).is_err() && Module::admit(b"#!/bin/sh").is_err());
    node.set("meter/pulses", 7);
    node.run(Time::ZERO + Duration::from_secs(1));
    for (name, _, kind, reason) in cases {
        let fault = node.scheduler.shown(name).unwrap().fault.clone().unwrap();
        assert_eq!(fault.kind, kind, "{name}: {fault}");
        assert!(fault.reason.contains(reason), "{name}: {fault}");
        assert_eq!(node.checkpoints.get(name).unwrap().fault, Some(fault), "the partner knows");
    }
    let good = node.scheduler.shown("good").unwrap();
    assert_eq!((&good.fault, good.last_scan), (&None, 11));
}

#[test]
fn what_was_said_before_a_trap_is_told_once() {
    let module = module(
        r#"(module
            (import "hotpair_v1" "log" (func $log (param i32 i32)))
            (memory (export "memory") 1) (data (i32.const 0) "here")
            (func (export "hotpair_v1_scan")
                (call $log (i32.const 0) (i32.const 4)) unreachable))"#,
    );
    let plain = r#"{"module": "m", "period": "100ms", "attributes": {}}"#;
    let mut object = object(&declared("o", plain, &module), &module, None);
    let due = Due { object: Name::new("o").unwrap(), scan: 1, run: 1, slot: Time::ZERO, missed: 0 };
    assert!(object.scan(&due, NodeTime(5), &|_| None).is_err());
    assert_eq!(object.said(), Said { lines: vec!["here".into()], left_out: 0 });
    assert_eq!(object.said(), Said::default());
}

#[test]
fn a_module_goes_on_from_its_checkpoint_at_the_partner() {
    let module = Module::admit(TOTALISER).unwrap();
    let declaration = declared("total", TOTAL, &module);
    let run = |takeovers: &[i64]| {
        let mut node = Node::new();
        node.deploy(&declaration, &module);
        let mut counts = Vec::new();
        for step in 0..10_i64 {
            node.set("meter/pulses", step * 150 % 1000);
            let units =
                node.run(Time::ZERO + Duration::from_millis(100) * u32::try_from(step).unwrap());
            let outputs = units.iter().flat_map(|it| &it.outputs);
            counts.extend(outputs.map(|it| (it.path.clone(), it.value.clone())));
            if takeovers.contains(&step) {
                // The partner has checkpoints and tags, and nothing else; its schedule goes on.
                let checkpoint = node.checkpoints.get("total").unwrap();
                let resumed = object(&declaration, &module, Some(&checkpoint));
                node.objects.insert(declaration.name.clone(), resumed);
            }
        }
        (counts, node.checkpoints.get("total").unwrap().chunks)
    };
    let whole = run(&[]);
    assert_eq!(whole.0.last().unwrap().1, Value::Int(1_350));
    assert_eq!(run(&[0, 3, 4, 8]), whole);
}

#[test]
fn the_state_of_another_module_is_left_behind() {
    let module = Module::admit(TOTALISER).unwrap();
    let declaration = declared("total", TOTAL, &module);
    let mut node = Node::new();
    node.deploy(&declaration, &module);
    node.set("meter/pulses", 1);
    node.run(Time::ZERO);
    let checkpoint = node.checkpoints.get("total").unwrap();
    assert_eq!(&*checkpoint.program, format!("module/{}", module.hash()));
    // One more section is another module.
    let other = Module::admit(&[TOTALISER, &[0, 2, 1, b'x']].concat()).unwrap();
    let resumed = object(&declaration, &other, Some(&checkpoint));
    assert_ne!(resumed.identity(), &*checkpoint.program);
    let mut damaged = checkpoint;
    damaged.chunks.remove(&0);
    let program = ModuleProgram::new(&module, Budget::default(), &declaration).unwrap();
    let fault = Object::resume(declaration, Box::new(program), Some(&damaged)).unwrap_err();
    assert_eq!(fault.to_string(), "bad-state: there is no item `head`");
}

#[test]
fn a_whole_unit_names_all_state() {
    let module = Module::admit(TOTALISER).unwrap();
    let declaration = declared("total", TOTAL, &module);
    let mut node = Node::new();
    node.deploy(&declaration, &module);
    node.set("meter/pulses", 1);
    node.run(Time::ZERO);
    let mut checkpoint = node.checkpoints.get("total").unwrap();
    // An attribute of before that is not declared any more: the next unit says everything.
    let old = checkpoint.attributes.values().next().unwrap().clone();
    checkpoint.attributes.insert(Name::new("old").unwrap(), old);
    let resumed = object(&declaration, &module, Some(&checkpoint));
    node.objects.insert(declaration.name.clone(), resumed);
    let before: Vec<u32> = checkpoint.chunks.keys().copied().collect();
    let units = node.run(Time::ZERO + Duration::from_millis(100));
    let named: Vec<u32> = units[0].chunks.iter().map(|it| it.at).collect();
    assert!(units[0].whole && before.len() > 1);
    assert_eq!(named, before);
}
