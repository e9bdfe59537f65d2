//! Names from outside: which are acceptable, and how any text is made harmless for logs.
use crate::face::{Problem, ProblemKind};

/// The longest config key, tag path or item name, in bytes.
pub(crate) const ITEM_BYTES_MAX: usize = 512;
/// The longest idempotency key, in bytes.
pub(crate) const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;
/// How much of a hostile text is shown, in characters.
const SHOWN_CHARS_MAX: usize = 120;

/// Whether a character may confuse a terminal, a log or a person who reads.
pub(crate) fn is_treacherous(it: char) -> bool {
    it.is_control()
        || matches!(it,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffd}'
            | '\u{e0000}'..='\u{e007f}')
}

/// The text as it may stand in a log or in a problem: short, one line, without tricks.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::new();
    for (count, it) in text.chars().enumerate() {
        if count == SHOWN_CHARS_MAX {
            shown.push('…');
            break;
        }
        if is_treacherous(it) {
            shown.extend(it.escape_unicode());
        } else {
            shown.push(it);
        }
    }
    shown
}

/// Checks a config key, tag path or item name: segments divided by `/`, none of them empty, `.`
/// or `..`, and no treacherous characters.
pub(crate) fn check_item(text: &str, kind: ProblemKind) -> Result<(), Problem> {
    let refuse = |why: &str| Err(Problem::new(kind, format!("`{}` {why}", plain(text))));
    if text.is_empty() {
        return Err(Problem::new(kind, "a name is empty"));
    }
    if text.len() > ITEM_BYTES_MAX {
        return refuse(&format!("is longer than {ITEM_BYTES_MAX} bytes"));
    }
    if text.chars().any(|it| is_treacherous(it) || it == '\\') {
        return refuse("has characters that are not allowed in names");
    }
    if text.split('/').any(|it| matches!(it, "" | "." | "..")) {
        return refuse("has an empty segment, `.` or `..`");
    }
    // Decoded once it stands for itself; whoever decodes it again would see something else.
    let hex = |it: Option<&u8>| it.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    let coded = |at: usize| bytes[at] == b'%' && hex(bytes.get(at + 1)) && hex(bytes.get(at + 2));
    if (0..bytes.len()).any(coded) {
        return refuse("looks percent-encoded");
    }
    Ok(())
}

/// The name of a module or provider: short, a-z, A-Z, 0-9, `-`, `_`, `.`, not beginning with a dot.
pub(crate) fn check_plain_name(text: &str) -> Result<(), Problem> {
    let sound = !text.is_empty()
        && text.len() <= 64
        && !text.starts_with('.')
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
    if sound {
        return Ok(());
    }
    let detail = format!(
        "`{}` cannot be a name: 1 to 64 of letters, digits, `-`, `_`, `.`, not beginning with `.`",
        plain(text)
    );
    Err(Problem::new(ProblemKind::BadPath, detail))
}

/// Checks the path of a request before anything looks at its parts.
pub(crate) fn check_path(path: &str) -> Result<(), Problem> {
    let refuse = |why: &str| {
        Err(Problem::new(ProblemKind::BadPath, format!("the path `{}` {why}", plain(path))))
    };
    if path.len() > 2 * ITEM_BYTES_MAX {
        return refuse("is too long");
    }
    let lower = path.to_ascii_lowercase();
    if ["%2e", "%2f", "%5c", "\\"].iter().any(|it| lower.contains(it)) {
        return refuse("hides a dot, slash or backslash");
    }
    if path.contains("//") || path.split('/').any(|it| matches!(it, "." | "..")) {
        return refuse("has an empty segment, `.` or `..`");
    }
    let bytes = path.as_bytes();
    for (index, _) in bytes.iter().enumerate().filter(|it| *it.1 == b'%') {
        let digit = |at: usize| bytes.get(at).and_then(|it| char::from(*it).to_digit(16));
        let (Some(high), Some(low)) = (digit(index + 1), digit(index + 2)) else {
            return refuse("has a broken percent encoding");
        };
        let byte = high * 16 + low;
        if byte < 0x20 || byte == 0x7f {
            return refuse("hides a control character");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_with_paths_are_refused() {
        for bad in [
            "/a/../b",
            "/a/%2e%2E/b",
            "/a%2fb",
            "/a%5Cb",
            "/a//b",
            "/a/%00",
            "/a%1b[2J",
            "/%7f",
            "/%",
            "/%4",
            "/%zz",
            "/a/.",
            "/a\\b",
        ] {
            assert_eq!(check_path(bad).unwrap_err().kind, ProblemKind::BadPath, "{bad}");
        }
        for good in
            ["/", "/api/v1/tags/tank/level", "/api/v1/config/d%C3%A4mpfer", "/a%20b", "/a..b"]
        {
            assert!(check_path(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn tricks_with_names_are_refused() {
        for bad in [
            "",
            "a//b",
            "/a",
            "a/",
            "a/../b",
            "a\u{1b}[2J",
            "a\u{202e}b",
            "a\nb",
            "a\\b",
            "a\u{0}",
            "%2e%2e/a",
            &"x".repeat(ITEM_BYTES_MAX + 1),
        ] {
            assert!(check_item(bad, ProblemKind::BadPath).is_err(), "{bad:?}");
        }
        assert!(check_item("tank 1/Füllstand %/100%", ProblemKind::BadPath).is_ok());
        for bad in ["", ".a", "a/b", "ä", &"x".repeat(65)] {
            assert!(check_plain_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_hostile_text_is_shown_short_and_harmless() {
        let shown = plain(&format!("\u{1b}]0;evil\u{7}\u{202e}{}", "y".repeat(1_000_000)));
        assert!(shown.starts_with("\\u{1b}]0;evil\\u{7}\\u{202e}yyy"), "{shown}");
        assert!(shown.len() < 200 && shown.ends_with('…'));
    }
}
