//! A bounded number of connections. When all places are taken, the one that has been idle longest
//! makes room, so that idle connections cannot keep a health check out.
use crate::face::ProblemKind;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use tokio::sync::Notify;

/// Connections that were asked to go and have not gone yet.
const LEAVING_MAX: usize = 64;
/// A piece of a body on its way out.
const PIECE_BYTES_MAX: usize = 64 * 1024;

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    seats: Mutex<Seats>,
    /// Counts uses, to tell who has been idle longest.
    uses: AtomicU64,
    connections_max: usize,
    per_host_max: usize,
}

#[derive(Debug, Default)]
struct Seats {
    taken: BTreeMap<u64, Arc<Seat>>,
    per_host: BTreeMap<IpAddr, usize>,
    leaving: usize,
    last: u64,
}

#[derive(Debug, Default)]
struct Seat {
    /// Requests being answered.
    busy: AtomicUsize,
    /// The last use.
    used: AtomicU64,
    leave: Notify,
}

/// One connection's place, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    seat: Arc<Seat>,
    number: u64,
    host: IpAddr,
}

impl Places {
    pub(super) fn new(connections_max: usize, per_host_max: usize) -> Arc<Self> {
        let (seats, uses) = (Mutex::default(), AtomicU64::new(0));
        Arc::new(Self { seats, uses, connections_max, per_host_max })
    }

    /// A place for a connection from `host`.
    pub(super) fn take(self: &Arc<Self>, host: IpAddr) -> Result<Place, ProblemKind> {
        let mut seats = self.seats.lock().expect("nothing panics while it is held");
        let of_host = seats.per_host.get(&host).copied().unwrap_or(0);
        if !host.is_loopback() && of_host >= self.per_host_max {
            return Err(ProblemKind::TooManyRequests);
        }
        if seats.taken.len() >= self.connections_max && !seats.make_room() {
            return Err(ProblemKind::Overloaded);
        }
        seats.last += 1;
        let (seat, number) = (Arc::new(Seat::default()), seats.last);
        seat.used.store(self.next_use(), Ordering::Relaxed);
        seats.taken.insert(number, Arc::clone(&seat));
        *seats.per_host.entry(host).or_insert(0) += 1;
        Ok(Place { places: Arc::clone(self), seat, number, host })
    }

    fn next_use(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }
}

impl Seats {
    /// Asks the longest idle connection to go.
    fn make_room(&mut self) -> bool {
        if self.leaving >= LEAVING_MAX {
            return false;
        }
        let idle = self.taken.iter().filter(|it| it.1.busy.load(Ordering::Acquire) == 0);
        let longest = idle.min_by_key(|it| it.1.used.load(Ordering::Relaxed)).map(|it| *it.0);
        let Some(seat) = longest.and_then(|it| self.taken.remove(&it)) else { return false };
        seat.leave.notify_one();
        self.leaving += 1;
        true
    }
}

impl Place {
    /// Resolves when this connection must make room.
    pub(super) async fn must_leave(&self) {
        self.seat.leave.notified().await;
    }

    /// Marks the connection as working, until the value is dropped.
    pub(super) fn busy(&self) -> Busy {
        self.seat.busy.fetch_add(1, Ordering::AcqRel);
        Busy { seat: Arc::clone(&self.seat), places: Arc::clone(&self.places) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut seats = self.places.seats.lock().expect("nothing panics while it is held");
        if seats.taken.remove(&self.number).is_none() {
            seats.leaving -= 1;
        }
        if let Some(count) = seats.per_host.get_mut(&self.host) {
            *count -= 1;
            if *count == 0 {
                seats.per_host.remove(&self.host);
            }
        }
    }
}

/// A request is being answered.
#[derive(Debug)]
pub(super) struct Busy {
    seat: Arc<Seat>,
    places: Arc<Places>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.seat.used.store(self.places.next_use(), Ordering::Relaxed);
        self.seat.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A body that keeps its connection busy until it is sent. Given on in pieces: whoever has the last
/// one has nearly all of it.
pub(super) struct Sending {
    body: Body,
    rest: Bytes,
    _busy: Busy,
}

impl Sending {
    pub(super) const fn new(body: Body, busy: Busy) -> Self {
        Self { body, rest: Bytes::new(), _busy: busy }
    }
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(PIECE_BYTES_MAX);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, hint) = (self.rest.len() as u64, self.body.size_hint());
        let mut whole = SizeHint::new();
        whole.set_lower(hint.lower() + rest);
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper + rest);
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));

    #[tokio::test]
    async fn the_longest_idle_makes_room_and_the_busy_stay() {
        let places = Places::new(3, 9);
        let [first, second, third] = [(); 3].map(|()| places.take(HERE).unwrap());
        let busy = first.busy();
        drop(second.busy());
        let fourth = places.take(HERE).unwrap();
        third.must_leave().await;
        let fifth = places.take(HERE).unwrap();
        second.must_leave().await;
        let held = [fourth.busy(), fifth.busy()];
        assert_eq!(places.take(HERE).unwrap_err(), ProblemKind::Overloaded, "all are busy");
        drop((second, third, held));
        drop(busy);
        assert!(places.take(HERE).is_ok());
    }

    #[test]
    fn places_are_given_back_however_they_end() {
        let places = Places::new(2, 9);
        for _ in 0..1_000 {
            let held: Vec<_> = (0..20).map(|_| places.take(HERE).unwrap()).collect();
            drop(held);
        }
        let seats = places.seats.lock().unwrap();
        assert_eq!((seats.taken.len(), seats.leaving, seats.per_host.len()), (0, 0, 0));
    }

    #[test]
    fn no_more_are_asked_to_go_than_can_be_waited_for() {
        let places = Places::new(1, 9);
        let held: Vec<_> = (0..=LEAVING_MAX).map(|_| places.take(HERE).unwrap()).collect();
        assert_eq!(places.take(HERE).unwrap_err(), ProblemKind::Overloaded);
        drop(held);
        assert!(places.take(HERE).is_ok());
    }

    #[test]
    fn one_host_cannot_have_every_place() {
        let places = Places::new(9, 2);
        let held = [places.take(THERE).unwrap(), places.take(THERE).unwrap()];
        assert_eq!(places.take(THERE).unwrap_err(), ProblemKind::TooManyRequests);
        assert!(places.take(HERE).is_ok());
        drop(held);
        assert!(places.take(THERE).is_ok());
    }
}
