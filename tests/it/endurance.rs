//! P25, P32: crashes without end, and processors that are taken.
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Result, ensure};
use hotpair_tests::{Audit, Dice, Pair, PairSettings, Side, Signal, Status, eventually, patience};

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "P25",
        "p25-standby-crashes-again-and-again",
        "the active stays active, under the same epoch",
        |stage| Box::pin(crash_loop(stage, Side::B)),
    ),
    Scenario::new(
        "P25",
        "p25-active-crashes-again-and-again",
        "the other takes over once and stays active",
        |stage| Box::pin(crash_loop(stage, Side::A)),
    ),
    Scenario::new(
        "P32",
        "p32-processors-taken-by-others",
        "no change of role; writes go on",
        |stage| Box::pin(hogs(stage)),
    ),
];

async fn until_it_runs(pair: &Pair, side: Side) -> Result<()> {
    let runs = async || pair.node(side).node_pid().ok_or("no process yet");
    eventually("the node process runs", patience(Duration::from_secs(15)), runs).await?;
    Ok(())
}

async fn crash_loop(stage: &Stage, victim: Side) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    let stays = victim.other();
    let node = pair.node(victim);
    let mut dice = Dice::new(stage.seed());
    let mut epoch = None;
    for crash in 0..stage.size(10, 100) {
        until_it_runs(&pair, victim).await?;
        // Anywhere between the start and Standby - Ready, or later.
        tokio::time::sleep(Duration::from_millis(dice.below(1500))).await;
        // Each third time alone, so that the guard starts it again.
        if crash % 3 == 1 {
            node.signal_node(Signal::KILL)?;
        } else {
            node.kill_all().await?;
            node.start()?;
        }
        let now = pair.until_active(stays).await?.epoch();
        let first = *epoch.get_or_insert(now);
        ensure!(now == first, "crash {crash}: {stays} acts under epoch {now} after {first}");
        writer.until_more(2).await?;
    }
    pair.until_roles(stays).await?;
    let active = Audit::of(&pair).with(writer.stop().await?).run().await?;
    let now = pair.status(stays).await?.epoch();
    ensure!(active == stays && Some(now) == epoch, "{stays} stays active");
    Ok(())
}

/// A process that does nothing else than run. Dropped: killed.
struct Hog(Child);

impl Hog {
    fn start() -> Result<Self> {
        // In a session of its own, as other programs are: the kernel may share time by sessions.
        let mut command = Command::new("setsid");
        command.args(["sh", "-c", "while :; do :; done"]).stdin(Stdio::null());
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

async fn hogs(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default()).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let epoch = pair.until_active(Side::A).await?.epoch();
    pair.until_roles(Side::A).await?;
    let cores = std::thread::available_parallelism()?.get();
    let hogs: Vec<Hog> = (0..cores).map(|_| Hog::start()).collect::<Result<_>>()?;
    let same = |it: &Status| it.is_active() && it.epoch() == epoch;
    let mut audit = Audit::of(&pair);
    let mut first = 1;
    // In the long form each minute anew: a writer without pause would be the hog itself.
    for _ in 0..stage.size(1, 60) {
        let writer = pair.writer_at(Side::A, TAG, first);
        writer.until_more(200).await?;
        let written = writer.stop().await?;
        first += i64::try_from(written.len())?;
        audit = audit.with(written);
        let period = Duration::from_secs(stage.size(15, 60));
        pair.stays(Side::A, "active under the same epoch", period, same).await?;
    }
    drop(hogs);
    let active = audit.run().await?;
    ensure!(active == Side::A && pair.status(Side::A).await?.epoch() == epoch, "no role change");
    Ok(())
}
