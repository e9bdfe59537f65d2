//! Objects of a node that acts: what was posted is theirs, what was not posted did not happen.
use crate::table::at;
use hotpair_engine::alarms::Alarms;
use hotpair_engine::objects::{
    Around, AttributeError, Begin, Checkpoints, Declared, Fault, FaultKind, MakeProgram, Native,
    NativeObject, ObjectDeclaration, PROVIDER, Proposed, Runner, Scan, Unit,
};
use hotpair_engine::tags::{Quality, Tags, Value};
use hotpair_types::{NodeTime, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Counts its scans, and ends at a number.
#[derive(Serialize, Deserialize)]
struct Counter {
    count: i64,
    /// No part of the state: whoever goes on from a checkpoint has none.
    #[serde(skip)]
    until: i64,
}

impl NativeObject for Counter {
    const IDENTITY: &'static str = "counter/1";

    fn scan(&mut self, scan: &mut Scan<'_>) -> Result<(), Fault> {
        self.count += 1;
        if self.count == self.until {
            return Err(Fault::new(FaultKind::Trapped, "that is enough"));
        }
        let Value::Int(add) = scan.get("add")?.value else { panic!("declared as a number") };
        self.count += add;
        scan.set("count", self.count)
    }
}

const DOCUMENT: &str = r#"{"module": "counter", "period": "100ms",
    "attributes": {"count": {"type": "int"}, "add": {"type": "int", "limits": {"max": 9}}}, "outputs": {"count": "line/count"},
    "alarms": {"many": {"attribute": "count", "when": "high", "limit": 1, "on_delay": "200ms"}}}"#;

fn counter(until: i64) -> MakeProgram {
    Arc::new(move |declaration| {
        let object = Counter { count: 0, until };
        Ok(Box::new(Native::new(Arc::new(declaration.clone()), object)))
    })
}

struct Node {
    tags: Arc<Tags>,
    checkpoints: Arc<Checkpoints>,
    alarms: Arc<Alarms>,
    runner: Runner,
    now: Time,
    sequence: u64,
}

impl Node {
    fn new() -> Self {
        let tags = Arc::new(Tags::new());
        tags.config_changed("tags/line/count", Some(br#"{"type": "int"}"#)).unwrap();
        let checkpoints = Arc::new(Checkpoints::new());
        let alarms = Arc::new(Alarms::new());
        let runner = Runner::new(Time::ZERO, checkpoints.clone(), alarms.clone());
        Self { tags, checkpoints, alarms, runner, now: Time::ZERO, sequence: 0 }
    }

    fn declaration(&self) -> Arc<ObjectDeclaration> {
        let modules = BTreeMap::from([("counter".into(), Vec::new())]);
        let around = Around { tags: &self.tags, modules: &modules, writers: &BTreeMap::new() };
        Arc::new(ObjectDeclaration::from_json("c", DOCUMENT.as_bytes(), &around).unwrap())
    }

    /// As who takes over begins.
    fn opened(&self) -> Runner {
        Runner::new(self.now, self.checkpoints.clone(), self.alarms.clone())
    }

    fn deploy(&mut self, until: i64) {
        self.alarms.declare("c", &self.declaration().alarms);
        self.runner.deploy(self.now, self.declaration(), counter(until));
    }

    /// Does the next scan; its unit is not posted yet.
    fn scan(&mut self) -> Unit {
        loop {
            match self.runner.next(self.now) {
                Begin::Scan(job) => {
                    let ended = job.run(NodeTime(1), &|path| self.tags.read(path));
                    return self.runner.ended(self.now, ended).unwrap();
                }
                Begin::Wait(at) => self.now = at,
                Begin::Idle => panic!("nothing is due any more"),
            }
        }
    }

    /// The journal takes it, or does not.
    fn post(&mut self, unit: Unit, taken: bool) {
        let posts = self.runner.posts(self.now, NodeTime(1), unit, &self.tags).unwrap();
        self.sequence += u64::from(taken);
        let position = taken.then(|| at(1, self.sequence));
        let (tags, alarms) = (posts.tags.clone(), posts.alarms.clone());
        self.runner.posted(self.now, posts, position).unwrap();
        if let Some(position) = position {
            self.tags.commit(position, tags).unwrap();
            self.alarms.commit(position, alarms).unwrap();
        }
    }

    fn alarm(&self) -> (&'static str, bool, Option<Duration>) {
        let record = self.alarms.get("c", "many").unwrap().record;
        (record.state().id(), record.is_bad, record.delay())
    }

    fn count(&self) -> Option<Value> {
        self.tags.read("line/count").unwrap().value
    }
}

#[test]
fn a_scan_that_was_not_posted_is_done_again_under_its_number() {
    let mut node = Node::new();
    node.deploy(0);
    let mut seen = Vec::new();
    for taken in [true, true, false, false, true, true] {
        let unit = node.scan();
        seen.push(unit.scan);
        node.post(unit, taken);
    }
    assert_eq!(seen, [1, 2, 3, 3, 3, 4]);
    assert_eq!(node.count(), Some(Value::Int(4)), "no scan had its effect twice");
    assert_eq!(node.checkpoints.step("c"), (4, None));
}

#[test]
fn who_takes_over_goes_on_with_the_next_number_and_the_whole_state() {
    let mut node = Node::new();
    node.deploy(0);
    for _ in 0..3 {
        let unit = node.scan();
        node.post(unit, true);
    }
    // Done, and lost with the node that did it.
    let lost = node.scan();
    assert_eq!(lost.scan, 4);
    node.runner = node.opened();
    node.deploy(0);
    let unit = node.scan();
    assert_eq!((unit.scan, &unit.outputs), (4, &lost.outputs));
    node.post(unit, true);
    assert_eq!(node.count(), Some(Value::Int(4)));
}

#[test]
fn a_checkpoint_that_was_replaced_is_what_the_object_goes_on_from() {
    let mut node = Node::new();
    node.deploy(0);
    for _ in 0..3 {
        let unit = node.scan();
        node.post(unit, true);
    }
    let removal = node.checkpoints.removal(&node.declaration().name);
    node.checkpoints.commit(at(2, 9), removal).unwrap();
    let unit = node.scan();
    assert_eq!(unit.scan, 1, "it is a new object");
    node.post(unit, true);
    assert_eq!(node.checkpoints.step("c"), (1, None));
}

#[test]
fn a_fault_is_posted_under_the_number_of_its_scan_and_a_change_ends_it() {
    let mut node = Node::new();
    node.deploy(2);
    let unit = node.scan();
    node.post(unit, true);
    let unit = node.scan();
    assert_eq!((unit.scan, unit.outputs.len()), (2, 0));
    node.post(unit, true);
    assert_eq!(node.checkpoints.step("c").1.unwrap().kind, FaultKind::Trapped);
    assert!(matches!(node.runner.next(node.now + Duration::from_secs(9)), Begin::Idle));
    // As it stands it stays in fault, also at the partner.
    node.runner = node.opened();
    node.deploy(2);
    assert!(matches!(node.runner.next(node.now + Duration::from_secs(9)), Begin::Idle));
    let restart = node.runner.change(node.now, node.declaration(), counter(9)).unwrap();
    assert_eq!((restart.scan, &restart.fault), (3, &None));
    node.post(restart, true);
    let unit = node.scan();
    assert_eq!(unit.scan, 4);
    node.post(unit, true);
    assert_eq!(node.count(), Some(Value::Int(2)), "the scan that failed had no effect");
}

#[test]
fn a_fault_that_was_not_posted_did_not_happen() {
    let mut node = Node::new();
    node.deploy(1);
    let unit = node.scan();
    assert!(unit.fault.is_some());
    node.post(unit, false);
    assert_eq!(node.runner.shown("c").unwrap().fault, None);
    assert_eq!(node.scan().scan, 1);
}

#[test]
fn an_output_whose_tag_is_gone_is_the_fault_of_its_object() {
    let mut node = Node::new();
    node.deploy(0);
    let unit = node.scan();
    node.tags.config_changed("tags/line/count", None).unwrap();
    let posts = node.runner.posts(node.now, NodeTime(1), unit, &node.tags).unwrap();
    assert_eq!(posts.tags, []);
    node.runner.posted(node.now, posts, Some(at(1, 1))).unwrap();
    let (scan, fault) = node.checkpoints.step("c");
    assert_eq!((scan, fault.unwrap().kind), (1, FaultKind::BadOutput));
}

fn set(node: &mut Node, add: i64) -> Result<Unit, AttributeError> {
    node.runner.set("c", "add", Value::Int(add), Quality::Good, NodeTime(2))
}

#[test]
fn what_a_person_sets_is_a_step_of_its_own_and_the_next_scan_begins_with_it() {
    let mut node = Node::new();
    node.deploy(0);
    let unit = set(&mut node, 5).unwrap();
    node.post(unit, true);
    let unit = node.scan();
    assert_eq!(unit.scan, 2, "also before the first scan");
    node.post(unit, true);
    assert_eq!(node.count(), Some(Value::Int(6)));
    let unit = set(&mut node, 7).unwrap();
    assert_eq!(unit.scan, 3);
    node.post(unit, true);
    // The object that was scanned, and one that is made from the checkpoint, go on the same way.
    let unit = node.scan();
    let names: Vec<_> = unit.attributes.iter().map(|it| it.0.as_str()).collect();
    assert_eq!((unit.scan, &names[..]), (4, &["count"][..]), "what was set is posted already");
    node.runner = node.opened();
    node.deploy(0);
    let again = node.scan();
    assert_eq!(again.outputs, unit.outputs);
    node.post(again, true);
    assert_eq!(node.count(), Some(Value::Int(14)));
}

#[test]
fn what_is_set_and_not_posted_did_not_happen() {
    let mut node = Node::new();
    node.deploy(0);
    let unit = node.scan();
    node.post(unit, true);
    let unit = set(&mut node, 9).unwrap();
    node.post(unit, false);
    let unit = node.scan();
    assert_eq!(unit.scan, 2);
    node.post(unit, true);
    assert_eq!(node.count(), Some(Value::Int(2)));
}

#[test]
fn an_attribute_is_set_between_scans_within_its_limits_and_not_where_a_tag_stands() {
    let mut node = Node::new();
    node.deploy(0);
    let error = |it: Result<Unit, AttributeError>| it.unwrap_err().to_string();
    let Begin::Scan(job) = node.runner.next(node.now) else { panic!("the first slot is now") };
    assert_eq!(error(set(&mut node, 1)), "object `c` is being scanned");
    let ended = job.run(NodeTime(1), &|path| node.tags.read(path));
    let unit = node.runner.ended(node.now, ended).unwrap();
    node.post(unit, true);
    let refused = error(set(&mut node, 10));
    assert!(refused.starts_with("attribute `add`: 10 is "), "{refused}");
    let mut other = |attribute: &str, object: &str| {
        error(node.runner.set(object, attribute, Value::Int(1), Quality::Good, NodeTime(2)))
    };
    assert_eq!(
        other("count", "c"),
        "attribute `count` is an output: the object writes it, to tag `line/count`"
    );
    assert_eq!(other("nothing", "c"), "object `c` has no attribute `nothing`");
    assert_eq!(other("add", "nobody"), "there is no object `nobody`");
    assert_eq!(node.checkpoints.step("c").0, 1, "a refusal is no step");
    let unit = node.scan();
    assert_eq!(unit.scan, 2);
}

#[test]
fn what_is_set_in_a_fault_is_there_after_the_restart() {
    let mut node = Node::new();
    node.deploy(1);
    let unit = node.scan();
    node.post(unit, true);
    let unit = set(&mut node, 4).unwrap();
    assert_eq!((unit.scan, unit.fault.as_ref().map(|it| it.kind)), (2, Some(FaultKind::Trapped)));
    node.post(unit, true);
    assert!(matches!(node.runner.next(node.now + Duration::from_secs(9)), Begin::Idle));
    let restart = node.runner.change(node.now, node.declaration(), counter(9)).unwrap();
    node.post(restart, true);
    let unit = node.scan();
    node.post(unit, true);
    assert_eq!(node.count(), Some(Value::Int(5)));
}

#[test]
fn nothing_stays_of_what_is_not_declared_any_more() {
    let mut node = Node::new();
    node.deploy(0);
    let unit = node.scan();
    node.post(unit, true);
    assert_eq!(node.runner.removals(|_| true), []);
    node.runner.withdraw("c");
    let removals = node.runner.removals(|_| false);
    node.checkpoints.commit(at(1, 9), removals).unwrap();
    assert_eq!(node.checkpoints.scans(), []);
    assert_eq!(PROVIDER, "objects");
}

#[test]
fn alarms_are_looked_at_with_a_scan_and_change_with_its_unit() {
    let period = Duration::from_millis(100);
    let mut node = Node::new();
    node.deploy(0);
    let mut scan = |taken: bool| {
        let unit = node.scan();
        node.post(unit, taken);
        node.alarm()
    };
    assert_eq!(scan(true), ("normal", false, None));
    assert_eq!(scan(true), ("normal", false, Some(Duration::ZERO)), "it counts from here");
    assert_eq!(scan(false), ("normal", false, Some(Duration::ZERO)), "a scan without effect");
    assert_eq!(scan(true), ("normal", false, Some(period)));
    // Who takes over goes on in the middle of the delay.
    node.runner = node.opened();
    node.deploy(0);
    let unit = node.scan();
    assert_eq!(unit.scan, 4);
    node.post(unit, true);
    assert_eq!(node.alarm(), ("unacknowledged", false, None));
    let unit = node.scan();
    node.post(unit, true);
    assert_eq!(node.alarm().0, "unacknowledged");
}

#[test]
fn alarms_of_an_object_in_fault_stay_and_say_so() {
    let mut node = Node::new();
    node.deploy(3);
    for _ in 0..2 {
        let unit = node.scan();
        node.post(unit, true);
    }
    assert_eq!(node.alarm(), ("normal", false, Some(Duration::ZERO)));
    let unit = node.scan();
    assert!(unit.fault.is_some());
    node.post(unit, true);
    assert_eq!(node.alarm(), ("normal", true, Some(Duration::ZERO)));
}

#[test]
fn a_transaction_is_checked_against_what_it_makes_itself() {
    let node = Node::new();
    let proposed = || Proposed::new(node.tags.clone(), BTreeMap::new(), Declared::default());
    let mut around = proposed();
    let complaints = around.check("c", DOCUMENT.as_bytes()).unwrap_err();
    assert!(complaints.to_string().contains("none is deployed"), "{complaints}");
    let mut around = proposed();
    around.note_module("counter", true);
    around.check("c", DOCUMENT.as_bytes()).unwrap();
    let complaints = around.check("d", DOCUMENT.as_bytes()).unwrap_err();
    assert!(complaints.to_string().contains("which object `c` writes"), "{complaints}");
    let mut around = proposed();
    around.note_module("counter", true);
    around.note("tags/line/count", None);
    assert!(around.check("c", DOCUMENT.as_bytes()).is_err(), "its tag goes with the transaction");
    around.note("tags/line/count", Some(br#"{"type": "int", "unit": "1"}"#));
    around.check("c", DOCUMENT.as_bytes()).unwrap();
}
