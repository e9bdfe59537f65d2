//! An object in Rust: scanned on the active, with its whole state at the partner after each scan.
//!
//! It moves a setpoint towards a target, slowly at first. How fast it moves is in a field: after a
//! takeover it goes on at that speed. Start it on both hosts in place of `hotpair run`, then declare
//! the tags and the object from any host:
//!
//! `cargo run --release -p hotpair-node --example native_object -- /etc/hotpair/node.toml`
//!
//! `hotpair config set tags/target='{"type": "float", "initial": 0}' tags/setpoint='{"type": "float"}'`
//!
//! `hotpair object deploy soft object.json`, with this in the file:
//!
//! ```json
//! {"module": "native:soft-start", "period": "100ms",
//!  "attributes": {"target": {"type": "float"}, "setpoint": {"type": "float"}},
//!  "inputs": {"target": "target"}, "outputs": {"setpoint": "setpoint"}}
//! ```

use hotpair_engine::objects::{Fault, NativeObject, Natives, Port, Scan};
use hotpair_engine::tags::TagType;
use hotpair_node::node::{Node, NodeParts};
use serde::{Deserialize, Serialize};

/// Of the way that is left, in one scan.
const SPEED_MAX: f64 = 0.2;
const SPEED_STEP: f64 = 0.01;

/// Everything that it has to remember; a change of these fields is another `IDENTITY`.
#[derive(Default, Serialize, Deserialize)]
struct SoftStart {
    setpoint: f64,
    speed: f64,
    target: f64,
}

impl NativeObject for SoftStart {
    const IDENTITY: &'static str = "soft-start/1";

    fn scan(&mut self, scan: &mut Scan<'_>) -> Result<(), Fault> {
        // Without a usable target it stays where it is.
        let target = scan.number("target")?.unwrap_or(self.target);
        let is_new = (target - self.target).abs() > f64::EPSILON;
        self.speed = if is_new { SPEED_STEP } else { (self.speed + SPEED_STEP).min(SPEED_MAX) };
        self.target = target;
        self.setpoint += (target - self.setpoint) * self.speed;
        scan.set("setpoint", self.setpoint)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(1).unwrap_or_else(|| "/etc/hotpair/node.toml".to_owned());
    let settings = hotpair_node::settings::load(file.as_ref())?;
    let port =
        |name: &str, is_written| Port { name: name.into(), of_type: TagType::Float, is_written };
    let ports = vec![port("target", false), port("setpoint", true)];
    let mut natives = Natives::default();
    natives.add("soft-start", ports, |_| Ok(SoftStart::default()))?;
    let node = Node::start(NodeParts { natives, ..NodeParts::without_guard(settings)? }).await?;
    tokio::signal::ctrl_c().await?;
    node.leave().await;
    node.ended().await;
    Ok(())
}
