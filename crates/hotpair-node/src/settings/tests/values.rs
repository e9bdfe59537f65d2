//! One value that is wrong, missing or hostile.

use super::*;

#[test]
fn a_wrong_value_is_shown_with_what_is_allowed() {
    check(
        "[heartbeat]\ninterval = \"100\"\n",
        expect![[r#"
        error: heartbeat.interval: `100`: no unit; write `100ms` or `100s`
          --> node.toml:14:12
           |
        14 | interval = "100"
           |            ^^^^^
           = help: allowed: 1ms to 10s

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[heartbeat]\ninterval = \"1 fortnight\"\n",
        expect![[r#"
        error: heartbeat.interval: `1 fortnight`: unknown time unit "fortnight", supported units: ns, us/µs, ms, sec, min, hours, days, weeks, months, years (and few variations)
          --> node.toml:14:12
           |
        14 | interval = "1 fortnight"
           |            ^^^^^^^^^^^^^
           = help: allowed: 1ms to 10s

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[heartbeat]\ninterval = \"11s\"\n",
        expect![[r#"
        error: heartbeat.interval: `11s`: longer than may be
          --> node.toml:14:12
           |
        14 | interval = "11s"
           |            ^^^^^
           = help: allowed: 1ms to 10s

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[heartbeat]\nmax_missed = 0\n",
        expect![[r#"
        error: heartbeat.max_missed: `0` is out of range
          --> node.toml:14:14
           |
        14 | max_missed = 0
           |              ^
           = help: allowed: 1 to 100

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[heartbeat]\nmax_missed = \"5\"\n",
        expect![[r#"
        error: heartbeat.max_missed: a whole number is wanted, not a string
          --> node.toml:14:14
           |
        14 | max_missed = "5"
           |              ^^^
           = help: allowed: 1 to 100

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[heartbeat]\nmax_missed = 5.5\n",
        expect![[r#"
        error: heartbeat.max_missed: a whole number is wanted, not a number with a fraction
          --> node.toml:14:14
           |
        14 | max_missed = 5.5
           |              ^^^
           = help: allowed: 1 to 100

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[writes]\nring_max = \"64 MB\"\nrequire_standby = \"yes\"\n",
        expect![[r#"
        error: writes.ring_max: `64 MB`: unknown unit `MB`; one of B, KiB, MiB, GiB, TiB
          --> node.toml:14:12
           |
        14 | ring_max = "64 MB"
           |            ^^^^^^^
           = help: allowed: 1 MiB to 64 GiB

        error: writes.require_standby: true or false is wanted, not a string
          --> node.toml:15:19
           |
        15 | require_standby = "yes"
           |                   ^^^^^
           = help: write it without quotation marks

        node.toml: 2 errors; nothing was started"#]],
    );
    check(
        "[config]\nwritable_on = \"actve\"\n",
        expect![[r#"
        error: config.writable_on: `actve`: not one of the choices; did you mean "active"?
          --> node.toml:14:15
           |
        14 | writable_on = "actve"
           |               ^^^^^^^
           = help: allowed: "master" or "active"

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[hooks]\non_active = [\"/ok\", \"not-absolute\", 3]\nnotify = \"/x\"\n",
        expect![[r#"
            error: hooks.on_active: `not-absolute`: not an absolute path
              --> node.toml:14:21
               |
            14 | on_active = ["/ok", "not-absolute", 3]
               |                     ^^^^^^^^^^^^^^
               = help: allowed: a list of absolute paths

            error: hooks.on_active: a string is wanted, not a number
              --> node.toml:14:37
               |
            14 | on_active = ["/ok", "not-absolute", 3]
               |                                     ^
               = help: allowed: a list of absolute paths

            error: hooks.notify: a list is wanted, not a string
              --> node.toml:15:10
               |
            15 | notify = "/x"
               |          ^^^^
               = help: allowed: a list of absolute paths

            node.toml: 3 errors; nothing was started"#]],
    );
    check(
        "[virtual_addresses]\naddresses = [\"192.168.1.10/24@eth0\", \"192.168.1.10@eth0\", \"fe80::1/129@eth0\"]\n",
        expect![[r#"
            error: virtual_addresses.addresses: `192.168.1.10@eth0`: no `/` and prefix length
              --> node.toml:14:38
               |
            14 | addresses = ["192.168.1.10/24@eth0", "192.168.1.10@eth0", "fe80::1/129@eth0"]
               |                                      ^^^^^^^^^^^^^^^^^^^
               = help: allowed: a list of "192.168.1.10/24@eth0"

            error: virtual_addresses.addresses: `fe80::1/129@eth0`: the prefix length is 1 to 128
              --> node.toml:14:59
               |
            14 | addresses = ["192.168.1.10/24@eth0", "192.168.1.10@eth0", "fe80::1/129@eth0"]
               |                                                           ^^^^^^^^^^^^^^^^^^
               = help: allowed: a list of "192.168.1.10/24@eth0"

            node.toml: 2 errors; nothing was started"#]],
    );
}

#[test]
fn what_is_missing_is_named() {
    Settings::parse("node.toml", "").unwrap_err();
    check_with(
        "[channels.primary]\nlisten = \"192.168.1.11:4750\"\n",
        "[channels.primary]\n",
        expect![[r#"
            error: channels.primary.listen: is missing
              --> node.toml:10:11
               |
            10 | [channels.primary]
               |           ^^^^^^^
               = help: allowed: an IP address and a port, "10.10.0.1:4750" or "[fd00::1]:4750"

            node.toml: 1 error; nothing was started"#]],
    );
    let start = LEAST.find("[channels.primary]").unwrap();
    check_with(
        &LEAST[start..],
        "",
        expect![[r#"
        error: channels.primary.listen: is missing: no `[channels.primary]`
         --> node.toml:7:2
          |
        7 | [channels.redundancy]
          |  ^^^^^^^^
          = help: allowed: an IP address and a port, "10.10.0.1:4750" or "[fd00::1]:4750"

        error: channels.primary.partner: is missing: no `[channels.primary]`
         --> node.toml:7:2
          |
        7 | [channels.redundancy]
          |  ^^^^^^^^
          = help: allowed: an IP address and a port, "10.10.0.1:4750" or "[fd00::1]:4750"

        node.toml: 2 errors; nothing was started"#]],
    );
    check_with(
        "name = \"gw-a\"\n",
        "",
        expect![[r#"
        error: node.name: is missing
         --> node.toml:1:2
          |
        1 | [node]
          |  ^^^^
          = help: allowed: 1 to 32 of a-z, 0-9 and `-`

        node.toml: 1 error; nothing was started"#]],
    );
}

#[test]
fn a_node_without_a_partner_is_told_how_to_get_one() {
    let text = "[node]\nname = \"gw-a\"\ndesignation = \"master\"\n[channels.redundancy]\nlisten = \"10.0.0.1:1\"\n[channels.primary]\nlisten = \"10.0.1.1:1\"\n";
    expect![[r#"
        error: partner: is missing
         --> node.toml:1:1
          |
        1 | [node]
          | ^
          = help: this node has no partner yet: `hotpair invite` here, then `hotpair join` on the other host

        node.toml: 1 error; nothing was started"#]].assert_eq(&Settings::parse("node.toml", text).unwrap_err().to_string());
}

#[test]
fn a_key_is_an_ed25519_key() {
    check_with(
        "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
        "BwcH",
        expect![[r#"
            error: partner.key: `ed25519:BwcH`: not a public key: not 32 bytes
             --> node.toml:6:7
              |
            6 | key = "ed25519:BwcH"
              |       ^^^^^^^^^^^^^^
              = help: allowed: "ed25519:" and 44 characters of base64

            node.toml: 1 error; nothing was started"#]],
    );
    check_with(
        "ed25519:",
        "rsa:",
        expect![[r#"
            error: partner.key: `rsa:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=`: not a public key: it does not begin with `ed25519:`
             --> node.toml:6:7
              |
            6 | key = "rsa:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
              |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = help: allowed: "ed25519:" and 44 characters of base64

            node.toml: 1 error; nothing was started"#]],
    );
}

#[test]
fn hostile_text_does_not_reach_the_terminal() {
    check(
        "[pair]\nmode = \"\\u001b[2J\u{9b}x\"\n",
        expect![[r#"
        error: pair.mode: `�[2J�x`: not one of the choices
          --> node.toml:14:8
           |
        14 | mode = "\u001b[2J�x"
           |        ^^^^^^^^^^^^^
           = help: allowed: "availability", "no-split", "manual" or "arbiter"

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        &format!("[pair]\nmode = \"{}\"\n", "x".repeat(100_000)),
        expect![[r#"
        error: pair.mode: `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…`: not one of the choices
          --> node.toml:14:8
           |
        14 | "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = help: allowed: "availability", "no-split", "manual" or "arbiter"

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[pair]\nmode = \"",
        expect![[r#"
        error: invalid basic string, expected `"`
          --> node.toml:14:9
           |
        14 | mode = "
           |         ^

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "= = =",
        expect![[r#"
        error: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`
          --> node.toml:13:1
           |
        13 | = = =
           | ^

        error: extra `=`, expected nothing
          --> node.toml:13:3
           |
        13 | = = =
           |   ^

        error: unexpected key or value, expected newline, `#`
          --> node.toml:13:5
           |
        13 | = = =
           |     ^

        node.toml: 3 errors; nothing was started"#]],
    );
}

#[test]
fn no_text_makes_the_parser_panic() {
    let whole = format!("{LEAST}[pair]\nmode = \"no-split\"\n[[engines]]\nname = \"ä\"\n");
    for cut in 0..whole.len() {
        if !whole.is_char_boundary(cut) {
            continue;
        }
        let _ = Settings::parse("node.toml", &whole[..cut]).map_err(|it| it.to_string());
        let broken = format!("{}\u{1}€\n{}", &whole[..cut], &whole[cut..]);
        let _ = Settings::parse("node.toml", &broken).map_err(|it| it.to_string());
    }
    for value in [
        "1",
        "1.5",
        "true",
        "\"\"",
        "[]",
        "[1]",
        "{}",
        "{a=1}",
        "1979-05-27",
        "nan",
        "[[]]",
        "-9999999999999999999",
    ] {
        for field in FIELDS {
            let (section, name) = field.path.rsplit_once('.').unwrap();
            let text = format!("[{section}]\n{name} = {value}\n");
            let _ = Settings::parse("node.toml", &text).map_err(|it| it.to_string());
            let text = format!("{section} = {value}\n");
            let _ = Settings::parse("node.toml", &text).map_err(|it| it.to_string());
        }
    }
}

#[test]
fn an_address_that_cannot_follow_the_active_is_refused() {
    check(
        r#"[virtual_addresses]
addresses = [
    "192.168.1.10/24@eth0",
    "192.168.1.10/32@eth1",
    "10.10.0.1/24@eth0",
    "192.168.1.12/24@eth0",
    "ff02::1/64@eth0",
    "192.168.1.10/0@eth0",
]
"#,
        expect![[r#"
            error: virtual_addresses.addresses: `192.168.1.10/0@eth0`: the prefix length is 1 to 32
              --> node.toml:20:5
               |
            20 |     "192.168.1.10/0@eth0",
               |     ^^^^^^^^^^^^^^^^^^^^^
               = help: allowed: a list of "192.168.1.10/24@eth0"

            node.toml: 1 error; nothing was started"#]],
    );
}

#[test]
fn a_lease_that_a_loaded_host_would_lose_is_refused() {
    check(
        "[virtual_addresses]\nlease = true\n[heartbeat]\ninterval = \"50ms\"\nmax_missed = 3\n",
        expect![[r#"
            error: virtual_addresses.lease: a lease would last 50ms x (max_missed - 2) = 50ms
              --> node.toml:14:9
               |
            14 | lease = true
               |         ^^^^
               = help: at least 100ms, so that a loaded host can renew it in time: raise max_missed or heartbeat.interval

            node.toml: 1 error; nothing was started"#]],
    );
    check("[virtual_addresses]\nlease = true\n[heartbeat]\nmax_missed = 3\n", expect!["no error"]);
}
