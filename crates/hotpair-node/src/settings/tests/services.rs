//! Services, and what is refused of them.
use super::*;

#[test]
fn a_service_has_defaults_and_follows_the_first_engine() {
    let text = "[[engines]]\nname = \"line-1\"\n[[engines]]\nname = \"line-2\"\n[[services]]\nname = \"plc\"\ncommand = [\"/bin/plc\", \"-x\"]\n[[services]]\nname = \"log\"\ncommand = [\"/bin/log\"]\nengine = \"line-2\"\non_failure = \"hand-over\"\n";
    let settings = parse(text).unwrap();
    let [plc, log] = settings.services.as_slice() else { panic!("{:?}", settings.services) };
    assert_eq!((plc.engine.as_str(), log.engine.as_str()), ("line-1", "line-2"));
    assert_eq!(plc.command, ["/bin/plc", "-x"]);
    assert_eq!((plc.on_failure, log.on_failure), (OnFailure::Restart, OnFailure::HandOver));
    assert_eq!((plc.stop_limit, plc.failures_max), (Duration::from_secs(3), 3));
    assert_eq!((plc.restart_first, plc.restart_max).1, Duration::from_secs(30));
    let none = parse("").unwrap();
    assert!(none.services.is_empty());
    let reload = none.diff_reload(&settings);
    let changed = reload.needs_restart.iter().find(|it| it.field == "services").unwrap();
    assert_eq!(changed.new, "plc (/bin/plc -x), log (/bin/log)");
}

#[test]
fn what_is_wrong_with_a_service_is_named_at_its_place() {
    check(
        "[[services]]\nname = \"plc\"\ncommand = [\"plc\"]\non_failure = \"handover\"\nstop_limit = \"8s\"\n[[services]]\ncommand = []\nengine = \"line-9\"\nfailures_max = 0\nstop = \"1s\"\n",
        expect![[r#"
            error: services.command: `plc`: not an absolute path
              --> node.toml:15:11
               |
            15 | command = ["plc"]
               |           ^^^^^^^
               = help: allowed: a list: the absolute path of a program, then its arguments; at most 64

            error: services.on_failure: `handover`: not one of the choices; did you mean "hand-over"?
              --> node.toml:16:14
               |
            16 | on_failure = "handover"
               |              ^^^^^^^^^^
               = help: allowed: "restart" or "hand-over"

            error: services.name: is missing
              --> node.toml:18:1
               |
            18 | [[services]]
               | ^^^^^^^^^^^^
               = help: allowed: 1 to 32 of a-z, 0-9 and `-`

            error: services.command: no program
              --> node.toml:19:11
               |
            19 | command = []
               |           ^^
               = help: allowed: a list: the absolute path of a program, then its arguments; at most 64

            error: services.engine: `line-9`: there is no such engine
              --> node.toml:20:10
               |
            20 | engine = "line-9"
               |          ^^^^^^^^
               = help: allowed: the name of an engine

            error: services.failures_max: `0` is out of range
              --> node.toml:21:16
               |
            21 | failures_max = 0
               |                ^
               = help: allowed: 1 to 100

            error: services.stop: unknown setting
              --> node.toml:22:1
               |
            22 | stop = "1s"
               | ^^^^
               = help: known here: name, command, engine, stop_limit, on_failure, failures_max, failures_window, restart_first, restart_max

            node.toml: 7 errors; nothing was started"#]],
    );
    check(
        "[services]\nname = \"plc\"\n",
        expect![[r#"
        error: services: [[services]] is wanted here, not a section
          --> node.toml:13:1
           |
        13 | [services]
           | ^^^^^^^^^^
           = help: write `[[services]]`

        node.toml: 1 error; nothing was started"#]],
    );
}

#[test]
fn services_fit_to_each_other_and_into_a_handover() {
    check(
        "[[services]]\nname = \"plc\"\ncommand = [\"/bin/plc\"]\nstop_limit = \"4501ms\"\n[[services]]\nname = \"plc\"\ncommand = [\"/bin/plc\"]\nrestart_first = \"1m\"\n",
        expect![[r#"
            error: services.stop_limit: `4501ms` does not fit into a handover
              --> node.toml:16:14
               |
            16 | stop_limit = "4501ms"
               |              ^^^^^^^^
               = help: at most 4500ms: pair.handover_timeout = 5s less 500ms

            error: services.restart_max: `30s` is shorter than the first wait
              --> node.toml:17:1
               |
            17 | [[services]]
               | ^^^^^^^^^^^^
               = help: at least services.restart_first = 1m

            error: services.name: `plc` is there already
              --> node.toml:18:8
               |
            18 | name = "plc"
               |        ^^^^^
               = help: names are unique

            node.toml: 3 errors; nothing was started"#]],
    );
    let most = "[[services]]\nname = \"plc\"\ncommand = [\"/bin/plc\"]\nstop_limit = \"4500ms\"\n";
    assert!(parse(most).is_ok());
    let many: String = (0..17)
        .map(|it| format!("[[services]]\nname = \"s{it}\"\ncommand = [\"/bin/plc\"]\n"))
        .collect();
    check(
        &many,
        expect![[r#"
        error: services: 17 services are too many
          --> node.toml:13:3
           |
        13 | [[services]]
           |   ^^^^^^^^
           = help: at most 16

        node.toml: 1 error; nothing was started"#]],
    );
}
