//! Changes one value in the text of a settings file and leaves everything else as a person wrote it.

use super::template::{BEFORE_PAIRING, UNKNOWN};
use std::ops::Range;
use toml::de::DeTable;

/// A text that cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It is not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A part of the name is there and is not a section.
    #[error("`{0}` is not a section")]
    NotSection(String),
}

/// Sets `section.key = "value"`, adding section and key when they are not there.
///
/// # Errors
/// [`EditError`]
pub fn set_value(text: &str, section: &str, key: &str, value: &str) -> Result<String, EditError> {
    let root = DeTable::parse(text).map_err(|it| EditError::Syntax(it.message().to_owned()))?;
    let quoted = toml::Value::String(value.to_owned()).to_string();
    let mut table = root.get_ref();
    let mut found = true;
    for part in section.split('.') {
        let Some(value) = table.get(part) else {
            found = false;
            break;
        };
        let Some(inner) = value.get_ref().as_table() else {
            return Err(EditError::NotSection(section.to_owned()));
        };
        table = inner;
    }
    if found && let Some(old) = table.get(key) {
        let span = old.span();
        return Ok(format!("{}{quoted}{}", &text[..span.start], &text[span.end..]));
    }
    let line = format!("{key} = {quoted}\n");
    if let Some(place) = placeholder(text, section, key) {
        return Ok(place.filled(text, section, &line));
    }
    if let Some(end) = header_end(text, section) {
        return Ok(format!("{}{line}{}", &text[..end], &text[end..]));
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    Ok(format!("{text}{gap}\n[{section}]\n{line}"))
}

/// Where a template left room for a value.
struct Placeholder {
    /// The line `[section]`, or `# [section]` with the remark below it.
    head: Range<usize>,
    /// The line `# key = …`.
    line: Range<usize>,
}

impl Placeholder {
    fn filled(self, text: &str, section: &str, line: &str) -> String {
        let Self { head, line: old } = self;
        let (before, between, after) =
            (&text[..head.start], &text[head.end..old.start], &text[old.end..]);
        format!("{before}[{section}]\n{between}{line}{after}")
    }
}

/// Finds `# key = …` below `[section]` or `# [section]`.
fn placeholder(text: &str, section: &str, key: &str) -> Option<Placeholder> {
    let (plain, commented) = (format!("[{section}]\n"), format!("# [{section}]\n"));
    let wanted = format!("# {key} = {UNKNOWN}\n");
    let mut head: Option<Range<usize>> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let here = at..at + line.len();
        at = here.end;
        if line == plain || line == commented {
            head = Some(here);
        } else if line.starts_with('[') || line.starts_with("# [") {
            head = None;
        } else if let Some(head) = &mut head {
            if line == BEFORE_PAIRING && head.end == here.start {
                head.end = here.end;
            } else if line == wanted {
                return Some(Placeholder { head: head.clone(), line: here });
            }
        }
    }
    None
}

/// Where the line after `[section]` begins.
fn header_end(text: &str, section: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        let bare = line.split('#').next().unwrap_or(line).trim();
        let inside = bare.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let same = |it: &str| it.split('.').map(str::trim).eq(section.split('.'));
        if inside.is_some_and(same) && line.ends_with('\n') {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_order_stay_as_they_were() {
        let text = "# mine\n[node]  # who\nname = 'gw-a' # me\n\n[channels.primary]\nlisten = \"1.2.3.4:5\"\n";
        let text = set_value(text, "node", "name", "gw-b").unwrap();
        let text = set_value(&text, "channels.primary", "partner", "1.2.3.5:5").unwrap();
        let text = set_value(&text, "partner", "name", "gw-\"x").unwrap();
        expect_test::expect![[r#"
            # mine
            [node]  # who
            name = "gw-b" # me

            [channels.primary]
            partner = "1.2.3.5:5"
            listen = "1.2.3.4:5"

            [partner]
            name = 'gw-"x'
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn a_partner_is_written_where_the_template_left_room_for_it() {
        let made = |more: &[(&str, String)]| {
            let mut values = vec![
                ("node.name", "gw-a".to_owned()),
                ("channels.redundancy.listen", "10.10.0.1:4750".to_owned()),
            ];
            values.extend_from_slice(more);
            crate::settings::template(&values)
        };
        let mut text = made(&[]);
        let values = [
            ("partner", "name", "gw-b"),
            ("partner", "key", "ed25519:x"),
            ("channels.redundancy", "partner", "10.10.0.2:4750"),
        ];
        for (section, key, value) in values {
            text = set_value(&text, section, key, value).unwrap();
        }
        let whole = values.map(|it| (format!("{}.{}", it.0, it.1), it.2.to_owned()));
        let whole: Vec<_> = whole.iter().map(|it| (it.0.as_str(), it.1.clone())).collect();
        assert_eq!(text, made(&whole), "as if it had been known from the beginning");
    }
}
