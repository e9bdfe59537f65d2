//! A simulated tank with a pump and a controller, and the client that writes its tags.

use super::super::Failure;
use super::super::ask::{Ask, Question};
use super::pair::DemoPair;
use hotpair_api::face::{Done, Tag};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The tags of the plant.
pub(super) const PATHS: [&str; 5] = [
    "plant/cycle",
    "plant/tank/level",
    "plant/tank/inflow",
    "plant/tank/outflow",
    "plant/pump/running",
];
/// Between two writes.
const WRITE_INTERVAL: Duration = Duration::from_millis(20);
/// Between two attempts while nobody takes the write.
const RETRY_INTERVAL: Duration = Duration::from_millis(2);
/// How long a node may take to answer before the other one is asked.
const ANSWER_PATIENCE: Duration = Duration::from_millis(400);
/// How long the declarations may take.
const DECLARE_PATIENCE: Duration = Duration::from_secs(10);

/// A tank that is filled by a pump and emptied by whoever needs water.
#[derive(Clone, Debug)]
struct Plant {
    cycle: u64,
    level: f64,
    inflow: f64,
    outflow: f64,
    pump: bool,
}

impl Plant {
    const fn new() -> Self {
        Self { cycle: 0, level: 50.0, inflow: 0.0, outflow: 0.0, pump: false }
    }

    fn step(&mut self, seconds: f64) {
        self.cycle += 1;
        let time = self.cycle as f64 * seconds;
        self.outflow = 4.0 + 2.5 * (time / 7.0).sin();
        // The controller: a pump with two points.
        self.pump = if self.pump { self.level < 75.0 } else { self.level < 35.0 };
        let wanted = if self.pump { 11.0 } else { 0.0 };
        self.inflow += (wanted - self.inflow) * (seconds / 0.8).min(1.0);
        self.level = (self.level + (self.inflow - self.outflow) * seconds).clamp(0.0, 100.0);
    }

    fn writes(&self) -> Value {
        let round = |it: f64| (it * 1e3).round() / 1e3;
        let values = [
            json!(self.cycle),
            json!(round(self.level)),
            json!(round(self.inflow)),
            json!(round(self.outflow)),
            json!(self.pump),
        ];
        let write = |(path, value): (&&str, Value)| json!({"path": path, "value": value});
        json!({ "writes": PATHS.iter().zip(values).map(write).collect::<Vec<_>>() })
    }
}

/// Declares the tags in config.
pub(super) async fn declare(pair: &DemoPair) -> Result<(), Failure> {
    let declarations = [
        json!({"type": "int", "initial": 0}),
        json!({"type": "float", "unit": "%", "initial": 50.0, "limits": {"min": 0, "max": 100}}),
        json!({"type": "float", "unit": "l/s", "initial": 0.0}),
        json!({"type": "float", "unit": "l/s", "initial": 0.0}),
        json!({"type": "bool", "initial": false}),
    ];
    let op = |(path, value): (&&str, &Value)| json!({"op": "set", "key": format!("tags/{path}"), "value": value});
    let ops: Vec<_> = PATHS.iter().zip(&declarations).map(op).collect();
    let body = json!({ "ops": ops });
    let begun = Instant::now();
    loop {
        let [way, _] = pair.ways();
        let question = Question::post("/api/v1/config:transaction")
            .header("idempotency-key", "demo-declare")
            .json(&body);
        match way.ask::<Done>(question).await {
            Ok(_) => return Ok(()),
            Err(failure) if begun.elapsed() > DECLARE_PATIENCE => return Err(failure),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Writes the plant's tags to whichever node is active, one cycle after the other. A cycle that is
/// not acknowledged is sent again with the same key, so that it counts once.
#[derive(Debug)]
pub(super) struct Client {
    ways: [Ask; 2],
    at: usize,
    plant: Plant,
    acknowledged: u64,
    last_acknowledged: Instant,
    longest_pause: Duration,
    /// The last acknowledgements of each node.
    newest: [Option<Instant>; 2],
    /// The first one of a node after the other's last.
    first: Option<(Instant, usize)>,
    lost: u64,
    next_write: Instant,
}

impl Client {
    pub(super) fn new(ways: [Ask; 2]) -> Self {
        let now = Instant::now();
        let mut plant = Plant::new();
        plant.step(WRITE_INTERVAL.as_secs_f64());
        Self {
            ways,
            at: 0,
            plant,
            acknowledged: 0,
            last_acknowledged: now,
            longest_pause: Duration::ZERO,
            newest: [None; 2],
            first: None,
            lost: 0,
            next_write: now,
        }
    }

    /// The newest cycle that was acknowledged.
    pub(super) const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// How many acknowledged cycles were missing on the node that took over.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }

    pub(super) const fn longest_pause(&self) -> Duration {
        self.longest_pause
    }

    /// From `at` to the first write that `node` acknowledged after the other had been left.
    pub(super) fn first_acknowledged_after(&self, at: Instant, node: usize) -> Option<Duration> {
        let (first, by) = self.first?;
        (by == node && first > at).then(|| first - at)
    }

    /// One attempt to write one cycle, and the pause after it.
    pub(super) async fn write_once(&mut self) {
        tokio::time::sleep_until(self.next_write.into()).await;
        let way = &self.ways[self.at];
        // Before the first write to another node: what does it have?
        let changed = self.newest[self.at].is_none_or(|it| Some(it) < self.newest[1 - self.at]);
        let has = if changed && self.acknowledged > 0 { cycle_of(way).await } else { None };
        let question = Question::post("/api/v1/tags:batch")
            .header("idempotency-key", format!("demo-{}", self.plant.cycle))
            .json(&self.plant.writes());
        // `once`, without following: whoever acknowledges is who took it.
        let answer = tokio::time::timeout(ANSWER_PATIENCE, way.here::<Done>(question)).await;
        let now = Instant::now();
        match answer {
            Ok(Ok(_)) => {
                if let Some(has) = has {
                    self.lost = self.lost.max(self.acknowledged.saturating_sub(has));
                }
                if changed {
                    self.first = Some((now, self.at));
                }
                self.longest_pause = self.longest_pause.max(now - self.last_acknowledged);
                self.acknowledged = self.plant.cycle;
                self.last_acknowledged = now;
                self.newest[self.at] = Some(now);
                self.plant.step(WRITE_INTERVAL.as_secs_f64());
                self.next_write = (self.next_write + WRITE_INTERVAL).max(now);
            }
            Ok(Err(_)) | Err(_) => {
                self.at = 1 - self.at;
                self.next_write = now + RETRY_INTERVAL;
            }
        }
    }

    /// How many acknowledged cycles are missing now on the node that is written to.
    pub(super) async fn lost_now(&mut self) -> u64 {
        let has = cycle_of(&self.ways[self.at]).await.unwrap_or(0);
        self.lost = self.lost.max(self.acknowledged.saturating_sub(has));
        self.lost
    }
}

async fn cycle_of(way: &Ask) -> Option<u64> {
    let question = Question::get(format!("/api/v1/tags/{}", PATHS[0]));
    let tag = tokio::time::timeout(ANSWER_PATIENCE, way.here::<Tag>(question)).await.ok()?.ok()?;
    tag.value.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tank_neither_runs_over_nor_dry() {
        let mut plant = Plant::new();
        let mut pumped = 0;
        for _ in 0..100_000 {
            plant.step(0.02);
            assert!((20.0..90.0).contains(&plant.level), "{plant:?}");
            pumped += u32::from(plant.pump);
        }
        assert!((20_000..80_000).contains(&pumped), "the pump ran {pumped} of 100000 cycles");
    }
}
