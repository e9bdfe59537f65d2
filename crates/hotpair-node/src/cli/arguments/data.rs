//! Commands about what a pair keeps: config, tags, modules, conflicts, engines.

use clap::{Args, Subcommand, ValueEnum};
use hotpair_types::{Ack, EngineName};
use std::path::PathBuf;
use std::time::Duration;

/// How a write is wanted.
#[derive(Clone, Debug, Args)]
pub struct WriteArguments {
    /// What the acknowledgement must mean: local, replicated or durable [default: the node's
    /// setting]
    #[arg(long, value_name = "ACK", value_parser = ack)]
    pub(in crate::cli) ack: Option<Ack>,
    /// A retry with the same key is applied once [default: a random one]
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) idempotency_key: Option<String>,
}

/// `hotpair config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show a record
    Get {
        /// Its key
        key: String,
        /// Show its version too, and when and under which epoch it was written
        #[arg(long)]
        long: bool,
    },
    /// Write records, all of them or none
    Set {
        /// `KEY=VALUE`; the value is JSON, and what is not JSON is a string. `KEY=@FILE` reads
        /// JSON from a file, `KEY=-` from the standard input
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
    pub(in crate::cli) const fn as_str(self) -> &'static str {
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

/// `hotpair subscriber`
#[derive(Debug, Subcommand)]
pub enum SubscriberCommand {
    /// List them: connected or away, and how far each has come
    List,
}

/// `hotpair history`
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Show what the asked node holds, and how it goes to the sink
    Status,
}

/// `hotpair object`
#[derive(Debug, Subcommand)]
pub enum ObjectCommand {
    /// Deploy an object, or change how it is declared
    Deploy {
        /// Its name
        name: String,
        /// Its declaration in JSON; `-` reads the standard input
        file: PathBuf,
        #[command(flatten)]
        write: WriteArguments,
    },
    /// Undeploy an object; its state goes with it
    Undeploy {
        /// Its name
        name: String,
        #[command(flatten)]
        write: WriteArguments,
    },
    /// List objects with their state
    List {
        /// Only those whose name begins so
        #[arg(default_value = "")]
        prefix: String,
    },
    /// Show an object: schedule, scans, attributes
    Show {
        /// Its name
        name: String,
    },
    /// Set an attribute that is bound to no tag; the next scan begins with it
    Set {
        /// The object
        name: String,
        /// ATTRIBUTE=VALUE; the value is JSON, or a text
        pair: String,
        /// How far it can be trusted
        #[arg(long, value_enum, default_value = "good")]
        quality: Quality,
        #[command(flatten)]
        write: WriteArguments,
    },
    /// Let an object in fault run again
    Restart {
        /// Its name
        name: String,
    },
}

/// Which alarm, and whose word it is.
#[derive(Clone, Debug, Args)]
pub struct AlarmArguments {
    /// Its object
    pub(in crate::cli) object: String,
    /// Its name there
    pub(in crate::cli) alarm: String,
    /// What there is to say about it
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(in crate::cli) comment: String,
    /// Who says so [default: $USER, else the caller as the node sees it]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) who: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) write: WriteArguments,
}

/// `hotpair alarm`
#[derive(Debug, Subcommand)]
pub enum AlarmCommand {
    /// List alarms with their states
    List {
        /// Only those whose `OBJECT/ALARM` begins so
        #[arg(default_value = "")]
        prefix: String,
        /// Only those in this state; several may be given
        #[arg(long, value_enum, value_name = "STATE")]
        state: Vec<AlarmState>,
    },
    /// Acknowledge an alarm: somebody has seen it
    Ack {
        #[command(flatten)]
        of: AlarmArguments,
        /// Only if it was not announced again since this occurrence
        #[arg(long, value_name = "N")]
        occurrence: Option<u64>,
    },
    /// Put an alarm aside for a time; then it is announced anew if it is still there
    Shelve {
        #[command(flatten)]
        of: AlarmArguments,
        /// For how long, 1s to 24h
        #[arg(long = "for", value_name = "TIME", value_parser = super::duration)]
        time: Duration,
    },
    /// Take an alarm off the shelf before its time
    Unshelve(AlarmArguments),
    /// Suppress an alarm by design: it means nothing as the plant is now
    Suppress(AlarmArguments),
    /// End a suppression
    Unsuppress(AlarmArguments),
    /// Take an alarm out of service, until it is put back
    OutOfService(AlarmArguments),
    /// Put an alarm back into service
    InService(AlarmArguments),
}

/// What an alarm is to people, by ISA-18.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AlarmState {
    /// The condition is not there
    Normal,
    /// It is there
    Unacknowledged,
    /// It is there, and somebody has seen it
    Acknowledged,
    /// It is gone, and nobody has seen it
    ReturnedUnacknowledged,
    /// Put aside for a time
    Shelved,
    /// Means nothing now, by design
    Suppressed,
    /// Taken out until it is put back
    OutOfService,
}

impl AlarmState {
    pub(in crate::cli) const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Unacknowledged => "unacknowledged",
            Self::Acknowledged => "acknowledged",
            Self::ReturnedUnacknowledged => "returned-unacknowledged",
            Self::Shelved => "shelved",
            Self::Suppressed => "suppressed",
            Self::OutOfService => "out-of-service",
        }
    }
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

fn ack(text: &str) -> Result<Ack, String> {
    let found = Ack::ALL.iter().find(|it| it.as_str() == text).copied();
    found.ok_or_else(|| "one of local, replicated, durable".to_owned())
}
