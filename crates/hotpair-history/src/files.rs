//! History as Parquet files. All of it happens on a thread of its own: a file system can stand still.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::{Batch, Committed, Row, SinkError, SinkSettings};
use directory::{Directory, Placed};
use file_name::FileName;

mod file_name;
mod layout;
mod encode;
mod decode;
mod directory;
mod reading;

pub use reading::read_files;

/// How often another process may come first with a file that is wanted.
const ATTEMPTS_MAX: usize = 3;

type Answer = Result<Committed, SinkError>;

/// One directory of Parquet files.
#[derive(Debug)]
pub(crate) struct Files {
    settings: SinkSettings,
    /// What nobody waits for any more, and is not yet over: no second one begins beside it.
    work: Option<oneshot::Receiver<Answer>>,
    swept: bool,
}

impl Files {
    pub(crate) fn new(settings: SinkSettings) -> Self {
        Self { settings, work: None, swept: false }
    }

    pub(crate) async fn commit(&mut self, batch: &Batch) -> Answer {
        let batch = batch.clone();
        self.run("writing", move |directory| commit(directory, &batch)).await
    }

    pub(crate) async fn check(&mut self) -> Result<(), SinkError> {
        let probe = |directory: &Directory| directory.probe().map(|()| Committed::default());
        self.run("checking", probe).await.map(drop)
    }

    async fn run(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Directory) -> Answer + Send + 'static,
    ) -> Answer {
        self.settings.check()?;
        let SinkSettings::Parquet { directory: path, time_limit } = &self.settings else {
            unreachable!("a sink of files has settings of files");
        };
        let (path, limit) = (path.clone(), *time_limit);
        if self.work.is_some() {
            // Its answer came too late to count; what it did is found as known rows.
            Self::wait(&mut self.work, "an attempt before", &path, limit).await.ok();
            if self.work.is_some() {
                let (place, doing) = (path.display().to_string(), "an attempt before");
                return Err(SinkError::TimedOut { place, doing, limit });
            }
        }
        let (answer, answered) = oneshot::channel();
        let (sweep, place) = (!self.swept, path.clone());
        let thread = std::thread::Builder::new().name("history-files".to_owned());
        thread
            .spawn(move || {
                let done = Directory::open(&place).and_then(|directory| {
                    if sweep {
                        directory.sweep()?;
                    }
                    work(&directory)
                });
                // Nobody waits for it any more after a time limit.
                answer.send(done).ok();
            })
            .map_err(|source| SinkError::io("start a thread for", &path, source))?;
        self.work = Some(answered);
        let done = Self::wait(&mut self.work, doing, &path, limit).await;
        self.swept |= done.is_ok();
        done
    }

    async fn wait(
        work: &mut Option<oneshot::Receiver<Answer>>,
        doing: &'static str,
        path: &Path,
        limit: Duration,
    ) -> Answer {
        let place = || path.display().to_string();
        let running = work.as_mut().expect("work was begun");
        let Ok(answer) = tokio::time::timeout(limit, running).await else {
            return Err(SinkError::TimedOut { place: place(), doing, limit });
        };
        *work = None;
        // A reader of damaged files may panic; that is the file's fault, not the process's.
        answer.unwrap_or_else(|_| {
            let why = "the reader or writer of Parquet gave up".to_owned();
            Err(SinkError::Unreadable { path: path.to_owned(), why })
        })
    }
}

/// Rows that are there are compared; runs of those that are not become files.
fn commit(directory: &Directory, batch: &Batch) -> Answer {
    if batch.rows.is_empty() {
        return Ok(Committed::default());
    }
    let mut rows_new = 0;
    for _ in 0..ATTEMPTS_MAX {
        let known = Known::read(directory, batch)?;
        let missing = known.missing(batch)?;
        if missing.is_empty() {
            // Somebody else may have put them there and died before they were durable.
            known.make_durable(directory)?;
            return Ok(Committed { rows_new, rows_known: batch.rows.len() as u64 - rows_new });
        }
        for run in missing {
            let name = FileName::of(batch, run);
            known.check_free(directory, batch, &name, run)?;
            let bytes = encode::encode(batch, run).map_err(|error| SinkError::Encode {
                path: directory.path_of(&name.to_string()),
                why: error.to_string(),
            })?;
            match directory.put(&name.to_string(), &bytes)? {
                Placed::New => rows_new += run.len() as u64,
                Placed::OtherWasFirst => break,
            }
        }
    }
    Err(SinkError::Busy { path: directory.path_of(&FileName::of(batch, &batch.rows).to_string()) })
}

/// Rows in files whose names overlap a batch.
struct Known {
    /// By epoch and sequence.
    rows: BTreeMap<(u64, u64), (usize, Row)>,
    files: Vec<PathBuf>,
}

impl Known {
    fn read(directory: &Directory, batch: &Batch) -> Result<Self, SinkError> {
        let (first, last) = (batch.first, batch.first + (batch.rows.len() as u64 - 1));
        let mut known = Self { rows: BTreeMap::new(), files: Vec::new() };
        for name in directory.names()? {
            let Some(file) = FileName::parse(&name) else { continue };
            let same = file.pair == batch.pair && file.engine == batch.engine;
            if !same || file.last < first || file.first > last {
                continue;
            }
            let path = directory.path_of(&name);
            let rows = decode::decode(&path, &batch.pair, &batch.engine)?;
            let index = known.files.len();
            known.rows.extend(rows.into_iter().map(|it| ((it.epoch, it.sequence), (index, it))));
            known.files.push(path);
        }
        Ok(known)
    }

    /// Runs of neighbours that are in no file.
    fn missing<'a>(&self, batch: &'a Batch) -> Result<Vec<&'a [Row]>, SinkError> {
        let mut runs = Vec::new();
        let mut begun = None;
        for (index, row) in batch.rows.iter().enumerate() {
            match self.rows.get(&(row.epoch, row.sequence)) {
                Some((file, there)) => {
                    if let Some(column) = row.differs_in(there) {
                        return Err(conflict(&self.files[*file], batch, row, column));
                    }
                    runs.extend(begun.take().map(|from| &batch.rows[from..index]));
                }
                None => {
                    begun.get_or_insert(index);
                }
            }
        }
        runs.extend(begun.map(|from| &batch.rows[from..]));
        Ok(runs)
    }

    /// A file of this name with rows of other epochs is another history of the same term.
    fn check_free(
        &self,
        directory: &Directory,
        batch: &Batch,
        name: &FileName,
        run: &[Row],
    ) -> Result<(), SinkError> {
        let path = directory.path_of(&name.to_string());
        if self.files.contains(&path) {
            let row = run.first().expect("a run has rows");
            return Err(conflict(&path, batch, row, "epoch"));
        }
        Ok(())
    }

    fn make_durable(&self, directory: &Directory) -> Result<(), SinkError> {
        for path in &self.files {
            Directory::sync_file(path)?;
        }
        directory.sync()
    }
}

fn conflict(path: &Path, batch: &Batch, row: &Row, column: &str) -> SinkError {
    SinkError::Conflict {
        place: path.display().to_string(),
        pair: batch.pair.clone(),
        engine: batch.engine.clone(),
        epoch: row.epoch,
        sequence: row.sequence,
        column: column.to_owned(),
    }
}
