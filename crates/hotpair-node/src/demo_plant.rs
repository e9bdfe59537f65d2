//! A simulated tank with a pump, whose whole state is in tags: whichever node is active steps it. What
//! holds its level is an object of the engine, with its own state; nothing of that is in here.
use hotpair_api::face::{NodeFace, Problem, TagQuality, TagWrite, WriteOptions, WriteOutcome};
use hotpair_types::EngineName;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Between two steps.
pub const STEP_INTERVAL: Duration = Duration::from_millis(100);

/// What the tags of the plant begin with.
pub const PREFIX: &str = "tank/";

/// The setpoint is a person's, the demand is the controller's.
const NOT_OURS: [&str; 2] = ["setpoint", "pump-demand"];

/// What the level can do in one step, metres.
pub const LEVEL_STEP_MAX: f64 = PUMP_FLOW_MAX / AREA * STEP_INTERVAL.as_secs_f64();

/// The area of the tank, square metres.
const AREA: f64 = 2.0;
const LEVEL_MAX: f64 = 4.0;
/// What the pump gives at full speed, cubic metres per second.
const PUMP_FLOW_MAX: f64 = 0.25;
/// What the open valve lets through at one metre of level.
const VALVE_FLOW: f64 = 0.08;
const PUMP_SECONDS: f64 = 1.5;
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
    demand "pump-demand" "%" = 0.0 in 0.0 to 100.0,
    valve "valve" "%" = 50.0 in 0.0 to 100.0,
    phase "demand-phase" "1" = 0.0 in 0.0 to 1.0,
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
        // The pump needs a moment to follow.
        self.pump += (self.demand - self.pump) * (dt / PUMP_SECONDS).min(1.0);
        // The tank.
        self.inflow = PUMP_FLOW_MAX * self.pump / 100.0;
        self.outflow = VALVE_FLOW * self.valve / 100.0 * self.level.max(0.0).sqrt();
        let change = (self.inflow - self.outflow) * dt / AREA;
        self.level = (self.level + change).clamp(0.0, LEVEL_MAX);
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
    let not_ours = NOT_OURS.map(|it| format!("{PREFIX}{it}"));
    let write = |(path, value): (String, f64)| TagWrite {
        path,
        value: value.into(),
        quality: TagQuality::Good,
        timestamp: None,
    };
    let ours = |it: &(String, f64)| !not_ours.contains(&it.0);
    let writes = plant.values().into_iter().filter(ours).map(write).collect();
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
    fn its_level_never_does_more_in_a_step_than_it_says() {
        let mut plant = Plant::new();
        for step in 0..20_000_u32 {
            plant.demand = if step % 700 < 350 { 100.0 } else { 0.0 };
            let before = plant.level;
            plant.step(STEP_INTERVAL);
            assert!((plant.level - before).abs() <= LEVEL_STEP_MAX, "{before} to {plant:?}");
        }
    }

    #[test]
    fn goes_on_from_its_tags_as_if_nothing_had_happened() {
        let mut one = Plant::new();
        let mut other = Plant::new();
        for step in 0..2_000_u32 {
            one.demand = f64::from(step % 101);
            other.demand = one.demand;
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
            plant.demand = if step % 4_000 < 2_000 { 100.0 } else { 0.0 };
            plant.step(STEP_INTERVAL);
            for ((path, value), (min, max)) in plant.values().into_iter().zip(&limits) {
                assert!((*min..=*max).contains(&value), "{path} = {value}");
            }
        }
    }
}
