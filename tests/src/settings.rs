//! The settings file of a node in a test: short limits, but with a margin for a loaded machine.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{Channel, Side};

/// Settings of both nodes; `"section.key"` to what stands there, as TOML.
#[derive(Clone, Debug)]
pub struct PairSettings {
    values: BTreeMap<String, String>,
    only: [BTreeMap<String, String>; 2],
    appended: String,
}

/// Settings of one node.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    /// Which node.
    pub side: Side,
    /// Where its data is.
    pub data_dir: PathBuf,
    /// The partner's pinned key.
    pub partner_key: String,
    /// Where it listens: redundancy, primary.
    pub listen: [SocketAddr; 2],
    /// Where it reaches its partner.
    pub partner: [SocketAddr; 2],
    /// Its HTTP interface.
    pub api: SocketAddr,
}

impl Default for PairSettings {
    fn default() -> Self {
        let quoted = [
            // Silence is believed after a second: ten times what a loaded machine delays a beat by.
            ("heartbeat.interval", "100ms"),
            ("heartbeat.verify_min", "50ms"),
            ("pair.mode", "availability"),
            ("pair.startup_allowance", "3s"),
            ("pair.fence_after", "1500ms"),
            ("pair.promote_after", "2s"),
            ("pair.handover_timeout", "3s"),
            ("pair.drop_after", "3s"),
            ("recovery.mode", "manual"),
            ("recovery.hold", "1s"),
            ("recovery.suspend_window", "1m"),
        ];
        let mut settings = Self {
            values: BTreeMap::new(),
            only: [BTreeMap::new(), BTreeMap::new()],
            appended: String::new(),
        };
        for (key, value) in quoted {
            settings = settings.with(key, value);
        }
        settings.raw("heartbeat.max_missed", "10").raw("recovery.suspend_after", "50")
    }
}

impl PairSettings {
    /// A setting whose value is a text.
    #[must_use]
    pub fn with(self, key: &str, value: &str) -> Self {
        self.raw(key, &format!("\"{value}\""))
    }

    /// A setting whose value stands there as TOML.
    #[must_use]
    pub fn raw(mut self, key: &str, value: &str) -> Self {
        self.values.insert(key.into(), value.into());
        self
    }

    /// A setting of one node alone, as TOML.
    #[must_use]
    pub fn only(mut self, side: Side, key: &str, value: &str) -> Self {
        self.only[side.index()].insert(key.into(), value.into());
        self
    }

    /// More of the file, at its end.
    #[must_use]
    pub fn append(mut self, text: &str) -> Self {
        self.appended.push_str(text);
        self
    }

    /// The mode of the pair.
    #[must_use]
    pub fn mode(self, mode: &str) -> Self {
        self.with("pair.mode", mode)
    }

    /// The mode of the pair, for those who must know it.
    #[must_use]
    pub fn mode_name(&self) -> &str {
        self.values.get("pair.mode").map_or("availability", |it| it.trim_matches('"'))
    }

    /// The text of one node's file.
    #[must_use]
    pub fn file(&self, node: &NodeSettings) -> String {
        let mut values = self.values.clone();
        let designation = match node.side {
            Side::A => "master",
            Side::B => "backup",
        };
        let mut own = vec![
            ("node.name".to_owned(), node.side.name().to_owned()),
            ("node.designation".to_owned(), designation.to_owned()),
            ("node.data_dir".to_owned(), node.data_dir.display().to_string()),
            ("partner.name".to_owned(), node.side.other().name().to_owned()),
            ("partner.key".to_owned(), node.partner_key.clone()),
            ("api.listen".to_owned(), node.api.to_string()),
        ];
        for channel in Channel::BOTH {
            let at = channel.index();
            own.push((format!("channels.{channel}.listen"), node.listen[at].to_string()));
            own.push((format!("channels.{channel}.partner"), node.partner[at].to_string()));
        }
        for (key, value) in own {
            values.insert(key, format!("\"{value}\""));
        }
        values.extend(self.only[node.side.index()].clone());
        let mut sections = BTreeMap::<&str, Vec<(&str, &str)>>::new();
        for (key, value) in &values {
            let (section, name) = key.rsplit_once('.').expect("every key has its section");
            sections.entry(section).or_default().push((name, value));
        }
        let mut text = String::new();
        for (section, values) in sections {
            let _infallible = writeln!(text, "[{section}]");
            for (name, value) in values {
                let _infallible = writeln!(text, "{name} = {value}");
            }
        }
        text + &self.appended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_of_one_node_stands_in_its_file_alone() {
        let settings = PairSettings::default().only(Side::B, "pair.mode", "\"manual\"");
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let file = |side| {
            settings.file(&NodeSettings {
                side,
                data_dir: "data".into(),
                partner_key: "ed25519:x".into(),
                listen: [address; 2],
                partner: [address; 2],
                api: address,
            })
        };
        assert!(file(Side::A).contains("mode = \"availability\""));
        assert!(file(Side::B).contains("mode = \"manual\""));
        assert!(file(Side::B).contains("[channels.primary]\nlisten = \"127.0.0.1:1\"\n"));
    }
}
