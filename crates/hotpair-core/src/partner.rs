//! What the node knows of its partner as a whole.
use hotpair_types::{Channel, Instance, PerChannel};

/// Who the partner is now, and whether what it says can be understood.
#[derive(Clone, Debug, Default)]
pub(crate) struct Partner {
    /// The instance whose Hello was taken last.
    greeted: Option<Instance>,
    /// The number of the newest views of that instance.
    number: u64,
    links: PerChannel<bool>,
}

impl Partner {
    /// Takes a Hello. False when it is of an instance that is older than the one that is known.
    pub(crate) fn greet(&mut self, instance: Instance) -> bool {
        match self.greeted {
            Some(known) if known == instance => true,
            Some(known) if known.is_newer_than(instance) => false,
            Some(_) | None => {
                self.greeted = Some(instance);
                self.number = 0;
                true
            }
        }
    }

    /// Whether this instance said Hello and nothing newer did.
    pub(crate) fn is_greeted(&self, instance: Instance) -> bool {
        self.greeted == Some(instance)
    }

    /// The instance that is spoken to.
    pub(crate) const fn instance(&self) -> Option<Instance> {
        self.greeted
    }

    /// Whether views with this number are newer than all before.
    pub(crate) const fn is_news(&mut self, number: u64) -> bool {
        if number <= self.number {
            return false;
        }
        self.number = number;
        true
    }

    pub(crate) fn set_link(&mut self, channel: Channel, up: bool) {
        self.links[channel] = up;
    }

    pub(crate) const fn has_link(&self) -> bool {
        self.links.redundancy || self.links.primary
    }
}
