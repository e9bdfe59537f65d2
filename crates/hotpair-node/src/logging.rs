//! Logs to stderr, as text or JSON; the level can change while the node runs.
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Changes the level while the node runs.
#[derive(Clone, Debug)]
pub struct LogLevel {
    handle: reload::Handle<EnvFilter, Registry>,
}

/// A level that is not one.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not a log level: off, error, warn, info, debug, trace, or `crate=level` separated by commas", text.escape_default())]
pub struct LevelError {
    text: String,
}

/// Begins to log. Call it once in a process.
///
/// # Errors
/// `LevelError` when `level` is not one.
pub fn start(format: LogFormat, level: &str) -> Result<LogLevel, LevelError> {
    let (filter, handle) = reload::Layer::new(parse(level)?);
    let colour = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let registry = tracing_subscriber::registry().with(filter);
    let started = match format {
        LogFormat::Text => registry
            .with(fmt::layer().with_writer(std::io::stderr).with_ansi(colour).with_target(false))
            .try_init(),
        LogFormat::Json => {
            registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init()
        }
    };
    // A second start in one process (tests) keeps the first.
    drop(started);
    Ok(LogLevel { handle })
}

impl LogLevel {
    /// Changes the level.
    ///
    /// # Errors
    /// `LevelError` when `level` is not one.
    pub fn set(&self, level: &str) -> Result<(), LevelError> {
        let filter = parse(level)?;
        // Fails only when logging was never started, and then there is nothing to change.
        self.handle.reload(filter).ok();
        Ok(())
    }
}

fn parse(level: &str) -> Result<EnvFilter, LevelError> {
    let error = || LevelError { text: level.chars().take(80).collect() };
    if level.is_empty() || level.len() > 200 {
        return Err(error());
    }
    EnvFilter::try_new(level).map_err(|_| error())
}
