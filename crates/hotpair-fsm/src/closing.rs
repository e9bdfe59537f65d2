//! How outputs that close are to be closed.
use crate::Machine;
use crate::facts::Outputs;

impl Machine {
    /// Whether outputs that close now may take their time: a handover waits until they are closed, and so
    /// does a node that leaves. Otherwise somebody else may act soon, or acts already: they close at once.
    #[must_use]
    pub fn closes_in_order(&self) -> bool {
        self.state.closes_in_order()
    }

    /// Whether outputs are to be closed, and it was not heard yet that they are.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.cx.facts.outputs == Outputs::Closing
    }
}
