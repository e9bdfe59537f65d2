//! X16: names and values that mean harm to who reads them in a terminal or in a log.
use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{Audit, Pair, PairSettings, Request, Side};
use serde_json::json;

use crate::scenario::Scenario;
use crate::stage::Stage;

const TEXT_TAG: &str = "line/note";

/// Clears the screen, sets the title, writes backwards, ends the line and begins another.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}txt.exe\r\nERROR forged \u{0}\u{9b}31m";
/// Just below what a request may hold.
const LONG_BYTES: usize = 900 * 1024;
/// What one value may take of a log.
const LOG_BYTES_MAX: usize = 1024 * 1024;

pub(crate) const SCENARIOS: &[Scenario] = &[Scenario::new(
    "X16",
    "x16-hostile-names-and-values",
    "escaped in every command's output and in the logs, and cut",
    |stage| Box::pin(hostile(stage)),
)];

/// Nothing in it drives a terminal or turns the direction of writing.
fn harmless(what: &str, text: &str) -> Result<()> {
    let bad = |it: char| {
        (it.is_control() && it != '\n' && it != '\t')
            || matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some(at) = text.char_indices().find(|it| bad(it.1)) {
        let around: String = text[..at.0].chars().rev().take(60).collect();
        let around: String = around.chars().rev().collect();
        anyhow::bail!("{what}: {:?} after `{around}`", at.1);
    }
    Ok(())
}

/// Each line that begins with what the value would forge is one.
fn not_forged(what: &str, text: &str) -> Result<()> {
    ensure!(!text.lines().any(|it| it.starts_with("ERROR forged")), "{what}: a forged line");
    Ok(())
}

async fn command(pair: &Pair, side: Side, arguments: &[&str]) -> Result<()> {
    let (out, error, status) = pair.cli(side, arguments).await?;
    let what = format!("{:?} (status {status})", arguments);
    for text in [&out, &error] {
        harmless(&what, text)?;
        not_forged(&what, text)?;
    }
    ensure!(!(out.is_empty() && error.is_empty()), "{what} says something");
    Ok(())
}

async fn hostile(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.write_config(Side::A, &format!("tags/{TEXT_TAG}"), &json!({"type": "text"})).await?;
    let long = format!("{HOSTILE}{}", "y".repeat(LONG_BYTES));
    pair.write_config(Side::A, "plant/hostile", &json!({HOSTILE: HOSTILE, "n": [HOSTILE]})).await?;
    pair.write_config(Side::A, "plant/long", &json!(long)).await?;
    let tag = Request::put(&format!("/api/v1/tags/{TEXT_TAG}"), &json!({"value": HOSTILE}));
    pair.ask(Side::A, tag).await?.ok().context("a hostile text in a tag")?;
    // Names are refused, and what is said about them is as harmless.
    for path in ["config/plant%E2%80%AEx", "tags/a%C2%9B31m", "modules/a%E2%80%AEb"] {
        let request = Request::put(&format!("/api/v1/{path}"), &json!({"value": 1}));
        let answer = pair.ask(Side::A, request.header("user-agent", "\u{202e}evil")).await?;
        ensure!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        harmless(path, &answer.text())?;
    }
    pair.until_roles(Side::A).await?;
    let assignment = format!("{HOSTILE}=1").replace('\0', "");
    let name = HOSTILE.replace('\0', "");
    for side in Side::BOTH {
        let commands: &[&[&str]] = &[
            &["config", "get", "plant/hostile"],
            &["config", "get", "plant/hostile", "--long"],
            &["config", "get", "plant/long"],
            &["config", "list"],
            &["config", "history"],
            &["config", "export"],
            &["tag", "read", TEXT_TAG],
            &["tag", "list"],
            &["status"],
            &["events"],
            &["config", "get", &name],
            &["config", "set", &assignment],
            &["config", "delete", &name],
            &["tag", "read", &name],
            &["tag", "write", &assignment],
            &["module", "remove", &name],
            &["divergence", "show", &name],
            &[&name],
        ];
        for arguments in commands {
            command(&pair, side, arguments).await?;
        }
    }
    Audit::of(&pair).run().await?;
    for side in Side::BOTH {
        let log = pair.node(side).log();
        harmless(&format!("the log of {side}"), &log)?;
        not_forged(&format!("the log of {side}"), &log)?;
        ensure!(log.len() < LOG_BYTES_MAX, "the log of {side} has {} bytes", log.len());
    }
    Ok(())
}
