//! What is asked of a third party, whatever it is.
use crate::ArbiterError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// An answer that is on its way.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ArbiterError>> + Send + 'a>>;

/// A third party that both nodes can ask.
pub trait Arbiter: Send + Sync + fmt::Debug {
    /// Who holds the grant of an engine, and who went on alone. Changes nothing.
    ///
    /// # Errors
    /// When it could not be asked, or what it said could not be understood.
    fn look<'a>(&'a self, engine: &'a EngineKey) -> Answer<'a, Seen>;

    /// Takes the grant of an engine if it is free and nobody else went on alone, in one transaction.
    /// One that this very holder has already, from a call whose answer was lost, counts as free.
    ///
    /// # Errors
    /// When it could not be asked, or what it said could not be understood: the grant may or may not
    /// be ours. It is not until it says so; if it is, it ends by itself.
    fn take<'a>(&'a self, ask: &'a Ask) -> Answer<'a, Taken>;

    /// Renews a grant for its whole length, counted from before this call.
    ///
    /// # Errors
    /// As `take`: the grant then ends when it would have.
    fn renew<'a>(&'a self, grant: &'a Grant) -> Answer<'a, Renewed>;

    /// Gives a grant back at once. One that is not ours any more is left alone.
    ///
    /// # Errors
    /// As `take`: the grant then ends by itself.
    fn give_back<'a>(&'a self, grant: &'a Grant) -> Answer<'a, ()>;

    /// Writes down that the holder goes on alone: from here on the partner gets no grant, even when
    /// this one ends. `false`: the grant is not ours any more, nothing was written.
    ///
    /// # Errors
    /// As `take`: it may be written or not.
    fn go_alone<'a>(&'a self, grant: &'a Grant) -> Answer<'a, bool>;

    /// Takes that back: the partner has everything again. Only what stands when this is asked is taken
    /// back: a call that arrives late does not take back what was written after it.
    ///
    /// # Errors
    /// As `take`: it may stand or not.
    fn end_alone<'a>(&'a self, engine: &'a EngineKey, node: &'a str) -> Answer<'a, ()>;
}

/// Which engine of which pair.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EngineKey {
    /// Names the pair; both nodes derive the same.
    pub pair: String,
    /// The engine's name.
    pub engine: String,
}

/// Who asks or holds: a node, and which start of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    /// The node's name.
    pub node: String,
    /// Unique to this process.
    pub instance: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.node, self.instance)
    }
}

/// A question for a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Of which engine.
    pub engine: EngineKey,
    /// For whom.
    pub holder: Holder,
    /// How long it lasts without renewal.
    pub lease: Duration,
    /// A holder that is proven dead: its grant is taken over without waiting for its end.
    pub proven_dead: Option<Holder>,
    /// A person decided: that the partner went on alone is passed over, and forgotten.
    pub over_alone: bool,
}

/// A grant that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Of which engine.
    pub engine: EngineKey,
    /// Who holds it.
    pub holder: Holder,
    /// Grows with every grant: orders them.
    pub revision: u64,
    /// Names the lease at the arbiter.
    pub lease_id: i64,
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is ours.
    Held(Grant),
    /// It is not.
    Busy(Seen),
}

/// What is written at the arbiter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Who holds the grant, as `Holder` is displayed; `None`: nobody.
    pub holder: Option<String>,
    /// The node that went on alone, if one did.
    pub alone: Option<String>,
}

/// What came of renewing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It goes on.
    Yes {
        /// The node that went on alone, if one did: a call whose answer was lost may have been
        /// carried out late.
        alone: Option<String>,
    },
    /// It is not ours any more.
    Gone,
}
