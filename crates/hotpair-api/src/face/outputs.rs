//! What keeps the outputs of a node that may not act any more shut, and its virtual addresses.
use serde::{Deserialize, Serialize};

/// How far the fence around a node reaches: each level has those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fencing {
    /// The process itself: a gate with a deadline that every output passes.
    #[default]
    Process,
    /// Another process: the guard takes the virtual addresses off before it says that the node is dead.
    Guard,
    /// The kernel: frames from a virtual address pass only while this process renews a lease in time.
    KernelLease,
}

impl Fencing {
    /// All levels, the lowest first.
    pub const ALL: [Self; 3] = [Self::Process, Self::Guard, Self::KernelLease];

    /// Kebab-case and stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Guard => "guard",
            Self::KernelLease => "kernel-lease",
        }
    }
}

/// How a virtual address stands at this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressState {
    /// It is not here.
    Absent,
    /// This node may have it, and asks first who else does.
    Asking,
    /// It is here.
    Held,
}

/// One virtual address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressStatus {
    /// As in the settings, `192.168.1.10/24@eth0`.
    pub address: String,
    /// How it stands.
    pub state: AddressState,
    /// What is wrong with it, for people.
    pub trouble: Option<String>,
}

/// What keeps outputs shut, and the addresses among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputsStatus {
    /// How far the fence reaches.
    pub fencing: Fencing,
    /// The virtual addresses, in the order of the settings.
    pub addresses: Vec<AddressStatus>,
}
