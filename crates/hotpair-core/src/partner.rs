//! What the node knows of its partner as a whole.
use hotpair_types::{Channel, Instance, PerChannel};

/// Who the partner is now, and whether what it says can be understood.
#[derive(Clone, Debug, Default)]
pub(crate) struct Partner {
    /// Whose Hello was taken last.
    greeted: Option<Greeting>,
    /// An older process than that said Hello too: late, or from a store that was thrown away or put
    /// back and counts its starts anew. Who is heard decides.
    claims: Option<Greeting>,
    /// The number of the newest views of that instance.
    number: u64,
    links: PerChannel<bool>,
}

/// What a Hello says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(crate) instance: Instance,
    /// A setting that differs.
    pub(crate) differs: Option<Box<str>>,
    /// It understands comparisons.
    pub(crate) compares: bool,
}

impl Partner {
    /// Takes a Hello. False when it is of an instance that is older than the one that is known.
    pub(crate) fn greet(&mut self, greeting: Greeting) -> bool {
        match self.instance() {
            Some(known) if known == greeting.instance => {
                self.greeted = Some(greeting);
                true
            }
            Some(known) if known.is_newer_than(greeting.instance) => {
                self.claims = Some(greeting);
                false
            }
            Some(_) | None => {
                self.greeted = Some(greeting);
                self.number = 0;
                true
            }
        }
    }

    /// A beat of this instance counts now: it is the partner, if it said Hello. Its Hello, when it
    /// was not taken before.
    pub(crate) fn is_heard(&mut self, instance: Instance) -> Option<Greeting> {
        let claims = self.claims.as_ref().is_some_and(|it| it.instance == instance);
        if !claims || self.is_greeted(instance) {
            return None;
        }
        // The other may be heard again.
        std::mem::swap(&mut self.claims, &mut self.greeted);
        self.number = 0;
        self.greeted.clone()
    }

    /// Whether this instance said Hello and is the partner.
    pub(crate) fn is_greeted(&self, instance: Instance) -> bool {
        self.instance() == Some(instance)
    }

    /// The instance that is spoken to.
    pub(crate) fn instance(&self) -> Option<Instance> {
        self.greeted.as_ref().map(|it| it.instance)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(count: u64) -> Greeting {
        Greeting { instance: Instance { count, tag: count }, differs: None, compares: true }
    }

    #[test]
    fn a_store_that_counts_anew_is_greeted_when_it_is_heard() {
        let mut partner = Partner::default();
        assert!(partner.greet(hello(7)));
        assert!(!partner.greet(hello(1)), "it may be a late word of an older process");
        assert!(partner.is_greeted(hello(7).instance));
        assert!(partner.is_news(3));
        assert_eq!(partner.is_heard(hello(7).instance), None);
        assert_eq!(partner.is_heard(hello(1).instance), Some(hello(1)));
        assert!(partner.is_greeted(hello(1).instance));
        assert!(partner.is_news(1), "it counts its views anew");
        assert_eq!(partner.is_heard(hello(1).instance), None, "once");
        assert_eq!(partner.is_heard(hello(7).instance), Some(hello(7)), "it was not gone");
    }

    #[test]
    fn who_never_said_hello_is_not_greeted() {
        let mut partner = Partner::default();
        assert_eq!(partner.is_heard(hello(1).instance), None);
        assert!(partner.greet(hello(2)));
        assert_eq!(partner.is_heard(hello(1).instance), None);
        assert!(partner.greet(hello(3)), "a later process");
        assert!(!partner.is_greeted(hello(2).instance));
    }
}
