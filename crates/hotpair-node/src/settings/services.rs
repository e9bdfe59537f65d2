//! `[[services]]`: programs that run on the active alone.
use super::field::{Field, NAME, own};
use super::reader::{Reader, allowed_text};
use super::sections::{HOUR, MINUTE, MS, SECOND};
use super::{EngineSettings, Settings, duration_text};
use hotpair_types::EngineName;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many services one node may run.
pub const SERVICES_MAX: usize = 16;
/// How many words a command may have.
const WORDS_MAX: usize = 64;
/// A partner that accepted a handover waits for the release for `pair.handover_timeout`: what is left of
/// that when a service has used all of its time to end.
const RELEASE_MARGIN: Duration = Duration::from_millis(500);

/// What a service that fails again and again leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// It is started again, after longer and longer waits.
    Restart,
    /// Besides, the node hands over if its partner is ready.
    HandOver,
}

/// One of `[[services]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSettings {
    /// Its name, unique.
    pub name: String,
    /// The program and its arguments; no shell.
    pub command: Vec<String>,
    /// The engine whose role it follows.
    pub engine: EngineName,
    /// From the signal to end to the one that kills.
    pub stop_limit: Duration,
    /// What repeated failure leads to.
    pub on_failure: OnFailure,
    /// So many failures …
    pub failures_max: u32,
    /// … within this time are repeated failure.
    pub failures_window: Duration,
    /// The wait before the first restart; doubled before each further one …
    pub restart_first: Duration,
    /// … and never longer than this.
    pub restart_max: Duration,
}

/// The fields of a service.
pub(super) const OF_SERVICES: &[Field] = &[
    own(
        "services.name",
        NAME,
        None,
        "The name of a service, a program of your own that runs on the active alone; unique.",
    ),
    own(
        "services.command",
        "a list: the absolute path of a program, then its arguments; at most 64",
        None,
        "What is run, without a shell. It stays in the foreground: when it ends, whatever it left behind is ended, too. It finds `HOTPAIR_STATE`, `HOTPAIR_REASON` and more in its environment.",
    ),
    own(
        "services.engine",
        "the name of an engine",
        None,
        "The engine whose role it follows; without it the first.",
    ),
    own(
        "services.stop_limit",
        "0s to 10m; at least 500ms less than `pair.handover_timeout`",
        Some("\"3s\""),
        "How long a service may take to end when it is asked to (SIGTERM), before it is killed. A planned handover waits for it.",
    ),
    own(
        "services.on_failure",
        "\"restart\" or \"hand-over\"",
        Some("\"restart\""),
        "What a service that ends again and again leads to: only to restarts, or to a handover as well, if the partner is ready.",
    ),
    own(
        "services.failures_max",
        "1 to 100",
        Some("3"),
        "So many ends within `services.failures_window` are reason enough for a handover.",
    ),
    own("services.failures_window", "1s to 24h", Some("\"1m\""), "The window of that count."),
    own(
        "services.restart_first",
        "10ms to 1h",
        Some("\"500ms\""),
        "The wait before a service that ended is started again; doubled before each further start.",
    ),
    own(
        "services.restart_max",
        "10ms to 1h",
        Some("\"30s\""),
        "That wait is never longer. A service that ran for so long begins with the first wait again.",
    ),
];

pub(super) fn read(
    reader: &Reader<'_>,
    engines: Option<&[EngineSettings]>,
) -> Option<Vec<ServiceSettings>> {
    let count = reader.tables("services").len();
    let read = |at| {
        reader.at_item(at);
        service(reader, engines)
    };
    let services: Vec<_> = (0..count).map(read).collect();
    services.into_iter().collect()
}

fn service(reader: &Reader<'_>, engines: Option<&[EngineSettings]>) -> Option<ServiceSettings> {
    let name = reader.required("services.name", |text| {
        let name = EngineName::new(text).map_err(|_| "cannot be a name".to_owned())?;
        Ok(name.to_string())
    });
    let command = command(reader);
    let known =
        |text: &str| engines.is_none_or(|all| all.iter().any(|it| it.name.as_str() == text));
    let named = reader.text_and("services.engine", |text| {
        let engine = EngineName::new(text).ok().filter(|_| known(text));
        engine.ok_or_else(|| "there is no such engine".to_owned())
    });
    let stop_limit = reader.duration("services.stop_limit", Duration::ZERO..=10 * MINUTE);
    let choices = [("restart", OnFailure::Restart), ("hand-over", OnFailure::HandOver)];
    let on_failure = reader.choice("services.on_failure", &choices);
    let failures_max = reader.count("services.failures_max", 1..=100);
    let failures_window = reader.duration("services.failures_window", SECOND..=24 * HOUR);
    let restart_first = reader.duration("services.restart_first", 10 * MS..=HOUR);
    let restart_max = reader.duration("services.restart_max", 10 * MS..=HOUR);
    let engine = match (reader.has("services.engine"), engines) {
        (true, _) => named,
        (false, engines) => engines.and_then(|it| Some(it.first()?.name.clone())),
    };
    Some(ServiceSettings {
        name: name?,
        command: command?,
        engine: engine?,
        stop_limit: stop_limit?,
        on_failure: on_failure?,
        failures_max: failures_max?,
        failures_window: failures_window?,
        restart_first: restart_first?,
        restart_max: restart_max?,
    })
}

fn command(reader: &Reader<'_>) -> Option<Vec<String>> {
    const PATH: &str = "services.command";
    let help = || allowed_text(super::field::field(PATH).allowed);
    let word = |text: &str| {
        if text.contains('\0') { Err("has a zero byte".to_owned()) } else { Ok(text.to_owned()) }
    };
    let command = reader.list(PATH, word)?;
    let wrong = match command.first() {
        None if reader.has(PATH) => Some("no program".to_owned()),
        None => Some("is missing".to_owned()),
        Some(program) if !Path::new(program).is_absolute() => {
            Some(format!("`{}`: not an absolute path", super::reader::short(program)))
        }
        Some(_) if command.len() > WORDS_MAX => Some(format!("{} words", command.len())),
        Some(_) => None,
    };
    if let Some(wrong) = wrong {
        reader.refuse(PATH, wrong, help());
        return None;
    }
    Some(command)
}

/// What services must be to each other and to the rest.
pub(super) fn check(settings: &Settings, reader: &Reader<'_>) {
    let all = &settings.services;
    if all.len() > SERVICES_MAX {
        let message = format!("{} services are too many", all.len());
        reader.refuse("services", message, format!("at most {SERVICES_MAX}"));
    }
    let timeout = settings.pair.handover_timeout;
    let stop_max = timeout.saturating_sub(RELEASE_MARGIN);
    for (at, it) in all.iter().enumerate() {
        reader.at_item(at);
        if all[..at].iter().any(|other| other.name == it.name) {
            let message = format!("`{}` is there already", it.name);
            reader.refuse("services.name", message, "names are unique");
        }
        if it.stop_limit > stop_max {
            let (limit, most) = (duration_text(it.stop_limit), duration_text(stop_max));
            let message = format!("`{limit}` does not fit into a handover");
            let timeout = duration_text(timeout);
            let help = format!(
                "at most {most}: pair.handover_timeout = {timeout} less {}",
                duration_text(RELEASE_MARGIN)
            );
            reader.refuse("services.stop_limit", message, help);
        }
        if it.restart_max < it.restart_first {
            let (first, max) = (duration_text(it.restart_first), duration_text(it.restart_max));
            let message = format!("`{max}` is shorter than the first wait");
            reader.refuse(
                "services.restart_max",
                message,
                format!("at least services.restart_first = {first}"),
            );
        }
    }
}

/// The programs are there.
pub(super) fn check_host(settings: &Settings, reader: &Reader<'_>) {
    for (at, it) in settings.services.iter().enumerate() {
        reader.at_item(at);
        let program = it.program();
        let wrong = match std::fs::metadata(&program) {
            Err(error) => Some(format!("`{}`: {error}", program.display())),
            Ok(found) if !found.is_file() || found.permissions().mode() & 0o111 == 0 => {
                Some(format!("`{}` is not a program", program.display()))
            }
            Ok(_) => None,
        };
        if let Some(wrong) = wrong {
            let help = "a file of this host that may be run, on both hosts alike";
            reader.refuse("services.command", wrong, help);
        }
    }
}

impl ServiceSettings {
    /// The program.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.command.first().map(PathBuf::from).unwrap_or_default()
    }
}

impl Settings {
    /// All services as one value.
    pub(super) fn services_text(&self) -> String {
        let names: Vec<_> = self
            .services
            .iter()
            .map(|it| format!("{} ({})", it.name, it.command.join(" ")))
            .collect();
        names.join(", ")
    }
}
