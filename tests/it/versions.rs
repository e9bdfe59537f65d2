//! P34: this release and the one before it as partners, and each on the other's data.
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use hotpair_storage::StoreFile;
use hotpair_tests::{
    Audit, LAST_RELEASE, Pair, PairSettings, Record, Side, Writer, eventually, patience,
};
use serde_json::json;

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";
/// Records that a full copy between the releases must carry.
const RECORDS: usize = 40;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P34",
        "p34-old-master",
        "the release before as master: both become level, switch, die and return; nothing lost",
        |stage| Box::pin(paired(stage, Side::A)),
    ),
    Scenario::new("P34", "p34-old-backup", "the same with the release before as backup", |stage| {
        Box::pin(paired(stage, Side::B))
    }),
    Scenario::new(
        "P34",
        "p34-rolling-upgrade",
        "one node after the other is upgraded under load; nothing lost",
        |stage| Box::pin(upgraded(stage)),
    ),
    Scenario::new(
        "P34",
        "p34-downgrade",
        "data that is newer than the program is refused untouched, with what to do",
        |stage| Box::pin(downgraded(stage)),
    ),
];

/// Builds the release before, outside of the time of a scenario.
pub(crate) fn prepare() -> Result<()> {
    LAST_RELEASE.binary().map(drop)
}

fn last_release() -> Result<&'static Path> {
    LAST_RELEASE.binary()?.ok_or_else(|| {
        let why = format!("the commit of release {} is not in this clone", LAST_RELEASE.version);
        Stage::skip(&why)
    })
}

/// Both nodes say which release they run and which their partner does, and it is so: two releases may
/// have one number while the next is made.
async fn releases(pair: &Pair, expected: [&str; 2], old: Option<Side>) -> Result<()> {
    let release = std::fs::canonicalize(last_release()?)?;
    for side in Side::BOTH {
        let (own, other) = match side {
            Side::A => (expected[0], expected[1]),
            Side::B => (expected[1], expected[0]),
        };
        let status = pair.status(side).await?;
        let said = (&status.json()["version"], &status.json()["partner_version"]);
        ensure!(said == (&json!(own), &json!(other)), "{side} says {said:?}");
        let program = pair.node(side).program()?;
        ensure!((program == release) == (old == Some(side)), "{side} runs {}", program.display());
    }
    Ok(())
}

async fn writing(pair: &Arc<Pair>) -> Result<Writer> {
    pair.declare_tag(Side::A, TAG).await?;
    for number in 0..RECORDS {
        pair.write_config(Side::A, &format!("bulk/{number}"), &json!("x".repeat(2000))).await?;
    }
    let writer = pair.writer(TAG);
    writer.until_more(20).await?;
    Ok(writer)
}

async fn switched(pair: &Pair, writer: &Writer) -> Result<()> {
    for _ in 0..2 {
        let next = pair.until_settled().await?.other();
        pair.switch_to(next).await?;
        pair.until_roles(next).await?;
        writer.until_more(20).await?;
    }
    Ok(())
}

/// Each node dies once as the active and once as the standby, and returns.
async fn killed(pair: &Pair, writer: &Writer) -> Result<()> {
    for _ in 0..2 {
        let active = pair.until_settled().await?;
        pair.node(active).kill_all().await?;
        pair.until_active(active.other()).await?;
        writer.until_more(20).await?;
        pair.node(active).start()?;
        pair.until_roles(active.other()).await?;
        pair.node(active).kill_all().await?;
        writer.until_more(20).await?;
        pair.node(active).start()?;
        pair.until_roles(active.other()).await?;
        writer.until_more(10).await?;
    }
    Ok(())
}

/// Each loses its data once, and is copied anew by the other release.
async fn emptied(pair: &Pair, writer: &Writer) -> Result<()> {
    for _ in 0..2 {
        let standby = pair.until_settled().await?.other();
        pair.node(standby).kill_all().await?;
        for entry in std::fs::read_dir(pair.node(standby).data_dir())? {
            let path = entry?.path();
            if path.is_dir() {
                std::fs::remove_dir_all(path)?;
            }
        }
        pair.node(standby).start()?;
        pair.until_roles(standby.other()).await?;
        writer.until_more(10).await?;
        pair.switch_to(standby).await?;
        pair.until_roles(standby).await?;
    }
    Ok(())
}

async fn audited(pair: &Pair, records: Vec<Record>) -> Result<()> {
    Audit::of(pair).with(records).run().await?;
    for side in Side::BOTH {
        for number in 0..RECORDS {
            let found = pair.config(side, &format!("bulk/{number}")).await?;
            ensure!(found == Some(json!("x".repeat(2000))), "{side} lacks record {number}");
        }
    }
    Ok(())
}

async fn paired(stage: &Stage, old: Side) -> Result<()> {
    let release = last_release()?;
    let pair = stage.prepare(PairSettings::default()).await?;
    pair.node(old).use_binary(Some(release));
    pair.start_both().await?;
    let (old_version, new_version) = (LAST_RELEASE.version, env!("CARGO_PKG_VERSION"));
    releases(
        &pair,
        match old {
            Side::A => [old_version, new_version],
            Side::B => [new_version, old_version],
        },
        Some(old),
    )
    .await?;
    let writer = writing(&pair).await?;
    switched(&pair, &writer).await?;
    killed(&pair, &writer).await?;
    emptied(&pair, &writer).await?;
    audited(&pair, writer.stop().await?).await
}

async fn upgraded(stage: &Stage) -> Result<()> {
    let release = last_release()?;
    let pair = stage.prepare(PairSettings::default()).await?;
    Side::BOTH.into_iter().for_each(|side| pair.node(side).use_binary(Some(release)));
    pair.start_both().await?;
    let writer = writing(&pair).await?;
    // The standby first, as the guide says; then the roles change, and so does the other.
    for standby in [Side::B, Side::A] {
        pair.node(standby).stop().await?;
        writer.until_more(10).await?;
        pair.node(standby).use_binary(None);
        pair.node(standby).start()?;
        pair.until_roles(standby.other()).await?;
        writer.until_more(20).await?;
        pair.switch_to(standby).await?;
        pair.until_roles(standby).await?;
        writer.until_more(20).await?;
    }
    releases(&pair, [env!("CARGO_PKG_VERSION"); 2], None).await?;
    audited(&pair, writer.stop().await?).await
}

/// The data of the standby as a release to come would leave it.
fn grow_newer(pair: &Pair, side: Side) -> Result<std::path::PathBuf> {
    let file = pair.node(side).data_dir().join("engines/main/replicated.redb");
    let engine = hotpair_types::EngineName::default();
    hotpair_storage::aging::raise_schema(&file, &engine, StoreFile::Replicated, 7)
        .with_context(|| format!("cannot age {}", file.display()))?;
    Ok(file)
}

async fn refused(pair: &Pair, side: Side, words: &[&str]) -> Result<()> {
    let node = pair.node(side);
    let before = node.log().len();
    node.start()?;
    let what = format!("{side} refuses its data");
    eventually(&what, patience(std::time::Duration::from_secs(10)), async || {
        let log = node.log();
        let new = log.get(before..).context("a log only grows")?;
        let named = new.lines().any(|it| words.iter().all(|word| it.contains(word)));
        ensure!(named, "not yet: {new}");
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    // It never worked, so its guard does not begin again and again.
    let status = node.ended().await?;
    ensure!(!status.success(), "{side} ended with {status}");
    Ok(())
}

async fn downgraded(stage: &Stage) -> Result<()> {
    let pair = stage.prepare(PairSettings::default()).await?;
    pair.start_both().await?;
    let writer = writing(&pair).await?;
    pair.node(Side::B).stop().await?;
    let file = grow_newer(&pair, Side::B)?;
    let engine = file.parent().context("a file lies in a folder")?.to_owned();
    refused(&pair, Side::B, &["replicated.redb", "data schema 7", "up to 1", "reinit"]).await?;
    // The release before has always refused it; it does not touch it either.
    if let Some(release) = LAST_RELEASE.binary()? {
        pair.node(Side::B).use_binary(Some(release));
        refused(&pair, Side::B, &["replicated.redb", "data schema 7", "up to 1"]).await?;
        pair.node(Side::B).use_binary(None);
    }
    // Opening a file moves its free pages; what is in it, and what it says it is, stays.
    let records = std::fs::read(&file)?.iter().filter(|it| **it == b'x').count();
    ensure!(records >= RECORDS * 2000, "only {records} bytes of the newer data are left");
    refused(&pair, Side::B, &["replicated.redb", "data schema 7"]).await?;
    ensure!(!engine.join("set-aside").exists(), "the newer data was set aside");
    writer.until_more(10).await?;
    // What the message says: the data away, and that of the partner in its place.
    std::fs::rename(&engine, engine.with_file_name("newer"))?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    writer.until_more(10).await?;
    audited(&pair, writer.stop().await?).await
}
