//! The guide's page about settings, made from the table of all settings.

use super::field::{Alike, FIELDS, When};
use super::reader::header;
use std::fmt::Write as _;

/// The guide's page about settings.
#[must_use]
pub fn guide_page() -> String {
    let mut page = String::from(include_str!("settings_page.md"));
    let mut section = "";
    for field in FIELDS {
        let (head, name) = field.path.rsplit_once('.').expect("every name has a section");
        if head != section {
            section = head;
            let title = header(head);
            let _ = write!(
                page,
                "\n## `{title}`\n\n| setting | default | allowed | both nodes alike | a change needs |\n|---|---|---|---|---|\n"
            );
        }
        let default = field.default.map_or_else(|| "–".to_owned(), |it| format!("`{it}`"));
        let alike = match field.alike {
            Alike::No => "",
            Alike::Should => "should",
            Alike::Must => "must",
        };
        let needs = match field.when {
            When::Running => "SIGHUP",
            When::Restart => "a restart",
        };
        let _ = writeln!(
            page,
            "| `{name}`<br>{} | {default} | {} | {alike} | {needs} |",
            field.meaning, field.allowed
        );
    }
    page
}
