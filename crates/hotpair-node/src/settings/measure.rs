//! Durations as `"100ms"` and sizes as `"64 MiB"`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] =
    [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];

/// Reads a duration: a whole number and one of `ms`, `s`, `m`, `h` (or several such parts).
///
/// # Errors
/// What is wrong, in words.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let trimmed = text.trim();
    if !trimmed.is_empty() && trimmed.chars().all(|it| it.is_ascii_digit()) {
        return Err(format!("no unit; write `{trimmed}ms` or `{trimmed}s`"));
    }
    humantime::parse_duration(trimmed).map_err(|error| error.to_string())
}

/// A duration as people write it.
#[must_use]
pub fn duration_text(duration: Duration) -> String {
    if duration.subsec_millis() != 0 && duration < Duration::from_secs(10) {
        return format!("{}ms", duration.as_millis());
    }
    humantime::format_duration(duration).to_string()
}

/// Reads a size in bytes: a whole number and one of `B`, `KiB`, `MiB`, `GiB`, `TiB`.
///
/// # Errors
/// What is wrong, in words.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let digits = trimmed.find(|it: char| !it.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let number: u64 = number.parse().map_err(|_| "no number at its beginning".to_owned())?;
    let unit = unit.trim();
    if unit.is_empty() {
        return Err(format!("no unit; write `{number} MiB`"));
    }
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let names: Vec<_> = UNITS.iter().map(|(name, _)| *name).collect();
        return Err(format!("unknown unit `{}`; one of {}", unit.escape_debug(), names.join(", ")));
    };
    number.checked_mul(*factor).ok_or_else(|| "more bytes than can be counted".to_owned())
}

/// A size as people write it.
#[must_use]
pub fn size_text(bytes: u64) -> String {
    let fits = |factor: u64| bytes >= factor && bytes.is_multiple_of(factor);
    let (unit, factor) = UNITS.into_iter().rev().find(|it| fits(it.1)).unwrap_or(UNITS[0]);
    format!("{} {unit}", bytes / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_was_read() {
        for text in ["1ms", "100ms", "1200ms", "5s", "10m", "1h 5m"] {
            assert_eq!(duration_text(parse_duration(text).unwrap()), text);
        }
        for text in ["0 B", "17 B", "4 KiB", "64 MiB", "3 TiB"] {
            assert_eq!(size_text(parse_size(text).unwrap()), text);
        }
    }

    #[test]
    fn a_number_without_a_unit_is_refused_with_a_proposal() {
        assert_eq!(parse_duration("100").unwrap_err(), "no unit; write `100ms` or `100s`");
        assert_eq!(parse_size("64").unwrap_err(), "no unit; write `64 MiB`");
        assert!(parse_size("64 MB").unwrap_err().contains("one of B, KiB"));
        assert!(parse_size("99999999999 TiB").is_err());
        for bad in ["", "ms", "-1s", "1 fortnight", "\u{1b}[2J"] {
            assert!(parse_duration(bad).is_err() && parse_size(bad).is_err(), "{bad:?}");
        }
    }
}
