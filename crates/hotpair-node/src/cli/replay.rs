//! `hotpair replay`: runs a record of steps through the same state machine, and compares.

use super::init::shown;
use super::terminal::clean;
use super::{Context, Exit, Failure};
use crate::steps::{FORMAT, Head, Line};
use hotpair_fsm::Machine;
use hotpair_types::{StateId, Time};
use serde_json::json;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// The longest line that is read.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What the replay found.
#[derive(Debug, Default)]
struct Found {
    steps: u64,
    changes: u64,
    /// The first step at which the machine of this release does something else.
    differs: Option<String>,
}

pub(super) fn replay(cx: &Context, file: &Path, every_step: bool) -> Result<Exit, Failure> {
    let failed =
        |error: std::io::Error| Failure::Failed(format!("cannot read {}: {error}", shown(file)));
    let mut reader = BufReader::new(File::open(file).map_err(failed)?);
    let head = next_line(&mut reader, file)?.unwrap_or_default();
    let no_record = |error: &dyn std::fmt::Display| {
        Failure::Failed(format!("{} is no record of steps: {error}", shown(file)))
    };
    let head: Head = serde_json::from_str(&head).map_err(|it| no_record(&it))?;
    if head.format != FORMAT {
        return Err(no_record(&format!(
            "its format is `{}`, not `{FORMAT}`",
            clean(&head.format, 40)
        )));
    }
    if !cx.screen.json {
        let settings = &head.settings;
        cx.screen.line(&format!(
            "{} of {}, {}, mode {}, recorded by release {}",
            clean(&head.engine, 40),
            clean(&head.node, 40),
            settings.designation,
            settings.mode,
            clean(&head.release, 40)
        ));
    }
    let made =
        catch_unwind(AssertUnwindSafe(|| Machine::new(head.settings, head.boot.clone(), head.now)));
    let (mut machine, _) = made.map_err(|_| no_record(&"the machine cannot start from it"))?;
    let mut found = Found::default();
    let mut last = head.now;
    while let Some(text) = next_line(&mut reader, file)? {
        let line: Line = match serde_json::from_str(&text) {
            Ok(line) => line,
            // A process that was killed leaves half a line, and then nothing.
            Err(_) if next_line(&mut reader, file)?.is_none() => break,
            Err(error) => return Err(no_record(&format!("step {}: {error}", found.steps + 1))),
        };
        if line.now < last {
            return Err(no_record(&format!("step {}: time goes back", found.steps + 1)));
        }
        last = line.now;
        found.steps += 1;
        let before = machine.state();
        // A record that was tampered with may be refused by an assertion of the machine.
        let stepped =
            catch_unwind(AssertUnwindSafe(|| drop(machine.handle(line.now, line.event.clone()))));
        if stepped.is_err() {
            return Err(no_record(&format!("step {}: the machine refuses it", found.steps)));
        }
        let after = machine.state();
        show(cx, &head, &line, (before, after), every_step);
        found.changes += u64::from(before != after);
        if (before, after) != (line.from, line.to) {
            found.differs = Some(format!(
                "step {}: recorded {} -> {}, replayed {} -> {}",
                found.steps, line.from, line.to, before, after
            ));
            break;
        }
    }
    Ok(tell(cx, &found))
}

fn next_line(reader: &mut impl BufRead, file: &Path) -> Result<Option<String>, Failure> {
    let mut text = Vec::new();
    let read = std::io::Read::take(&mut *reader, LINE_BYTES_MAX).read_until(b'\n', &mut text);
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Failed(format!("cannot read {}: {error}", shown(file)))
    };
    if read.map_err(|it| failed(&it))? == 0 {
        return Ok(None);
    }
    String::from_utf8(text).map(Some).map_err(|_| failed(&"not UTF-8"))
}

fn show(cx: &Context, head: &Head, line: &Line, states: (StateId, StateId), every_step: bool) {
    let (before, after) = states;
    if before == after && !every_step {
        return;
    }
    let event = clean(&format!("{:?}", line.event), 160);
    if cx.screen.json {
        cx.screen.json(&json!({
            "now_us": line.now.0, "event": event, "from": before.id(), "to": after.id(),
        }));
        return;
    }
    let at = line.now.since(Time::ZERO.max(head.now)).as_secs_f64();
    let change = if before == after {
        cx.screen.dim(before.display_name())
    } else {
        format!("{} -> {}", before.display_name(), cx.screen.bold(after.display_name()))
    };
    cx.screen.line(&format!("{at:12.6} s  {change}"));
    cx.screen.line(&cx.screen.dim(&format!("                {event}")));
}

fn tell(cx: &Context, found: &Found) -> Exit {
    if cx.screen.json {
        cx.screen.json(&json!({
            "steps": found.steps, "changes": found.changes, "agrees": found.differs.is_none(),
            "differs": found.differs,
        }));
    } else {
        cx.screen.line(&match &found.differs {
            None => format!(
                "{} steps, {} changes of state: this release decides the same.",
                found.steps, found.changes
            ),
            Some(differs) => format!("This release decides differently. {differs}"),
        });
    }
    if found.differs.is_none() { Exit::Done } else { Exit::Failed }
}
