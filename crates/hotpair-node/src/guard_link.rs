//! The driver's end of the line to the guard: signs what the guard sends when this process is dead.
use crate::guard::node_side::{self, GuardEvent};
use crate::guard::{Notice, Route};
use crate::wire;
use hotpair_transport::Identity;
use hotpair_types::Instance;
use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::os::fd::RawFd;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long an ending node waits until the guard has taken that there is nothing to tell.
const WITHDRAW_TIME_MAX: Duration = Duration::from_secs(1);

/// What the guard says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardSays {
    /// It knows what it was told last.
    Told {
        /// By engine.
        behind: Vec<bool>,
    },
    /// It is gone.
    Lost,
    /// Stop cleanly.
    Stop,
}

/// Tells the guard, or plays its part when the node runs without one.
pub struct GuardLink {
    tell: Tell,
    behind: Vec<bool>,
    on_end: Option<OnEnd>,
    real: bool,
}

type Tell = Box<dyn Fn(&[bool]) + Send>;
type OnEnd = Box<dyn FnOnce(bool) + Send>;

/// What a notice needs beside the flags.
pub struct NoticeParts {
    /// Which pair.
    pub pair: [u8; 16],
    /// Which start of the node: no other is spoken of.
    pub instance: Instance,
    /// Both ways to the partner.
    pub routes: [Route; 2],
    /// The key of this start alone.
    pub signer: Arc<Identity>,
    /// Virtual addresses, to be taken off first.
    pub addresses: Vec<IpAddr>,
}

impl GuardLink {
    /// A node without a guard: every notice counts as taken. For embedding and tests.
    #[must_use]
    pub fn none(engines: usize) -> (Self, mpsc::UnboundedReceiver<GuardSays>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let tell = move |behind: &[bool]| {
            sender.send(GuardSays::Told { behind: behind.to_vec() }).ok();
        };
        let behind = vec![false; engines];
        let on_end: OnEnd = Box::new(|_| {});
        let tell = Box::new(tell);
        (Self { tell, behind, on_end: Some(on_end), real: false }, receiver)
    }

    /// Connects to the guard through the socket it left open, and gives it the first notice. Also
    /// gives the line itself, for what is not about proof.
    ///
    /// # Errors
    /// When that is no such socket, or threads are short.
    pub fn connect(
        fd: RawFd,
        engines: usize,
        parts: NoticeParts,
        says: mpsc::UnboundedSender<GuardSays>,
    ) -> io::Result<(Self, node_side::GuardLink)> {
        let taken = Arc::new(Taken::default());
        let noted = taken.clone();
        let line = node_side::connect(fd, move |event| match event {
            GuardEvent::Told { number } => {
                if let Some(behind) = noted.take(number) {
                    says.send(GuardSays::Told { behind }).ok();
                }
            }
            GuardEvent::Lost => {
                says.send(GuardSays::Lost).ok();
            }
        })?;
        let (told, to_guard) = (taken.clone(), line.clone());
        let tell = move |behind: &[bool]| {
            let NoticeParts { pair, instance, routes, signer, addresses } = &parts;
            let sign = |bytes: &[u8]| signer.sign(bytes);
            let (datagram, answer) = wire::encode_fenced(*pair, *instance, behind, sign);
            let (datagram, answer) = (datagram.to_vec(), answer.to_vec());
            let addresses = addresses.clone();
            let notice = Notice { routes: *routes, datagram, answer, addresses };
            told.told(behind, || to_guard.tell(notice));
        };
        let to_guard = line.clone();
        let on_end = move |partner_knows: bool| {
            if partner_knows && !taken.wait_for(to_guard.withdraw(), WITHDRAW_TIME_MAX) {
                tracing::warn!("the guard did not take in time that the partner knows");
            }
            to_guard.stopping();
        };
        let behind = vec![false; engines];
        tell(&behind);
        let on_end: OnEnd = Box::new(on_end);
        Ok((Self { tell: Box::new(tell), behind, on_end: Some(on_end), real: true }, line))
    }

    /// Whether there is a guard.
    #[must_use]
    pub const fn is_real(&self) -> bool {
        self.real
    }

    /// Notes that an engine's partner is behind, or not any more.
    pub fn tell(&mut self, engine: usize, behind: bool) {
        self.behind[engine] = behind;
        (self.tell)(&self.behind);
    }

    /// The node ends. When the partner has seen it leave, the guard is not to report a death: nobody
    /// died, and the partner would show it as failed. Else its proof is all that the partner may get.
    pub fn ended(mut self, partner_knows: bool) {
        if let Some(on_end) = self.on_end.take() {
            on_end(partner_knows);
        }
    }
}

/// What the guard was told, and how much of it it has taken.
#[derive(Default)]
struct Taken {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The flags of all engines, oldest first, by number.
    waiting: VecDeque<(u64, Vec<bool>)>,
    /// The number that the guard took last.
    taken: u64,
}

impl Taken {
    fn told(&self, behind: &[bool], tell: impl FnOnce() -> u64) {
        // Held while telling, so that the answer cannot come before the number is noted.
        let mut state = self.state.lock().expect(UNPOISONED);
        state.waiting.push_back((tell(), behind.to_vec()));
    }

    /// The guard took this number; the newest flags that it knows then.
    fn take(&self, number: u64) -> Option<Vec<bool>> {
        let mut state = self.state.lock().expect(UNPOISONED);
        state.taken = number;
        self.changed.notify_all();
        let mut newest = None;
        while state.waiting.front().is_some_and(|it| it.0 <= number) {
            newest = state.waiting.pop_front();
        }
        newest.map(|it| it.1)
    }

    fn wait_for(&self, number: u64, time_max: Duration) -> bool {
        let state = self.state.lock().expect(UNPOISONED);
        let missing = |it: &mut State| it.taken < number;
        let waited = self.changed.wait_timeout_while(state, time_max, missing);
        !waited.expect(UNPOISONED).1.timed_out()
    }
}

const UNPOISONED: &str = "no code panics while it holds this lock";
