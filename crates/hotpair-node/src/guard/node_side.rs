//! The node's end of the socket to its guard.
//!
//! Two threads of its own, so that a guard that hangs never holds up the node's loop, and the death
//! of the guard is seen while the loop is busy.
use super::Notice;
use super::message::{DATAGRAM_BYTES_MAX, ToGuard};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::RawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A node that lost its guard and did not end within this time is ended.
pub const GUARD_LOST_TIMEOUT: Duration = Duration::from_secs(5);
const WORDS_MAX: usize = 64;

/// What the node hears of its guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardEvent {
    /// The guard took the notice or withdrawal of this number, and so all before it.
    Told {
        /// As given by [`GuardLink::tell`] or [`GuardLink::withdraw`].
        number: u64,
    },
    /// The guard is gone. Close the outputs, say `Leaving`, end: within [`GUARD_LOST_TIMEOUT`].
    Lost,
}

/// The way to the guard. Never blocks.
#[derive(Clone, Debug)]
pub struct GuardLink {
    outbox: Arc<Outbox>,
}

#[derive(Debug, Default)]
struct Outbox {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    number: u64,
    /// The newest of notice and withdrawal: an older one need not be told any more.
    notice: Option<ToGuard>,
    words: VecDeque<ToGuard>,
    lost: bool,
}

/// Takes the socket that the guard left open for us, and calls `on_event` from a thread of its own.
///
/// # Errors
/// When `fd` is not such a socket, or threads are short.
pub fn connect(
    fd: RawFd,
    mut on_event: impl FnMut(GuardEvent) + Send + 'static,
) -> io::Result<GuardLink> {
    let stream = hotpair_os::inherit::unix_stream(fd)?;
    let link = GuardLink { outbox: Arc::default() };
    let writer = stream.try_clone()?;
    let outbox = Arc::clone(&link.outbox);
    std::thread::Builder::new().name("to-guard".into()).spawn(move || outbox.write_all(writer))?;
    let outbox = Arc::clone(&link.outbox);
    let mut reader = stream;
    let read = move || {
        let mut number = [0; 8];
        while reader.read_exact(&mut number).is_ok() {
            on_event(GuardEvent::Told { number: u64::from_le_bytes(number) });
        }
        outbox.close();
        on_event(GuardEvent::Lost);
        std::thread::sleep(GUARD_LOST_TIMEOUT);
        std::process::abort();
    };
    std::thread::Builder::new().name("from-guard".into()).spawn(read)?;
    Ok(link)
}

impl GuardLink {
    /// From now on the partner is told this when we die. `GuardEvent::Told` comes with the number
    /// given back, or a later one.
    #[must_use]
    pub fn tell(&self, notice: Notice) -> u64 {
        let (datagram, answer) = (notice.datagram.len(), notice.answer.len());
        assert!(datagram <= DATAGRAM_BYTES_MAX, "a notice of {datagram} bytes is too long");
        assert!((1..=128).contains(&answer), "an answer of {answer} bytes");
        self.outbox.set(|number| ToGuard::Notice { number, notice })
    }

    /// The partner is not to be told anything when we end: it knows.
    #[must_use]
    pub fn withdraw(&self) -> u64 {
        self.outbox.set(|number| ToGuard::Withdraw { number })
    }

    /// The node does its part.
    pub fn ready(&self) {
        self.outbox.say(ToGuard::Ready);
    }

    /// The node's loop goes round; once a second or so.
    pub fn alive(&self) {
        self.outbox.say(ToGuard::Alive);
    }

    /// One line for people who ask the service manager.
    pub fn status(&self, text: &str) {
        self.outbox.say(ToGuard::status(text));
    }

    /// The settings are read anew; followed by [`ready`](Self::ready).
    pub fn reloading(&self) {
        self.outbox.say(ToGuard::Reloading);
    }

    /// The node is on its way out.
    pub fn stopping(&self) {
        self.outbox.say(ToGuard::Stopping);
    }
}

impl Outbox {
    fn set(&self, make: impl FnOnce(u64) -> ToGuard) -> u64 {
        let mut waiting = self.waiting.lock().expect(UNPOISONED);
        waiting.number += 1;
        let number = waiting.number;
        waiting.notice = Some(make(number));
        self.changed.notify_one();
        number
    }

    fn say(&self, word: ToGuard) {
        let mut waiting = self.waiting.lock().expect(UNPOISONED);
        // A guard that hangs misses what is only for people.
        if waiting.words.len() < WORDS_MAX && !waiting.words.contains(&word) {
            waiting.words.push_back(word);
            self.changed.notify_one();
        }
    }

    fn close(&self) {
        self.waiting.lock().expect(UNPOISONED).lost = true;
        self.changed.notify_one();
    }

    fn next(&self) -> Option<ToGuard> {
        let mut waiting = self.waiting.lock().expect(UNPOISONED);
        loop {
            if waiting.lost {
                return None;
            }
            let next = waiting.notice.take().or_else(|| waiting.words.pop_front());
            if next.is_some() {
                return next;
            }
            waiting = self.changed.wait(waiting).expect(UNPOISONED);
        }
    }

    fn write_all(&self, mut stream: UnixStream) {
        while let Some(message) = self.next() {
            // The other thread sees that the guard is gone.
            if stream.write_all(&message.encode()).is_err() {
                return;
            }
        }
    }
}

const UNPOISONED: &str = "no code panics while it holds this lock";
