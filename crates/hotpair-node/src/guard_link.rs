//! The driver's end of the line to the guard.
use tokio::sync::mpsc;

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
}

type Tell = Box<dyn Fn(&[bool]) + Send>;
type OnEnd = Box<dyn FnOnce() + Send>;

impl GuardLink {
    /// A link that calls `tell` with the flags of all engines, and `on_end` at the end.
    pub fn new(
        engines: usize,
        tell: impl Fn(&[bool]) + Send + 'static,
        on_end: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self { tell: Box::new(tell), behind: vec![false; engines], on_end: Some(Box::new(on_end)) }
    }

    /// A node without a guard: every notice counts as taken. For embedding and tests.
    #[must_use]
    pub fn none(engines: usize) -> (Self, mpsc::UnboundedReceiver<GuardSays>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let tell = move |behind: &[bool]| {
            sender.send(GuardSays::Told { behind: behind.to_vec() }).ok();
        };
        (Self::new(engines, tell, || {}), receiver)
    }

    /// Notes that an engine's partner is behind, or not any more.
    pub(crate) fn tell(&mut self, engine: usize, behind: bool) {
        self.behind[engine] = behind;
        (self.tell)(&self.behind);
    }

    pub(crate) fn ended(mut self) {
        if let Some(on_end) = self.on_end.take() {
            on_end();
        }
    }
}
