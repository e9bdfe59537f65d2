//! What a scenario is, and the list of all of them.

use std::future::Future;
use std::pin::Pin;

use anyhow::Result;

use crate::stage::Stage;

pub(crate) type Play = for<'a> fn(&'a Stage) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// One scenario.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// The row of docs/design/faults.md.
    pub(crate) row: &'static str,
    pub(crate) name: &'static str,
    /// What must come of it.
    pub(crate) title: &'static str,
    pub(crate) long: bool,
    /// Whether it can also be played across network namespaces.
    pub(crate) in_namespaces: bool,
    pub(crate) play: Play,
}

impl Scenario {
    pub(crate) const fn new(
        row: &'static str,
        name: &'static str,
        title: &'static str,
        play: Play,
    ) -> Self {
        Self { row, name, title, long: false, in_namespaces: true, play }
    }

    /// Needs what only a relay can do to a link, or a program that is not in the namespace.
    pub(crate) const fn on_loopback_alone(mut self) -> Self {
        self.in_namespaces = false;
        self
    }

    /// Takes minutes: only with `--long`.
    #[allow(dead_code, reason = "rows that take minutes come one by one")]
    pub(crate) const fn long(mut self) -> Self {
        self.long = true;
        self
    }
}

/// All of them, the heart first.
pub(crate) const SCENARIOS: &[&[Scenario]] = &[
    crate::heart::SCENARIOS,
    crate::crash::SCENARIOS,
    crate::starting::SCENARIOS,
    crate::freeze::SCENARIOS,
    crate::cuts::SCENARIOS,
    crate::arbiter::SCENARIOS,
    crate::arbiter_away::SCENARIOS,
    crate::networks::SCENARIOS,
    crate::addresses::SCENARIOS,
    crate::services::SCENARIOS,
    crate::handover::SCENARIOS,
    crate::clients::SCENARIOS,
    crate::modules::SCENARIOS,
    crate::objects::SCENARIOS,
    crate::alarms::SCENARIOS,
    crate::attributes::SCENARIOS,
    crate::history::SCENARIOS,
    crate::modbus::SCENARIOS,
    crate::noise::SCENARIOS,
    crate::endurance::SCENARIOS,
    crate::bulk::SCENARIOS,
    crate::storage::SCENARIOS,
    crate::disk::SCENARIOS,
    crate::silent::SCENARIOS,
    crate::power::SCENARIOS,
    crate::hostile::SCENARIOS,
    crate::impostor::SCENARIOS,
    crate::names::SCENARIOS,
    crate::secrets::SCENARIOS,
    crate::refusals::SCENARIOS,
    crate::reload::SCENARIOS,
    crate::rotation::SCENARIOS,
    crate::versions::SCENARIOS,
];
