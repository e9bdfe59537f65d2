//! What of an object goes into history.
use crate::table::at;
use hotpair_engine::alarms::Alarms;
use hotpair_engine::history::Sample;
use hotpair_engine::objects::{
    Around, Begin, Checkpoints, Fault, MakeProgram, Native, NativeObject, ObjectDeclaration,
    Runner, Scan,
};
use hotpair_engine::tags::{Quality, Tags, Value};
use hotpair_types::{NodeTime, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Counts every second scan.
#[derive(Serialize, Deserialize)]
struct Halves {
    scans: i64,
}

impl NativeObject for Halves {
    const IDENTITY: &'static str = "halves/1";

    fn scan(&mut self, scan: &mut Scan<'_>) -> Result<(), Fault> {
        self.scans += 1;
        scan.set("half", self.scans / 2)?;
        scan.set("all", self.scans)
    }
}

#[test]
fn what_is_marked_is_recorded_when_it_changes_and_by_each_object_that_is_made_anew() {
    let document = r#"{"module": "halves", "period": "100ms", "inputs": {"level": "line/level"},
        "attributes": {"half": {"type": "int", "history": true}, "all": {"type": "int"},
                       "level": {"type": "int", "unit": "m", "history": true}}}"#;
    let tags = Tags::new();
    tags.config_changed("tags/line/level", Some(br#"{"type": "int", "unit": "m"}"#)).unwrap();
    let modules = BTreeMap::from([("halves".into(), Vec::new())]);
    let around = Around { tags: &tags, modules: &modules, writers: &BTreeMap::new() };
    let declared = ObjectDeclaration::from_json("h", document.as_bytes(), &around).unwrap();
    let declared = Arc::new(declared);
    let make: MakeProgram =
        Arc::new(|it| Ok(Box::new(Native::new(Arc::new(it.clone()), Halves { scans: 0 }))));
    let (checkpoints, alarms) = (Arc::new(Checkpoints::new()), Arc::new(Alarms::new()));
    let mut now = Time::ZERO;
    let mut seen = Vec::new();
    let mut sequence = 0;
    let write = |level: i64, sequence: u64| {
        let value = Value::Int(level);
        let post = tags.prepare("line/level", value, Quality::Good, NodeTime(1)).unwrap();
        tags.commit(at(1, sequence), vec![post]).unwrap();
    };
    // Two terms of two scans each; the level changes before the second scan.
    for term in 0..2 {
        let mut runner = Runner::new(now, checkpoints.clone(), alarms.clone());
        runner.deploy(now, declared.clone(), make.clone());
        let mut scans = 0;
        while scans < 2 {
            match runner.next(now) {
                Begin::Wait(at) => now = at,
                Begin::Idle => panic!("nothing is due any more"),
                Begin::Scan(job) => {
                    let unit = runner.ended(now, job.run(NodeTime(1), &|it| tags.read(it)));
                    let posts = runner.posts(now, NodeTime(1), unit.unwrap(), &tags).unwrap();
                    let shown = |it: &Sample| format!("{}={}", it.attribute, it.value);
                    let shown: Vec<_> = posts.samples.iter().map(shown).collect();
                    seen.push(format!("{}: {}", posts.step, shown.join(" ")));
                    sequence += 2;
                    runner.posted(now, posts, Some(at(1, sequence))).unwrap();
                    scans += 1;
                    if term == 0 {
                        write(7, sequence + 1);
                    }
                }
            }
        }
    }
    assert_eq!(seen, ["1: half=0 level=0", "2: half=1 level=7", "3: half=1 level=7", "4: half=2"]);
}
