//! Changes one value in the text of a settings file and leaves everything else as a person wrote it.

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
    if let Some(end) = header_end(text, section) {
        return Ok(format!("{}{line}{}", &text[..end], &text[end..]));
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    Ok(format!("{text}{gap}\n[{section}]\n{line}"))
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
}
