//! Making a node, and looking whether it would run.

use crate::command::hotpair;
use expect_test::expect;

const PLACE: [&str; 7] =
    ["init", "--name", "gw-a", "--redundancy", "127.0.0.1:4750", "--primary", "127.0.0.2:4750"];

#[test]
fn init_makes_a_node_once() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("etc");
    let at = at.to_str().unwrap();
    let mut arguments = PLACE.to_vec();
    arguments.extend(["--master", "--dir", at]);
    let called = hotpair(&arguments);
    assert_eq!(called.status, 0, "{}", called.error);
    let key = called.out.split_whitespace().find(|it| it.starts_with("ed25519:")).unwrap();
    expect![[r#"
        status 0
        -- out
        gw-a is made: DIR/node.toml
          key  KEY
          data DIR/data
        Next, here:
          hotpair invite -c DIR/node.toml
    "#]]
    .assert_eq(&called.shown(&[(at, "DIR"), (key, "KEY")]));
    let again = hotpair(&arguments);
    expect![[r#"
        status 1
        -- error
        error: DIR/node.toml is there already; nothing was changed
    "#]]
    .assert_eq(&again.shown(&[(at, "DIR")]));

    let file = format!("{at}/node.toml");
    let unpaired = hotpair(&["run", "-c", &file]);
    assert_eq!(unpaired.status, 1);
    assert!(unpaired.error.contains("hotpair invite"), "{}", unpaired.error);
}

#[test]
fn a_secret_that_others_can_read_is_refused_at_the_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("etc");
    let at = at.to_str().unwrap();
    let mut arguments = PLACE.to_vec();
    arguments.extend(["--master", "--dir", at]);
    assert_eq!(hotpair(&arguments).status, 0);
    let file = format!("{at}/node.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text
        .replace(
            "listen = \"127.0.0.1:4750\"",
            "listen = \"127.0.0.1:4750\"\npartner = \"127.0.0.1:1\"",
        )
        .replace(
            "listen = \"127.0.0.2:4750\"",
            "listen = \"127.0.0.2:4750\"\npartner = \"127.0.0.2:1\"",
        );
    let partner = "\n[partner]\nname = \"gw-b\"\nkey = \"ed25519:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\"\n";
    std::fs::write(&file, text + partner).unwrap();
    let key = format!("{at}/data/node.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let called = hotpair(&["run", "-c", &file]);
    expect![[r#"
        status 1
        -- error
        error: DIR/data/node.key can be read by others (mode 0644); do `chmod 600 DIR/data/node.key`
    "#]]
    .assert_eq(&called.shown(&[(at, "DIR")]));
    let called = hotpair(&["check", "-c", &file, "--json"]);
    assert_eq!(called.status, 1);
    let checked: serde_json::Value = serde_json::from_str(&called.out).unwrap();
    let failed = |name: &str| {
        checked["checks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["name"] == name && it["result"] == "failed")
    };
    assert!(failed("key"), "{checked}");
    assert!(failed("partner over redundancy"), "{checked}");
}
