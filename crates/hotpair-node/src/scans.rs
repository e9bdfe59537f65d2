//! The threads that scan objects, off the driver's: a scan may take its time, beats may not.
use crate::clock::Clock;
use hotpair_core::EngineIndex;
use hotpair_engine::objects::{Ended, Job};
use hotpair_engine::tags::Tags;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// As many as the host has processors, at most these.
const THREADS_MAX: usize = 4;

/// One scan with what it reads from.
pub(crate) struct Work {
    pub(crate) engine: EngineIndex,
    /// Which opening of the outputs it belongs to.
    pub(crate) opening: u64,
    pub(crate) job: Box<Job>,
    pub(crate) tags: Arc<Tags>,
}

/// A scan that was done.
pub(crate) struct Scanned {
    pub(crate) engine: EngineIndex,
    pub(crate) opening: u64,
    pub(crate) ended: Ended,
}

/// A bounded number of threads, started when they are needed. They take no more work than they can do
/// now, so nothing waits in a queue where its lateness would not be seen; they end when this is dropped.
pub(crate) struct Scans {
    clock: Clock,
    work: SyncSender<Work>,
    inbox: Arc<Mutex<Receiver<Work>>>,
    done: mpsc::Sender<Scanned>,
    threads_max: usize,
    threads: usize,
    busy: usize,
}

impl Scans {
    /// Without threads; what they will have done arrives at the receiver.
    pub(crate) fn new(clock: Clock) -> (Self, mpsc::Receiver<Scanned>) {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threads_max = processors.min(THREADS_MAX);
        let (work, inbox) = sync_channel(threads_max);
        let (done, scanned) = mpsc::channel(threads_max);
        let inbox = Arc::new(Mutex::new(inbox));
        (Self { clock, work, inbox, done, threads_max, threads: 0, busy: 0 }, scanned)
    }

    /// Whether a thread is free, or can be started.
    pub(crate) const fn has_room(&self) -> bool {
        self.busy < self.threads_max
    }

    /// Hands a scan to a free thread.
    pub(crate) fn begin(&mut self, work: Work) {
        assert!(self.has_room(), "more scans than threads");
        if self.busy == self.threads {
            let (clock, inbox, done) = (self.clock, self.inbox.clone(), self.done.clone());
            std::thread::Builder::new()
                .name(format!("hotpair-scan-{}", self.threads))
                .spawn(move || scan_all(clock, &inbox, &done))
                .expect("a thread can be started");
            self.threads += 1;
        }
        self.busy += 1;
        self.work.try_send(work).expect("there is a place for each thread");
    }

    /// A thread is free again.
    pub(crate) const fn ended(&mut self) {
        self.busy -= 1;
    }
}

fn scan_all(clock: Clock, inbox: &Mutex<Receiver<Work>>, done: &mpsc::Sender<Scanned>) {
    loop {
        let next = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Work { engine, opening, job, tags }) = next else { return };
        let ended = job.run(clock.wall(), &|path| tags.read(path));
        if done.blocking_send(Scanned { engine, opening, ended }).is_err() {
            return;
        }
    }
}
