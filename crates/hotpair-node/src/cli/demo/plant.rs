//! What is put on the pair: the tags of the plant, and the object that holds its level.

use super::super::Failure;
use super::super::ask::{Ask, Question};
use super::client::COUNTER;
use super::pair::DemoPair;
use crate::demo_plant::{LEVEL_STEP_MAX, PREFIX, Plant};
use hotpair_api::face::{ObjectDetail, Tag};
use hyper::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Holds the level: its sources are `examples/modules/tank_level.c`.
const MODULE: &[u8] = include_bytes!("../../../../../examples/modules/tank_level.wasm");
const MODULE_NAME: &str = "tank-level";
const OBJECT: &str = "level-control";
/// How long the deployment may take.
const DEPLOY_PATIENCE: Duration = Duration::from_secs(10);
const RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// A look that takes longer is left out.
const LOOK_PATIENCE: Duration = Duration::from_millis(400);

/// Declares the tags, adds the module and deploys the object, all of it config: both nodes have it.
pub(super) async fn deploy(pair: &DemoPair) -> Result<(), Failure> {
    let mut tags = Plant::declarations();
    tags.push((format!("tags/{COUNTER}"), json!({"type": "int", "initial": 0})));
    let op = |(key, value): (String, Value)| json!({"op": "set", "key": key, "value": value});
    let ops: Vec<_> = tags.into_iter().map(op).collect();
    let steps = [
        ("tags", Question::post("/api/v1/config:transaction").json(&json!({ "ops": ops }))),
        (
            "module",
            Question::new(Method::PUT, format!("/api/v1/modules/{MODULE_NAME}"))
                .bytes(MODULE.into()),
        ),
        (
            "object",
            Question::new(Method::PUT, format!("/api/v1/config/objects/{OBJECT}"))
                .json(&controller()),
        ),
    ];
    let [way, _] = pair.ways();
    for (name, question) in steps {
        let question = question.header("idempotency-key", format!("demo-deploy-{name}"));
        until_taken(&way, question).await?;
    }
    Ok(())
}

async fn until_taken(way: &Ask, question: Question) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        match way.value(question.clone()).await {
            Ok(_) => return Ok(()),
            Err(failure) if begun.elapsed() > DEPLOY_PATIENCE => return Err(failure),
            Err(_) => tokio::time::sleep(RETRY_INTERVAL).await,
        }
    }
}

/// A PID controller from the level to the pump.
fn controller() -> Value {
    let number =
        |unit: &str, initial: f64| json!({"type": "float", "unit": unit, "initial": initial});
    let bound = |unit: &str| json!({"type": "float", "unit": unit});
    json!({
        "module": MODULE_NAME,
        "period": "100ms",
        "attributes": {
            "level": bound("m"),
            "setpoint": bound("m"),
            "gain": number("%/m", 120.0),
            "reset_s": number("s", 12.0),
            "rate_s": number("s", 0.33),
            "automatic": {"type": "bool", "initial": true},
            "manual": number("%", 0.0),
            "valve": bound("%"),
            "deviation": bound("m"),
        },
        "inputs": {"level": format!("{PREFIX}level"), "setpoint": format!("{PREFIX}setpoint")},
        "outputs": {"valve": format!("{PREFIX}pump-demand")},
        // There at the start, so that there is one to acknowledge.
        "alarms": {"level-low": {
            "attribute": "level", "when": "low", "limit": 1, "unit": "m", "deadband": 0.1,
            "on_delay": "500ms", "priority": "high", "message": "The tank runs dry",
        }},
    })
}

/// The plant and its controller at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trend {
    /// Steps of the plant.
    pub(super) cycle: f64,
    /// Metres.
    pub(super) level: f64,
    /// What the controller wants of the pump, per cent.
    pub(super) demand: f64,
    /// The controller's last scan.
    pub(super) scan: u64,
}

impl Trend {
    /// Looks once; nothing when a node does not answer soon.
    pub(super) async fn look(way: &Ask) -> Option<Self> {
        let tag = async |name: &str| {
            let question = Question::get(format!("/api/v1/tags/{PREFIX}{name}"));
            way.here::<Tag>(question).await.ok()?.value.as_f64()
        };
        let all = async {
            let object = Question::get(format!("/api/v1/objects/{OBJECT}"));
            let scan = way.here::<ObjectDetail>(object).await.ok()?.object.scan;
            let (cycle, level) = (tag("cycle").await?, tag("level").await?);
            Some(Self { cycle, level, demand: tag("pump-demand").await?, scan })
        };
        timeout(LOOK_PATIENCE, all).await.ok()?
    }

    /// Whether this goes on from there: nothing done again, nothing left out, and no more change of the
    /// level than so many steps can make.
    pub(super) fn goes_on_from(&self, before: &Self) -> bool {
        // The level is asked for a moment after the steps are counted.
        let steps = self.cycle - before.cycle + 2.0;
        self.cycle >= before.cycle
            && self.scan > before.scan
            && (self.level - before.level).abs() <= LEVEL_STEP_MAX * steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: Trend = Trend { cycle: 40.0, level: 1.0, demand: 60.0, scan: 41 };

    #[test]
    fn a_plant_that_goes_on_has_gone_no_farther_than_its_steps() {
        let after = Trend { cycle: 44.0, level: 1.03, demand: 55.0, scan: 45 };
        assert!(after.goes_on_from(&BEFORE));
        assert!(!Trend { level: 1.1, ..after }.goes_on_from(&BEFORE), "a step of the level");
        assert!(!Trend { scan: 41, ..after }.goes_on_from(&BEFORE), "no scan since");
        assert!(!Trend { cycle: 3.0, scan: 3, ..after }.goes_on_from(&BEFORE), "begun anew");
    }
}
