//! The demo, as a script runs it.

use crate::command::hotpair;
use serde_json::Value;

#[test]
fn the_demo_survives_the_death_of_its_active_node_and_loses_nothing() {
    let called = hotpair(&["demo", "--json", "--kill-active-after", "1s", "--exit-after", "3s"]);
    assert_eq!(called.status, 0, "{}\n{}", called.out, called.error);
    let events: Vec<Value> =
        called.out.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let of = |name: &str| events.iter().find(|it| it["event"] == name).unwrap();
    assert_eq!(of("killed")["node"], "gw-a");
    assert_eq!(of("takeover")["node"], "gw-b");
    assert_eq!(of("takeover")["lost"], 0);
    assert_eq!(of("end")["ok"], true);
    assert!(of("end")["acknowledged"].as_u64().unwrap() > 20);
}
