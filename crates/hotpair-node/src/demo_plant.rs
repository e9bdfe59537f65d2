//! A simulated tank with a pump and a controller, whose whole state is in tags: whichever node is
//! active steps it, and after a takeover the other one goes on without a jump.
use hotpair_api::face::{
    ConfigOp, ConfigTransaction, NodeFace, Problem, TagQuality, TagWrite, WriteOptions,
    WriteOutcome,
};
use hotpair_types::EngineName;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Between two steps.
pub const STEP_INTERVAL: Duration = Duration::from_millis(100);

/// What the tags of the plant begin with.
pub const PREFIX: &str = "tank/";

/// The area of the tank, square metres.
const AREA: f64 = 2.0;
const LEVEL_MAX: f64 = 4.0;
/// What the pump gives at full speed, cubic metres per second.
const PUMP_FLOW_MAX: f64 = 0.25;
/// What the open valve lets through at one metre of level.
const VALVE_FLOW: f64 = 0.08;
const PUMP_SECONDS: f64 = 1.5;
const GAIN: f64 = 1.2;
const INTEGRAL_SECONDS: f64 = 12.0;
const DERIVATIVE_SECONDS: f64 = 0.4;
const DEMAND_PERIOD_SECONDS: f64 = 60.0;

macro_rules! plant {
    ($($field:ident $path:literal $unit:literal = $initial:literal in $min:literal to $max:literal,)+) => {
        /// The whole state of the plant.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each is named and bounded in its declaration")]
        pub struct Plant {
            $(pub $field: f64,)+
        }

        impl Plant {
            /// As it is before the first step.
            #[must_use]
            pub const fn new() -> Self {
                Self { $($field: $initial,)+ }
            }

            /// The config records that declare its tags: key and document.
            #[must_use]
            pub fn declarations() -> Vec<(String, Value)> {
                vec![$((
                    format!("tags/{PREFIX}{}", $path),
                    json!({
                        "type": "float",
                        "unit": $unit,
                        "initial": $initial,
                        "limits": { "min": $min, "max": $max },
                    }),
                ),)+]
            }

            /// Its values by the path of their tags.
            #[must_use]
            pub fn values(&self) -> Vec<(String, f64)> {
                vec![$((format!("{PREFIX}{}", $path), self.$field),)+]
            }

            /// From the values of tags by path; what is missing is as before the first step.
            #[must_use]
            pub fn from_values(values: &BTreeMap<String, f64>) -> Self {
                let value = |path: &str| values.get(&format!("{PREFIX}{path}")).copied();
                Self { $($field: value($path).unwrap_or($initial).clamp($min, $max),)+ }
            }
        }
    };
}

plant! {
    setpoint "setpoint" "m" = 2.0 in 0.5 to 3.5,
    level "level" "m" = 0.5 in 0.0 to 4.0,
    inflow "inflow" "m3/s" = 0.0 in 0.0 to 1.0,
    outflow "outflow" "m3/s" = 0.0 in 0.0 to 1.0,
    pump "pump" "%" = 0.0 in 0.0 to 100.0,
    valve "valve" "%" = 50.0 in 0.0 to 100.0,
    phase "demand-phase" "1" = 0.0 in 0.0 to 1.0,
    integral "controller/integral" "%" = 0.0 in -100.0 to 100.0,
    last_level "controller/last-level" "m" = 0.5 in 0.0 to 4.0,
    cycle "cycle" "1" = 0.0 in 0.0 to 9.0e15,
}

impl Default for Plant {
    fn default() -> Self {
        Self::new()
    }
}

impl Plant {
    /// One step of `dt`.
    pub fn step(&mut self, dt: Duration) {
        let dt = dt.as_secs_f64().clamp(1e-3, 1.0);
        self.cycle += 1.0;
        // Whoever needs water opens and closes the valve.
        self.phase = (self.phase + dt / DEMAND_PERIOD_SECONDS).fract();
        self.valve = 50.0 + 35.0 * (self.phase * std::f64::consts::TAU).sin();
        // The controller, in percent of the pump's speed.
        let error = self.setpoint - self.level;
        let falls = (self.last_level - self.level) / dt;
        let wanted = 100.0 * (GAIN * error + DERIVATIVE_SECONDS * falls) + self.integral;
        let speed = wanted.clamp(0.0, 100.0);
        // It does not wind up while the pump can do no more.
        if (wanted - speed).abs() < f64::EPSILON {
            let step = 100.0 * GAIN * error * dt / INTEGRAL_SECONDS;
            self.integral = (self.integral + step).clamp(-100.0, 100.0);
        }
        self.last_level = self.level;
        self.pump += (speed - self.pump) * (dt / PUMP_SECONDS).min(1.0);
        // The tank.
        self.inflow = PUMP_FLOW_MAX * self.pump / 100.0;
        self.outflow = VALVE_FLOW * self.valve / 100.0 * self.level.max(0.0).sqrt();
        let change = (self.inflow - self.outflow) * dt / AREA;
        self.level = (self.level + change).clamp(0.0, LEVEL_MAX);
    }
}

/// Declares the plant's tags in one transaction. To be done once, where config may be written.
///
/// # Errors
/// The node's refusal.
pub async fn declare(face: &impl NodeFace, engine: Option<EngineName>) -> Result<(), Problem> {
    let set = |(key, value)| ConfigOp::Set { key, value };
    let ops = Plant::declarations().into_iter().map(set).collect();
    let transaction = ConfigTransaction { ops, expect: Vec::new() };
    match face.config_write(engine, transaction, WriteOptions::default()).await? {
        WriteOutcome::Done(_) => Ok(()),
        WriteOutcome::Refused(problem) => Err(problem),
        WriteOutcome::Unknown { detail } => {
            Err(Problem::new(hotpair_api::face::ProblemKind::OutcomeUnknown, detail))
        }
    }
}

/// Steps the plant for ever, on this node only while it is active.
///
/// Each step begins with what the tags say, and ends with one batch: a takeover falls between two
/// steps, and what a person writes to a tag (the setpoint) counts in the next one.
pub async fn run(face: &impl NodeFace, engine: Option<EngineName>) {
    let status = face.status();
    let mut steps = interval(STEP_INTERVAL);
    // A step that was missed, for example during a switch, is not made up for: time stood still.
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        steps.tick().await;
        let is_active = {
            let status = status.borrow();
            let wanted = |name: &str| engine.as_ref().is_none_or(|it| it.as_str() == name);
            let engine = status.engines.iter().find(|it| wanted(&it.name));
            engine.and_then(|it| it.state).is_some_and(|it| it.is_active())
        };
        if is_active && let Err(problem) = step(face, engine.clone()).await {
            tracing::debug!(%problem, "the plant stands still");
        }
    }
}

async fn step(face: &impl NodeFace, engine: Option<EngineName>) -> Result<(), Problem> {
    let page = face.tag_list(engine.clone(), PREFIX.into(), None, 64).await?;
    let value = |it: hotpair_api::face::Tag| it.value.as_f64().map(|value| (it.path, value));
    let values: BTreeMap<_, _> = page.tags.into_iter().filter_map(value).collect();
    if values.is_empty() {
        return Ok(());
    }
    let mut plant = Plant::from_values(&values);
    plant.step(STEP_INTERVAL);
    let setpoint = format!("{PREFIX}setpoint");
    let write = |(path, value): (String, f64)| TagWrite {
        path,
        value: value.into(),
        quality: TagQuality::Good,
        timestamp: None,
    };
    // The setpoint is the person's.
    let writes = plant.values().into_iter().filter(|it| it.0 != setpoint).map(write).collect();
    match face.tag_write(engine, writes, WriteOptions::default()).await? {
        WriteOutcome::Done(_) => Ok(()),
        WriteOutcome::Refused(problem) => Err(problem),
        // The next step begins with whatever the tags say then.
        WriteOutcome::Unknown { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_controller_brings_the_level_to_the_setpoint_and_keeps_it_there() {
        let mut plant = Plant::new();
        for _ in 0..3_000 {
            plant.step(STEP_INTERVAL);
            assert!((0.0..LEVEL_MAX).contains(&plant.level), "{plant:?}");
        }
        for setpoint in [2.0, 3.0, 1.0] {
            plant.setpoint = setpoint;
            let mut furthest: f64 = 0.0;
            for step in 0..6_000 {
                plant.step(STEP_INTERVAL);
                if step > 3_000 {
                    furthest = furthest.max((plant.level - setpoint).abs());
                }
            }
            assert!(furthest < 0.25, "{furthest} m from {setpoint} m: {plant:?}");
        }
    }

    #[test]
    fn goes_on_from_its_tags_as_if_nothing_had_happened() {
        let mut one = Plant::new();
        let mut other = Plant::new();
        for step in 0..2_000 {
            one.step(STEP_INTERVAL);
            other.step(STEP_INTERVAL);
            if step % 7 == 0 {
                other = Plant::from_values(&other.values().into_iter().collect());
            }
            assert_eq!(one, other);
        }
    }

    #[test]
    fn its_values_are_within_what_it_declares() {
        let limits: Vec<_> = Plant::declarations()
            .into_iter()
            .map(|(_, it)| {
                let limit = |name: &str| it["limits"][name].as_f64().unwrap();
                (limit("min"), limit("max"))
            })
            .collect();
        let mut plant = Plant::new();
        for step in 0..20_000_u32 {
            plant.setpoint = if step % 4_000 < 2_000 { 3.5 } else { 0.5 };
            plant.step(STEP_INTERVAL);
            for ((path, value), (min, max)) in plant.values().into_iter().zip(&limits) {
                assert!((*min..=*max).contains(&value), "{path} = {value}");
            }
        }
    }
}
