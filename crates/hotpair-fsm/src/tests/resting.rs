//! What happens by itself in the small world until nothing is left to happen.
use super::steps::{Step, TODOS};
use super::third::With;
use super::world::World;

impl World {
    /// What happens by itself when nothing fails.
    pub(super) fn benign(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for host in 0..2 {
            steps.extend([Step::Hears(host), Step::Acknowledged(host), Step::Stored(host)]);
            steps.extend((0..TODOS.len() as u8).map(|it| Step::Done(host, it)));
            steps.extend([With::Call, With::Note, With::GiveBack].map(|it| Step::With(host, it)));
            steps.extend([Step::Summary(host), Step::Deliver(host), Step::CatchUp(host)]);
        }
        steps.retain(|it| self.can(*it));
        steps
    }

    /// Lets everything happen that happens by itself.
    pub(super) fn run(&mut self) {
        for _ in 0..500 {
            let Some(step) = self.benign().into_iter().next() else { return };
            self.take(step);
        }
        let ways: Vec<_> = self.changes.iter().rev().take(12).collect();
        let ways: Vec<_> =
            ways.iter().rev().map(|(host, it)| (host, it.to.number(), it.rule)).collect();
        panic!("no rest: {:?} {:?}, {ways:#?}", self.state(0), self.state(1));
    }
}
