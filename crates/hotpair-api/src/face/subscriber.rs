//! Who follows under a name.
use serde::{Deserialize, Serialize};

/// One subscriber that gave a name, as both nodes know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriberStatus {
    /// The name it gave.
    pub name: String,
    /// The tags that it follows begin so.
    pub prefix: String,
    /// How far it has come: `EPOCH:SEQUENCE`, as `last` takes it.
    pub has: String,
    /// It said so itself. False: that was written to its connection, and may not have arrived.
    pub confirmed: bool,
    /// It is connected to the active, as far as this node knows.
    pub connected: bool,
    /// The node that it is or was connected to.
    pub node: String,
    /// When this became so, milliseconds since 1970 by the clock of that node.
    pub at_ms: u64,
}
