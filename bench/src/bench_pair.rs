//! A pair as it is measured: the product's own default times, direct links, nobody watching.
use anyhow::Result;
use hotpair_tests::{Links, Pair, PairSettings, Side};
use serde_json::json;

pub(crate) const TAG: &str = "bench/counter";

/// Config records that make up a state of so many MiB.
const RECORD_BYTES: usize = 32 * 1024;

pub(crate) async fn start(state_mib: usize) -> Result<Pair> {
    let settings = PairSettings::default()
        .raw("heartbeat.max_missed", "5")
        .with("heartbeat.verify_min", "20ms")
        .with("config.writable_on", "active");
    let pair = Pair::prepare(settings, Links::direct()?).await?;
    pair.start_both().await?;
    pair.watch().stop();
    pair.declare_tag(Side::A, TAG).await?;
    pair.write_tag(Side::A, TAG, 1).await?;
    let text = "x".repeat(RECORD_BYTES);
    let ops = 4;
    for number in 0..(state_mib << 20) / RECORD_BYTES / ops {
        let ops: Vec<_> = (0..ops)
            .map(|at| json!({"op": "set", "key": format!("bulk/{number}-{at}"), "value": text}))
            .collect();
        let transaction =
            hotpair_tests::Request::post("/api/v1/config:transaction", &json!({"ops": ops}));
        pair.ask(Side::A, transaction).await?.ok()?;
    }
    Ok(pair)
}
