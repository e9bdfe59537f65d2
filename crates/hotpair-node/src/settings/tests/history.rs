//! History: where it goes to, and what is refused of it.
use super::*;

const PARQUET: &str =
    "[history]\nsink = \"parquet\"\n[history.parquet]\ndirectory = \"/srv/history\"\n";

#[test]
fn history_has_defaults_and_is_absent_without_its_section() {
    assert_eq!(parse("").unwrap().history, None);
    let settings = parse(PARQUET).unwrap();
    let history = settings.history.clone().unwrap();
    assert_eq!((history.kind(), history.target()), ("parquet", "/srv/history".to_owned()));
    assert_eq!((history.block_records_max, history.block_age), (10_000, Duration::from_secs(5)));
    assert_eq!(history.held_bytes_max, 64 << 20);
    let said: Vec<_> = settings.must_agree().into_iter().map(|it| it.0).collect();
    assert!(said.contains(&"history.sink") && !said.contains(&"history.parquet.directory"));
    let at = "[history]\nsink = \"postgres\"\n[history.postgres]\nhost = \"/run/postgresql\"\ndatabase = \"plant\"\nuser = \"hotpair\"\n";
    let history = parse(at).unwrap().history.unwrap();
    let target = "table history of database plant at /run/postgresql, port 5432";
    assert_eq!((history.kind(), history.target()), ("postgres", target.to_owned()));
}

#[test]
fn bounds_change_while_running_and_the_sink_with_a_start() {
    let (none, before) = (parse("").unwrap(), parse(PARQUET).unwrap());
    let appears: Vec<_> =
        none.diff_reload(&before).needs_restart.into_iter().map(|it| it.field).collect();
    assert!(none.diff_reload(&before).applied.is_empty() && appears.len() == 5, "{appears:?}");
    let text = PARQUET.replace("/srv/history", "/srv/other");
    let text = text.replace("[history]\n", "[history]\nheld_max = \"8 MiB\"\nblock_age = \"2s\"\n");
    let after = parse(&text).unwrap();
    let mut live = before.clone();
    let reload = live.take_live(&after);
    let names = |it: &[Change]| it.iter().map(|it| it.field.clone()).collect::<Vec<_>>();
    assert_eq!(names(&reload.applied), ["history.block_age", "history.held_max"]);
    assert_eq!(names(&reload.needs_restart), ["history.parquet.directory"]);
    let (live, before) = (live.history.unwrap(), before.history.unwrap());
    assert_eq!((live.held_bytes_max, live.block_age), (8 << 20, Duration::from_secs(2)));
    assert_eq!(live.sink, before.sink);
}

#[test]
fn what_is_wrong_with_history_is_named_at_its_place() {
    check(
        "[history]\nblock_records_max = 0\nheld_max = \"1 MiB\"\n[history.parquet]\ndirectory = \"srv\"\n",
        expect![[r#"
            error: history.sink: is missing
              --> node.toml:13:2
               |
            13 | [history]
               |  ^^^^^^^
               = help: allowed: "parquet" or "postgres"

            error: history.block_records_max: `0` is out of range
              --> node.toml:14:21
               |
            14 | block_records_max = 0
               |                     ^
               = help: allowed: 1 to 50000

            error: history.held_max: `1 MiB`: smaller than may be
              --> node.toml:15:12
               |
            15 | held_max = "1 MiB"
               |            ^^^^^^^
               = help: allowed: 4 MiB to 4 GiB

            error: history.parquet.directory: `srv`: not an absolute path
              --> node.toml:17:13
               |
            17 | directory = "srv"
               |             ^^^^^
               = help: allowed: an absolute path

            node.toml: 4 errors; nothing was started"#]],
    );
    check(
        "[history]\nsink = \"parket\"\nblock_age = \"0s\"\n",
        expect![[r#"
        error: history.sink: `parket`: not one of the choices
          --> node.toml:14:8
           |
        14 | sink = "parket"
           |        ^^^^^^^^
           = help: allowed: "parquet" or "postgres"

        error: history.block_age: `0s`: shorter than may be
          --> node.toml:15:13
           |
        15 | block_age = "0s"
           |             ^^^^
           = help: allowed: 1s to 1h

        node.toml: 2 errors; nothing was started"#]],
    );
    check(
        "[history]\nsink = \"postgres\"\n[history.postgres]\nport = 0\n",
        expect![[r#"
        error: history.sink: `history.postgres.host` is missing
          --> node.toml:14:8
           |
        14 | sink = "postgres"
           |        ^^^^^^^^^^
           = help: allowed: a name, an IP address, or the directory of a unix socket

        error: history.sink: `history.postgres.database` is missing
          --> node.toml:14:8
           |
        14 | sink = "postgres"
           |        ^^^^^^^^^^
           = help: allowed: a name

        error: history.sink: `history.postgres.user` is missing
          --> node.toml:14:8
           |
        14 | sink = "postgres"
           |        ^^^^^^^^^^
           = help: allowed: a name

        error: history.postgres.port: `0` is out of range
          --> node.toml:16:8
           |
        16 | port = 0
           |        ^
           = help: allowed: 1 to 65535

        node.toml: 4 errors; nothing was started"#]],
    );
    check(
        "[history]\nsink = \"postgres\"\n[history.postgres]\nhost = \"192.0.2.1\"\ndatabase = \"plant\"\nuser = \"hotpair\"\ntable = \"a;b\"\n",
        expect![[r#"
            error: history.postgres.host: 192.0.2.1 is not this host, so TLS is required: name the certificates of its CA
              --> node.toml:16:8
               |
            16 | host = "192.0.2.1"
               |        ^^^^^^^^^^^
               = help: see docs/history.md

            error: history.postgres.table: `a;b`: not the name of a table
              --> node.toml:19:9
               |
            19 | table = "a;b"
               |         ^^^^^
               = help: allowed: `table` or `schema.table`, each of a-z, 0-9 and `_`, at most 63, not beginning with a digit

            node.toml: 2 errors; nothing was started"#]],
    );
    check(
        "[history]\nsink = \"postgres\"\n[history.postgres]\nhost = \"\"\ndatabase = \"\"\nuser = \"\"\n",
        expect![[r#"
            error: history.postgres.host: ``: it must say something
              --> node.toml:16:8
               |
            16 | host = ""
               |        ^^
               = help: allowed: a name, an IP address, or the directory of a unix socket

            error: history.postgres.database: ``: it must say something
              --> node.toml:17:12
               |
            17 | database = ""
               |            ^^
               = help: allowed: a name

            error: history.postgres.user: ``: it must say something
              --> node.toml:18:8
               |
            18 | user = ""
               |        ^^
               = help: allowed: a name

            node.toml: 3 errors; nothing was started"#]],
    );
}
