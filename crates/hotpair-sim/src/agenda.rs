//! What will happen, in the order of time; what is due at the same moment, in the order in which it
//! was planned.
use hotpair_types::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Things that are due. They are large, so the heap holds their places and not themselves.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    heap: BinaryHeap<Reverse<(Time, u64, usize)>>,
    things: Vec<Option<T>>,
    free: Vec<usize>,
    planned: u64,
}

impl<T> Agenda<T> {
    pub(crate) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), things: Vec::new(), free: Vec::new(), planned: 0 }
    }

    pub(crate) fn plan(&mut self, at: Time, thing: T) {
        self.planned += 1;
        let place = match self.free.pop() {
            Some(place) => {
                self.things[place] = Some(thing);
                place
            }
            None => {
                self.things.push(Some(thing));
                self.things.len() - 1
            }
        };
        self.heap.push(Reverse((at, self.planned, place)));
    }

    pub(crate) fn next_at(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// What is due by now, the earliest first.
    pub(crate) fn due(&mut self, now: Time) -> Option<T> {
        self.next_at().filter(|at| *at <= now)?;
        let Reverse((_, _, place)) = self.heap.pop()?;
        self.free.push(place);
        self.things[place].take()
    }
}
