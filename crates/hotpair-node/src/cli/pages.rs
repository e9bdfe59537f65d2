//! Pages made from the commands themselves: completions, manual pages, the guide's page.

use super::arguments::Cli;
use super::terminal::clean;
use super::{Context, Exit, Failure};
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn completions(cx: &Context, shell: Shell) -> Result<Exit, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "hotpair", &mut text);
    cx.screen.write(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}

pub(super) fn man(cx: &Context, dir: Option<&Path>) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("cannot write the page: {error}"));
    let Some(dir) = dir else {
        let mut text = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut text).map_err(failed)?;
        cx.screen.write(&String::from_utf8_lossy(&text));
        return Ok(Exit::Done);
    };
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(failed)?;
    cx.screen.note(&format!("written to {}", clean(&dir.to_string_lossy(), 200)));
    Ok(Exit::Done)
}

/// The guide's page about commands.
#[must_use]
pub fn commands_page() -> String {
    let mut page = String::from(include_str!("commands_page.md"));
    let mut root = Cli::command().term_width(100);
    root.build();
    let _ = write!(page, "\n## `hotpair`\n\n```text\n{}```\n", help(&mut root));
    chapter(&mut page, &mut root);
    page
}

fn chapter(page: &mut String, parent: &mut Command) {
    for command in parent.get_subcommands_mut() {
        if command.is_hide_set() || command.get_name() == "help" {
            continue;
        }
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
        let _ = write!(page, "\n## `{name}`\n\n```text\n{}```\n", help(command));
        chapter(page, command);
    }
}

/// The help without the options that every command takes, which stand at the top of the page.
fn help(command: &mut Command) -> String {
    let is_root = command.get_name() == "hotpair";
    let text = command.render_help().to_string();
    let mut kept = String::new();
    let mut skipping = false;
    for line in text.lines() {
        if line.starts_with("Options of every command") {
            skipping = !is_root;
        } else if skipping && !line.is_empty() && !line.starts_with(' ') {
            skipping = false;
        }
        if !skipping {
            kept.push_str(line.trim_end());
            kept.push('\n');
        }
    }
    format!("{}\n", kept.trim_end())
}
