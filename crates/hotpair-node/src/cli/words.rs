//! How times, positions and reasons are said to people.

use super::terminal::{Screen, clean};
use hotpair_api::face::{Event, Evidence, PositionStatus, Reason};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A span of time, short: `43 ms`, `5.2 s`, `2m 13s`, `3h 5m`, `2d 4h`.
pub(super) fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms} ms"),
        1..10 => format!("{}.{} s", seconds, ms % 1_000 / 100),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A wall-clock time with its zone's offset left out when it is today's.
pub(super) fn clock(at_ms: u64) -> String {
    let Some(at) = i64::try_from(at_ms).ok().and_then(|it| Timestamp::from_millisecond(it).ok())
    else {
        return format!("{at_ms} ms since 1970");
    };
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// A day, in UTC.
pub(super) fn day(at: std::time::SystemTime) -> String {
    Timestamp::try_from(at).map_or_else(
        |_| "a time beyond the calendar".to_owned(),
        |it| it.strftime("%Y-%m-%d").to_string(),
    )
}

/// Now, milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// `e3:120`
pub(super) fn position(position: PositionStatus) -> String {
    format!("e{}:{}", position.epoch, position.sequence)
}

/// Bytes for people: `12 KiB`, `3.4 MiB`.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A reason and the evidence below it.
pub(super) fn reason_lines(reason: &Reason, screen: &Screen) -> Vec<String> {
    let mut lines = vec![format!(
        "  - {} {}",
        clean(&reason.text, 400),
        screen.dim(&format!("({})", clean(&reason.id, 60)))
    )];
    lines.extend(evidence_lines(&reason.evidence, screen));
    lines
}

/// `      missed beats on redundancy: 5 (limit 5)`
pub(super) fn evidence_lines(evidence: &[Evidence], screen: &Screen) -> Vec<String> {
    let line = |it: &Evidence| {
        let limit =
            it.limit.as_ref().map_or(String::new(), |it| format!(" (limit {})", clean(it, 80)));
        screen.dim(&format!("      {}: {}{limit}", clean(&it.name, 80), clean(&it.value, 200)))
    };
    evidence.iter().map(line).collect()
}

/// One event in one line: when, from where to where, why.
pub(super) fn event_line(event: &Event, screen: &Screen) -> String {
    let change = match (event.from, event.to) {
        (Some(from), Some(to)) => {
            format!("{} -> {}: ", from.display_name(), screen.bold(to.display_name()))
        }
        (None, Some(to)) => format!("{}: ", screen.bold(to.display_name())),
        (_, None) => String::new(),
    };
    let engine = match &event.engine {
        Some(engine) if engine != "main" => format!("[{}] ", clean(engine, 40)),
        Some(_) | None => String::new(),
    };
    format!("{}  {engine}{change}{}", clock(event.at_ms), clean(&event.text, 400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_two_parts_at_most() {
        let said = [43, 5_230, 42_000, 133_000, 11_100_000, 187_200_000].map(span);
        assert_eq!(said, ["43 ms", "5.2 s", "42 s", "2m 13s", "3h 5m", "2d 4h"]);
    }
}
