//! Arguments of the commands that make or run nodes.

use super::duration;
use clap::{Args, Subcommand, ValueEnum};
use hotpair_types::NodeName;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// `hotpair demo`
#[derive(Clone, Debug, Args)]
pub struct DemoArguments {
    /// Kill the active node after this time, as a crash would
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(in crate::cli) kill_active_after: Option<Duration>,
    /// End after this time; without it Ctrl-C ends the demo
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(in crate::cli) exit_after: Option<Duration>,
    /// Keep keys, settings, logs and data in this directory, which must not exist yet
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) dir: Option<PathBuf>,
}

/// Where a new node stands.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct Place {
    /// The name of this node
    #[arg(long)]
    pub(in crate::cli) name: NodeName,
    /// Its address on the dedicated link
    #[arg(long, value_name = "IP:PORT", value_parser = address)]
    pub(in crate::cli) redundancy: SocketAddr,
    /// Its address on the ordinary network
    #[arg(long, value_name = "IP:PORT", value_parser = address)]
    pub(in crate::cli) primary: SocketAddr,
    /// Where `node.toml` is written
    #[arg(long, value_name = "DIR", default_value = "/etc/hotpair")]
    pub(in crate::cli) dir: PathBuf,
    /// Where the node keeps key and data [default: /var/lib/hotpair; with another --dir: DIR/data]
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) data_dir: Option<PathBuf>,
    /// Where it serves its HTTP interface
    #[arg(long, value_name = "IP:PORT", value_parser = address, default_value = "127.0.0.1:8650")]
    pub(in crate::cli) listen: SocketAddr,
}

/// `hotpair init`
#[derive(Clone, Debug, Args)]
pub struct InitArguments {
    #[command(flatten)]
    pub(in crate::cli) place: Place,
    /// This node is the designated master
    #[arg(long, required_unless_present = "backup", conflicts_with = "backup")]
    pub(in crate::cli) master: bool,
    /// This node is the designated backup
    #[arg(long)]
    pub(in crate::cli) backup: bool,
}

/// `hotpair invite`
#[derive(Clone, Debug, Args)]
pub struct InviteArguments {
    /// A new host takes the place of a dead one: its key replaces the pinned one
    #[arg(long)]
    pub(in crate::cli) replace: bool,
    /// Write the token into this file (0600) instead of on the screen
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) token_file: Option<PathBuf>,
    /// How long the token is valid
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = duration)]
    pub(in crate::cli) valid: Duration,
}

/// `hotpair join`
#[derive(Clone, Debug, Args)]
pub struct JoinArguments {
    /// The token that `hotpair invite` printed
    #[arg(required_unless_present = "token_file", conflicts_with = "token_file")]
    pub(in crate::cli) token: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) place: Place,
    /// Read the token from this file; waits for it to appear
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) token_file: Option<PathBuf>,
    /// This node is the designated master; the first host was made with --backup
    #[arg(long)]
    pub(in crate::cli) master: bool,
}

/// `hotpair run`
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub(in crate::cli) log: LogArguments,
}

/// How a node logs, and what runs in it.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct LogArguments {
    /// How a log line is written
    #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(in crate::cli) log_format: LogFormat,
    /// What is logged: error, warn, info, debug, trace, or `crate=level` separated by commas
    #[arg(long, default_value = "info", value_name = "LEVEL")]
    pub(in crate::cli) log_level: String,
    /// Record every step of the state machines in the data directory, for `hotpair replay`
    #[arg(long)]
    pub(in crate::cli) record_steps: bool,
    /// Run the simulated plant of the demo in this node
    #[arg(long, hide = true)]
    pub(in crate::cli) demo_plant: bool,
}

/// `hotpair node`
#[derive(Clone, Debug, Args)]
pub struct NodeArguments {
    #[command(flatten)]
    pub(in crate::cli) log: LogArguments,
    /// The inherited socket to the guard
    #[arg(long, value_name = "FD")]
    pub(in crate::cli) guard_fd: Option<i32>,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "not an IP address with a port, like 10.10.0.1:4750 or [fd00::1]:4750".to_owned()
    })
}

/// `hotpair cert`
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum CertCommand {
    /// Show the key, and until when the certificate around it is valid
    Show,
    /// Put a new certificate around the same key; the running node takes it without a break
    Rotate,
}
