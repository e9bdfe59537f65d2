//! `hotpair check`: would this node run, and would it reach its partner? Changes nothing.

use super::ask::{Ask, Base};
use super::terminal::{clean, table};
use super::trust::Tls;
use super::{Context, Exit, Failure, run, status, target};
use crate::run_file::RunFile;
use crate::settings::{self, Settings};
use crate::{grants, node};
use hotpair_api::face::ChannelHealth;
use hotpair_arbiter::{Arbiter as _, ArbiterError, EngineKey, Etcd, EtcdSettings, Seen};
use hotpair_transport::Identity;
use hotpair_types::Channel;
use serde::Serialize;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long the partner's host may take to answer.
const REACH_PATIENCE: Duration = Duration::from_secs(2);

/// What became of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Result {
    Ok,
    Failed,
    Skipped,
}

#[derive(Debug, Serialize)]
struct Check {
    name: String,
    result: Result,
    detail: String,
}

#[derive(Debug, Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, name: impl Into<String>, result: Result, detail: impl Into<String>) {
        self.0.push(Check { name: name.into(), result, detail: detail.into() });
    }

    /// Notes `Ok` with a word, or what is wrong.
    fn note(&mut self, name: impl Into<String>, outcome: std::result::Result<String, String>) {
        match outcome {
            Ok(detail) => self.add(name, Result::Ok, detail),
            Err(detail) => self.add(name, Result::Failed, detail),
        }
    }
}

pub(super) async fn check(cx: &Context) -> std::result::Result<Exit, Failure> {
    let file = target::settings_file(&cx.global);
    let mut checks = Checks::default();
    let text = settings::read_file(&file).map_err(run::refused)?;
    let settings = Settings::parse(&file.display().to_string(), &text);
    match &settings {
        Ok(settings) => {
            let (must, should) = settings.said_alike();
            let sound = format!(
                "{} is sound; {must} settings must be alike on the partner, {should} should be",
                file.display()
            );
            checks.add("settings", Result::Ok, sound);
            of_node(&mut checks, settings).await;
            if !settings.virtual_addresses.is_empty() {
                let host = settings::check_host(&file.display().to_string(), &text, settings);
                checks
                    .note("addresses", host.map(|()| addresses(settings)).map_err(|it| told(&it)));
            }
        }
        Err(problems) => {
            checks.add(
                "settings",
                Result::Failed,
                match problems.list.len() {
                    1 => "1 error, below".to_owned(),
                    count => format!("{count} errors, below"),
                },
            );
            let why = "the settings must be sound first";
            for name in ["key", "data", "ports", "partner"] {
                checks.add(name, Result::Skipped, why);
            }
        }
    }
    let failed = checks.0.iter().filter(|it| it.result == Result::Failed).count();
    if cx.screen.json {
        let problems = settings.as_ref().err().map(ToString::to_string);
        cx.screen.json(&serde_json::json!({
            "sound": failed == 0, "checks": checks.0, "problems": problems,
        }));
    } else {
        show(cx, &checks, failed);
        if let Err(problems) = &settings {
            cx.screen.error(&format!("\n{problems}"));
        }
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
}

/// What is wrong, without the places in the file.
fn told(problems: &settings::Problems) -> String {
    let told: Vec<_> = problems.list.iter().map(settings::Problem::summary).collect();
    told.join("; ")
}

fn addresses(settings: &Settings) -> String {
    let list: Vec<_> = settings.virtual_addresses.iter().map(ToString::to_string).collect();
    format!("{} can be claimed here", list.join(", "))
}

fn show(cx: &Context, checks: &Checks, failed: usize) {
    let word = |it: Result| match it {
        Result::Ok => "ok",
        Result::Failed => "failed",
        Result::Skipped => "skipped",
    };
    let row =
        |it: &Check| vec![word(it.result).to_owned(), it.name.clone(), clean(&it.detail, 300)];
    let rows: Vec<_> = checks.0.iter().map(row).collect();
    let paint = |row: usize, column: usize, cell: String| match (column, checks.0[row].result) {
        (0, Result::Ok) => cx.screen.green(&cell),
        (0, Result::Failed) => cx.screen.red(&cell),
        (0, Result::Skipped) => cx.screen.yellow(&cell),
        (_, _) => cell,
    };
    for line in table(&rows, paint) {
        cx.screen.line(&line);
    }
    cx.screen.line(&match failed {
        0 => "Nothing stands in the way.".to_owned(),
        1 => "1 check failed; nothing was changed.".to_owned(),
        count => format!("{count} checks failed; nothing was changed."),
    });
}

async fn of_node(checks: &mut Checks, settings: &Settings) {
    checks.note("key", key(settings));
    checks.note("data", data_dir(&settings.node.data_dir));
    secrets(checks, settings);
    hooks(checks, settings);
    third_party(checks, settings).await;
    match running(settings) {
        Some(run) => {
            let why = format!("the node runs (process {})", run.node_pid);
            checks.add("ports", Result::Skipped, why);
            of_running(checks, settings, &run).await;
        }
        None => {
            ports(checks, settings);
            for channel in Channel::ALL {
                let reached = reach(settings.channels[channel].partner).await;
                checks.note(format!("partner over {channel}"), reached);
            }
        }
    }
}

fn key(settings: &Settings) -> std::result::Result<String, String> {
    let file = settings.key_file();
    let identity = Identity::load(&file).map_err(|error| {
        let cause = std::error::Error::source(&error).map_or(String::new(), |it| format!(": {it}"));
        format!("{error}{cause}")
    })?;
    let key = identity.key();
    if key == settings.partner.key {
        return Err("the partner's key is this node's own: pair again".to_owned());
    }
    let now = std::time::SystemTime::now();
    if identity.validity().until < now {
        return Err(format!("the certificate of {} has expired", file.display()));
    }
    Ok(format!("{key} in {}", file.display()))
}

fn data_dir(dir: &Path) -> std::result::Result<String, String> {
    let metadata = std::fs::metadata(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    if !metadata.is_dir() {
        return Err(format!("{} is not a directory", dir.display()));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o200 == 0 {
        return Err(format!("{} cannot be written (mode {mode:04o})", dir.display()));
    }
    if mode & 0o022 != 0 {
        return Err(format!("others can write to {} (mode {mode:04o})", dir.display()));
    }
    Ok(dir.display().to_string())
}

fn secrets(checks: &mut Checks, settings: &Settings) {
    let tls = settings.api.tls.as_ref();
    let files = [
        ("api.token_file", settings.api.token_file.as_deref(), true),
        ("api.tls_cert", tls.map(|it| it.cert.as_path()), false),
        ("api.tls_key", tls.map(|it| it.key.as_path()), true),
    ];
    for (name, file, secret) in files {
        let Some(file) = file else { continue };
        let readable =
            std::fs::File::open(file).map_err(|error| format!("{}: {error}", file.display()));
        let outcome = readable.and_then(|_| {
            if secret {
                settings::check_key_file(file).map_err(|it| it.to_string())?;
            }
            Ok(file.display().to_string())
        });
        checks.note(name, outcome);
    }
}

fn hooks(checks: &mut Checks, settings: &Settings) {
    let hooks = &settings.hooks;
    for program in hooks.on_active.iter().chain(&hooks.on_standby).chain(&hooks.notify) {
        let outcome = match std::fs::metadata(program) {
            Ok(it) if it.is_file() && it.permissions().mode() & 0o111 != 0 => {
                Ok(program.display().to_string())
            }
            Ok(_) => Err(format!("{} is not a program", program.display())),
            Err(error) => Err(format!("{}: {error}", program.display())),
        };
        checks.note("hook", outcome);
    }
}

/// The node of these settings, if it runs.
fn running(settings: &Settings) -> Option<RunFile> {
    let run = RunFile::read(&settings.node.data_dir).ok()?;
    let command = std::fs::read(format!("/proc/{}/cmdline", run.node_pid)).ok()?;
    let is_node = command.split(|it| *it == 0).any(|it| it == b"node" || it == b"run");
    is_node.then_some(run)
}

/// Each member of the cluster by itself: a pair that reaches one of them only by luck should know.
async fn third_party(checks: &mut Checks, settings: &Settings) {
    let Some(arbiter) = &settings.arbiter else { return };
    let pair = Identity::load(&settings.key_file())
        .map(|it| grants::pair_name(node::pair_id(&it.key(), &settings.partner.key)));
    let Ok(pair) = pair else {
        return checks.add("arbiter", Result::Skipped, "the key must be sound first");
    };
    for address in &arbiter.etcd {
        let one = settings::Arbiter { etcd: vec![address.clone()], lease: arbiter.lease };
        let mut outcome = Ok(format!("{address} answers"));
        for engine in &settings.engines {
            let engine = EngineKey { pair: pair.clone(), engine: engine.name.to_string() };
            match look(&one, &engine).await {
                Ok(seen) => {
                    if let Ok(text) = &mut outcome {
                        text.push_str(&seen_text(&engine.engine, &seen));
                    }
                }
                Err(error) => {
                    outcome = Err(error.to_string());
                    break;
                }
            }
        }
        checks.note("arbiter", outcome);
    }
}

async fn look(
    arbiter: &settings::Arbiter,
    engine: &EngineKey,
) -> std::result::Result<Seen, ArbiterError> {
    let call_time_max = REACH_PATIENCE;
    let etcd = Etcd::new(EtcdSettings { call_time_max, ..grants::etcd(arbiter) })?;
    etcd.look(engine).await
}

fn seen_text(engine: &str, seen: &Seen) -> String {
    let holder = seen.holder.as_deref().unwrap_or("nobody");
    let alone = seen.alone.as_ref().map_or(String::new(), |it| format!(", {it} went on alone"));
    format!("; {holder} holds the grant of {engine}{alone}")
}

fn ports(checks: &mut Checks, settings: &Settings) {
    for channel in Channel::ALL {
        let at = settings.channels[channel].listen;
        let udp = UdpSocket::bind(at).map(drop).map_err(|error| bind_text(at, "UDP", &error));
        let both = udp.and_then(|()| {
            TcpListener::bind(at).map(drop).map_err(|error| bind_text(at, "TCP", &error))
        });
        let name = format!("port of {channel}");
        checks.note(name, both.map(|()| format!("{at} is free, UDP and TCP")));
    }
    let at = settings.api.listen;
    let api = TcpListener::bind(at).map(drop).map_err(|error| bind_text(at, "TCP", &error));
    checks.note("port of the API", api.map(|()| format!("{at} is free")));
}

fn bind_text(at: SocketAddr, protocol: &str, error: &std::io::Error) -> String {
    let kind = error.kind();
    if kind == std::io::ErrorKind::AddrInUse {
        return format!("{at} {protocol} is taken by another process");
    }
    if kind == std::io::ErrorKind::AddrNotAvailable {
        return format!("{} is no address of this host", at.ip());
    }
    format!("{at} {protocol}: {error}")
}

/// Whether a node listens there: its sentinel takes TCP connections on the channel's port.
async fn reach(partner: SocketAddr) -> std::result::Result<String, String> {
    match tokio::time::timeout(REACH_PATIENCE, TcpStream::connect(partner)).await {
        Ok(Ok(_)) => Ok(format!("{partner} answers")),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Err(format!("the host of {partner} answers, but no node listens there"))
        }
        Ok(Err(error)) => Err(format!("{partner}: {error}")),
        Err(_) => {
            let patience = REACH_PATIENCE.as_secs();
            Err(format!("{partner} did not answer within {patience} s: host, cable or firewall"))
        }
    }
}

/// Of a node that runs, its own word about the channels is the best there is.
async fn of_running(checks: &mut Checks, settings: &Settings, run: &RunFile) {
    let token = settings.api.token_file.as_deref().map(target::token).transpose();
    let asked = async {
        let tls = Tls::trusting(settings.api.tls.as_ref().map(|it| it.cert.clone()));
        let ask = Ask::new(Base::parse(&run.api)?, token?, None, Some(tls));
        status::fetch(&ask).await
    };
    let status = match asked.await {
        Ok(status) => status,
        Err(failure) => {
            checks.add(
                "partner",
                Result::Failed,
                format!("the node was asked: {}", failure.text()),
            );
            return;
        }
    };
    for (channel, it) in status.channels.iter() {
        let detail = it.detail.clone().unwrap_or_default();
        let text = format!("{} {detail}", status::health_text(it.health));
        let result = match it.health {
            ChannelHealth::Up | ChannelHealth::Missing => Result::Ok,
            ChannelHealth::NotHeard
            | ChannelHealth::Down
            | ChannelHealth::Connecting
            | ChannelHealth::Refused => Result::Failed,
        };
        checks.add(format!("partner over {channel}"), result, text.trim());
    }
    for it in &status.checks {
        let result = if it.ok { Result::Ok } else { Result::Failed };
        checks.add(clean(&it.name, 60), result, clean(&it.detail, 300));
    }
}
