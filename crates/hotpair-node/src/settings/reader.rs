//! Takes typed values out of a parsed file and notes everything that is wrong on the way.

use super::field::{FIELDS, field};
use super::spelling::nearest;
use super::{Problem, Problems, measure};
use std::cell::{Cell, RefCell};
use std::ops::{Range, RangeInclusive};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Problems beyond so many are not shown.
const PROBLEMS_MAX: usize = 50;

/// One file being read.
pub(super) struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    root: Spanned<DeTable<'a>>,
    /// Which table of a list of tables a name means.
    item: Cell<usize>,
    problems: RefCell<Vec<(usize, Problem)>>,
}

impl<'a> Reader<'a> {
    /// Parses; a syntax error is the first problem, and what could be read is read on.
    pub(super) fn new(file: &'a str, text: &'a str) -> Result<Self, Problems> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let (item, problems) = (Cell::default(), RefCell::default());
        let reader = Self { file, text, root, item, problems };
        for error in &errors {
            let at = error.span().unwrap_or(0..0);
            reader.note(&at, "", error.message().replace('\n', "; "), None);
        }
        if errors.is_empty() {
            reader.refuse_unknown();
            return Ok(reader);
        }
        // With broken syntax everything after it is guesswork: say only that.
        Err(reader.finish().expect_err("there is at least one problem"))
    }

    /// The problems, if there are any.
    pub(super) fn finish(&self) -> Result<(), Problems> {
        let mut list = self.problems.borrow().clone();
        if list.is_empty() {
            return Ok(());
        }
        list.sort_by_key(|it| it.0);
        list.truncate(PROBLEMS_MAX);
        let list = list.into_iter().map(|it| it.1).collect();
        Err(Problems { file: self.file.to_owned(), list })
    }

    /// Notes a problem at a setting: at its value, else at its section, else at the beginning.
    pub(super) fn refuse(&self, path: &str, message: String, help: impl Into<String>) {
        self.note(&self.place(path), path, message, Some(help.into()));
    }

    pub(super) fn note(
        &self,
        at: &Range<usize>,
        path: &str,
        message: String,
        help: Option<String>,
    ) {
        let mut problem = Problem::new(self.text, at, path, message);
        if let Some(help) = help {
            problem = problem.help(help);
        }
        self.problems.borrow_mut().push((at.start, problem));
    }

    /// Whether none of these settings has a problem so far.
    pub(super) fn sound(&self, paths: &[&str]) -> bool {
        !self.problems.borrow().iter().any(|(_, it)| paths.contains(&it.field.as_str()))
    }

    /// From here on a name of a list of tables means this one.
    pub(super) fn at_item(&self, item: usize) {
        self.item.set(item);
    }

    fn table(&self, path: &str) -> Option<&DeTable<'a>> {
        let mut table = self.root.get_ref();
        for part in path.split('.') {
            table = self.inner(table.get(part)?)?.get_ref().as_table()?;
        }
        Some(table)
    }

    fn inner<'r>(&self, value: &'r Spanned<DeValue<'a>>) -> Option<&'r Spanned<DeValue<'a>>> {
        match value.get_ref().as_array() {
            Some(list) => list.get(self.item.get()),
            None => Some(value),
        }
    }

    pub(super) fn value(&self, path: &str) -> Option<&Spanned<DeValue<'a>>> {
        let (section, name) = path.rsplit_once('.')?;
        self.table(section)?.get(name)
    }

    /// Whether the file has this setting or section.
    pub(super) fn has(&self, path: &str) -> bool {
        self.value(path).is_some() || self.table(path).is_some()
    }

    fn place(&self, path: &str) -> Range<usize> {
        if let Some(value) = self.value(path) {
            return value.span();
        }
        let mut at = 0..0;
        let mut table = self.root.get_ref();
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            let Some((key, value)) = table.get_key_value(part) else { break };
            at = key.span();
            let Some(item) = self.inner(value) else { break };
            let Some(inner) = item.get_ref().as_table() else { break };
            if value.get_ref().is_array() && parts.peek().is_some() {
                at = item.span();
            }
            table = inner;
        }
        at
    }

    fn refuse_unknown(&self) {
        self.refuse_unknown_in(self.root.get_ref(), "");
    }

    fn refuse_unknown_in(&self, table: &DeTable<'a>, prefix: &str) {
        for (key, value) in table {
            let name: &str = key.get_ref();
            let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
            if FIELDS.iter().any(|it| it.path == path) {
                continue;
            }
            let is_section = FIELDS.iter().any(|it| it.path.starts_with(&format!("{path}.")));
            if !is_section {
                self.refuse_unknown_key(key, prefix, &path);
                continue;
            }
            match (value.get_ref(), path.as_str()) {
                (DeValue::Array(list), path) if is_list(path) => {
                    for item in list.iter().filter_map(|it| it.get_ref().as_table()) {
                        self.refuse_unknown_in(item, path);
                    }
                }
                (DeValue::Table(inner), path) if !is_list(path) => {
                    self.refuse_unknown_in(inner, path);
                }
                (other, _) => {
                    let list = is_list(&path);
                    let wanted = if list { header(&path) } else { "a section".to_owned() };
                    let found = format!("{wanted} is wanted here, not {}", kind(other));
                    let help = format!("write `{}`", header(&path));
                    self.note(&value.span(), &path, found, Some(help));
                }
            }
        }
    }

    fn refuse_unknown_key(
        &self,
        key: &Spanned<std::borrow::Cow<'a, str>>,
        prefix: &str,
        path: &str,
    ) {
        let inside = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
        let mut known: Vec<&str> = Vec::new();
        for field in FIELDS {
            let Some(rest) = field.path.strip_prefix(&inside) else { continue };
            let name = rest.split('.').next().unwrap_or(rest);
            if !known.contains(&name) {
                known.push(name);
            }
        }
        let name: &str = key.get_ref();
        let help = match nearest(name, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => match FIELDS.iter().find(|it| it.path.ends_with(&format!(".{name}"))) {
                Some(elsewhere) => {
                    let (section, _) = elsewhere.path.rsplit_once('.').unwrap_or_default();
                    format!("it belongs to `{}`", header(section))
                }
                None => format!("known here: {}", known.join(", ")),
            },
        };
        let what = if prefix.is_empty() { "section or key" } else { "setting" };
        self.note(&key.span(), path, format!("unknown {what}"), Some(help));
    }

    /// A setting that is written as a string and parsed by `parse`; its default when it is absent.
    pub(super) fn text_and<T>(
        &self,
        path: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let allowed = field(path).allowed;
        let Some(value) = self.value(path) else {
            let default = field(path).default?;
            return Some(parse(default.trim_matches('"')).expect("the table's default is sound"));
        };
        let Some(text) = value.get_ref().as_str() else {
            let found = format!("a string is wanted, not {}", kind(value.get_ref()));
            self.refuse(path, found, allowed_text(allowed));
            return None;
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                let found = format!("`{}`: {error}", short(text));
                self.refuse(path, found, allowed_text(allowed));
                None
            }
        }
    }

    /// Like [`Self::text_and`], for what has no default: its absence is a problem.
    pub(super) fn required<T>(
        &self,
        path: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.value(path).is_none() {
            let (section, _) = path.rsplit_once('.').expect("every name has a section");
            let missing = if self.has(section) {
                "is missing".into()
            } else {
                format!("is missing: no `{}`", header(section))
            };
            self.refuse(path, missing, allowed_text(field(path).allowed));
            return None;
        }
        self.text_and(path, parse)
    }

    /// One of a list of words.
    pub(super) fn choice<T: Copy>(&self, path: &str, all: &[(&'static str, T)]) -> Option<T> {
        let names: Vec<_> = all.iter().map(|it| it.0).collect();
        self.text_and(path, |text| {
            let found = all.iter().find(|it| it.0 == text).map(|it| it.1);
            found.ok_or_else(|| match nearest(text, &names) {
                Some(near) => format!("not one of the choices; did you mean \"{near}\"?"),
                None => "not one of the choices".to_owned(),
            })
        })
    }

    pub(super) fn duration(&self, path: &str, range: RangeInclusive<Duration>) -> Option<Duration> {
        self.text_and(path, |text| {
            let value = measure::parse_duration(text)?;
            if range.contains(&value) {
                return Ok(value);
            }
            let side = if value < *range.start() { "shorter" } else { "longer" };
            Err(format!("{side} than may be"))
        })
    }

    pub(super) fn size(&self, path: &str, range: RangeInclusive<u64>) -> Option<u64> {
        self.text_and(path, |text| {
            let value = measure::parse_size(text)?;
            if range.contains(&value) {
                return Ok(value);
            }
            let side = if value < *range.start() { "smaller" } else { "larger" };
            Err(format!("{side} than may be"))
        })
    }

    pub(super) fn flag(&self, path: &str) -> Option<bool> {
        let Some(value) = self.value(path) else {
            return field(path).default.map(|it| it == "true");
        };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            let found = format!("true or false is wanted, not {}", kind(value.get_ref()));
            self.refuse(path, found, "write it without quotation marks");
        }
        flag
    }

    /// A count; `None` also when it is absent and has no default.
    pub(super) fn count(&self, path: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let Some(value) = self.value(path) else {
            return field(path).default.map(|it| it.parse().expect("the table's default is sound"));
        };
        let help = allowed_text(field(path).allowed);
        let Some(integer) = value.get_ref().as_integer() else {
            let found = format!("a whole number is wanted, not {}", kind(value.get_ref()));
            self.refuse(path, found, help);
            return None;
        };
        let number = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.and_then(|it| u32::try_from(it).ok()).filter(|it| range.contains(it));
        if number.is_none() {
            self.refuse(path, format!("`{}` is out of range", short(integer.as_str())), help);
        }
        number
    }

    /// A list of strings, each parsed.
    pub(super) fn list<T>(
        &self,
        path: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let Some(value) = self.value(path) else { return Some(Vec::new()) };
        let help = allowed_text(field(path).allowed);
        let Some(items) = value.get_ref().as_array() else {
            let found = format!("a list is wanted, not {}", kind(value.get_ref()));
            self.refuse(path, found, help);
            return None;
        };
        let mut parsed = Vec::new();
        for item in items.iter() {
            let result = match item.get_ref().as_str() {
                Some(text) => parse(text).map_err(|error| format!("`{}`: {error}", short(text))),
                None => Err(format!("a string is wanted, not {}", kind(item.get_ref()))),
            };
            match result {
                Ok(value) => parsed.push(value),
                Err(error) => self.note(&item.span(), path, error, Some(help.clone())),
            }
        }
        (parsed.len() == items.len()).then_some(parsed)
    }

    /// The tables of an array of tables, each with its place.
    pub(super) fn tables(&self, name: &str) -> Vec<(&DeTable<'a>, Range<usize>)> {
        let Some(list) = self.root.get_ref().get(name).and_then(|it| it.get_ref().as_array())
        else {
            return Vec::new();
        };
        list.iter().filter_map(|it| Some((it.get_ref().as_table()?, it.span()))).collect()
    }
}

/// `[pair]`, or `[[engines]]`.
pub(super) fn header(section: &str) -> String {
    if is_list(section) { format!("[[{section}]]") } else { format!("[{section}]") }
}

/// Whether there may be several of a section.
pub(super) fn is_list(section: &str) -> bool {
    matches!(section, "engines" | "services")
}

pub(super) fn allowed_text(allowed: &str) -> String {
    format!("allowed: {allowed}")
}

/// A value as it may be shown in a message.
pub(super) fn short(text: &str) -> String {
    const CHARS_MAX: usize = 48;
    let mut shown: String = text.chars().take(CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
