//! Looks at an engine for people and tests; changes nothing.
use super::Engine;
use hotpair_fsm::{self as fsm, Machine};
use hotpair_replication::{Progress, Replica};
use hotpair_types::{EngineName, Instance, Time};

impl Engine {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &EngineName {
        &self.name
    }

    /// Its state machine, to look at.
    #[must_use]
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Its replica, to look at.
    #[must_use]
    pub const fn replica(&self) -> &Replica {
        &self.replica
    }

    /// How far a sync is, while there is one.
    #[must_use]
    pub const fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// The instance of the partner whose view was taken last.
    #[must_use]
    pub const fn partner(&self) -> Option<Instance> {
        self.partner
    }

    /// What the partner showed last, and when.
    #[must_use]
    pub const fn partner_view(&self) -> Option<(Time, fsm::View)> {
        self.partner_view
    }

    /// When it wants to be called, if nothing else happens first.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let machine = self.machine_due.map(|(at, _)| at);
        machine.into_iter().chain(self.replica_due).min()
    }
}
