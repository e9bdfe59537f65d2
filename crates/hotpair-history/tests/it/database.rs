//! A table of a real server: each row once, whatever happens to the server.
use std::future::Future;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hotpair_history::{Sink, SinkError, SinkSettings, Value};
use rustix::process::Signal;

use crate::postgres::Postgres;
use crate::sample::{batch, committed};

/// A server, or `None` and a word why not.
pub(crate) fn server() -> Option<Postgres> {
    if let Some(why) = Postgres::missing() {
        println!("SKIPPED: {why}");
        return None;
    }
    Some(Postgres::start().expect("a server that is installed starts"))
}

/// By its unix socket, where nobody is asked for a password.
fn local(server: &Postgres) -> SinkSettings {
    let host = server.socket().to_str().unwrap();
    with_port(SinkSettings::postgres(host, "postgres", Postgres::USER, "history"), server.port())
}

pub(crate) fn with_port(mut settings: SinkSettings, to: u16) -> SinkSettings {
    if let SinkSettings::Postgres { port, .. } = &mut settings {
        *port = to;
    }
    settings
}

fn with_limit(mut settings: SinkSettings, to: Duration) -> SinkSettings {
    if let SinkSettings::Postgres { connect_limit, time_limit, .. } = &mut settings {
        (*connect_limit, *time_limit) = (to, to);
    }
    settings
}

fn with_table(mut settings: SinkSettings, to: &str) -> SinkSettings {
    if let SinkSettings::Postgres { table, .. } = &mut settings {
        to.clone_into(table);
    }
    settings
}

fn with_password(mut settings: SinkSettings, to: &Path) -> SinkSettings {
    if let SinkSettings::Postgres { password_file, .. } = &mut settings {
        *password_file = Some(to.to_owned());
    }
    settings
}

fn count(server: &Postgres) -> String {
    server.sql("select count(*) || ' of ' || count(distinct sequence) from history").unwrap()
}

/// Asks the server until it says so.
async fn until(server: &Postgres, question: &str) {
    let asked = async {
        while server.sql(question).unwrap() != "t" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked).await.expect(question);
}

#[tokio::test]
async fn rows_are_there_as_they_were_and_once() {
    let Some(server) = server() else { return };
    let mut sink = Sink::open(local(&server));
    sink.check().await.unwrap();
    assert_eq!(sink.commit(&batch(100, 199)).await.unwrap(), committed(100, 0));
    assert_eq!(sink.commit(&batch(100, 199)).await.unwrap(), committed(0, 100));
    assert_eq!(sink.commit(&batch(150, 249)).await.unwrap(), committed(50, 50));
    assert_eq!(count(&server), "150 of 150");
    let rows = "select pair, engine, epoch, sequence, object, attribute, step, \
                to_char(taken_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US'), value, value_bool, \
                value_int, value_text, quality, unit from history where sequence in (150, 151, 152, 153) \
                order by sequence";
    assert_eq!(
        server.sql(rows).unwrap().lines().collect::<Vec<_>>(),
        [
            "plant-1|boiler|5|150|tank3|level|15|2027-01-15 08:00:00.150000|1|t|||good|",
            "plant-1|boiler|5|151|tank4|level|15|2027-01-15 08:00:00.151000|-9.223372036854776e+18||-9223372036854775657||uncertain|L",
            "plant-1|boiler|5|152|tank5|level|15|2027-01-15 08:00:00.152000|NaN||||bad|°C",
            "plant-1|boiler|5|153|tank6|level|15|2027-01-15 08:00:00.153000||||valve 153 – öffnet|good|",
        ]
    );
}

#[tokio::test]
async fn a_text_with_nul_is_kept_with_a_sign_in_its_place() {
    let Some(server) = server() else { return };
    let mut sink = Sink::open(local(&server));
    let mut wanted = batch(1, 1);
    wanted.rows[0].value = Value::Text("a\0b".to_owned());
    assert_eq!(sink.commit(&wanted).await.unwrap(), committed(1, 0));
    assert_eq!(sink.commit(&wanted).await.unwrap(), committed(0, 1));
    assert_eq!(server.sql("select value_text from history").unwrap(), "a\u{fffd}b");
}

#[tokio::test]
async fn other_contents_of_the_same_key_are_a_conflict_and_change_nothing() {
    let Some(server) = server() else { return };
    let mut sink = Sink::open(local(&server));
    sink.commit(&batch(100, 199)).await.unwrap();
    for (index, change) in [Value::Float(0.0), Value::Text("x".to_owned())].into_iter().enumerate()
    {
        let mut other = batch(100, 250);
        other.rows[54 + 5 * index].value = change;
        let error = sink.commit(&other).await.unwrap_err();
        assert!(!error.is_temporary(), "{error}");
        let SinkError::Conflict { epoch, sequence, column, .. } = &error else { panic!("{error}") };
        assert_eq!((*epoch, *sequence, column.as_str()), (5, 154 + 5 * index as u64, "value"));
        assert_eq!(count(&server), "100 of 100");
    }
    assert_eq!(sink.commit(&batch(100, 250)).await.unwrap(), committed(51, 100));
}

#[tokio::test]
async fn two_nodes_at_once_double_nothing() {
    let Some(server) = server() else { return };
    let (mut one, mut two) = (Sink::open(local(&server)), Sink::open(local(&server)));
    let wanted = batch(1, 20_000);
    let (one, two) = tokio::join!(one.commit(&wanted), two.commit(&wanted));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.rows_new + two.rows_new, one.rows_known + two.rows_known), (20_000, 20_000));
    assert_eq!(count(&server), "20000 of 20000");
}

#[tokio::test]
async fn a_server_that_was_started_again_is_reached_by_itself() {
    let Some(mut server) = server() else { return };
    let mut sink = Sink::open(local(&server));
    sink.commit(&batch(1, 10)).await.unwrap();
    server.stop().unwrap();
    let error = sink.commit(&batch(11, 20)).await.unwrap_err();
    assert!(matches!(&error, SinkError::Unreachable { .. }) && error.is_temporary(), "{error}");
    server.resume(&[]).unwrap();
    assert_eq!(sink.commit(&batch(11, 20)).await.unwrap(), committed(10, 0));
    // And when it was away between two commits, nobody sees.
    server.stop().unwrap();
    server.resume(&[]).unwrap();
    assert_eq!(sink.commit(&batch(21, 30)).await.unwrap(), committed(10, 0));
    assert_eq!(count(&server), "30 of 30");
}

/// Begins a commit and kills the server when it waits as `question` says.
async fn kill_when(server: &mut Postgres, sink: &mut Sink, question: &str) -> SinkError {
    let wanted = batch(1, 1_000);
    let mut commit = std::pin::pin!(sink.commit(&wanted));
    tokio::select! {
        done = &mut commit => panic!("it had to wait: {done:?}"),
        () = until(server, question) => {}
    }
    server.kill().unwrap();
    commit.await.unwrap_err()
}

#[tokio::test]
async fn a_server_killed_at_the_commit_leaves_it_unknown_and_again_doubles_nothing() {
    let Some(mut server) = server() else { return };
    let mut sink = Sink::open(local(&server));
    sink.check().await.unwrap();
    // A commit is durable here and waits for a standby that never comes; so does no other kind of commit.
    server.stop().unwrap();
    server.resume(&[("synchronous_standby_names", "nobody")]).unwrap();
    let waits = "select exists (select from pg_stat_activity where wait_event = 'SyncRep')";
    let error = kill_when(&mut server, &mut sink, waits).await;
    assert!(matches!(&error, SinkError::Unknown { .. }) && error.is_temporary(), "{error}");
    server.resume(&[]).unwrap();
    assert_eq!(count(&server), "1000 of 1000");
    assert_eq!(sink.commit(&batch(1, 1_000)).await.unwrap(), committed(0, 1_000));
    assert_eq!(count(&server), "1000 of 1000");
}

#[tokio::test]
async fn a_server_killed_before_the_commit_has_nothing() {
    let Some(mut server) = server() else { return };
    let mut sink = Sink::open(local(&server));
    sink.check().await.unwrap();
    let hold = "begin; lock table history in access exclusive mode; select pg_sleep(600)";
    let waits = "select exists (select from pg_locks where not granted)";
    let mut holder = server.psql(hold).stderr(Stdio::null()).spawn().unwrap();
    until(
        &server,
        "select exists (select from pg_locks where mode = 'AccessExclusiveLock' and granted)",
    )
    .await;
    let error = kill_when(&mut server, &mut sink, waits).await;
    holder.wait().unwrap();
    assert!(matches!(&error, SinkError::Unreachable { .. }) && error.is_temporary(), "{error}");
    server.resume(&[]).unwrap();
    assert_eq!(count(&server), "0 of 0");
    assert_eq!(sink.commit(&batch(1, 1_000)).await.unwrap(), committed(1_000, 0));
}

/// Not for ever: less than this is waited for what must not take long.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), work).await.expect("a time limit holds")
}

#[tokio::test]
async fn a_frozen_server_is_waited_for_as_long_as_settings_say() {
    let Some(server) = server() else { return };
    let settings = with_limit(local(&server), Duration::from_secs(1));
    let (mut kept, mut fresh) = (Sink::open(settings.clone()), Sink::open(settings));
    kept.commit(&batch(1, 10)).await.unwrap();
    server.signal_all(Signal::STOP).unwrap();
    for sink in [&mut kept, &mut fresh] {
        let error = soon(sink.commit(&batch(11, 20))).await.unwrap_err();
        assert!(matches!(&error, SinkError::TimedOut { .. }) && error.is_temporary(), "{error}");
    }
    server.signal_all(Signal::CONT).unwrap();
    assert_eq!(kept.commit(&batch(11, 20)).await.unwrap(), committed(10, 0));
    assert_eq!(fresh.commit(&batch(11, 20)).await.unwrap(), committed(0, 10));
}

#[tokio::test]
async fn a_commit_without_an_answer_is_unknown_after_the_limit() {
    let Some(mut server) = server() else { return };
    let mut sink = Sink::open(with_limit(local(&server), Duration::from_secs(1)));
    sink.check().await.unwrap();
    server.stop().unwrap();
    // Also where the server would let a commit be asynchronous, or end its wait by itself.
    server
        .resume(&[
            ("synchronous_standby_names", "nobody"),
            ("synchronous_commit", "off"),
            ("statement_timeout", "100ms"),
        ])
        .unwrap();
    let error = soon(sink.commit(&batch(1, 10))).await.unwrap_err();
    assert!(matches!(&error, SinkError::Unknown { .. }) && error.is_temporary(), "{error}");
    server.kill().unwrap();
    server.resume(&[]).unwrap();
    assert_eq!(sink.commit(&batch(1, 10)).await.unwrap(), committed(0, 10));
}

#[tokio::test]
async fn a_table_of_another_layout_is_refused_by_the_column() {
    let Some(server) = server() else { return };
    let mut sink = Sink::open(local(&server));
    sink.check().await.unwrap();
    for (change, back, what) in [
        ("alter column step type numeric", "alter column step type bigint", "column step"),
        ("rename unit to units", "rename units to unit", "column unit"),
        ("add shift int not null", "drop shift", "column shift"),
        ("alter value set not null", "alter value drop not null", "column value"),
        (
            "drop constraint history_pkey",
            "add primary key (pair, engine, epoch, sequence)",
            "the primary key",
        ),
        ("set unlogged", "set logged", "the table"),
    ] {
        server.sql(&format!("alter table history {change}")).unwrap();
        let error = sink.check().await.unwrap_err();
        let SinkError::Layout { what: found, .. } = &error else { panic!("{error}") };
        assert!(found == what && !error.is_temporary(), "{error}");
        server.sql(&format!("alter table history {back}")).unwrap();
        sink.check().await.unwrap();
    }
    // What is one's own does not disturb.
    server.sql("alter table history add noted timestamptz default now()").unwrap();
    assert_eq!(sink.commit(&batch(1, 10)).await.unwrap(), committed(10, 0));
}

#[tokio::test]
async fn a_table_that_swallows_rows_is_noticed() {
    let Some(server) = server() else { return };
    let mut sink = Sink::open(local(&server));
    sink.check().await.unwrap();
    server
        .sql(
            "create function swallow() returns trigger language plpgsql as $$ begin \
             if new.sequence = 5 then return null; end if; return new; end $$; \
             create trigger swallow before insert on history for each row execute function swallow()",
        )
        .unwrap();
    let error = sink.commit(&batch(1, 10)).await.unwrap_err();
    assert!(
        matches!(&error, SinkError::NotKept { sequence: 5, .. }) && !error.is_temporary(),
        "{error}"
    );
    assert_eq!(count(&server), "0 of 0");
}

#[tokio::test]
async fn a_schema_is_named_and_not_made() {
    let Some(server) = server() else { return };
    let settings = with_table(local(&server), "plant.user");
    let mut sink = Sink::open(settings);
    let error = sink.check().await.unwrap_err();
    assert!(matches!(&error, SinkError::Refused { .. }) && !error.is_temporary(), "{error}");
    server.sql("create schema plant").unwrap();
    assert_eq!(sink.commit(&batch(1, 10)).await.unwrap(), committed(10, 0));
    assert_eq!(server.sql("select count(*) from plant.\"user\"").unwrap(), "10");
}

#[tokio::test]
async fn a_password_is_read_from_its_file_and_a_wrong_one_is_refused() {
    let Some(server) = server() else { return };
    let settings = SinkSettings::postgres("127.0.0.1", "postgres", Postgres::USER, "history");
    let settings = with_port(settings, server.port());
    let file = server.file("client", &format!("{}\n", Postgres::PASSWORD)).unwrap();
    let mut sink = Sink::open(with_password(settings.clone(), &file));
    assert_eq!(sink.commit(&batch(1, 10)).await.unwrap(), committed(10, 0));
    // It is read again at the next connection.
    server.file("client", "a wrong one").unwrap();
    for mut sink in [sink, Sink::open(settings.clone())] {
        let error = sink.check().await.unwrap_err();
        assert!(matches!(&error, SinkError::Refused { .. }) && !error.is_temporary(), "{error}");
        let said = format!("{error} {error:?} {sink:?}");
        assert!(!said.contains("a wrong one"), "{said}");
    }
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = Sink::open(with_password(settings.clone(), &file)).check().await.unwrap_err();
    assert!(error.to_string().contains("mode 0644"), "{error}");
    let mut sink = Sink::open(with_password(settings, Path::new("/missing")));
    let error = sink.check().await.unwrap_err();
    assert!(matches!(&error, SinkError::Io { .. }), "{error}");
}
