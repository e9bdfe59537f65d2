//! One call of the binary and what came of it.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) error: String,
}

/// Calls `hotpair` with these arguments, with nobody at the terminal.
pub(crate) fn hotpair(arguments: &[&str]) -> Called {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotpair"));
    command.args(arguments).stdin(Stdio::null()).env_remove("HOTPAIR_API").env("TZ", "UTC");
    let output = command.output().expect("the binary was built for this test");
    let text = |it: Vec<u8>| String::from_utf8(it).expect("the command writes UTF-8");
    Called {
        status: output.status.code().expect("the command was not killed"),
        out: text(output.stdout),
        error: text(output.stderr),
    }
}

impl Called {
    /// Everything, for a comparison; `hide` is replaced because it differs from run to run.
    pub(crate) fn shown(&self, hide: &[(&str, &str)]) -> String {
        let mut text = format!("status {}\n", self.status);
        for (name, stream) in [("out", &self.out), ("error", &self.error)] {
            if !stream.is_empty() {
                let _ = write!(text, "-- {name}\n{stream}");
            }
        }
        for (from, to) in hide {
            text = text.replace(from, to);
        }
        text
    }
}
