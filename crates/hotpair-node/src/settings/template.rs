//! The text of a new settings file: every setting with its meaning, those with a default commented.

use super::field::FIELDS;
use super::reader::header;
use std::fmt::Write as _;

const HEAD: &str = "\
# Settings of one node of a pair. `hotpair check -c FILE` checks them and changes nothing.
# What is commented out stands at its default.
";
/// Stands below a commented `[partner]`.
pub(super) const BEFORE_PAIRING: &str = "\
# The partner is not known yet: `hotpair invite` here and `hotpair join` on the other host write it.
";
/// Sections that mean something by being there.
const OPTIONAL: [&str; 7] =
    ["partner", "arbiter", "history", "history.parquet", "history.postgres", "engines", "services"];
/// Stands for a value that has no default.
pub(super) const UNKNOWN: &str = "…";

/// A settings file with these values.
#[must_use]
pub fn template(values: &[(&str, String)]) -> String {
    let mut text = String::from(HEAD);
    let mut section = "";
    for field in FIELDS {
        let (head, name) = field.path.rsplit_once('.').expect("every name has a section");
        // A section that would mean something by being there is commented as a whole.
        let within = |it: &&(&str, String)| it.0.rsplit_once('.').is_some_and(|it| it.0 == head);
        let given = values.iter().any(|it| within(&it));
        let optional = OPTIONAL.contains(&head) && !given;
        let mark = if optional { "# " } else { "" };
        if head != section {
            section = head;
            let _ = write!(text, "\n{mark}{}\n", header(head));
            if head == "partner" && !given {
                text.push_str(BEFORE_PAIRING);
            }
        }
        let _ = writeln!(text, "# {}", field.meaning);
        let _ = writeln!(text, "#   allowed: {}", field.allowed);
        match values.iter().find(|it| it.0 == field.path) {
            Some((_, value)) => {
                let value = toml::Value::String(value.clone());
                let _ = writeln!(text, "{name} = {value}");
            }
            None => {
                let _ = writeln!(text, "# {name} = {}", field.default.unwrap_or(UNKNOWN));
            }
        }
    }
    text
}
