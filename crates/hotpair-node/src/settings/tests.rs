//! Each error of a settings file as it is printed.

mod services;
mod history;
mod values;
mod relations;

use super::*;
use expect_test::{Expect, expect};
use hotpair_types::Channel;

/// The least a node needs.
const LEAST: &str = r#"
[node]
name = "gw-a"
designation = "master"
[partner]
name = "gw-b"
key = "ed25519:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
[channels.redundancy]
listen = "10.10.0.1:4750"
partner = "10.10.0.2:4750"
[channels.primary]
listen = "192.168.1.11:4750"
partner = "192.168.1.12:4750"
"#;

/// The least settings with `more` below them.
pub(super) fn whole(more: &str) -> String {
    format!("{}{more}", LEAST.trim_start())
}

fn parse(more: &str) -> Result<Settings, Problems> {
    Settings::parse("node.toml", &whole(more))
}

/// Parses the least settings with `more` below them.
fn check(more: &str, expected: Expect) {
    let text = match parse(more) {
        Ok(_) => "no error".to_owned(),
        Err(problems) => problems.to_string(),
    };
    expected.assert_eq(&text);
}

/// Parses the least settings with `from` replaced by `to`.
fn check_with(from: &str, to: &str, expected: Expect) {
    assert!(LEAST.contains(from), "`{from}` is not in the least settings");
    let text = match Settings::parse("node.toml", LEAST.replacen(from, to, 1).trim_start()) {
        Ok(_) => "no error".to_owned(),
        Err(problems) => problems.to_string(),
    };
    expected.assert_eq(&text);
}

#[test]
fn the_least_settings_have_the_defaults_of_the_table() {
    let settings = parse("").unwrap();
    let flat: Vec<_> =
        settings.flat().into_iter().map(|(name, it)| format!("{name} = {it}")).collect();
    expect![[r#"
        node.name = gw-a
        node.designation = master
        node.data_dir = /var/lib/hotpair
        partner.name = gw-b
        partner.key = ed25519:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=
        channels.redundancy.listen = 10.10.0.1:4750
        channels.redundancy.partner = 10.10.0.2:4750
        channels.redundancy.max_missed = 5
        channels.redundancy.required = false
        channels.primary.listen = 192.168.1.11:4750
        channels.primary.partner = 192.168.1.12:4750
        channels.primary.max_missed = 5
        channels.primary.required = true
        heartbeat.interval = 100ms
        heartbeat.max_missed = 5
        heartbeat.verify_min = 20ms
        pair.mode = availability
        pair.startup_allowance = 10s
        pair.start_alone = assume
        pair.conflict_winner = longest-active
        pair.fence_after = 800ms
        pair.promote_after = 1200ms
        pair.handover_timeout = 5s
        pair.drop_after = 2s
        pair.restart_on_standby = true
        recovery.mode = automatic
        recovery.hold = 5s
        recovery.suspend_after = 5
        recovery.suspend_window = 10m
        config.writable_on = master
        config.ack = durable
        config.journal_max = 256 MiB
        writes.ack = replicated
        writes.require_standby = false
        writes.persist_interval = 100ms
        writes.compare_interval = 1m
        writes.ring_max = 64 MiB
        writes.key_retention = 10m
        api.listen = 127.0.0.1:8650
        api.advertise = http://127.0.0.1:8650
        virtual_addresses.addresses = 
        virtual_addresses.lease = false
        hooks.on_active = 
        hooks.on_standby = 
        hooks.notify = 
        hooks.time_limit = 10s"#]]
    .assert_eq(&flat.join("\n"));
    for field in FIELDS {
        let Some(default) = field.default else { continue };
        let shown = settings.flat().into_iter().find(|it| it.0 == field.path);
        // The arbiter's lease is there with the arbiter only.
        let Some((_, shown)) = shown else { continue };
        assert_eq!(shown, default.trim_matches(['"', '[', ']']), "{}", field.path);
    }
    assert_eq!(settings.engines.len(), 1);
    assert_eq!(settings.engines[0].name.as_str(), "main");
    assert_eq!(settings.engines[0].designation, Designation::Master);
    assert_eq!(settings.detection(), Duration::from_millis(500));
    assert_eq!(settings.api.advertise, "http://127.0.0.1:8650");
}

#[test]
fn all_errors_are_found_at_once_and_in_the_order_of_the_file() {
    check(
        "[heartbeat]\ninterval = 100\nmax_mised = 3\n[pair]\nmode = \"avail\"\nmax_missed = 4\n[nodes]\n",
        expect![[r#"
            error: heartbeat.interval: a string is wanted, not a number
              --> node.toml:14:12
               |
            14 | interval = 100
               |            ^^^
               = help: allowed: 1ms to 10s

            error: heartbeat.max_mised: unknown setting
              --> node.toml:15:1
               |
            15 | max_mised = 3
               | ^^^^^^^^^
               = help: did you mean `max_missed`?

            error: pair.mode: `avail`: not one of the choices
              --> node.toml:17:8
               |
            17 | mode = "avail"
               |        ^^^^^^^
               = help: allowed: "availability", "no-split", "manual" or "arbiter"

            error: pair.max_missed: unknown setting
              --> node.toml:18:1
               |
            18 | max_missed = 4
               | ^^^^^^^^^^
               = help: it belongs to `[channels.redundancy]`

            error: nodes: unknown section or key
              --> node.toml:19:2
               |
            19 | [nodes]
               |  ^^^^^
               = help: did you mean `node`?

            node.toml: 5 errors; nothing was started"#]],
    );
}

#[test]
fn what_a_release_cannot_do_is_refused_and_not_ignored() {
    parse("[pair]\nrestart_on_standby = true\n").unwrap();
    let problems = parse("[pair]\nrestart_on_standby = false\n").unwrap_err().to_string();
    assert!(problems.contains("objects are always made anew"), "{problems}");
}

#[test]
fn two_nodes_that_differ_in_what_must_agree_differ_in_a_named_field() {
    let one = parse("").unwrap();
    let other =
        parse("[heartbeat]\nmax_missed = 4\n[pair]\nconflict_winner = \"master\"\n").unwrap();
    let differing: Vec<_> = one
        .must_agree()
        .into_iter()
        .zip(other.must_agree())
        .filter(|(one, other)| one != other)
        .map(|(one, other)| format!("{}: {} and {}", one.0, one.1, other.1))
        .collect();
    expect![[r#"
        pair.conflict_winner: longest-active and master
        channels.redundancy.max_missed: 5 and 4
        channels.primary.max_missed: 5 and 4"#]]
    .assert_eq(&differing.join("\n"));
}

#[test]
fn both_nodes_of_a_pair_agree_though_names_and_addresses_are_swapped() {
    let one = parse("").unwrap();
    let swapped = LEAST
        .replace("gw-a", "x")
        .replace("gw-b", "gw-a")
        .replace("\"x\"", "\"gw-b\"")
        .replace("master", "backup");
    let other = Settings::parse("node.toml", &swapped).unwrap();
    assert_eq!(other.node.designation, Designation::Backup);
    assert_eq!(one.must_agree(), other.must_agree());
}

#[test]
fn a_change_of_the_file_says_what_needs_a_restart() {
    let old = parse("").unwrap();
    let new = parse(
        "[hooks]\non_active = [\"/bin/true\"]\n[heartbeat]\ninterval = \"50ms\"\n[[engines]]\nname = \"x\"\n",
    );
    let reload = old.diff_reload(&new.unwrap());
    let shown = |it: &[Change]| {
        it.iter().map(|it| format!("{}: {} -> {}\n", it.field, it.old, it.new)).collect::<String>()
    };
    expect![[r#"
        at once
        hooks.on_active:  -> /bin/true
        after a restart
        heartbeat.interval: 100ms -> 50ms
        engines: main (gw-a) -> x (gw-a)
    "#]]
    .assert_eq(&format!(
        "at once\n{}after a restart\n{}",
        shown(&reload.applied),
        shown(&reload.needs_restart)
    ));
}

#[test]
fn what_may_change_while_running_is_taken_and_nothing_else() {
    let mut running = parse(
        "[api]\ntls_cert = \"/a\"\ntls_key = \"/a\"\ntoken_file = \"/a\"\n[hooks]\non_active = []\n[history]\nsink = \"parquet\"\n[history.parquet]\ndirectory = \"/a\"\n",
    )
    .unwrap();
    let new = parse(
        r#"
        [pair]
        mode = "manual"
        handover_timeout = "1s"
        drop_after = "1s"
        [recovery]
        mode = "manual"
        hold = "1s"
        suspend_after = 9
        suspend_window = "1m"
        [config]
        ack = "local"
        writable_on = "active"
        [writes]
        ack = "local"
        require_standby = true
        persist_interval = "1s"
        compare_interval = "2m"
        ring_max = "1 MiB"
        key_retention = "1m"
        [api]
        tls_cert = "/b"
        tls_key = "/b"
        token_file = "/b"
        [hooks]
        on_active = ["/b"]
        on_standby = ["/b"]
        notify = ["/b"]
        time_limit = "1s"
        [history]
        sink = "parquet"
        block_records_max = 9
        block_age = "1s"
        held_max = "8 MiB"
        [history.parquet]
        directory = "/a"
        "#,
    )
    .unwrap();
    let reload = running.take_live(&new);
    let names = |it: &[Change]| it.iter().map(|it| it.field.clone()).collect::<Vec<_>>();
    let all = FIELDS.iter().filter(|it| it.when == When::Running).map(|it| it.path);
    // A node that has any of these does not start.
    let all: Vec<_> = all.filter(|it| *it != "virtual_addresses.addresses").collect();
    assert_eq!(names(&reload.applied), all);
    let rest = running.diff_reload(&new);
    assert_eq!(names(&rest.applied), [""; 0], "all of it is in force");
    assert_eq!(rest.needs_restart, reload.needs_restart);
    assert_eq!(names(&rest.needs_restart), ["pair.mode", "pair.start_alone", "config.writable_on"]);
}

#[test]
fn to_begin_to_ask_for_a_token_needs_a_restart() {
    let mut running = parse("").unwrap();
    let new = parse("[api]\ntoken_file = \"/a\"\n").unwrap();
    let reload = running.take_live(&new);
    assert_eq!((reload.applied.len(), reload.needs_restart.len()), (0, 1));
    assert_eq!(running.api.token_file, None);
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("node.key");
    check_key_file(&key).unwrap();
    std::fs::write(&key, "secret").unwrap();
    for (mode, sound) in
        [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o666, false)]
    {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let checked = check_key_file(&key);
        assert_eq!(checked.is_ok(), sound, "{mode:o}");
    }
}

#[test]
fn the_channels_limit_is_its_own_or_the_common_one() {
    let text =
        LEAST.replace("[channels.primary]", "[channels.primary]\nmax_missed = 9\nrequired = false");
    let settings = Settings::parse("node.toml", &text).unwrap();
    let limits = Channel::ALL.map(|it| settings.channels[it].max_missed);
    assert_eq!(limits, [5, 9]);
    assert!(!settings.channels.primary.required);
}
