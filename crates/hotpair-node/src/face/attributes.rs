//! Attributes of objects that a person sets.
use super::Face;
use super::again::NotNow;
use super::config::key_of;
use super::tags::{quality_from, value_kind};
use crate::driver::{AttributeWanted, Driver, WriteEnd};
use hotpair_api::face::{AttributeValue, Caller, Problem, ProblemKind, WriteOptions, WriteOutcome};
use hotpair_core::EngineIndex;
use hotpair_engine::objects::AttributeError;
use hotpair_engine::tags::{Value, ValueError};
use hotpair_types::{EngineName, StateId};

impl Face {
    pub(super) async fn do_object_set(
        &self,
        engine: Option<EngineName>,
        (object, attribute): (String, String),
        given: AttributeValue,
        caller: Caller,
        options: WriteOptions,
    ) -> Result<WriteOutcome, Problem> {
        let index = self.engine(engine.as_ref())?;
        let value = match Value::from_json(&given.value) {
            Ok(value) => value,
            Err(error) => return Ok(WriteOutcome::Refused(of_value(&attribute, &error))),
        };
        let quality = quality_from(given.quality);
        let (ack, key) = (options.ack, key_of(&options));
        let wanted = AttributeWanted { object, attribute, value, quality, ack, key };
        self.write_again(index, move |driver, reply| {
            driver.order_attribute(index, wanted.clone(), &caller, reply)
        })
        .await
    }
}

impl Driver {
    fn order_attribute(
        &mut self,
        index: EngineIndex,
        wanted: AttributeWanted,
        caller: &Caller,
        reply: WriteEnd,
    ) -> Result<(), NotNow> {
        if self.runtime(index).gate.passes().is_none() {
            let switching = self.state_of(index) == StateId::SwitchingToStandby;
            let problem = self.not_active_here(index);
            return Err(if switching { NotNow::Later(problem) } else { NotNow::Refused(problem) });
        }
        let AttributeWanted { object, attribute, .. } = &wanted;
        tracing::info!(engine = %self.name_of(index), object, attribute, %caller, "an attribute is to be set");
        self.set_attribute(index, wanted, reply).map_err(|error| problem(&error))
    }
}

fn problem(error: &AttributeError) -> NotNow {
    let kind = match error {
        AttributeError::NoObject { .. } => ProblemKind::UnknownObject,
        AttributeError::Unknown { .. } => ProblemKind::UnknownAttribute,
        AttributeError::Input { .. } | AttributeError::Output { .. } => ProblemKind::Conflict,
        AttributeError::Value { attribute, error } => {
            return NotNow::Refused(of_value(attribute, error));
        }
        AttributeError::Scanning { .. } => {
            return NotNow::Later(Problem::new(ProblemKind::Overloaded, error.to_string()));
        }
    };
    NotNow::Refused(Problem::new(kind, error.to_string()))
}

fn of_value(attribute: &str, error: &ValueError) -> Problem {
    let attribute: String = attribute.escape_default().take(80).collect();
    Problem::new(value_kind(error), format!("attribute `{attribute}`: {error}"))
}
