//! What may be written on the command line (docs/design/interfaces.md).

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use hotpair_types::{Ack, EngineName, NodeName};
use std::net::SocketAddr;
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
    /// Entries that lost when both nodes had been active
    #[command(subcommand)]
    Divergence(DivergenceCommand),
    /// The engines of the asked node
    #[command(subcommand)]
    Engine(EngineCommand),
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

/// `hotpair demo`
#[derive(Clone, Debug, Args)]
pub struct DemoArguments {
    /// Kill the active node after this time, as a crash would
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) kill_active_after: Option<Duration>,
    /// End after this time; without it Ctrl-C ends the demo
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) exit_after: Option<Duration>,
    /// Keep keys, settings, logs and data in this directory, which must not exist yet
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

/// Where a new node stands.
#[derive(Clone, Debug, Args)]
pub(super) struct Place {
    /// The name of this node
    #[arg(long)]
    pub(super) name: NodeName,
    /// Its address on the dedicated link
    #[arg(long, value_name = "IP:PORT")]
    pub(super) redundancy: SocketAddr,
    /// Its address on the ordinary network
    #[arg(long, value_name = "IP:PORT")]
    pub(super) primary: SocketAddr,
    /// Where `node.toml` is written
    #[arg(long, value_name = "DIR", default_value = "/etc/hotpair")]
    pub(super) dir: PathBuf,
    /// Where the node keeps key and data [default: /var/lib/hotpair; with another --dir: DIR/data]
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Where it serves its HTTP interface
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8650")]
    pub(super) listen: SocketAddr,
}

/// `hotpair init`
#[derive(Clone, Debug, Args)]
pub struct InitArguments {
    #[command(flatten)]
    pub(super) place: Place,
    /// This node is the designated master
    #[arg(long, required_unless_present = "backup", conflicts_with = "backup")]
    pub(super) master: bool,
    /// This node is the designated backup
    #[arg(long)]
    pub(super) backup: bool,
}

/// `hotpair invite`
#[derive(Clone, Debug, Args)]
pub struct InviteArguments {
    /// A new host takes the place of a dead one: its key replaces the pinned one
    #[arg(long)]
    pub(super) replace: bool,
    /// Write the token into this file (0600) instead of on the screen
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// How long the token is valid
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = duration)]
    pub(super) valid: Duration,
}

/// `hotpair join`
#[derive(Clone, Debug, Args)]
pub struct JoinArguments {
    /// The token that `hotpair invite` printed
    #[arg(required_unless_present = "token_file", conflicts_with = "token_file")]
    pub(super) token: Option<String>,
    #[command(flatten)]
    pub(super) place: Place,
    /// Read the token from this file; waits for it to appear
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// This node is the designated master; the first host was made with --backup
    #[arg(long)]
    pub(super) master: bool,
}

/// `hotpair run`
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub(super) log: LogArguments,
}

/// How a node logs, and what runs in it.
#[derive(Clone, Debug, Args)]
pub(super) struct LogArguments {
    /// How a log line is written
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(super) log_format: LogFormat,
    /// What is logged: error, warn, info, debug, trace, or `crate=level` separated by commas
    #[arg(long, default_value = "info", value_name = "LEVEL")]
    pub(super) log_level: String,
    /// Record every step of the state machines in the data directory, for `hotpair replay`
    #[arg(long)]
    pub(super) record_steps: bool,
    /// Run the simulated plant of the demo in this node
    #[arg(long, hide = true)]
    pub(super) demo_plant: bool,
}

/// `hotpair node`
#[derive(Clone, Debug, Args)]
pub struct NodeArguments {
    #[command(flatten)]
    pub(super) log: LogArguments,
    /// The inherited socket to the guard
    #[arg(long, value_name = "FD")]
    pub(super) guard_fd: Option<i32>,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
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

/// How a write is wanted.
#[derive(Clone, Debug, Args)]
pub struct WriteArguments {
    /// What the acknowledgement must mean [default: the node's setting]
    #[arg(long, value_name = "ACK", value_parser = ack)]
    pub(super) ack: Option<Ack>,
    /// A retry with the same key is applied once [default: a random one]
    #[arg(long, value_name = "KEY")]
    pub(super) idempotency_key: Option<String>,
}

/// `hotpair config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show a record
    Get {
        /// Its key
        key: String,
        /// Show version and author too
        #[arg(long)]
        long: bool,
    },
    /// Write records, all of them or none
    Set {
        /// `KEY=VALUE`; the value is JSON, and what is not JSON is a string. `KEY=@FILE` reads a
        /// file, `KEY=-` the standard input
        #[arg(required = true, value_name = "KEY=VALUE")]
        pairs: Vec<String>,
        /// Only if the record has this version; `KEY=none`: only if it is not there
        #[arg(long, value_name = "KEY=VERSION")]
        expect: Vec<String>,
        /// Records to delete in the same transaction
        #[arg(long, value_name = "KEY")]
        delete: Vec<String>,
        #[command(flatten)]
        write: WriteArguments,
    },
    /// Delete records, all of them or none
    Delete {
        /// Their keys
        #[arg(required = true)]
        keys: Vec<String>,
        /// Only if the record has this version
        #[arg(long, value_name = "KEY=VERSION")]
        expect: Vec<String>,
        #[command(flatten)]
        write: WriteArguments,
    },
    /// List records
    List {
        /// Only those whose key begins so
        #[arg(default_value = "")]
        prefix: String,
    },
    /// Show the last changes, newest first
    History {
        /// Only those of one record
        key: Option<String>,
        /// How many
        #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
        last: u32,
    },
    /// Write all records, at one position, as one JSON document
    Export {
        /// Where to [default: standard output]
        #[arg(long, short = 'o', value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write an export back in one transaction
    Import {
        /// The document; `-` reads the standard input
        file: PathBuf,
        /// Delete records that are not in it
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        write: WriteArguments,
    },
}

/// `hotpair tag`
#[derive(Debug, Subcommand)]
pub enum TagCommand {
    /// Show tags
    Read {
        /// Their paths
        #[arg(required = true)]
        paths: Vec<String>,
        /// Only the value
        #[arg(long)]
        value: bool,
    },
    /// Write tags, all of them or none
    Write {
        /// `PATH=VALUE`; the value is JSON, and what is not JSON is a string
        #[arg(required = true, value_name = "PATH=VALUE")]
        pairs: Vec<String>,
        /// How far the values can be trusted
        #[arg(long, value_enum, default_value_t = Quality::Good)]
        quality: Quality,
        #[command(flatten)]
        write: WriteArguments,
    },
    /// List tags with their values
    List {
        /// Only those whose path begins so
        #[arg(default_value = "")]
        prefix: String,
    },
    /// Follow tags until Ctrl-C, on whichever node is active
    Watch {
        /// Only those whose path begins so
        #[arg(default_value = "")]
        prefix: String,
        /// End after so many changes
        #[arg(long, value_name = "N")]
        count: Option<u64>,
    },
}

/// How far a value can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Quality {
    /// As written
    Good,
    /// Perhaps old
    Uncertain,
    /// Not to be used
    Bad,
}

impl Quality {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Uncertain => "uncertain",
            Self::Bad => "bad",
        }
    }
}

/// `hotpair module`
#[derive(Debug, Subcommand)]
pub enum ModuleCommand {
    /// Store a code module on both nodes
    Add {
        /// Its name
        name: String,
        /// Its bytes
        file: PathBuf,
        #[command(flatten)]
        write: WriteArguments,
    },
    /// Remove a code module from both nodes
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        write: WriteArguments,
    },
    /// List code modules with their hashes
    List,
}

/// `hotpair divergence`
#[derive(Debug, Subcommand)]
pub enum DivergenceCommand {
    /// List conflicts whose losing entries are kept
    List,
    /// Show the losing entries of one conflict beside what won
    Show {
        /// Which conflict
        id: String,
    },
    /// Write losing entries again as new ones
    Replay {
        /// Which conflict
        id: String,
        /// Only these entries, by number
        #[arg(long, value_name = "N", num_args = 1.., value_delimiter = ',')]
        entries: Vec<u64>,
    },
    /// Forget a conflict for good
    Discard {
        /// Which conflict
        id: String,
    },
}

/// `hotpair engine`
#[derive(Clone, Debug, Subcommand)]
pub enum EngineCommand {
    /// List the engines of the asked node
    List,
    /// Run an engine on the asked node again
    Deploy {
        /// Which
        name: EngineName,
    },
    /// Take an engine off the asked node; nobody takes over because of it
    Undeploy {
        /// Which
        name: EngineName,
    },
    /// Restart the objects of an engine
    Restart {
        /// Which
        name: EngineName,
    },
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::settings::parse_duration(text)
}

fn ack(text: &str) -> Result<Ack, String> {
    let found = Ack::ALL.iter().find(|it| it.as_str() == text).copied();
    found.ok_or_else(|| "one of local, replicated, durable".to_owned())
}
