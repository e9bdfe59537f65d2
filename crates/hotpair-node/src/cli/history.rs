//! `hotpair history`: what the asked node holds of history, and how it goes to the sink.

use super::arguments::HistoryCommand;
use super::ask::Question;
use super::terminal::clean;
use super::words::clock;
use super::{Context, Exit, Failure};
use crate::settings::{duration_text, size_text};
use hotpair_api::face::HistoryStatus;
use std::time::Duration;

pub(super) async fn carry_out(cx: &Context, command: HistoryCommand) -> Result<Exit, Failure> {
    let HistoryCommand::Status = command;
    let status: HistoryStatus = cx.ask()?.ask(Question::get("/api/v1/history")).await?;
    if cx.screen.json {
        cx.screen.json(&serde_json::json!(status));
        return Ok(Exit::Done);
    }
    for (name, text) in lines(&status) {
        cx.screen.line(&format!("{name:<10}{text}"));
    }
    Ok(Exit::Done)
}

fn lines(it: &HistoryStatus) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let sink = it.sink.as_ref();
    lines.push(match sink {
        Some(sink) => ("sink", format!("{} {}", clean(&sink.kind, 16), clean(&sink.target, 256))),
        None => ("sink", "none: nothing is recorded; set [history] in node.toml".to_owned()),
    });
    lines.push(match (sink, it.forwards) {
        (Some(_), true) => ("this node", "acts: it records, and forwards".to_owned()),
        (Some(_), false) => {
            ("this node", "does not act: it holds until the sink has it".to_owned())
        }
        (None, _) => ("this node", "holds what was recorded before".to_owned()),
    });
    let most = sink.map(|it| format!(", at most {}", size_text(it.held_bytes_max)));
    let oldest = it.oldest_ms.map(|it| format!("; the oldest of {}", clock(it)));
    let held = format!(
        "{} samples ({} sealed, blocks: {}; {} not sealed yet), {} bytes{}{}",
        it.held_records,
        it.held_records.saturating_sub(it.open_records),
        it.held_blocks,
        it.open_records,
        it.held_bytes,
        most.unwrap_or_default(),
        oldest.unwrap_or_default(),
    );
    lines.push(("held", held));
    let last = it.committed_at_ms.map(|it| format!("; last at {}", clock(it)));
    let committed = format!(
        "{} samples; done up to {} of {}{}",
        it.committed,
        it.done,
        it.newest,
        last.unwrap_or_default()
    );
    lines.push(("committed", committed));
    if it.lost > 0 {
        let last = it.lost_at_ms.map(|it| format!("; last at {}", clock(it)));
        let text = format!("{} samples, no more could be held", it.lost);
        lines.push(("lost", text + &last.unwrap_or_default()));
    }
    if let Some(failing) = &it.failing {
        let how = if failing.temporary { "may pass" } else { "does not pass by itself" };
        let time = duration_text(Duration::from_secs(failing.for_ms / 1_000));
        let why = clean(&failing.why, 512);
        lines.push(("failing", format!("{why} ({how}; {} times, for {time})", failing.times)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotpair_api::face::{HistoryFailing, HistorySinkStatus};

    fn status() -> HistoryStatus {
        HistoryStatus {
            sink: None,
            forwards: false,
            held_records: 12,
            open_records: 2,
            held_blocks: 1,
            held_bytes: 700,
            oldest_ms: None,
            newest: 15,
            done: 3,
            committed: 3,
            committed_at_ms: None,
            lost: 0,
            lost_at_ms: None,
            failing: None,
        }
    }

    #[test]
    fn a_node_without_a_sink_says_that_nothing_is_recorded() {
        let lines = lines(&status());
        assert_eq!(lines[0].1, "none: nothing is recorded; set [history] in node.toml");
        assert_eq!(lines[2].1, "12 samples (10 sealed, blocks: 1; 2 not sealed yet), 700 bytes");
        assert_eq!(lines[3].1, "3 samples; done up to 3 of 15");
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn a_sink_that_fails_is_told_with_its_words() {
        let (kind, target) = ("parquet".to_owned(), "/srv/history".to_owned());
        let sink = HistorySinkStatus { kind, target, held_bytes_max: 1 << 26 };
        let why = "no space left".to_owned();
        let failing = HistoryFailing { why, temporary: true, times: 3, for_ms: 90_500 };
        let status =
            HistoryStatus { sink: Some(sink), lost: 9, failing: Some(failing), ..status() };
        let lines = lines(&status);
        assert_eq!(lines[0].1, "parquet /srv/history");
        assert!(lines[2].1.ends_with("700 bytes, at most 64 MiB"), "{lines:?}");
        assert_eq!(lines[4], ("lost", "9 samples, no more could be held".to_owned()));
        assert_eq!(lines[5].1, "no space left (may pass; 3 times, for 1m 30s)");
    }
}
