//! The command line: what may be written, and who carries it out.
//!
//! Every command answers for people or, with `--json`, for programs, and ends with one of five
//! statuses (`exit.rs`). The commands ask a node over its HTTP interface (`ask.rs`); only those that
//! make or run a node touch files.

mod exit;
mod terminal;
mod words;
mod ask;
mod trust;
mod target;
mod arguments;
mod confirm;
mod status;
mod subscriber;
mod history;
mod watch;
mod advice;
mod role;
mod why;
mod config;
mod tag;
mod module;
mod object;
mod alarm;
mod divergence;
mod engine;
mod pages;
mod init;
mod pairing;
mod check;
mod cert;
mod run;
mod demo;
mod replay;

pub use arguments::{Cli, Command};
pub use exit::{Exit, Failure};
pub use pages::commands_page;

use arguments::{EngineCommand, Global};
use ask::Ask;
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};
use std::process::ExitCode;
use terminal::Screen;

/// How much of an argument is repeated when it is refused.
const ARGUMENT_CHARS_MAX: usize = 200;

/// What every command is given.
#[derive(Debug)]
struct Context {
    global: Global,
    screen: Screen,
}

impl Context {
    /// A connection to the node that is meant.
    fn ask(&self) -> Result<Ask, Failure> {
        target::ask(&self.global)
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let shown = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let said = if shown { error } else { refusal(error) };
            // A closed pipe is no reason to fail.
            let _ = said.print();
            return if shown { Exit::Done.into() } else { Exit::WrongUse.into() };
        }
    };
    let cx = Context { screen: Screen::of_this_process(cli.global.json), global: cli.global };
    match carry_out(&cx, cli.command) {
        Ok(status) => status,
        Err(failure) => {
            failure.show(&cx.screen);
            failure.exit().into()
        }
    }
}

/// The refusal of arguments, which repeats them: as they were meant for clap, and made harmless for
/// whoever reads it.
fn refusal(error: clap::Error) -> clap::Error {
    let given: Vec<String> = std::env::args_os().map(|it| it.to_string_lossy().into()).collect();
    let harmless: Vec<String> =
        given.iter().map(|it| terminal::clean(it, ARGUMENT_CHARS_MAX)).collect();
    if harmless == given {
        return error;
    }
    match Cli::try_parse_from(harmless) {
        Err(error) => error,
        Ok(_) => Cli::command().error(
            ErrorKind::InvalidValue,
            "an argument is not UTF-8, too long, or has control characters",
        ),
    }
}

fn carry_out(cx: &Context, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(it) => return run::run(cx, &it),
        Command::Node(it) => return run::node(cx, &it),
        Command::KeepService { command } => return Ok(crate::services::warden::run(&command)),
        Command::Completions { shell } => return Ok(pages::completions(cx, shell)?.into()),
        Command::Man { dir } => return Ok(pages::man(cx, dir.as_deref())?.into()),
        Command::Init(it) => return Ok(init::init(cx, &it)?.into()),
        Command::Replay { file, step } => return Ok(replay::replay(cx, &file, step)?.into()),
        Command::Cert(it) => return Ok(cert::carry_out(cx, &it)?.into()),
        Command::Demo(_)
        | Command::Invite(_)
        | Command::Join(_)
        | Command::Check
        | Command::Status { .. }
        | Command::Switchover { .. }
        | Command::Promote { .. }
        | Command::Pause
        | Command::Resume
        | Command::Reinit
        | Command::Why { .. }
        | Command::WhyNot { .. }
        | Command::Config(_)
        | Command::Tag(_)
        | Command::Module(_)
        | Command::Object(_)
        | Command::Subscriber(_)
        | Command::History(_)
        | Command::Alarm(_)
        | Command::Divergence(_)
        | Command::Engine(_)
        | Command::Log { .. } => {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Failed(format!("cannot start: {error}")))?;
    runtime.block_on(carry_out_asking(cx, command)).map(ExitCode::from)
}

async fn carry_out_asking(cx: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Demo(it) => demo::demo(cx, it).await,
        Command::Invite(it) => pairing::invite(cx, &it).await,
        Command::Join(it) => pairing::join(cx, &it).await,
        Command::Check => check::check(cx).await,
        Command::Status { watch: false } => status::status(cx).await,
        Command::Status { watch: true } => watch::watch(cx).await,
        Command::Switchover { dry_run } => role::switchover(cx, dry_run).await,
        Command::Promote { accept_data_loss } => role::promote(cx, accept_data_loss).await,
        Command::Pause => role::pause(cx).await,
        Command::Resume => role::resume(cx).await,
        Command::Reinit => role::reinit(cx).await,
        Command::Why { last } => why::why(cx, last).await,
        Command::WhyNot { command } => why::why_not(cx, command).await,
        Command::Config(it) => config::carry_out(cx, it).await,
        Command::Tag(it) => tag::carry_out(cx, it).await,
        Command::Module(it) => module::carry_out(cx, it).await,
        Command::Object(it) => object::carry_out(cx, it).await,
        Command::Subscriber(it) => subscriber::carry_out(cx, it).await,
        Command::History(it) => history::carry_out(cx, it).await,
        Command::Alarm(it) => alarm::carry_out(cx, it).await,
        Command::Divergence(it) => divergence::carry_out(cx, it).await,
        Command::Engine(EngineCommand::List) => engine::list(cx).await,
        Command::Engine(it) => engine::change(cx, it).await,
        Command::Log { level } => engine::log(cx, level).await,
        Command::Run(_)
        | Command::Node(_)
        | Command::KeepService { .. }
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::Init(_)
        | Command::Replay { .. }
        | Command::Cert(_) => unreachable!("carried out before a runtime was made"),
    }
}
