//! A Modbus device on both nodes: read by both, written by the active alone, and gone on with by the other.
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use hotpair_tests::{
    Audit, ModbusDevice, Pair, PairSettings, Request, Side, Status, eventually, patience,
};
use serde_json::json;

use crate::scenario::Scenario;
use crate::stage::Stage;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P2",
        "p2-modbus-device-is-served-on",
        "read by both and written by the active alone; after a kill the other goes on",
        |stage| Box::pin(served_on(stage)),
    )
    .on_loopback_alone(),
    Scenario::new(
        "P2",
        "p2-modbus-device-goes-and-comes",
        "its tags are bad and an alarm says why, on both; then good again and written anew; bad for good without a record",
        |stage| Box::pin(goes_and_comes(stage)),
    )
    .on_loopback_alone(),
];

const LEVEL: &str = "plc/level";
const OPEN: &str = "plc/open";
const PUMP: &str = "plc/pump";

struct Scene {
    pair: Arc<Pair>,
    device: Arc<ModbusDevice>,
}

async fn begin(stage: &Stage) -> Result<Scene> {
    if let Some(why) = ModbusDevice::missing() {
        return Err(Stage::skip(&why));
    }
    let device = Arc::new(ModbusDevice::start().await?);
    stage.keep(device.clone());
    device.set("input 4 250").await?;
    device.set("discrete 3 1").await?;
    let pair = stage.start(PairSettings::default()).await?;
    pair.write_config(Side::A, &format!("tags/{LEVEL}"), &json!({"type": "float"})).await?;
    pair.write_config(Side::A, &format!("tags/{OPEN}"), &json!({"type": "bool"})).await?;
    pair.declare_tag(Side::A, PUMP).await?;
    let record = json!({
        "address": device.address.to_string(), "unit": 1, "poll": "50ms", "timeout": "1s",
        "inputs": {
            LEVEL: {"table": "input", "address": 4, "type": "u16", "scale": 0.01},
            OPEN: {"table": "discrete", "address": 3},
        },
        "outputs": {PUMP: {"table": "holding", "address": 2, "type": "i32"}},
    });
    pair.write_config(Side::A, "modbus/plc", &record).await?;
    Ok(Scene { pair, device })
}

impl Scene {
    /// Waits until both nodes show these values as good.
    async fn until_read(&self, level: f64, open: bool) -> Result<()> {
        for side in Side::BOTH {
            self.until_tag(side, LEVEL, json!(level), "good").await?;
            self.until_tag(side, OPEN, json!(open), "good").await?;
        }
        Ok(())
    }

    async fn until_tag(
        &self,
        side: Side,
        tag: &str,
        value: serde_json::Value,
        quality: &str,
    ) -> Result<()> {
        let what = format!("{side}: {tag} is {value}, {quality}");
        eventually(&what, patience(Duration::from_secs(15)), async || {
            let request = Request::get(&format!("/api/v1/tags/{tag}"));
            let found = self.pair.ask(side, request).await?.ok()?;
            if found["value"] == value && found["quality"] == quality {
                return Ok(());
            }
            Err(anyhow!("it is {found}"))
        })
        .await
    }
}

async fn served_on(stage: &Stage) -> Result<()> {
    let scene = begin(stage).await?;
    let Scene { pair, device } = &scene;
    scene.until_read(2.5, true).await?;
    pair.write_tag(Side::A, PUMP, 70_000).await?;
    // High word first. What a tag begins with is not written.
    device.until("write holding 2 1 4464", 1).await?;
    device.until("connected", 2).await?;
    pair.until_roles(Side::A).await?;
    let before = device.said("write");
    ensure!(before.len() == 1, "each value once, by the active alone: {before:?}");

    pair.node(Side::A).kill_all().await?;
    pair.until_active(Side::B).await?;
    // The new active tells the plant what it knows, and goes on reading.
    device.until("write holding 2 1 4464", 2).await?;
    device.set("input 4 300 0").await?;
    scene.until_tag(Side::B, LEVEL, json!(3.0), "good").await?;
    pair.write_tag(Side::B, PUMP, -1).await?;
    device.until("write holding 2 65535 65535", 1).await?;

    pair.node(Side::A).start()?;
    pair.until_roles(Side::B).await?;
    device.until("connected", 3).await?;
    scene.until_read(3.0, true).await?;
    pair.switch_to(Side::A).await?;
    device.until("write holding 2 65535 65535", 2).await?;
    let writes = device.said("write");
    ensure!(writes.len() == 4, "nothing was written twice by one active: {writes:?}");
    Audit::of(pair).run().await?;
    Ok(())
}

async fn goes_and_comes(stage: &Stage) -> Result<()> {
    let scene = begin(stage).await?;
    let Scene { pair, device } = &scene;
    scene.until_read(2.5, true).await?;
    pair.write_tag(Side::A, PUMP, 7).await?;
    device.until("write holding 2 0 7", 1).await?;
    device.stop()?;
    for side in Side::BOTH {
        let says = |it: &Status| it.has_alarm("device-trouble");
        pair.until(side, "says that a device is in trouble", says).await?;
        // The last value is kept, and nobody takes it for a new one.
        scene.until_tag(side, LEVEL, json!(2.5), "bad").await?;
    }
    device.resume().await?;
    scene.until_read(0.0, false).await?;
    device.until("write holding 2 0 7", 2).await?;
    for side in Side::BOTH {
        pair.until(side, "says so no more", |it| !it.has_alarm("device-trouble")).await?;
    }
    // Without its tag one point is left out and named; the others are read.
    device.set("input 4 100").await?;
    pair.ask(Side::A, Request::delete(&format!("/api/v1/config/tags/{OPEN}"))).await?.ok()?;
    for side in Side::BOTH {
        pair.until(side, "names the point", |it| it.has_alarm("device-trouble")).await?;
        scene.until_tag(side, LEVEL, json!(1.0), "good").await?;
    }
    // Without its record nobody asks it any more, and what was read is not trusted.
    let gone = device.said("disconnected").len();
    pair.ask(Side::A, Request::delete("/api/v1/config/modbus/plc")).await?.ok()?;
    device.until("disconnected", gone + 2).await?;
    for side in Side::BOTH {
        scene.until_tag(side, LEVEL, json!(1.0), "bad").await?;
    }
    Audit::of(pair).run().await?;
    Ok(())
}
