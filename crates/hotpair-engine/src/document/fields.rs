//! Walks through a document and collects what is wrong with it.
use super::complaint::{Complaint, Complaints};
use super::json::Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Collects complaints.
#[derive(Debug, Default)]
pub struct Walk {
    complaints: Vec<Complaint>,
}

/// The fields of one object of a document.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    place: &'a str,
    entries: &'a [(Box<str>, Json)],
}

impl<'a> Fields<'a> {
    /// The field, for complaints.
    pub fn place(&self, name: &str) -> String {
        within(self.place, name)
    }

    /// A field; null counts as not there. Of a double the last.
    pub fn get(&self, name: &str) -> Option<&'a Json> {
        let found = self.entries.iter().rev().find(|(it, _)| **it == *name);
        found.map(|(_, json)| json).filter(|it| !it.is_null())
    }

    /// All fields that are not null, without doubles, in the order of their names.
    pub fn sorted(&self) -> Vec<(&'a str, &'a Json)> {
        let named: BTreeMap<&str, &Json> =
            self.entries.iter().map(|(name, json)| (&**name, json)).collect();
        named.into_iter().filter(|(_, json)| !json.is_null()).collect()
    }
}

/// A field of an object of a document.
pub(crate) fn within(place: &str, name: &str) -> String {
    let name: String = name.chars().take(80).collect();
    if place.is_empty() { name } else { format!("{place}.{name}") }
}

impl Walk {
    /// Reads the bytes of a document; complains and gives nothing when they are none.
    pub fn parse(&mut self, json: &[u8], bytes_max: usize) -> Option<Json> {
        if json.len() > bytes_max {
            let given = format!("{} bytes", json.len());
            self.complain("", given, format!("a document of at most {bytes_max} bytes"));
            return None;
        }
        serde_json::from_slice(json)
            .map_err(|error: serde_json::Error| self.complain("", error, "JSON"))
            .ok()
    }

    /// Notes that a field is wrong.
    pub fn complain(
        &mut self,
        field: impl Into<Box<str>>,
        given: impl fmt::Display,
        allowed: impl Into<Box<str>>,
    ) {
        self.complaints.push(Complaint::new(field, given, allowed));
    }

    /// The fields of an object. Doubles, and with `known` those that are not known, are complained of.
    pub fn fields<'a>(
        &mut self,
        place: &'a str,
        json: &'a Json,
        known: Option<&[&str]>,
    ) -> Option<Fields<'a>> {
        let Json::Object(entries) = json else {
            let allowed = known
                .map_or_else(|| "an object".into(), |it| format!("an object of {}", listed(it)));
            self.complain(place, json, allowed);
            return None;
        };
        let fields = Fields { place, entries };
        let mut seen = BTreeSet::new();
        for (name, _) in entries {
            let again = !seen.insert(name);
            if known.is_some_and(|it| !it.contains(&&**name)) {
                let allowed = listed(known.unwrap_or_default());
                self.complain(fields.place(name), "a field that is not known", allowed);
            } else if again {
                self.complain(fields.place(name), "written twice", "once");
            }
        }
        Some(fields)
    }

    /// A field that has to be there.
    pub fn needed<'a>(
        &mut self,
        fields: &Fields<'a>,
        name: &str,
        allowed: &str,
    ) -> Option<&'a Json> {
        let found = fields.get(name);
        if found.is_none() {
            self.complain(fields.place(name), "nothing", allowed);
        }
        found
    }

    /// A text of at most so many bytes, without control characters.
    pub fn text<'a>(
        &mut self,
        fields: &Fields<'a>,
        name: &str,
        bytes_max: usize,
    ) -> Option<&'a str> {
        let json = fields.get(name)?;
        if let Json::Scalar(serde_json::Value::String(text)) = json
            && text.len() <= bytes_max
            && !text.chars().any(char::is_control)
        {
            return Some(text);
        }
        let allowed = format!("a text of at most {bytes_max} bytes, without control characters");
        self.complain(fields.place(name), json, allowed);
        None
    }

    /// `true` or `false`.
    pub fn bool(&mut self, fields: &Fields<'_>, name: &str) -> Option<bool> {
        let json = fields.get(name)?;
        if let Json::Scalar(serde_json::Value::Bool(it)) = json {
            return Some(*it);
        }
        self.complain(fields.place(name), json, "true or false");
        None
    }

    /// One of some words.
    pub fn choice<T: Copy>(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let json = fields.get(name)?;
        if let Json::Scalar(serde_json::Value::String(text)) = json
            && let Some((_, it)) = choices.iter().find(|(word, _)| word == text)
        {
            return Some(*it);
        }
        let words: Vec<_> = choices.iter().map(|it| it.0).collect();
        self.complain(fields.place(name), json, format!("one of {}", listed(&words)));
        None
    }

    /// A duration as `"100ms"`, in whole milliseconds.
    pub fn duration(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        range: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let json = fields.get(name)?;
        if let Json::Scalar(serde_json::Value::String(text)) = json
            && let Ok(it) = humantime::parse_duration(text)
            && range.contains(&it)
            && it.subsec_nanos() % 1_000_000 == 0
        {
            return Some(it);
        }
        let (from, to) = (humantime::format_duration(*range.start()), *range.end());
        let to = humantime::format_duration(to);
        let allowed =
            format!("a duration such as \"100ms\", whole milliseconds, from {from} to {to}");
        self.complain(fields.place(name), json, allowed);
        None
    }

    /// What was found.
    pub fn end<T>(self, found: Option<T>) -> Result<T, Complaints> {
        let mut complaints = self.complaints;
        complaints.sort();
        match found {
            Some(found) if complaints.is_empty() => Ok(found),
            Some(_) | None => {
                assert!(!complaints.is_empty(), "a document is refused without a complaint");
                Err(Complaints(complaints))
            }
        }
    }
}

/// Words for people.
pub(crate) fn listed(words: &[&str]) -> String {
    words.join(", ")
}
