//! Asks a person before something that cannot be taken back lightly, showing how things are now.

use super::Context;
use super::exit::Failure;
use std::io::Write as _;

/// Asks `question` under what is shown now. With `--yes` nobody is asked; without a terminal the
/// command is refused.
pub(super) fn confirm(cx: &Context, now: &[String], question: &str) -> Result<(), Failure> {
    if cx.global.yes {
        return Ok(());
    }
    if !cx.screen.can_ask || cx.screen.json {
        let text = "nobody can be asked here; add --yes if it is meant".to_owned();
        return Err(Failure::WrongUse(text));
    }
    for line in now {
        cx.screen.error(line);
    }
    let mut out = std::io::stderr().lock();
    let asked = write!(out, "{question} [y/N] ").and_then(|()| out.flush());
    asked.map_err(|error| Failure::Failed(error.to_string()))?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| Failure::Failed(error.to_string()))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::Failed("not confirmed; nothing was changed".to_owned()))
}
