//! What will happen, in the order of time; what is due at the same moment, in the order in which it
//! was planned.
use hotpair_types::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Things that are due. They are large, so the heap holds their places and not themselves.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    heap: BinaryHeap<Reverse<Due>>,
    things: Vec<Option<T>>,
    free: Vec<u32>,
    planned: u32,
}

/// When, the how manieth it was that was planned, and its place; as one number, to be compared fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due(u128);

impl Due {
    const fn new(at: Time, planned: u32, place: u32) -> Self {
        Self((at.0 as u128) << 64 | (planned as u128) << 32 | place as u128)
    }

    const fn at(self) -> Time {
        Time((self.0 >> 64) as u64)
    }

    #[expect(clippy::cast_possible_truncation, reason = "these bits are the place")]
    const fn place(self) -> u32 {
        self.0 as u32
    }
}

impl<T> Agenda<T> {
    pub(crate) const fn new() -> Self {
        Self { heap: BinaryHeap::new(), things: Vec::new(), free: Vec::new(), planned: 0 }
    }

    pub(crate) fn plan(&mut self, at: Time, thing: T) {
        self.planned += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            self.things.push(None);
            u32::try_from(self.things.len() - 1).expect("fewer than four thousand million things")
        });
        self.things[place as usize] = Some(thing);
        self.heap.push(Reverse(Due::new(at, self.planned, place)));
    }

    pub(crate) fn next_at(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(it)| it.at())
    }

    /// What is due by now, the earliest first.
    pub(crate) fn due(&mut self, now: Time) -> Option<T> {
        self.next_at().filter(|at| *at <= now)?;
        let place = self.heap.pop()?.0.place();
        self.free.push(place);
        self.things[place as usize].take()
    }
}

/// The earlier of two moments, if there are any.
pub(crate) fn sooner(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
