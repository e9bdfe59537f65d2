//! A record of every step of the state machines, for `hotpair replay`: JSON lines, one file per
//! engine and start, `data_dir/steps/<engine>-<start>.log`.
//!
//! A record without gaps or none: where the disk does not keep up, or the file is full, it ends.

use crate::settings::Settings;
use hotpair_core::EngineBoot;
use hotpair_fsm as fsm;
use hotpair_types::{EngineName, StateId, Time};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

/// The value of [`Head::format`].
pub const FORMAT: &str = "hotpair-steps-1";
/// The largest record of one start.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How many records of one engine are kept.
const FILES_MAX: usize = 8;
/// Steps that wait for the disk.
const QUEUE_MAX: usize = 16 * 1024;

/// The first line: what the machine started from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Always [`FORMAT`].
    pub format: String,
    /// The release that wrote it; another one may decide differently.
    pub release: String,
    /// The node.
    pub node: String,
    /// The engine.
    pub engine: String,
    /// When the machine was made.
    pub now: Time,
    /// With which settings.
    pub settings: fsm::Settings,
    /// From what.
    pub boot: fsm::Boot,
}

/// Begins the record of one engine at a start.
///
/// # Errors
/// Whatever the file system says.
pub(crate) fn record(settings: &Settings, boot: &EngineBoot, now: Time) -> io::Result<Recorder> {
    let head = Head {
        format: FORMAT.to_owned(),
        release: env!("CARGO_PKG_VERSION").to_owned(),
        node: settings.node.name.to_string(),
        engine: boot.name.to_string(),
        now,
        settings: boot.fsm_settings,
        boot: boot.fsm.clone(),
    };
    Recorder::begin(&settings.node.data_dir, &boot.name, boot.fsm.instance.count, &head)
}

/// Every other line: one event, and what became of the state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub now: Time,
    /// What happened.
    pub event: fsm::Event,
    /// The state before.
    pub from: StateId,
    /// The state after.
    pub to: StateId,
}

/// Writes the record of one engine, on a thread of its own.
#[derive(Debug)]
pub struct Recorder {
    lines: Option<SyncSender<Line>>,
}

impl Recorder {
    /// Begins the record of one start of an engine.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn begin(
        data_dir: &Path,
        engine: &EngineName,
        start: u64,
        head: &Head,
    ) -> io::Result<Self> {
        let dir = data_dir.join("steps");
        std::fs::create_dir_all(&dir)?;
        forget_old(&dir, engine);
        let mut file = BufWriter::new(File::create(dir.join(format!("{engine}-{start:06}.log")))?);
        write_line(&mut file, head)?;
        file.flush()?;
        let (sender, receiver) = sync_channel(QUEUE_MAX);
        std::thread::Builder::new().name("steps".to_owned()).spawn(move || {
            if let Err(error) = write_all(file, &receiver) {
                tracing::warn!(%error, "the record of steps ends");
            }
        })?;
        Ok(Self { lines: Some(sender) })
    }

    /// Adds one step. Never waits.
    pub fn note(&mut self, line: Line) {
        let Some(lines) = &self.lines else { return };
        if lines.try_send(line).is_err() {
            tracing::warn!("the disk does not keep up: the record of steps ends");
            self.lines = None;
        }
    }
}

fn write_line(file: &mut impl Write, line: &impl Serialize) -> io::Result<usize> {
    let mut text = serde_json::to_vec(line).map_err(io::Error::other)?;
    text.push(b'\n');
    file.write_all(&text)?;
    Ok(text.len())
}

fn write_all(mut file: BufWriter<File>, lines: &Receiver<Line>) -> io::Result<()> {
    let mut bytes = 0;
    loop {
        let line = match lines.try_recv() {
            Ok(line) => line,
            Err(TryRecvError::Empty) => {
                // Nothing waits: what is written may as well be seen.
                file.flush()?;
                match lines.recv() {
                    Ok(line) => line,
                    Err(_) => return Ok(()),
                }
            }
            Err(TryRecvError::Disconnected) => return file.flush(),
        };
        bytes += write_line(&mut file, &line)? as u64;
        if bytes > FILE_BYTES_MAX {
            file.flush()?;
            return Err(io::Error::other("the file is full"));
        }
    }
}

/// Leaves room for one more record of this engine.
fn forget_old(dir: &Path, engine: &EngineName) {
    let prefix = format!("{engine}-");
    let is_record = |it: &PathBuf| {
        let name = it.file_name().and_then(|it| it.to_str());
        name.and_then(|it| it.strip_prefix(&prefix)?.strip_suffix(".log"))
            .is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()))
    };
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    let mut records: Vec<_> = entries.flatten().map(|it| it.path()).filter(is_record).collect();
    records.sort();
    let surplus = (records.len() + 1).saturating_sub(FILES_MAX);
    for old in records.drain(..surplus) {
        if let Err(error) = std::fs::remove_file(&old) {
            tracing::warn!(%error, file = %old.display(), "an old record of steps stays");
        }
    }
}
