//! X17: secrets that others can read, and an API that others can reach.
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use hotpair_tests::{Audit, Pair, PairSettings, Side, patience};

use crate::scenario::Scenario;
use crate::stage::Stage;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "X17",
        "x17-key-file-readable-by-others",
        "refused at start, with what mends it; the partner goes on",
        |stage| Box::pin(readable_key(stage)),
    ),
    Scenario::new(
        "X17",
        "x17-api-beyond-loopback-without-a-token",
        "refused at start, with what is missing; the partner goes on",
        |stage| Box::pin(open_api(stage)),
    ),
];

fn chmod(path: &Path, mode: u32) -> Result<()> {
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?)
}

/// Starts a node that must refuse, and returns what it says.
async fn refused_start(pair: &Pair, side: Side) -> Result<String> {
    pair.node(side).start()?;
    let ended = tokio::time::timeout(patience(Duration::from_secs(10)), pair.node(side).ended());
    let status = ended.await.map_err(|_| anyhow::anyhow!("{side} runs on"))??;
    ensure!(!status.success(), "{side} ended with {status}");
    Ok(pair.node(side).log())
}

async fn readable_key(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.node(Side::B).stop().await?;
    let key = pair.node(Side::B).key_file();
    chmod(&key, 0o644)?;
    let said = refused_start(&pair, Side::B).await?;
    ensure!(said.contains(&format!("chmod 600 {}", key.display())), "what mends it: {said}");
    ensure!(pair.status(Side::A).await?.is_active(), "the partner goes on");
    chmod(&key, 0o600)?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn open_api(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.node(Side::B).stop().await?;
    let open = PairSettings::default().only(Side::B, "api.listen", "\"0.0.0.0:0\"");
    pair.reconfigure(open)?;
    let said = refused_start(&pair, Side::B).await?;
    ensure!(said.contains("api.listen") && said.contains("tls_cert"), "what is missing: {said}");
    ensure!(pair.status(Side::A).await?.is_active(), "the partner goes on");
    pair.reconfigure(PairSettings::default())?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    Audit::of(&pair).run().await?;
    Ok(())
}
