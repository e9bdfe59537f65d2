//! Whatever a node says, it does not steer the terminal.

use crate::command::hotpair;
use crate::fake::{FakeNode, whole_status};
use serde_json::{Value, json};

/// Replaces every text in the document that may hold anything.
fn poison(value: &mut Value, key: &str) {
    match value {
        Value::String(text) => {
            let fixed = [
                "state",
                "partner_state",
                "health",
                "own_end",
                "fencing",
                "mode",
                "designation",
                "kind",
                "from",
                "to",
            ];
            if !fixed.contains(&key) {
                *text = format!("\u{1b}[2J\u{1b}]0;pwned\u{7}\r\n\u{202e}{}", "A".repeat(100_000));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|it| poison(it, key)),
        Value::Object(fields) => fields.iter_mut().for_each(|(key, it)| poison(it, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check(arguments: &[&str], answer: Value) {
    let node = FakeNode::new(move |_| (200, answer.clone()));
    let called = hotpair(&[arguments, &["--api", &node.base]].concat());
    let text = format!("{}{}", called.out, called.error);
    assert!(text.contains("\\u{1b}"), "{arguments:?} shows nothing of it: {text:.300}");
    let steers = |it: char| (it.is_control() && it != '\n') || it == '\u{202e}';
    assert!(!text.contains(steers), "{arguments:?} lets it through");
    assert!(text.len() < 50_000, "{arguments:?} fills the screen with {} bytes", text.len());
}

#[test]
fn hostile_texts_are_escaped_and_cut() {
    let mut status = whole_status();
    status["alarms"] = json!([{"id": "x", "text": "x", "since_ms": 1}]);
    status["engines"][0]["blockers"] =
        json!([{"id": "x", "text": "x", "evidence": [{"name": "x", "value": "x"}]}]);
    poison(&mut status, "");
    check(&["status"], status.clone());
    check(&["engine", "list"], status.clone());
    let event = status["engines"][0]["last_change"].clone();
    check(&["why"], json!({ "events": [event] }));
    let mut tag = json!({"path": "x", "value": "x", "quality": 0, "timestamp": 1, "sequence": 1, "epoch": 1, "type": "x", "unit": "x"});
    poison(&mut tag, "");
    tag["quality"] = json!("good");
    check(&["tag", "read", "a"], tag);
    let mut records = json!({"records": [{"key": "x", "value": "x", "version": 1, "epoch": 1, "written_at_ms": 1}], "next": null, "position": {"epoch": 1, "sequence": 1}});
    poison(&mut records, "");
    check(&["config", "list"], records);
    let mut modules = json!({"modules": [{"name": "x", "hash": "x", "size": 1, "present": true, "refused": ["x"]}]});
    poison(&mut modules, "");
    check(&["module", "list"], modules);
    let mut divergences = json!({"divergences": [{
        "id": "x", "at_ms": 1, "fork": {"epoch": 1, "sequence": 1}, "journal": 0, "winning_epoch": 1,
        "losing_epoch": 1, "losing_node": "x", "rule": "x", "entries": 1, "settled": 0}]});
    poison(&mut divergences, "");
    divergences["divergences"][0]["journal"] = json!("runtime");
    check(&["divergence", "list"], divergences);
}

#[test]
fn a_hostile_refusal_is_escaped_too() {
    let node = FakeNode::new(|_| {
        let text = format!("\u{1b}[2J{}", "A".repeat(1 << 20));
        (
            409,
            json!({"type": text, "detail": text, "reasons": [{"id": text, "text": text}], "active": text}),
        )
    });
    let called = hotpair(&["pause", "--api", &node.base]);
    assert_eq!(called.status, 4);
    assert!(!called.error.contains('\u{1b}'));
    assert!(called.error.len() < 10_000, "{}", called.error.len());
}
