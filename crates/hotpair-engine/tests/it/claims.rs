//! Records of objects are read again when what is around them changes; who has a tag is up to the records alone.
use bytes::Bytes;
use hotpair_engine::objects::{Declared, ModulePorts};
use hotpair_engine::tags::Tags;
use std::collections::{BTreeMap, BTreeSet};

/// Records by name, and what was read of them.
struct Site {
    tags: Tags,
    records: BTreeMap<&'static str, Bytes>,
    declared: Declared,
}

impl Site {
    fn new() -> Self {
        let tags = Tags::new();
        for tag in ["p", "q", "r"] {
            tags.config_changed(&format!("tags/{tag}"), Some(br#"{"type": "int"}"#)).unwrap();
        }
        Self { tags, records: BTreeMap::new(), declared: Declared::default() }
    }

    /// One entry of config: each object and the tag that it writes, or nothing.
    fn write(&mut self, objects: &[(&'static str, Option<&str>)]) -> Vec<Box<str>> {
        for (name, tag) in objects {
            let record = tag.map(|tag| {
                let text = format!(
                    r#"{{"module": "counter", "period": "100ms", "attributes": {{"count": {{"type": "int"}}}},
                        "outputs": {{"count": "{tag}"}}}}"#
                );
                Bytes::from(text)
            });
            match record {
                Some(record) => drop(self.records.insert(name, record)),
                None => drop(self.records.remove(name)),
            }
        }
        self.read(objects.iter().map(|it| it.0.into()).collect())
    }

    fn read(&mut self, names: BTreeSet<Box<str>>) -> Vec<Box<str>> {
        let record = |name: &str| self.records.get(name).cloned();
        self.declared.read(names, record, &self.tags, &ModulePorts::new())
    }

    fn is_sound(&self, name: &str) -> bool {
        self.declared.get(name).unwrap().is_ok()
    }

    fn sound(&self) -> Vec<&str> {
        self.declared.iter().filter(|it| it.1.is_ok()).map(|it| it.0).collect()
    }
}

#[test]
fn records_are_read_again_when_what_is_around_them_changes() {
    let mut site = Site::new();
    assert_eq!(site.write(&[("c", Some("p"))]), ["c".into()], "a missing module is a fault, later");
    assert!(site.is_sound("c"));
    assert_eq!(site.write(&[("c", Some("p"))]), [], "the same");
    assert_eq!(site.write(&[("d", Some("p"))]), ["d".into()]);
    let complaints = site.declared.get("d").unwrap().as_ref().unwrap_err().to_string();
    assert!(complaints.contains("which object `c` writes"), "{complaints}");
    let touched = |tags: &[&str], modules: &[&str]| {
        let set = |them: &[&str]| them.iter().map(|it| Box::from(*it)).collect();
        site.declared.touched(&set(tags), &set(modules))
    };
    assert_eq!(touched(&["p"], &[]), ["c".into(), "d".into()]);
    assert_eq!(touched(&["x"], &[]), ["d".into()], "the unsound one");
    assert_eq!(touched(&[], &["counter"]).len(), 2);
    assert_eq!(
        site.write(&[("c", None)]),
        ["c".into(), "d".into()],
        "nobody else writes it any more"
    );
    assert!(site.is_sound("d"));
}

#[test]
fn two_that_change_their_tags_in_one_entry_have_each_others() {
    let mut site = Site::new();
    site.write(&[("aa", Some("p")), ("bb", Some("q"))]);
    assert_eq!(site.write(&[("bb", Some("p")), ("aa", Some("q"))]), ["aa".into(), "bb".into()]);
    assert_eq!(site.sound(), ["aa", "bb"]);
    // Renamed, to what comes before and to what comes after.
    site.write(&[("aa", None), ("0a", Some("q"))]);
    site.write(&[("bb", None), ("zz", Some("p"))]);
    assert_eq!(site.sound(), ["0a", "zz"]);
}

#[test]
fn who_has_a_tag_does_not_depend_on_who_came_first() {
    let claims = [("a", "p"), ("b", "p"), ("c", "q"), ("d", "q"), ("e", "r")];
    for first in 0..claims.len() {
        let mut site = Site::new();
        for turn in 0..claims.len() {
            let (name, tag) = claims[(first + turn * 2) % claims.len()];
            site.write(&[(name, Some(tag))]);
        }
        assert_eq!(site.sound(), ["a", "c", "e"], "from {first} on");
        // One that goes to another tag takes it from who comes after it, and leaves its own.
        site.write(&[("a", Some("q"))]);
        assert_eq!(site.sound(), ["a", "b", "e"], "from {first} on");
        site.write(&[("a", None)]);
        assert_eq!(site.sound(), ["b", "c", "e"], "from {first} on");
        let anew = site.declared.clone();
        site.declared.clear();
        site.read(claims.map(|it| it.0.into()).into());
        let read =
            |it: &Declared| it.iter().map(|it| (it.0.to_owned(), it.1.clone())).collect::<Vec<_>>();
        assert_eq!(read(&site.declared), read(&anew), "a restart reads the same");
    }
}
