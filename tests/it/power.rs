//! X4: the power of a host is cut while it commits. Of its disk only what was synced is left.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use hotpair_tests::{
    Audit, Dice, NodeProcess, Outcome, Pair, PairSettings, Record, Side, Signal, Writer,
    eventually, load, patience,
};
use rustix::process::kill_process;
use tempfile::TempDir;

use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";

/// A filesystem of its own for each node.
const DISK_MEBIBYTES: u64 = 64;

/// Cuts of the active's power; every fourth cuts both hosts at once.
const CUTS: usize = 4;
const LONG_CUTS: usize = 200;

pub(crate) const SCENARIOS: &[Scenario] = &[Scenario::new(
    "X4",
    "x4-power-cut",
    "it opens, and every write that was acknowledged as durable is on that disk",
    |stage| Box::pin(power_cut(stage)),
)
.on_loopback_alone()];

/// Ends a filesystem as a power cut does: nothing that waits in memory is written, the journal included.
const PROGRAM: &str = r"
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define SHUTDOWN _IOR('X', 125, uint32_t)
#define NO_LOG_FLUSH 2

int main(int argc, char **argv) {
    uint32_t how = NO_LOG_FLUSH;
    int folder = open(argc > 1 ? argv[1] : argv[0], O_RDONLY | O_DIRECTORY);
    if (folder < 0 || ioctl(folder, SHUTDOWN, &how) != 0) {
        perror(argv[0]);
        return 1;
    }
    return 0;
}
";

/// An ext4 of its own under the data of one node, in a file. Dropped: unmounted.
struct PoweredDisk {
    folder: TempDir,
    program: PathBuf,
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{command:?}: {}", said.trim());
    Ok(())
}

impl PoweredDisk {
    /// Puts what is in the data directory of a node that does not run on a disk that can lose its power.
    fn under(node: &NodeProcess) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hotpair-it-power-").tempdir()?;
        let program = folder.path().join("cut");
        let disk = Self { folder, program };
        let source = disk.folder.path().join("cut.c");
        std::fs::write(&source, PROGRAM)?;
        let skip = |what: &str, error: anyhow::Error| Stage::skip(&format!("{what}: {error:#}"));
        run(Command::new("cc").arg("-o").arg(&disk.program).arg(&source))
            .map_err(|error| skip("no C compiler", error))?;
        std::fs::File::create(disk.image())?.set_len(DISK_MEBIBYTES << 20)?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(disk.image()))
            .map_err(|error| skip("no ext4 here", error))?;
        std::fs::create_dir(disk.root())?;
        disk.mount().map_err(|error| skip("no loop devices here", error))?;
        for entry in std::fs::read_dir(node.data_dir())? {
            let entry = entry?;
            std::fs::copy(entry.path(), disk.root().join(entry.file_name()))?;
        }
        run(Command::new("sync").arg("-f").arg(disk.root()))?;
        std::fs::remove_dir_all(node.data_dir())?;
        std::os::unix::fs::symlink(disk.root(), node.data_dir())?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("disk.img")
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn mount(&self) -> Result<()> {
        run(Command::new("mount").args(["-o", "loop"]).arg(self.image()).arg(self.root()))
    }

    fn cut(&self) -> Result<()> {
        run(Command::new(&self.program).arg(self.root()))
    }

    /// Power again, once nobody has a file of it: the filesystem replays its journal.
    async fn restore(&self) -> Result<()> {
        eventually("nobody uses the disk", patience(Duration::from_secs(10)), async || {
            run(Command::new("umount").arg(self.root()))
        })
        .await?;
        self.mount()
    }

    /// A copy of everything on it.
    fn copy(&self) -> Result<TempDir> {
        let copy = tempfile::Builder::new().prefix("hotpair-it-copy-").tempdir()?;
        copy_into(&self.root(), copy.path())?;
        Ok(copy)
    }
}

impl Drop for PoweredDisk {
    fn drop(&mut self) {
        // Lazily: a process that is about to end may hold a file for another moment.
        let _left_behind = Command::new("umount").arg("-l").arg(self.root()).status();
    }
}

fn copy_into(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&target)?;
            copy_into(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The newest write that was acknowledged as durable by a level pair, or by this node alone.
fn durable(records: &[Record], side: Side) -> Option<(u64, u64)> {
    let counts = |it: &Record| match &it.outcome {
        Outcome::Done { by, epoch, sequence, acknowledged, degraded } => {
            (acknowledged == "durable" && (*by == side || !degraded)).then_some((*epoch, *sequence))
        }
        Outcome::Refused(_) | Outcome::Unknown => None,
    };
    records.iter().filter_map(counts).max()
}

/// What the disk holds is all that was promised to be on it. How long opening took.
fn holds(disk: &PoweredDisk, promised: Option<(u64, u64)>) -> Result<Duration> {
    let copy = disk.copy()?;
    let begun = Instant::now();
    let loaded = load(copy.path()).context("it opens")?;
    let took = begun.elapsed();
    let Some((epoch, sequence)) = promised else { bail!("nothing was acknowledged as durable") };
    let history = loaded.runtime.head.history;
    let found = history.lineage.epoch_of(sequence).map(|it| it.number);
    ensure!(
        history.last >= sequence && found == Some(epoch),
        "e{epoch}:{sequence} was acknowledged as durable; the disk ends at {}",
        history.last
    );
    Ok(took)
}

struct Host {
    side: Side,
    disk: PoweredDisk,
}

/// Everything stops at once. Which of the two comes first is drawn: a node that has another
/// moment sees its disk fail.
async fn cut(pair: &Pair, host: &Host, disk_first: bool) -> Result<()> {
    let node = pair.node(host.side);
    // Afterwards nothing on that disk says which it is.
    let pid = node.node_pid().context("the node runs")?;
    if disk_first {
        host.disk.cut()?;
    }
    node.signal_guard(Signal::KILL)?;
    // It may have ended by itself.
    kill_process(pid, Signal::KILL).ok();
    if !disk_first {
        host.disk.cut()?;
    }
    node.ended().await.map(|_| ())
}

fn all_durable(pair: &Pair) -> Writer {
    let targets = Side::BOTH.map(|side| pair.target(side)).to_vec();
    Writer::start(targets, TAG, 1, Some("durable"))
}

async fn power_cut(stage: &Stage) -> Result<()> {
    let settings = PairSettings::default().with("config.writable_on", "active");
    let pair = stage.prepare(settings).await?;
    let mut hosts = Vec::new();
    for side in Side::BOTH {
        hosts.push(Host { side, disk: PoweredDisk::under(pair.node(side))? });
    }
    let hosts = Arc::new(hosts);
    stage.keep(hosts.clone());
    pair.start_both().await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = all_durable(&pair);
    writer.until_more(10).await?;
    let mut dice = Dice::new(stage.seed() ^ 0x706f_7765);
    let cuts = stage.size(CUTS, LONG_CUTS);
    let mut opened = Vec::new();
    for number in 0..cuts {
        let active = pair.until_settled().await?;
        writer.until_more(5 + usize::try_from(dice.below(20))?).await?;
        let both = number % 4 == 3;
        // Before the cut, so that no later answer of the other node is counted.
        let records = writer.records();
        for host in hosts.iter().filter(|it| both || it.side == active) {
            cut(&pair, host, dice.below(2) == 0).await?;
        }
        for host in hosts.iter().filter(|it| both || it.side == active) {
            host.disk.restore().await?;
            let took = holds(&host.disk, durable(&records, host.side))
                .with_context(|| format!("cut {number} of {}", host.side))?;
            opened.push(took);
        }
        for host in hosts.iter().filter(|it| both || it.side == active) {
            pair.node(host.side).start()?;
        }
    }
    pair.until_settled().await?;
    writer.until_more(20).await?;
    opened.sort_unstable();
    println!(
        "    {} disks in {cuts} cuts, all opened: p50 {:?}, at most {:?}",
        opened.len(),
        opened[opened.len() / 2],
        opened[opened.len() - 1]
    );
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}
