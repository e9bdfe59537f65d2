//! The demo, as a script runs it.

use crate::command::hotpair;
use serde_json::Value;

#[test]
fn the_demo_survives_the_death_of_its_active_node_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("demo");
    let called = hotpair(&[
        "demo",
        "--json",
        "--kill-active-after",
        "1s",
        "--exit-after",
        "3s",
        "--dir",
        at.to_str().unwrap(),
    ]);
    assert_eq!(called.status, 0, "{}\n{}", called.out, called.error);
    let events: Vec<Value> =
        called.out.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let of = |name: &str| events.iter().find(|it| it["event"] == name).unwrap();
    assert_eq!(of("killed")["node"], "gw-a");
    assert_eq!(of("takeover")["node"], "gw-b");
    assert_eq!(of("takeover")["lost"], 0);
    assert_eq!(of("plant")["goes_on"], true);
    assert!(of("plant")["after"]["scan"].as_u64() > of("plant")["before"]["scan"].as_u64());
    assert_eq!(of("end")["ok"], true);
    assert!(of("end")["acknowledged"].as_u64().unwrap() > 20);

    // What the machines did is what they do again.
    for record in ["gw-a/data/steps/main-000001.log", "gw-b/data/steps/main-000001.log"] {
        let record = at.join(record);
        let called = hotpair(&["replay", record.to_str().unwrap()]);
        assert_eq!(called.status, 0, "{}{}", called.out, called.error);
        assert!(called.out.contains("decides the same"), "{}", called.out);
    }
    let record = at.join("gw-b/data/steps/main-000001.log");
    let text = std::fs::read_to_string(&record).unwrap();
    assert!(hotpair(&["replay", record.to_str().unwrap()]).out.contains("Switching to Active"));
    let forged = text.replacen("\"to\":\"switching-to-active\"", "\"to\":\"active\"", 1);
    std::fs::write(&record, forged).unwrap();
    let called = hotpair(&["replay", record.to_str().unwrap()]);
    assert_eq!(called.status, 1);
    assert!(called.out.contains("decides differently"), "{}", called.out);
    std::fs::write(&record, "{}\n").unwrap();
    assert_eq!(hotpair(&["replay", record.to_str().unwrap()]).status, 1);
}
