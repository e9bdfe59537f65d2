//! What may be written on the command line (docs/design/interfaces.md).

mod data;
mod node;

pub(super) use data::{
    AlarmArguments, AlarmCommand, ConfigCommand, DivergenceCommand, EngineCommand, HistoryCommand,
    ModuleCommand, ObjectCommand, SubscriberCommand, TagCommand, WriteArguments,
};
pub(super) use node::{
    CertCommand, DemoArguments, InitArguments, InviteArguments, JoinArguments, NodeArguments,
    RunArguments,
};
pub(super) use node::{LogArguments, LogFormat, Place};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use hotpair_types::EngineName;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Two hosts made one: takeover in milliseconds, nothing lost, every decision explained.
#[derive(Debug, Parser)]
#[command(
    name = "hotpair",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit status: 0 done, 1 failed or not as wanted, 2 wrong use, 3 not reachable, 4 refused with the reason.\n\
                  See it work on this machine: hotpair demo"
)]
pub struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Global {
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// The node to ask; either of the two will do. Without it the node of `-c`, else
    /// http://127.0.0.1:8650
    #[arg(long, global = true, value_name = "URL", env = "HOTPAIR_API", hide_env_values = true)]
    pub(super) api: Option<String>,

    /// The file with the token of the API
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "HOTPAIR_API_TOKEN_FILE",
        hide_env_values = true
    )]
    pub(super) api_token_file: Option<PathBuf>,

    /// The certificate (PEM) to trust when the API is asked over https
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "HOTPAIR_API_CA",
        hide_env_values = true
    )]
    pub(super) api_ca: Option<PathBuf>,

    /// The settings of a node
    #[arg(short = 'c', long, global = true, value_name = "FILE")]
    pub(super) settings: Option<PathBuf>,

    /// The engine that is meant; needed when there are several
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) engine: Option<EngineName>,

    /// Do not ask back
    #[arg(long, short = 'y', global = true)]
    pub(super) yes: bool,

    /// Wait until it is done, at most so long
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "30s",
        value_parser = duration
    )]
    pub(super) wait: Option<Duration>,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a whole pair on this machine, with throw-away keys and data
    Demo(DemoArguments),
    /// Make this host the first of a pair: key, settings and data directory
    Init(InitArguments),
    /// On the first host: print a token for the second and wait for it
    Invite(InviteArguments),
    /// On the second host: make key and settings, and exchange keys with the first
    Join(JoinArguments),
    /// Run a node and its guard
    Run(RunArguments),
    /// Run a node without a guard (started by the guard)
    #[command(hide = true)]
    Node(NodeArguments),
    /// Run a service as long as a node allows it (started by the node)
    #[command(hide = true, name = crate::services::COMMAND)]
    KeepService {
        /// The service and its arguments
        #[arg(last = true)]
        command: Vec<OsString>,
    },
    /// Check settings, keys, ports and the way to the partner; changes nothing
    Check,
    /// Show both nodes: states, channels, positions, what blocks a switch, what to do
    Status {
        /// Go on showing it until Ctrl-C
        #[arg(long, short = 'w')]
        watch: bool,
    },
    /// Change roles as planned; nothing is lost
    Switchover {
        /// Only forecast: time, held writes, loss
        #[arg(long)]
        dry_run: bool,
    },
    /// Make the asked node active by force; shows the loss first
    Promote {
        /// Do it even if data is lost
        #[arg(long)]
        accept_data_loss: bool,
    },
    /// Maintenance: no automatic change of role until `resume`
    Pause,
    /// End a pause or a suspension
    Resume,
    /// Throw the data of the asked standby away and copy it anew
    Reinit,
    /// Show why the roles are as they are: reasons with evidence
    Why {
        /// How many changes of role, newest first
        #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
        last: u32,
    },
    /// Show everything that forbids a command now
    WhyNot {
        /// Which command
        #[arg(value_enum)]
        command: Asked,
    },
    /// Run a recorded journal of steps through the same state machine
    Replay {
        /// A file of `steps` in a node's data directory
        file: PathBuf,
        /// Show every step, also those that changed nothing
        #[arg(long)]
        step: bool,
    },
    /// Read and change config data
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Read, write and follow tags
    #[command(subcommand)]
    Tag(TagCommand),
    /// Add, remove and list code modules
    #[command(subcommand)]
    Module(ModuleCommand),
    /// Deploy, undeploy, list and show objects: programs that are scanned
    #[command(subcommand)]
    Object(ObjectCommand),
    /// Who follows an engine under a name
    #[command(subcommand)]
    Subscriber(SubscriberCommand),
    /// What objects recorded, and what of it is not in the sink yet
    #[command(subcommand)]
    History(HistoryCommand),
    /// Alarms of objects: list, acknowledge, put aside, take up again
    #[command(subcommand)]
    Alarm(AlarmCommand),
    /// Entries that lost when both nodes had been active
    #[command(subcommand)]
    Divergence(DivergenceCommand),
    /// The engines of the asked node
    #[command(subcommand)]
    Engine(EngineCommand),
    /// The certificate around this node's key
    #[command(subcommand)]
    Cert(CertCommand),
    /// Change what the asked node logs while it runs
    Log {
        /// How much
        #[arg(value_enum)]
        level: Level,
    },
    /// Print a script that completes these commands in a shell
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page, or write all pages
    Man {
        /// Write a page for each command into this directory
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// What `hotpair log` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the usual five")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// What `hotpair why-not` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Asked {
    /// The planned change of roles
    Switchover,
    /// The forced one
    Promote,
    /// Maintenance
    Pause,
    /// The end of it
    Resume,
    /// The new copy
    Reinit,
}

impl Asked {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Switchover => "switchover",
            Self::Promote => "promote",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Reinit => "reinit",
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::settings::parse_duration(text)
}
