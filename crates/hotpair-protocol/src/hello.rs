//! The first frame of a connection: who I am, what I speak, what we must agree on.
use crate::ENGINES_MAX;
use crate::bounded::{List, Text};
use crate::version::VersionRange;
use hotpair_types::{EngineName, Instance, NodeName};
use serde::{Deserialize, Serialize};

/// Bytes of the value of a setting.
pub const SETTING_BYTES_MAX: usize = 256;

/// Read by every release: new fields are added at its end, and an older reader passes over them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The messages it understands.
    pub versions: VersionRange,
    /// The version of its data.
    pub data_schema: u32,
    /// Which pair it belongs to.
    pub pair: [u8; 16],
    /// The name of the node.
    pub node: NodeName,
    /// Which start of it.
    pub instance: Instance,
    /// The public key that its guard's notices are signed with.
    pub guard_key: Option<[u8; 32]>,
    /// The settings that must agree, by name, with their values as text.
    pub settings: List<(Text<64>, Text<SETTING_BYTES_MAX>), 64>,
    /// Its engines, in their order.
    pub engines: List<EngineName, ENGINES_MAX>,
    /// The base address of its API.
    pub api: Text<256>,
    /// Its release, for people.
    pub release: Text<64>,
}

/// The Hello is refused. The connection is closed after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// In words.
    pub why: Text<512>,
}
