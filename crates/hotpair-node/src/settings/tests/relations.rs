//! Values that do not fit each other.

use super::*;

#[test]
fn names_and_addresses_differ() {
    check_with(
        "name = \"gw-b\"",
        "name = \"gw-a\"",
        expect![[r#"
        error: partner.name: `gw-a` is this node's own name
         --> node.toml:5:8
          |
        5 | name = "gw-a"
          |        ^^^^^^
          = help: the two nodes have different names

        node.toml: 1 error; nothing was started"#]],
    );
    check_with(
        "name = \"gw-b\"",
        "name = \"GW B\"",
        expect![[r#"
        error: partner.name: `GW B`: cannot be a name
         --> node.toml:5:8
          |
        5 | name = "GW B"
          |        ^^^^^^
          = help: allowed: 1 to 32 of a-z, 0-9 and `-`

        node.toml: 1 error; nothing was started"#]],
    );
    check_with(
        "10.10.0.2:4750",
        "10.10.0.1:4750",
        expect![[r#"
        error: channels.redundancy.partner: `10.10.0.1:4750` is this node's own address
         --> node.toml:9:11
          |
        9 | partner = "10.10.0.1:4750"
          |           ^^^^^^^^^^^^^^^^
          = help: the partner listens elsewhere

        node.toml: 1 error; nothing was started"#]],
    );
    check_with(
        "10.10.0.2:4750",
        "10.10.0.2",
        expect![[r#"
        error: channels.redundancy.partner: `10.10.0.2`: no port; write "10.10.0.2:4750"
         --> node.toml:9:11
          |
        9 | partner = "10.10.0.2"
          |           ^^^^^^^^^^^
          = help: allowed: an IP address and a port, "10.10.0.1:4750" or "[fd00::1]:4750"

        node.toml: 1 error; nothing was started"#]],
    );
    check_with(
        "10.10.0.2:4750",
        "gw-b:4750",
        expect![[r#"
        error: channels.redundancy.partner: `gw-b:4750`: not an IP address and a port
         --> node.toml:9:11
          |
        9 | partner = "gw-b:4750"
          |           ^^^^^^^^^^^
          = help: allowed: an IP address and a port, "10.10.0.1:4750" or "[fd00::1]:4750"

        node.toml: 1 error; nothing was started"#]],
    );
    check_with(
        "10.10.0.2:4750",
        "[fd00::2]:4750",
        expect![[r#"
        error: channels.redundancy.listen: `10.10.0.1:4750` and `[fd00::2]:4750` are of different families
         --> node.toml:8:10
          |
        8 | listen = "10.10.0.1:4750"
          |          ^^^^^^^^^^^^^^^^
          = help: both IPv4, or both IPv6

        node.toml: 1 error; nothing was started"#]],
    );
    check_with(
        "10.10.0.2:4750",
        "10.10.0.2:0",
        expect![[r#"
        error: channels.redundancy.partner: `10.10.0.2:0` cannot be reached
         --> node.toml:9:11
          |
        9 | partner = "10.10.0.2:0"
          |           ^^^^^^^^^^^^^
          = help: write the address and port that the partner listens on

        node.toml: 1 error; nothing was started"#]],
    );
    check_with(
        "192.168.1.11:4750",
        "10.10.0.1:4750",
        expect![[r#"
        error: channels.primary.listen: `10.10.0.1:4750` is the redundancy channel's
          --> node.toml:11:10
           |
        11 | listen = "10.10.0.1:4750"
           |          ^^^^^^^^^^^^^^^^
           = help: each channel has its own address, best on its own network; on one address at least its own port

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[api]\nlisten = \"10.10.0.1:4750\"\n",
        expect![[r#"
        error: api.listen: `10.10.0.1:4750` is the redundancy channel's
          --> node.toml:14:10
           |
        14 | listen = "10.10.0.1:4750"
           |          ^^^^^^^^^^^^^^^^
           = help: the sentinel needs that TCP port: take another one

        error: api.listen: `10.10.0.1:4750` can be reached from other hosts
          --> node.toml:14:10
           |
        14 | listen = "10.10.0.1:4750"
           |          ^^^^^^^^^^^^^^^^
           = help: beyond loopback TLS and a token are needed: also set tls_cert, tls_key, token_file; or listen on 127.0.0.1

        node.toml: 2 errors; nothing was started"#]],
    );
}

#[test]
fn the_interval_is_shorter_than_the_limits() {
    check(
        "[heartbeat]\nverify_min = \"100ms\"\n",
        expect![[r#"
        error: heartbeat.verify_min: `100ms` is not shorter than the interval
          --> node.toml:14:14
           |
        14 | verify_min = "100ms"
           |              ^^^^^^^
           = help: allowed: 1ms to less than heartbeat.interval = 100ms

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[heartbeat]\ninterval = \"10s\"\n[pair]\nstartup_allowance = \"5s\"\n",
        expect![[r#"
            error: pair.drop_after: `2s` is shorter than two intervals
              --> node.toml:15:2
               |
            15 | [pair]
               |  ^^^^
               = help: at least twice heartbeat.interval = 10s

            error: pair.handover_timeout: `5s` is shorter than two intervals
              --> node.toml:15:2
               |
            15 | [pair]
               |  ^^^^
               = help: heartbeat.interval = 10s

            error: pair.startup_allowance: `5s` is shorter than the silence that is tolerated (10s x max_missed = 50s)
              --> node.toml:16:21
               |
            16 | startup_allowance = "5s"
               |                     ^^^^
               = help: a starting node would decide alone before it can have heard its partner

            node.toml: 3 errors; nothing was started"#]],
    );
}

#[test]
fn no_split_needs_its_margin_and_availability_does_not() {
    let times = "fence_after = \"800ms\"\npromote_after = \"901ms\"\n";
    check(&format!("[pair]\nmode = \"availability\"\n{times}"), expect!["no error"]);
    check(
        &format!("[pair]\nmode = \"no-split\"\n{times}"),
        expect![[r#"
        error: pair.promote_after: `901ms` leaves no margin over fence_after = 800ms
          --> node.toml:16:17
           |
        16 | promote_after = "901ms"
           |                 ^^^^^^^
           = help: at least 902ms: promote_after x (1 - 1000 ppm) >= fence_after x (1 + 1000 ppm) + 100ms

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[pair]\nmode = \"no-split\"\nfence_after = \"800ms\"\npromote_after = \"902ms\"\n",
        expect!["no error"],
    );
    check(
        "[pair]\nmode = \"no-split\"\nfence_after = \"499ms\"\n",
        expect![[r#"
        error: pair.fence_after: `499ms` is shorter than the silence that is tolerated (100ms x max_missed = 500ms)
          --> node.toml:15:15
           |
        15 | fence_after = "499ms"
           |               ^^^^^^^
           = help: the active would close its outputs before a lost beat counts as silence; raise it, or lower heartbeat.interval or max_missed

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[pair]\nmode = \"no-split\"\nfence_after = \"499ms\"\n[heartbeat]\ninterval = \"50ms\"\n",
        expect!["no error"],
    );
}

#[test]
fn the_mode_decides_what_else_may_stand_there() {
    check(
        "[pair]\nmode = \"manual\"\nstart_alone = \"assume\"\n",
        expect![[r#"
        error: pair.start_alone: `assume` is not possible in mode `manual`
          --> node.toml:15:15
           |
        15 | start_alone = "assume"
           |               ^^^^^^^^
           = help: two nodes that both assume can be active at once, which `manual` promises not to happen; write "proven" or leave it out

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[pair]\nmode = \"arbiter\"\n",
        expect![[r#"
        error: pair.mode: mode `arbiter` needs `[arbiter]`
          --> node.toml:14:8
           |
        14 | mode = "arbiter"
           |        ^^^^^^^^^
           = help: etcd = ["http://192.168.1.20:2379"]

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[arbiter]\netcd = [\"http://192.168.1.20:2379\"]\n",
        expect![[r#"
        error: arbiter: `[arbiter]` has no effect in mode `availability`
          --> node.toml:13:2
           |
        13 | [arbiter]
           |  ^^^^^^^
           = help: write mode = "arbiter", or leave this section out

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[pair]\nmode = \"arbiter\"\n[arbiter]\netcd = [\"http://192.168.1.20:2379\"]\n",
        expect!["no error"],
    );
    check(
        "[pair]\nmode = \"arbiter\"\n[arbiter]\netcd = [\"https://192.168.1.20:2379\"]\n",
        expect![[r#"
            error: arbiter.etcd: `https://192.168.1.20:2379`: etcd over TLS is not built yet: write http://HOST:PORT, on a network that you trust
              --> node.toml:16:9
               |
            16 | etcd = ["https://192.168.1.20:2379"]
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = help: allowed: a list of URLs

            node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[pair]\nmode = \"arbiter\"\nfence_after = \"4s\"\npromote_after = \"5s\"\n\
         [arbiter]\netcd = [\"http://192.168.1.20:2379\"]\n",
        expect![[r#"
            error: arbiter.lease: `3s` is too short for fence_after = 4s
              --> node.toml:17:2
               |
            17 | [arbiter]
               |  ^^^^^^^
               = help: at least 4109ms: a grant must outlast the silence after which the active closes its outputs

            node.toml: 1 error; nothing was started"#]],
    );
    for (mode, start_alone) in [
        ("availability", StartAlone::Assume),
        ("manual", StartAlone::Proven),
        ("no-split", StartAlone::Proven),
    ] {
        let settings = parse(&format!("[pair]\nmode = \"{mode}\"\n")).unwrap();
        assert_eq!(settings.pair.start_alone, start_alone, "{mode}");
    }
}

#[test]
fn beyond_loopback_the_api_needs_tls_and_a_token() {
    check(
        "[api]\nlisten = \"0.0.0.0:8650\"\n",
        expect![[r#"
        error: api.listen: `0.0.0.0:8650` can be reached from other hosts
          --> node.toml:14:10
           |
        14 | listen = "0.0.0.0:8650"
           |          ^^^^^^^^^^^^^^
           = help: beyond loopback TLS and a token are needed: also set tls_cert, tls_key, token_file; or listen on 127.0.0.1

        node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[api]\nlisten = \"192.168.1.11:8650\"\ntls_cert = \"/c\"\ntls_key = \"/k\"\n",
        expect![[r#"
            error: api.listen: `192.168.1.11:8650` can be reached from other hosts
              --> node.toml:14:10
               |
            14 | listen = "192.168.1.11:8650"
               |          ^^^^^^^^^^^^^^^^^^^
               = help: beyond loopback TLS and a token are needed: also set token_file; or listen on 127.0.0.1

            node.toml: 1 error; nothing was started"#]],
    );
    check(
        "[api]\ntls_cert = \"/c\"\n",
        expect![[r#"
        error: api.tls_cert: `tls_key` is missing beside it
          --> node.toml:14:12
           |
        14 | tls_cert = "/c"
           |            ^^^^
           = help: TLS needs both files

        node.toml: 1 error; nothing was started"#]],
    );
    let whole = "[api]\nlisten = \"192.168.1.11:8650\"\ntls_cert = \"/c\"\ntls_key = \"/k\"\ntoken_file = \"/t\"\n";
    check(whole, expect!["no error"]);
    assert_eq!(parse(whole).unwrap().api.advertise, "https://192.168.1.11:8650");
}

#[test]
fn engines_have_names_and_masters() {
    let two = "[[engines]]\nname = \"line-1\"\n[[engines]]\nname = \"line-2\"\nmaster = \"gw-b\"\n";
    let settings = parse(two).unwrap();
    let shown: Vec<_> = settings
        .engines
        .iter()
        .map(|it| format!("{} {} {}", it.name, it.master, it.designation))
        .collect();
    assert_eq!(shown, ["line-1 gw-a master", "line-2 gw-b backup"]);
    check(
        "[[engines]]\nname = \"a\"\n[[engines]]\nname = \"a\"\n[[engines]]\n[[engines]]\nname = \"b\"\nmaster = \"gw-c\"\n",
        expect![[r#"
            error: engines.name: `a` is there already
              --> node.toml:16:8
               |
            16 | name = "a"
               |        ^^^
               = help: names are unique

            error: engines.name: is missing
              --> node.toml:17:1
               |
            17 | [[engines]]
               | ^^^^^^^^^^^
               = help: every engine of the list has a name of its own

            error: engines.master: `gw-c` is neither node of this pair
              --> node.toml:20:10
               |
            20 | master = "gw-c"
               |          ^^^^^^
               = help: allowed: "gw-a" or "gw-b"

            node.toml: 3 errors; nothing was started"#]],
    );
    check(
        "[engines]\nname = \"a\"\n",
        expect![[r#"
        error: engines: [[engines]] is wanted here, not a section
          --> node.toml:13:1
           |
        13 | [engines]
           | ^^^^^^^^^
           = help: write `[[engines]]`

        node.toml: 1 error; nothing was started"#]],
    );
    let many: String = (0..9).map(|it| format!("[[engines]]\nname = \"e{it}\"\n")).collect();
    check(
        &many,
        expect![[r#"
        error: engines: 9 engines are too many
          --> node.toml:13:3
           |
        13 | [[engines]]
           |   ^^^^^^^
           = help: at most 8

        node.toml: 1 error; nothing was started"#]],
    );
}
