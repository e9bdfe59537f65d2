//! Judges the partner's Hello: whether the two can work together, and where their settings differ.
use crate::settings::{Alike, FIELDS, Settings};
use crate::wire::{OwnHello, TheirHello};
use hotpair_engine::objects::Natives;
use hotpair_protocol::{DATA_SCHEMA_VERSION, SETTING_BYTES_MAX};
use hotpair_types::{EngineName, NodeName};

/// Why the two cannot work together. The text is shown on both nodes, and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloRefusal {
    /// Its two keys are not ours.
    #[error("it belongs to another pair; pair the two anew (`hotpair invite`, `hotpair join`)")]
    OtherPair,
    /// Names tell the two apart.
    #[error("it has our own name, {0}; give one of the two another (`node.name`)")]
    OwnName(NodeName),
    /// Engines are told apart by their place in the list: nothing it says can be taken.
    #[error("engines: {} here, {} there; make `[[engines]]` alike", names(.here), names(.there))]
    Engines {
        /// Here.
        here: Vec<EngineName>,
        /// There.
        there: Vec<EngineName>,
    },
    /// Its data may hold what this release does not understand, and would lose
    /// (docs/design/replication.md, "Versions").
    #[error(
        "the data of {node} (release {release}) has schema {theirs}, and {own_node} (release {own_release}) \
         understands up to {DATA_SCHEMA_VERSION}: nothing is copied in either direction; install release \
         {release} on {own_node}"
    )]
    NewerData {
        /// The partner.
        node: NodeName,
        /// The partner's release.
        release: String,
        /// The partner's schema.
        theirs: u32,
        /// This node.
        own_node: NodeName,
        /// This release.
        own_release: String,
    },
}

fn names(engines: &[EngineName]) -> String {
    engines.iter().map(EngineName::as_str).collect::<Vec<_>>().join(", ")
}

/// Where the settings of the two differ, each as a text that names the setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// The first that keeps the standby from being ready.
    pub blocking: Option<String>,
    /// Those that people are only told of.
    told: Vec<String>,
}

impl Differences {
    /// All that people are to know.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let all: Vec<_> = self.blocking.iter().chain(&self.told).map(String::as_str).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// Judges a Hello.
///
/// # Errors
/// `HelloRefusal` when the two cannot work together at all.
pub fn judge(own: &OwnHello, their: &TheirHello) -> Result<Differences, HelloRefusal> {
    let hello = &their.hello;
    if hello.pair != own.pair {
        return Err(HelloRefusal::OtherPair);
    }
    if hello.node == own.node {
        return Err(HelloRefusal::OwnName(own.node.clone()));
    }
    // Before the rest: what else a newer release says need not be understood.
    if their.data_schema > DATA_SCHEMA_VERSION {
        return Err(HelloRefusal::NewerData {
            node: hello.node.clone(),
            release: hello.release.chars().flat_map(char::escape_debug).collect(),
            theirs: their.data_schema,
            own_node: own.node.clone(),
            own_release: own.release.clone(),
        });
    }
    if hello.engines != own.engines {
        let (here, there) = (own.engines.clone(), hello.engines.clone());
        return Err(HelloRefusal::Engines { here, there });
    }
    Ok(compare(&own.settings, &hello.settings))
}

/// What a node says of its settings, and of the native objects that a program gave it: a partner without
/// them could not go on.
pub(crate) fn said(settings: &Settings, natives: &Natives) -> Vec<(String, String)> {
    let settings = settings.must_agree().into_iter().map(|(k, v)| (k.to_owned(), v));
    let natives = natives.text().map(|it| ("native objects".to_owned(), it));
    settings.chain(natives).map(|(name, text)| (name, carried(text))).collect()
}

/// As a Hello carries it: what is longer would arrive cut off, and differ from itself.
fn carried(text: String) -> String {
    if text.len() <= SETTING_BYTES_MAX {
        return text;
    }
    let hash = format!(" ... {}", blake3::hash(text.as_bytes()).to_hex());
    let end = text.floor_char_boundary(SETTING_BYTES_MAX - hash.len());
    format!("{}{hash}", &text[..end])
}

/// Compares what both nodes are to say alike.
pub(crate) fn compare(own: &[(String, String)], their: &[(String, String)]) -> Differences {
    let mut differences = Differences::default();
    let mut note = |field: &str, text: String| {
        let known = FIELDS.iter().find(|it| it.path == field);
        match known.map(|it| it.alike) {
            Some(Alike::Should) => differences.told.push(text),
            // The limits of the channels are compared as they are in force, and what only one of the
            // two knows may be anything.
            Some(Alike::Must | Alike::No) | None => {
                differences.blocking.get_or_insert(text);
            }
        }
    };
    for (field, value) in own {
        match their.iter().find(|it| it.0 == *field) {
            Some((_, other)) if other == value => {}
            Some((_, other)) => {
                note(field, format!("{field}: {value} here, {other} at the partner"))
            }
            None => note(field, format!("{field}: {value} here, unknown at the partner")),
        }
    }
    for (field, value) in their.iter().filter(|it| own.iter().all(|own| own.0 != it.0)) {
        note(field, format!("{field}: unknown here, {value} at the partner"));
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Incoming, decode_frame, encode_hello};
    use hotpair_engine::objects::{Fault, NativeObject, ObjectDeclaration, Scan};
    use hotpair_types::Instance;

    fn hello(node: &str) -> OwnHello {
        let settings = [("pair.mode", "availability"), ("recovery.mode", "automatic")];
        OwnHello {
            pair: [7; 16],
            node: NodeName::new(node).unwrap(),
            instance: Instance { count: 1, tag: 2 },
            guard_key: None,
            settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            engines: vec![EngineName::default()],
            api: "http://127.0.0.1:1".to_owned(),
            release: "0.1.0".to_owned(),
        }
    }

    fn theirs(change: impl FnOnce(&mut TheirHello)) -> TheirHello {
        let hello = hello("gw-b");
        let mut their = TheirHello { hello, version: 1, data_schema: DATA_SCHEMA_VERSION };
        change(&mut their);
        their
    }

    #[test]
    fn newer_data_is_refused_with_what_to_do() {
        let newer = theirs(|it| {
            it.data_schema = DATA_SCHEMA_VERSION + 1;
            it.hello.release = "0.9.0".to_owned();
            it.hello.engines = Vec::new();
        });
        let refusal = judge(&hello("gw-a"), &newer).unwrap_err();
        assert!(matches!(refusal, HelloRefusal::NewerData { theirs: 2, .. }), "{refusal:?}");
        expect_test::expect!["the data of gw-b (release 0.9.0) has schema 2, and gw-a (release 0.1.0) understands up to 1: nothing is copied in either direction; install release 0.9.0 on gw-a"]
            .assert_eq(&refusal.to_string());
        assert!(judge(&hello("gw-a"), &theirs(|it| it.data_schema = DATA_SCHEMA_VERSION)).is_ok());
    }

    #[test]
    fn who_is_not_the_partner_is_refused() {
        let judged = |change: fn(&mut TheirHello)| judge(&hello("gw-a"), &theirs(change));
        assert_eq!(judged(|it| it.hello.pair = [8; 16]), Err(HelloRefusal::OtherPair));
        let same = judged(|it| it.hello.node = NodeName::new("gw-a").unwrap());
        assert!(matches!(same, Err(HelloRefusal::OwnName(_))));
        let engines = judged(|it| it.hello.engines.push(EngineName::new("line-2").unwrap()));
        assert_eq!(
            engines.unwrap_err().to_string(),
            "engines: main here, main, line-2 there; make `[[engines]]` alike"
        );
    }

    #[test]
    fn a_difference_blocks_where_a_promise_rests_on_it_and_is_told_elsewhere() {
        let own = hello("gw-a").settings;
        let with = |at: usize, value: &str| {
            let mut their = own.clone();
            their[at].1 = value.to_owned();
            compare(&own, &their)
        };
        assert_eq!(compare(&own, &own).text(), None);
        let told = with(1, "manual");
        assert_eq!(told.blocking, None);
        let text = told.text().unwrap();
        assert_eq!(text, "recovery.mode: automatic here, manual at the partner");
        assert!(with(0, "manual").blocking.unwrap().starts_with("pair.mode"));
        assert!(compare(&own, &own[..1]).blocking.is_none());
        assert!(compare(&own, &own[1..]).blocking.is_some());
        let newer = [("pair.later".to_owned(), "x".to_owned())];
        assert!(compare(&[], &newer).blocking.is_some(), "an unknown one may be anything");
    }

    #[test]
    fn native_objects_whose_names_do_not_fit_are_compared_all_the_same() {
        let one = NativesOf(["filling", "closing", "labelling", "packing", "stacking", "moving"]);
        let other =
            NativesOf(["filling", "closing", "labelling", "packing", "stacking", "waiting"]);
        let arrived = |natives: &NativesOf| {
            let bytes = encode_hello(&OwnHello { settings: natives.said(), ..hello("gw-b") });
            let Ok(Incoming::Hello(it)) = decode_frame(&bytes) else { panic!("no Hello") };
            it.hello.settings
        };
        assert_eq!(compare(&one.said(), &arrived(&one)).text(), None);
        assert!(compare(&one.said(), &arrived(&other)).blocking.is_some());
    }

    struct NativesOf([&'static str; 6]);

    impl NativesOf {
        fn said(&self) -> Vec<(String, String)> {
            let mut natives = Natives::default();
            for name in self.0 {
                let begin = |_: &ObjectDeclaration| Ok(Machine);
                natives.add(name, Vec::new(), begin).unwrap();
            }
            let natives = natives.text().unwrap();
            vec![("native objects".to_owned(), carried(natives))]
        }
    }

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Machine;

    impl NativeObject for Machine {
        const IDENTITY: &'static str = "com.example.plant.bottling.line-4/1";

        fn scan(&mut self, _: &mut Scan<'_>) -> Result<(), Fault> {
            Ok(())
        }
    }
}
