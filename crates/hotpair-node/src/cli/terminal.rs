//! What is written to the terminal: harmless, without colour when piped, never too long.

use std::io::{IsTerminal as _, Write as _};

/// Where a command's answer goes.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    /// For programs.
    pub(super) json: bool,
    /// Standard output is a terminal.
    pub(super) is_terminal: bool,
    /// Standard input is a terminal: a person can be asked.
    pub(super) can_ask: bool,
    colour: bool,
}

impl Screen {
    pub(super) fn of_this_process(json: bool) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty())
            || std::env::var_os("TERM").is_some_and(|it| it == "dumb");
        Self {
            json,
            is_terminal,
            can_ask: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            colour: is_terminal && !plain && !json,
        }
    }

    /// One line of the answer. A closed pipe ends the process quietly.
    pub(super) fn line(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// Text of the answer as it is.
    pub(super) fn write(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            std::process::exit(0);
        }
    }

    /// One line for the person, beside the answer.
    pub(super) fn note(&self, text: &str) {
        if !self.json {
            self.error(text);
        }
    }

    pub(super) fn error(&self, text: &str) {
        // Nobody is left to be told that standard error is closed.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    pub(super) fn json(&self, value: &impl serde::Serialize) {
        let text = serde_json::to_string(value).expect("JSON values can be written as JSON");
        self.line(&text);
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(super) fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(super) fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(super) fn red(&self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(super) fn green(&self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(super) fn yellow(&self, text: &str) -> String {
        self.paint("33", text)
    }

    /// A bar that shows how much of something is done, redrawn in place; nothing when piped.
    pub(super) fn progress(&self, label: &str, done: u64, total: u64) {
        if self.json || !std::io::stderr().is_terminal() {
            return;
        }
        let text = format!("\r{label} {}\u{1b}[K", bar(done, total, 30));
        let mut out = std::io::stderr().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Takes the bar away.
    pub(super) fn progress_done(&self) {
        if !self.json && std::io::stderr().is_terminal() {
            let _ = std::io::stderr().lock().write_all(b"\r\x1b[K");
        }
    }
}

/// `[#####.....]  50 %`
pub(super) fn bar(done: u64, total: u64, width: usize) -> String {
    let part = if total == 0 { 0.0 } else { (done as f64 / total as f64).clamp(0.0, 1.0) };
    let full = (part * width as f64).round() as usize;
    format!("[{}{}] {:3.0} %", "#".repeat(full), ".".repeat(width - full), part * 100.0)
}

/// Text from outside made harmless: control characters and what changes the direction of writing
/// are escaped, and the end is cut off beyond `chars_max`.
pub(super) fn clean(text: &str, chars_max: usize) -> String {
    let mut shown = String::new();
    for (count, it) in text.chars().enumerate() {
        if count >= chars_max {
            shown.push('…');
            break;
        }
        let turns = matches!(it, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if it.is_control() || turns {
            shown.extend(it.escape_default());
        } else {
            shown.push(it);
        }
    }
    shown
}

/// Columns that line up. Cells are plain text; `paint` colours a cell after it was padded.
pub(super) fn table(
    rows: &[Vec<String>],
    paint: impl Fn(usize, usize, String) -> String,
) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|it| it.get(column)).map(|it| it.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let line = |(index, row): (usize, &Vec<String>)| {
        let mut text = String::new();
        for (column, cell) in row.iter().enumerate() {
            let last = column + 1 == row.len();
            let gap = if last { 0 } else { widths[column] - cell.chars().count() + 2 };
            text.push_str(&paint(index, column, cell.clone()));
            text.push_str(&" ".repeat(gap));
        }
        text.trim_end().to_owned()
    };
    rows.iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_neither_moves_the_cursor_nor_fills_the_screen() {
        assert_eq!(clean("a\u{1b}[2Jb\r\n", 50), "a\\u{1b}[2Jb\\r\\n");
        assert_eq!(clean("\u{202e}gpj.exe", 50), "\\u{202e}gpj.exe");
        let long = clean(&"x".repeat(1 << 20), 10);
        assert_eq!(long, "xxxxxxxxxx…");
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".into(), "b".into()], vec!["long".to_owned(), "c".to_owned()]];
        assert_eq!(table(&rows, |_, _, it| it), ["a     b", "long  c"]);
    }

    #[test]
    fn a_bar_is_full_at_the_end_and_empty_without_a_total() {
        assert_eq!(bar(5, 10, 4), "[##..]  50 %");
        assert_eq!(bar(20, 10, 4), "[####] 100 %");
        assert_eq!(bar(1, 0, 4), "[....]   0 %");
    }
}
