//! X1, X5, X7, X8: what the disk may do, and who else may come to it.
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{Audit, NodeProcess, Pair, PairSettings, Side, Status};

use crate::faulty_disk::{Fault, FaultyDisk};
use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "X1",
        "x1-fsync-fails-on-the-standby",
        "not ready; the file is set aside and copied anew, the commit never retried",
        |stage| Box::pin(fsync_fails(stage, Side::B)),
    ),
    Scenario::new(
        "X1",
        "x1-fsync-fails-on-the-active",
        "handed over; nothing acknowledged is lost",
        |stage| Box::pin(fsync_fails(stage, Side::A)),
    ),
    Scenario::new(
        "X1",
        "x1-the-failure-cannot-be-noted",
        "the node neither ends nor comes back before the next one is told not to believe the file",
        |stage| Box::pin(cannot_be_noted(stage)),
    ),
    Scenario::new(
        "X5",
        "x5-file-truncated",
        "refused at open with its name, set aside, copied from the partner",
        |stage| Box::pin(damaged(stage, |bytes| bytes.truncate(bytes.len() / 2))),
    ),
    Scenario::new("X5", "x5-file-empty", "the same", |stage| Box::pin(damaged(stage, Vec::clear))),
    Scenario::new("X5", "x5-file-garbage", "the same", |stage| {
        Box::pin(damaged(stage, |bytes| bytes.iter_mut().for_each(|it| *it ^= 0x5a)))
    }),
    Scenario::new("X5", "x5-file-with-zeroed-pages", "the same, or nothing lost", |stage| {
        Box::pin(damaged(stage, |bytes| {
            let length = bytes.len();
            bytes[4096.min(length)..length * 3 / 4].fill(0);
        }))
    }),
    Scenario::new(
        "X7",
        "x7-data-directory-deleted",
        "the empty node never wins; full copy",
        |stage| Box::pin(deleted(stage)),
    ),
    Scenario::new(
        "X8",
        "x8-second-process-on-one-data-directory",
        "the second refuses, the first does not notice",
        |stage| Box::pin(second_process(stage)),
    ),
];

async fn fsync_fails(stage: &Stage, at: Side) -> Result<()> {
    let pair = stage.prepare(PairSettings::default()).await?;
    let disk = FaultyDisk::under(pair.node(at))?;
    pair.node(at.other()).start()?;
    pair.until_roles(Side::A).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    disk.arm(Fault::Sync)?;
    if at == Side::A {
        pair.until_active(Side::B).await?;
    } else {
        pair.until(Side::B, "not ready", |it| it.state() != "standby-ready").await?;
    }
    ensure!(disk.was_met(Fault::Sync), "the fault was met");
    writer.until_more(20).await?;
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}

async fn cannot_be_noted(stage: &Stage) -> Result<()> {
    let pair = stage.prepare(PairSettings::default()).await?;
    let disk = FaultyDisk::under(pair.node(Side::A))?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    let before = pair.status(Side::A).await?.json()["instance"].clone();
    // A name that the node wants for a file and cannot have.
    let note = replicated(pair.node(Side::A))?.with_file_name("suspect");
    std::fs::create_dir(&note)?;
    disk.arm(Fault::Sync)?;
    pair.until_active(Side::B).await?;
    pair.until(Side::A, "says that it cannot note it", |it| it.has_alarm("suspect-not-noted"))
        .await?;
    let same = |it: &Status| it.json()["instance"] == before && !it.is_active();
    pair.stays(Side::A, "the same process", std::time::Duration::from_secs(3), same).await?;
    std::fs::remove_dir(&note)?;
    pair.until(Side::A, "began anew", |it| it.json()["instance"] != before).await?;
    pair.until_roles(Side::B).await?;
    ensure!(pair.node(Side::A).log().contains("it was set aside as"), "its file is not believed");
    writer.until_more(20).await?;
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}

/// The replicated store of a node.
pub(crate) fn replicated(node: &NodeProcess) -> Result<PathBuf> {
    fn find(folder: &Path) -> Result<Option<PathBuf>> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                if let Some(found) = find(&path)? {
                    return Ok(Some(found));
                }
            } else if path.file_name().is_some_and(|it| it == "replicated.redb") {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
    find(&node.data_dir())?.context("a node has a replicated.redb")
}

async fn damaged(stage: &Stage, damage: fn(&mut Vec<u8>)) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    fill(&pair).await?;
    pair.node(Side::B).kill_all().await?;
    let file = replicated(pair.node(Side::B))?;
    let mut bytes = std::fs::read(&file)?;
    damage(&mut bytes);
    std::fs::write(&file, bytes)?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    let log = pair.node(Side::B).log();
    let named = log.contains("replicated.redb");
    ensure!(named || !log.contains("set aside"), "the log names the file it sets aside");
    same_records(&pair).await?;
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn fill(pair: &Pair) -> Result<()> {
    pair.declare_tag(Side::A, TAG).await?;
    pair.write_tag(Side::A, TAG, 5).await?;
    for number in 0..40 {
        let value = serde_json::json!({"n": number, "text": "x".repeat(500)});
        pair.write_config(Side::A, &format!("record/{number}"), &value).await?;
    }
    pair.until_tag(Side::B, TAG, 5).await
}

async fn same_records(pair: &Pair) -> Result<()> {
    for number in [0, 20, 39] {
        let key = format!("record/{number}");
        let ours = pair.config(Side::A, &key).await?;
        ensure!(ours.is_some() && ours == pair.config(Side::B, &key).await?, "{key} is on both");
    }
    ensure!(pair.tag(Side::B, TAG).await? == 5, "so is the tag");
    Ok(())
}

fn delete_data(node: &NodeProcess) -> Result<()> {
    // The key is who the node is, not its data; without it nobody would talk to it.
    for entry in std::fs::read_dir(node.data_dir())? {
        let path = entry?.path();
        if path.is_dir() {
            std::fs::remove_dir_all(path)?;
        } else if path.file_name().is_some_and(|it| it != "node.key") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

async fn deleted(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    fill(&pair).await?;
    pair.node(Side::B).kill_all().await?;
    delete_data(pair.node(Side::B))?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    same_records(&pair).await?;
    // Both down, the master's data gone: the backup's history wins although it is the backup.
    for side in Side::BOTH {
        pair.node(side).kill_all().await?;
    }
    delete_data(pair.node(Side::A))?;
    for side in Side::BOTH {
        pair.node(side).start()?;
    }
    let active = pair.until_settled().await?;
    ensure!(active == Side::B, "an empty node never wins");
    same_records(&pair).await?;
    Audit::of(&pair).run().await?;
    Ok(())
}

async fn second_process(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    let node = pair.node(Side::A);
    let before = pair.status(Side::A).await?.json()["instance"].clone();
    let file = node.settings_file();
    let (_, said, status) =
        pair.cli(Side::A, &["run", "-c", file.to_str().context("UTF-8")?]).await?;
    ensure!(status != 0, "the second refuses; it said: {said}");
    let same = |it: &Status| it.json()["instance"] == before && it.is_active();
    pair.stays(Side::A, "the same process", std::time::Duration::from_secs(1), same).await?;
    Audit::of(&pair).run().await?;
    Ok(())
}
