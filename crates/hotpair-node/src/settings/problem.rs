//! An error in a settings file, printed with the line it stands in.

use std::fmt;
use std::ops::Range;

/// The longest piece of a line that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 120;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How many characters are meant.
    pub width: usize,
    /// The setting, `heartbeat.interval`.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What is allowed, or what to do.
    pub help: Option<String>,
    /// The line itself.
    source: String,
}

/// All that is wrong with one file, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The file, as it was named.
    pub file: String,
    /// At least one.
    pub list: Vec<Problem>,
}

impl std::error::Error for Problems {}

impl Problem {
    pub(super) fn new(text: &str, at: &Range<usize>, field: &str, message: String) -> Self {
        let start = floor(text, at.start);
        let line_start = text[..start].rfind('\n').map_or(0, |it| it + 1);
        let rest = &text[line_start..];
        let source = rest[..rest.find('\n').unwrap_or(rest.len())].trim_end();
        let column = text[line_start..start].chars().count() + 1;
        let end =
            floor(text, at.end).clamp(start, line_start + source.len().max(start - line_start));
        Self {
            line: text[..start].matches('\n').count() + 1,
            column,
            width: text[start..end].chars().count().max(1),
            field: field.to_owned(),
            message,
            help: None,
            source: source.to_owned(),
        }
    }

    /// In one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let help = self.help.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
        format!("line {}: {}: {}{help}", self.line, self.field, self.message)
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

fn floor(text: &str, mut index: usize) -> usize {
    index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// Text from outside, harmless for a terminal.
fn shown(text: &str) -> String {
    let plain = |it: char| if it.is_control() { '\u{fffd}' } else { it };
    text.chars().map(plain).collect()
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.list {
            problem.write(f, &self.file)?;
        }
        let count = self.list.len();
        let word = if count == 1 { "error" } else { "errors" };
        write!(f, "{}: {count} {word}; nothing was started", shown(&self.file))
    }
}

impl Problem {
    fn write(&self, f: &mut fmt::Formatter<'_>, file: &str) -> fmt::Result {
        let field = if self.field.is_empty() { String::new() } else { format!("{}: ", self.field) };
        writeln!(f, "error: {}{}", shown(&field), shown(&self.message))?;
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "{margin}--> {}:{}:{}", shown(file), self.line, self.column)?;
        // A long line is shown from a little before the place that is meant.
        let skip = if self.column + self.width > SHOWN_CHARS_MAX { self.column - 1 } else { 0 };
        let source: String = self.source.chars().skip(skip).take(SHOWN_CHARS_MAX).collect();
        let before = self.column - 1 - skip;
        let width = self.width.min(SHOWN_CHARS_MAX - before.min(SHOWN_CHARS_MAX - 1));
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", shown(&source).replace('\t', " "))?;
        writeln!(f, "{margin} | {}{}", " ".repeat(before), "^".repeat(width))?;
        if let Some(help) = &self.help {
            writeln!(f, "{margin} = help: {}", shown(help))?;
        }
        writeln!(f)
    }
}
