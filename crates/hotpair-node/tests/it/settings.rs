//! Settings that are wrong are refused at the start, with their place.

use crate::command::hotpair;
use expect_test::expect;

#[test]
fn run_and_check_refuse_wrong_settings_and_name_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("node.toml");
    let file = file.to_str().unwrap();
    std::fs::write(
        file,
        "[node]\nname = \"gw-a\"\ndesignation = \"mastr\"\n[heartbeat]\nintervall = \"1s\"\n",
    )
    .unwrap();
    let called = hotpair(&["run", "-c", file]);
    expect![[r#"
        status 1
        -- error
        error: partner: is missing
         --> node.toml:1:1
          |
        1 | [node]
          | ^
          = help: this node has no partner yet: `hotpair invite` here, then `hotpair join` on the other host

        error: channels.redundancy.listen: is missing: no `[channels.redundancy]`
         --> node.toml:1:1
          |
        1 | [node]
          | ^
          = help: allowed: an IP address and a port, "10.10.0.1:4750" or "[fd00::1]:4750"

        error: channels.primary.listen: is missing: no `[channels.primary]`
         --> node.toml:1:1
          |
        1 | [node]
          | ^
          = help: allowed: an IP address and a port, "10.10.0.1:4750" or "[fd00::1]:4750"

        error: node.designation: `mastr`: not one of the choices
         --> node.toml:3:15
          |
        3 | designation = "mastr"
          |               ^^^^^^^
          = help: allowed: "master" or "backup"

        error: heartbeat.intervall: unknown setting
         --> node.toml:5:1
          |
        5 | intervall = "1s"
          | ^^^^^^^^^
          = help: did you mean `interval`?

        node.toml: 5 errors; nothing was started
    "#]].assert_eq(&called.shown(&[(file, "node.toml")]));
    let called = hotpair(&["check", "-c", file]);
    expect![[r#"
        status 1
        -- out
        failed   settings  5 errors, below
        skipped  key       the settings must be sound first
        skipped  data      the settings must be sound first
        skipped  ports     the settings must be sound first
        skipped  partner   the settings must be sound first
        1 check failed; nothing was changed.
        -- error

        error: partner: is missing
         --> node.toml:1:1
          |
        1 | [node]
          | ^
          = help: this node has no partner yet: `hotpair invite` here, then `hotpair join` on the other host

        error: channels.redundancy.listen: is missing: no `[channels.redundancy]`
         --> node.toml:1:1
          |
        1 | [node]
          | ^
          = help: allowed: an IP address and a port, "10.10.0.1:4750" or "[fd00::1]:4750"

        error: channels.primary.listen: is missing: no `[channels.primary]`
         --> node.toml:1:1
          |
        1 | [node]
          | ^
          = help: allowed: an IP address and a port, "10.10.0.1:4750" or "[fd00::1]:4750"

        error: node.designation: `mastr`: not one of the choices
         --> node.toml:3:15
          |
        3 | designation = "mastr"
          |               ^^^^^^^
          = help: allowed: "master" or "backup"

        error: heartbeat.intervall: unknown setting
         --> node.toml:5:1
          |
        5 | intervall = "1s"
          | ^^^^^^^^^
          = help: did you mean `interval`?

        node.toml: 5 errors; nothing was started
    "#]].assert_eq(&called.shown(&[(file, "node.toml")]));
}

#[test]
fn a_settings_file_that_is_not_there_is_named() {
    for command in ["run", "check", "status"] {
        let called = hotpair(&[command, "-c", "/no/such/node.toml"]);
        assert_eq!(called.status, 1, "{command}");
        assert!(called.error.contains("/no/such/node.toml"), "{command}: {}", called.error);
    }
}

#[test]
fn a_log_level_that_is_none_is_refused() {
    let called = hotpair(&["run", "-c", "/no/such/node.toml", "--log-format", "xml"]);
    assert_eq!(called.status, 2);
}
