//! `hotpair run`: the guard, and below it the node.

use super::arguments::{LogArguments, LogFormat, NodeArguments, RunArguments};
use super::{Context, Exit, Failure, target};
use crate::guard::GuardSettings;
use crate::{logging, process, settings};
use std::ffi::OsString;
use std::process::ExitCode;

pub(super) fn run(cx: &Context, arguments: &RunArguments) -> Result<ExitCode, Failure> {
    let file = target::settings_file(&cx.global);
    // What is wrong with them is said here, once, and not by a node that is started again and again.
    settings::load(&file).map_err(refused)?;
    let LogArguments { log_format, log_level, record_steps, demo_plant } = &arguments.log;
    start_log(&arguments.log)?;
    let format = match log_format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    };
    let mut own: Vec<OsString> = vec!["node".into(), "-c".into(), file.into()];
    own.extend(["--log-format", format, "--log-level", log_level].map(OsString::from));
    if *record_steps {
        own.push("--record-steps".into());
    }
    if *demo_plant {
        own.push("--demo-plant".into());
    }
    let guard = GuardSettings::of_this_program(own);
    let guard =
        guard.map_err(|error| Failure::Failed(format!("which program is this: {error}")))?;
    Ok(process::run_guard(guard))
}

pub(super) fn node(cx: &Context, arguments: &NodeArguments) -> Result<ExitCode, Failure> {
    let file = target::settings_file(&cx.global);
    let settings = settings::load(&file).map_err(refused)?;
    let level = start_log(&arguments.log)?;
    let LogArguments { record_steps, demo_plant, .. } = arguments.log;
    let extras = process::Extras { settings_file: file, record_steps, demo_plant };
    process::run_node(settings, arguments.guard_fd, Some(level), extras).or_else(|error| {
        tracing::error!(error = whole(&error), "the node cannot start");
        Ok(Exit::Failed.into())
    })
}

/// An error with what caused it.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

fn start_log(arguments: &LogArguments) -> Result<logging::LogLevel, Failure> {
    let format = match arguments.log_format {
        LogFormat::Text => logging::LogFormat::Text,
        LogFormat::Json => logging::LogFormat::Json,
    };
    logging::start(format, &arguments.log_level).map_err(|it| Failure::WrongUse(it.to_string()))
}

/// Settings that are wrong are shown as they are, without a word before them.
pub(super) fn refused(error: settings::LoadError) -> Failure {
    match error {
        settings::LoadError::Wrong(problems) => Failure::Settings(problems),
        settings::LoadError::Read { ref source, .. }
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            Failure::Failed(format!(
                "{error}; `hotpair init` or `hotpair join` makes it, `-c FILE` names another"
            ))
        }
        settings::LoadError::Read { .. }
        | settings::LoadError::TooLarge { .. }
        | settings::LoadError::ReadableByOthers { .. } => Failure::Failed(error.to_string()),
    }
}
