//! What the modes promise when a host or every link is lost, found by looking: the table "choose two of
//! three" of docs/design/states.md.
use crate::step::{Fault, Step};
use crate::walk::{Bounds, level_pair, walk};
use crate::world::{OTHER, World};
use hotpair_types::{Mode, StateId};

/// Longer than every deadline.
const WAIT_TICKS: usize = 40;

/// One row: what one mode does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub mode: Mode,
    /// T1: the standby takes over by itself when the active host is lost with its guard.
    pub on_silence: bool,
    /// The same when only the process is lost, and its guard says so.
    pub on_proof: bool,
    /// T2: the active keeps running when the standby host is lost.
    pub keeps_running: bool,
    /// T3: never two actives when every link between them is cut, in any world that is reached.
    pub never_two: bool,
    /// Level pairs from which T1 and T2 were tried.
    pub pairs: usize,
    /// Worlds that were looked at for T3.
    pub worlds: usize,
}

impl Row {
    /// Looks.
    ///
    /// # Panics
    /// If a promise of the mode is broken on the way.
    #[must_use]
    pub fn find(mode: Mode) -> Self {
        let start = level_pair(mode);
        let mut row = Self {
            mode,
            on_silence: true,
            on_proof: true,
            keeps_running: true,
            never_two: true,
            pairs: 0,
            worlds: 0,
        };
        let still = Bounds::calm(mode);
        let seen = walk(&start, &still, |world| row.look(world));
        assert_eq!(seen.broken, None);
        // Once is enough to find two.
        let faults_max = if mode == Mode::Availability { 1 } else { 2 };
        let cuts = Bounds {
            faults: vec![Fault::Cut],
            faults_max,
            worlds_max: 200_000,
            rest_every: 0,
            ..still
        };
        let seen = walk(&start, &cuts, |_| {});
        assert_eq!((seen.broken, seen.given_up), (None, false));
        row.never_two = !seen.two_open;
        row.worlds = seen.worlds;
        row
    }

    /// Loses each host of a level pair.
    fn look(&mut self, world: &World) {
        if !world.is_level_pair() {
            return;
        }
        self.pairs += 1;
        let active = (0..2).find(|it| world.state(*it) == StateId::Active).expect("one acts");
        let standby = OTHER[active];
        self.on_silence &= acts_after(world, Step::Fault(active, Fault::HostLost), standby).0;
        self.on_proof &= acts_after(world, Step::Fault(active, Fault::Kill), standby).0;
        self.keeps_running &= acts_after(world, Step::Fault(standby, Fault::HostLost), active).1;
    }

    /// As it stands in the page.
    #[must_use]
    pub fn tell(&self) -> String {
        let yes = |it: bool| if it { "yes" } else { "no" };
        let takes_over = match (self.on_silence, self.on_proof) {
            (true, true) => "yes",
            (false, true) => "on proof",
            (_, false) => "no",
        };
        format!(
            "| `{}` | {takes_over} | {} | {} |",
            self.mode,
            yes(self.keeps_running),
            yes(self.never_two)
        )
    }
}

/// Whether this host acts in the end, and whether it did all the while.
fn acts_after(world: &World, step: Step, host: usize) -> (bool, bool) {
    let mut world = world.clone();
    world.take(step);
    let mut always = true;
    for _ in 0..WAIT_TICKS {
        world.pass_tick(false);
        always &= world.is_open(host);
    }
    (world.is_open(host), always && world.is_open(host))
}
