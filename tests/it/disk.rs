//! X2, X3, X6: a full disk, a read that fails, a bit that flips.
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hotpair_tests::{Audit, Dice, Pair, PairSettings, Request, Side, Signal, eventually, patience};
use serde_json::{Value, json};

use crate::faulty_disk::{Fault, FaultyDisk, SmallDisk};
use crate::scenario::Scenario;
use crate::stage::Stage;
use crate::storage::replicated;

const TAG: &str = "line/counter";

/// Of the small disks: room for the files of a node and some minutes of their growth.
const DISK_MEBIBYTES: u32 = 24;
/// How long both disks stay full.
const FULL_FOR: Duration = Duration::from_secs(5);
const BULK_BYTES: usize = 64 * 1024;
/// More than what storage keeps in memory of a file, so that some of it must be read again.
const BULK_RECORDS: usize = 200;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "X2",
        "x2-disk-full-on-the-active",
        "handed over; a clear error; rejoins by itself when there is space again",
        |stage| Box::pin(full_on_the_active(stage)),
    ),
    Scenario::new(
        "X2",
        "x2-disk-full-on-the-standby",
        "not ready; writes go on; rejoins by itself when there is space again",
        |stage| Box::pin(full_on_the_standby(stage)),
    ),
    Scenario::new(
        "X2",
        "x2-disk-full-on-both",
        "a clear error; goes on by itself when there is space again; nothing acknowledged is lost",
        |stage| Box::pin(full_on_both(stage)),
    ),
    Scenario::new(
        "X3",
        "x3-read-fails-on-the-active",
        "handed over; nothing acknowledged is lost",
        |stage| Box::pin(read_fails(stage, Side::A)),
    ),
    Scenario::new("X3", "x3-read-fails-on-the-standby", "not ready, then copied anew", |stage| {
        Box::pin(read_fails(stage, Side::B))
    }),
    Scenario::new(
        "X3",
        "x3-read-fails-at-opening",
        "the file is named; the next start opens it, and the node rejoins",
        |stage| Box::pin(read_fails_at_opening(stage)),
    ),
    Scenario::new(
        "X6",
        "x6-one-bit-flipped-in-a-closed-file",
        "found when it is opened, or harmless; never served or replicated",
        |stage| Box::pin(bit_flips(stage)),
    ),
];

/// A pair on small disks, written to.
async fn on_small_disks(stage: &Stage) -> Result<(Arc<Pair>, [Arc<SmallDisk>; 2])> {
    let settings = PairSettings::default().with("config.writable_on", "active");
    let pair = stage.prepare(settings).await?;
    let mut disks = Vec::new();
    for side in Side::BOTH {
        let disk = Arc::new(SmallDisk::under(pair.node(side), DISK_MEBIBYTES)?);
        stage.keep(disk.clone());
        disks.push(disk);
    }
    pair.start_both().await?;
    pair.declare_tag(Side::A, TAG).await?;
    Ok((pair, [disks[0].clone(), disks[1].clone()]))
}

/// Writes what needs space, until something holds. What becomes of it is not asked.
async fn write_bulk_until(
    pair: &Pair,
    what: &str,
    holds: impl AsyncFn() -> Result<()>,
) -> Result<()> {
    let text = json!("x".repeat(BULK_BYTES));
    let count = Cell::new(0);
    eventually(what, patience(Duration::from_secs(20)), async || {
        count.set(count.get() + 1);
        for side in Side::BOTH {
            let request = Request::put(&format!("/api/v1/config/bulk/{}", count.get()), &text);
            let _maybe = pair.ask(side, request.within(Duration::from_secs(1))).await;
        }
        holds().await
    })
    .await
}

fn says_full(pair: &Pair, side: Side) -> Result<()> {
    let log = pair.node(side).log();
    ensure!(log.contains("the disk is full"), "the log of {side} says that the disk is full");
    Ok(())
}

async fn full_on_the_active(stage: &Stage) -> Result<()> {
    let (pair, [at_a, _]) = on_small_disks(stage).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    at_a.fill()?;
    write_bulk_until(&pair, "the standby takes over", async || {
        let status = pair.status(Side::B).await?;
        ensure!(status.is_active(), "it is {}", status.state());
        Ok(())
    })
    .await?;
    says_full(&pair, Side::A)?;
    writer.until_more(20).await?;
    at_a.free()?;
    pair.until_roles(Side::B).await?;
    writer.until_more(10).await?;
    let active = Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(active == Side::B, "nobody took over for a second time");
    Ok(())
}

async fn full_on_the_standby(stage: &Stage) -> Result<()> {
    let (pair, [_, at_b]) = on_small_disks(stage).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    let epoch = pair.status(Side::A).await?.epoch();
    at_b.fill()?;
    write_bulk_until(&pair, "the standby says so", async || says_full(&pair, Side::B)).await?;
    writer.until_more(20).await?;
    at_b.free()?;
    pair.until_roles(Side::A).await?;
    writer.until_more(10).await?;
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(pair.status(Side::A).await?.epoch() == epoch, "the active was not disturbed");
    Ok(())
}

async fn full_on_both(stage: &Stage) -> Result<()> {
    let (pair, disks) = on_small_disks(stage).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    disks.iter().try_for_each(|it| it.fill())?;
    write_bulk_until(&pair, "neither has space", async || {
        Side::BOTH.into_iter().try_for_each(|side| says_full(&pair, side))
    })
    .await?;
    // Whoever may still try has tried.
    let end = Instant::now() + FULL_FOR;
    write_bulk_until(&pair, "it stays full for a while", async || {
        ensure!(Instant::now() >= end, "not yet");
        Ok(())
    })
    .await?;
    disks.iter().try_for_each(|it| it.free())?;
    pair.until_settled().await?;
    writer.until_more(10).await?;
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}

/// More than fits into the memory that storage uses for pages.
async fn fill_beyond_the_cache(pair: &Pair) -> Result<()> {
    let text = json!("x".repeat(BULK_BYTES));
    for number in 0..BULK_RECORDS {
        pair.write_config(Side::A, &format!("bulk/{number}"), &text).await?;
    }
    Ok(())
}

async fn read_fails(stage: &Stage, at: Side) -> Result<()> {
    let pair = stage.prepare(PairSettings::default()).await?;
    let disk = FaultyDisk::under(pair.node(at))?;
    pair.node(at.other()).start()?;
    pair.until_roles(Side::A).await?;
    pair.declare_tag(Side::A, TAG).await?;
    fill_beyond_the_cache(&pair).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    let before = pair.status(at).await?.json()["instance"].clone();
    disk.arm(Fault::Read)?;
    // The scrub walks through the file all the time.
    if at == Side::A {
        pair.until_active(Side::B).await?;
    }
    pair.until(at, "began anew", |it| it.json()["instance"] != before).await?;
    ensure!(disk.was_met(Fault::Read), "the fault was met");
    let log = pair.node(at).log();
    ensure!(log.contains("replicated.redb"), "the log names the file");
    writer.until_more(20).await?;
    let active = Audit::of(&pair).with(writer.stop().await?).run().await?;
    ensure!(active == Side::B || at == Side::B, "the sound node acts");
    Ok(())
}

async fn read_fails_at_opening(stage: &Stage) -> Result<()> {
    let pair = stage.prepare(PairSettings::default()).await?;
    let disk = FaultyDisk::under(pair.node(Side::A))?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    disk.arm(Fault::Read)?;
    pair.node(Side::A).signal_node(Signal::KILL)?;
    pair.until_roles(Side::B).await?;
    ensure!(disk.was_met(Fault::Read), "the fault was met");
    ensure!(pair.node(Side::A).log().contains("replicated.redb"), "the log names the file");
    writer.until_more(10).await?;
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}

/// Every record with its value, as a node serves them.
async fn records(pair: &Pair, side: Side) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for number in 0..40 {
        let key = format!("record/{number}");
        all.push(pair.config(side, &key).await?.with_context(|| format!("{key} at {side}"))?);
    }
    all.push(json!(pair.tag(side, TAG).await?));
    Ok(all)
}

async fn bit_flips(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    pair.write_tag(Side::A, TAG, 5).await?;
    for number in 0..40 {
        let value = json!({"n": number, "text": "x".repeat(500)});
        pair.write_config(Side::A, &format!("record/{number}"), &value).await?;
    }
    pair.until_tag(Side::B, TAG, 5).await?;
    let right = records(&pair, Side::A).await?;
    let mut dice = Dice::new(stage.seed() ^ 0x6269_7466);
    let mut found = 0;
    for flip in 0..stage.size(6, 200) {
        pair.node(Side::B).stop().await?;
        let file = file_to_spoil(&pair, flip)?;
        let mut bytes = std::fs::read(&file)?;
        let at = place(&mut dice, &bytes);
        let bit = dice.below(8);
        bytes[at] ^= 1 << bit;
        std::fs::write(&file, bytes)?;
        let before = pair.node(Side::B).log().len();
        pair.node(Side::B).start()?;
        let what = format!("bit {bit} of byte {at} of {}", file.display());
        pair.until_roles(Side::A).await.with_context(|| what.clone())?;
        for side in Side::BOTH {
            ensure!(records(&pair, side).await? == right, "{side} serves something else: {what}");
        }
        found += u32::from(pair.node(Side::B).log()[before..].contains("set aside"));
    }
    println!("    found when opened: {found}");
    Audit::of(&pair).run().await?;
    Ok(())
}

/// Each third time the file with the node's own records, else the replicated one.
fn file_to_spoil(pair: &Pair, flip: usize) -> Result<PathBuf> {
    let file = replicated(pair.node(Side::B))?;
    Ok(if flip % 3 == 2 { file.with_file_name("local.redb") } else { file })
}

/// Anywhere in a page that holds something: most of a young file is empty.
fn place(dice: &mut Dice, bytes: &[u8]) -> usize {
    const PAGE: usize = 4096;
    let used: Vec<usize> = (0..bytes.len() / PAGE)
        .filter(|it| bytes[it * PAGE..(it + 1) * PAGE].iter().any(|it| *it != 0))
        .collect();
    let pick = |dice: &mut Dice, end: usize| dice.below(end as u64) as usize;
    used[pick(dice, used.len())] * PAGE + pick(dice, PAGE)
}
