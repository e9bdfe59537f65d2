//! One link between the two nodes, in user space: what passes, what is lost, late, doubled or out of order.
//!
//! Each node's `partner` address is the relay's, on the relay's near side. A datagram of A's channel
//! socket leaves towards B from the address that B knows as its partner; any other sender (a guard)
//! gets an outgoing socket of its own, so that answers find back to it. TCP is in `relay_tcp.rs`.
//! What is late waits in one queue per direction: a line that is long does not change the order.
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::address::bound;
use crate::{Dice, Side, own_loopback, relay_tcp};

/// How many strangers one side of a relay carries for.
const SENDERS_MAX: usize = 64;
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// How many datagrams of one direction may be late at a time; more are lost.
const LATE_MAX: usize = 16_384;

/// What happens to what is sent in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Impairment {
    /// Nothing passes. TCP stands still, as with a pulled cable; it is not closed.
    pub cut: bool,
    /// Of a thousand datagrams, so many are lost.
    pub loss_permille: u16,
    /// … come twice.
    pub duplicate_permille: u16,
    /// … come late by up to `reorder_by`, behind others.
    pub reorder_permille: u16,
    /// How late those come at most.
    pub reorder_by: Duration,
    /// Added to every datagram and every piece of a stream.
    pub delay: Duration,
    /// Streams are reset, and new ones refused; datagrams pass.
    pub refuse_streams: bool,
}

/// One link with both directions, for datagrams and streams on the same port numbers.
#[derive(Debug)]
pub struct Relay {
    near: [SocketAddr; 2],
    impairments: [watch::Sender<Impairment>; 2],
    lost: [Arc<AtomicU64>; 2],
    _tasks: JoinSet<()>,
}

/// What one direction's tasks share.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    pub(crate) impairment: watch::Receiver<Impairment>,
    dice: Arc<Mutex<Dice>>,
    lost: Arc<AtomicU64>,
    late: mpsc::Sender<Late>,
}

/// A datagram that arrives later.
#[derive(Debug)]
struct Late {
    due: Instant,
    datagram: Vec<u8>,
    out: Arc<UdpSocket>,
    to: SocketAddr,
}

impl Relay {
    /// Carries between the channel sockets of the two nodes, `listen[0]` of A and `listen[1]` of B.
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub async fn between(listen: [SocketAddr; 2], seed: u64) -> io::Result<Self> {
        let mut near = Vec::new();
        let mut sockets = Vec::new();
        let mut listeners = Vec::new();
        for _ in Side::BOTH {
            let (udp, tcp) = bound(own_loopback())?;
            near.push(tcp.local_addr()?);
            sockets.push(Arc::new(UdpSocket::from_std(udp)?));
            listeners.push(TcpListener::from_std(tcp)?);
        }
        let near = [near[0], near[1]];
        let impairments = [(), ()].map(|()| watch::Sender::new(Impairment::default()));
        let lost: [Arc<AtomicU64>; 2] = Default::default();
        let mut tasks = JoinSet::new();
        let lanes = Side::BOTH.map(|from| {
            let impairment = impairments[from.index()].subscribe();
            let (late, queue) = mpsc::channel(LATE_MAX);
            tasks.spawn(deliver(queue, impairment.clone()));
            Lane {
                impairment,
                dice: Arc::new(Mutex::new(Dice::new(seed ^ from.index() as u64))),
                lost: lost[from.index()].clone(),
                late,
            }
        });
        for (from, listener) in Side::BOTH.into_iter().zip(listeners) {
            let to = from.other();
            let carrier = Carrier {
                lane: lanes[from.index()].clone(),
                back: lanes[to.index()].clone(),
                near: sockets[from.index()].clone(),
                far: sockets[to.index()].clone(),
                owner: listen[from.index()],
                target: listen[to.index()],
            };
            tasks.spawn(carrier.run());
            let lane = lanes[from.index()].clone();
            let back = lanes[to.index()].clone();
            let ends =
                relay_tcp::Ends { source: near[to.index()].ip(), target: listen[to.index()] };
            tasks.spawn(relay_tcp::run(listener, ends, lane, back));
        }
        Ok(Self { near, impairments, lost, _tasks: tasks })
    }

    /// Where `side` must send to reach its partner.
    #[must_use]
    pub fn near(&self, side: Side) -> SocketAddr {
        self.near[side.index()]
    }

    /// Changes what happens to everything that `from` sends from now on.
    pub fn impair(&self, from: Side, impairment: Impairment) {
        self.impairments[from.index()].send_replace(impairment);
    }

    /// Changes one direction by a function of what it is now.
    pub fn change(&self, from: Side, change: impl FnOnce(&mut Impairment)) {
        self.impairments[from.index()].send_modify(change);
    }

    /// How many datagrams of this direction were lost so far, by cut or by chance.
    #[must_use]
    pub fn lost(&self, from: Side) -> u64 {
        self.lost[from.index()].load(Ordering::Relaxed)
    }
}

struct Carrier {
    lane: Lane,
    back: Lane,
    /// Where `owner` sends to.
    near: Arc<UdpSocket>,
    /// Whose address the target knows as its partner's.
    far: Arc<UdpSocket>,
    owner: SocketAddr,
    target: SocketAddr,
}

impl Carrier {
    async fn run(self) {
        let mut strangers = BTreeMap::<SocketAddr, Arc<UdpSocket>>::new();
        let mut returns = JoinSet::new();
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        loop {
            // An ICMP answer of an earlier datagram shows as an error here; it is no end.
            let Ok((length, from)) = self.near.recv_from(&mut buffer).await else { continue };
            let out = if from == self.owner {
                self.far.clone()
            } else if let Some(known) = strangers.get(&from) {
                known.clone()
            } else {
                let bound = UdpSocket::bind((self.far.local_addr().expect("bound").ip(), 0)).await;
                let (Ok(socket), true) = (bound, strangers.len() < SENDERS_MAX) else { continue };
                let socket = Arc::new(socket);
                strangers.insert(from, socket.clone());
                returns.spawn(answer(socket.clone(), self.near.clone(), from, self.back.clone()));
                socket
            };
            self.lane.carry(&buffer[..length], out, self.target).await;
        }
    }
}

/// Carries what comes back to a stranger.
async fn answer(socket: Arc<UdpSocket>, near: Arc<UdpSocket>, to: SocketAddr, lane: Lane) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let Ok((length, _)) = socket.recv_from(&mut buffer).await else { continue };
        lane.carry(&buffer[..length], near.clone(), to).await;
    }
}

impl Lane {
    async fn carry(&self, datagram: &[u8], out: Arc<UdpSocket>, to: SocketAddr) {
        for delay in self.fate() {
            if delay.is_zero() {
                // What cannot be sent is lost, as in a network.
                let _lost = out.send_to(datagram, to).await;
                continue;
            }
            let (datagram, out) = (datagram.to_vec(), out.clone());
            let late = Late { due: Instant::now() + delay, datagram, out, to };
            if self.late.try_send(late).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How late each copy of a datagram arrives; none: it is lost.
    fn fate(&self) -> Vec<Duration> {
        let now = *self.impairment.borrow();
        let mut dice = self.dice.lock().expect("no carrier panics while it holds the dice");
        if now.cut || dice.happens(now.loss_permille) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return Vec::new();
        }
        let copies = 1 + usize::from(dice.happens(now.duplicate_permille));
        let mut delay = || {
            if !dice.happens(now.reorder_permille) {
                return now.delay;
            }
            let micros = u64::try_from(now.reorder_by.as_micros()).unwrap_or(u64::MAX);
            now.delay + Duration::from_micros(dice.below(micros))
        };
        (0..copies).map(|_| delay()).collect()
    }
}

/// Sends what is late when it is due; of two that are due together the earlier one first.
async fn deliver(mut queue: mpsc::Receiver<Late>, impairment: watch::Receiver<Impairment>) {
    let mut waiting = BinaryHeap::<Reverse<(Instant, u64)>>::new();
    let mut held = BTreeMap::<u64, Late>::new();
    let mut count = 0;
    loop {
        let first = waiting.peek().map(|Reverse((due, _))| *due);
        let due = async {
            match first {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = due => {}
            late = queue.recv(), if held.len() < LATE_MAX => {
                let Some(late) = late else { return };
                waiting.push(Reverse((late.due, count)));
                held.insert(count, late);
                count += 1;
                continue;
            }
        }
        while let Some(Reverse((due, number))) = waiting.peek().copied() {
            if due > Instant::now() {
                break;
            }
            waiting.pop();
            let Some(late) = held.remove(&number) else { continue };
            if !impairment.borrow().cut {
                let _lost = late.out.send_to(&late.datagram, late.to).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_secs(10);

    struct Ends {
        relay: Relay,
        sockets: [UdpSocket; 2],
    }

    async fn ends() -> Ends {
        let sockets = [
            UdpSocket::bind((own_loopback(), 0)).await.unwrap(),
            UdpSocket::bind((own_loopback(), 0)).await.unwrap(),
        ];
        let listen = [sockets[0].local_addr().unwrap(), sockets[1].local_addr().unwrap()];
        Ends { relay: Relay::between(listen, 7).await.unwrap(), sockets }
    }

    impl Ends {
        async fn send(&self, from: Side, text: &str) {
            let to = self.relay.near(from);
            self.sockets[from.index()].send_to(text.as_bytes(), to).await.unwrap();
        }

        async fn until_lost(&self, from: Side, count: u64) {
            let lost =
                async || if self.relay.lost(from) == count { Ok(()) } else { Err("not yet") };
            crate::eventually("it is lost", SOON, lost).await.unwrap();
        }

        async fn receive(&self, at: Side) -> (String, SocketAddr) {
            let mut buffer = [0; 100];
            let received = timeout(SOON, self.sockets[at.index()].recv_from(&mut buffer));
            let (length, from) = received.await.expect("it arrives").unwrap();
            (String::from_utf8_lossy(&buffer[..length]).into_owned(), from)
        }
    }

    #[tokio::test]
    async fn a_datagram_comes_from_where_the_partner_is_expected() {
        let ends = ends().await;
        ends.send(Side::A, "one").await;
        assert_eq!(ends.receive(Side::B).await, ("one".into(), ends.relay.near(Side::B)));
        ends.send(Side::B, "two").await;
        assert_eq!(ends.receive(Side::A).await, ("two".into(), ends.relay.near(Side::A)));
    }

    #[tokio::test]
    async fn a_cut_is_of_one_direction_and_heals() {
        let ends = ends().await;
        ends.relay.change(Side::A, |it| it.cut = true);
        ends.send(Side::A, "lost").await;
        ends.until_lost(Side::A, 1).await;
        ends.send(Side::B, "passes").await;
        assert_eq!(ends.receive(Side::A).await.0, "passes");
        ends.relay.impair(Side::A, Impairment::default());
        ends.send(Side::A, "healed").await;
        assert_eq!(ends.receive(Side::B).await.0, "healed");
    }

    #[tokio::test]
    async fn what_is_doubled_comes_twice_and_what_is_lost_never() {
        let ends = ends().await;
        ends.relay.change(Side::A, |it| it.duplicate_permille = 1000);
        ends.send(Side::A, "twice").await;
        assert_eq!(ends.receive(Side::B).await.0, "twice");
        assert_eq!(ends.receive(Side::B).await.0, "twice");
        ends.relay.impair(Side::A, Impairment { loss_permille: 1000, ..Impairment::default() });
        ends.send(Side::A, "lost").await;
        ends.until_lost(Side::A, 1).await;
        ends.relay.impair(Side::A, Impairment::default());
        ends.send(Side::A, "next").await;
        assert_eq!(ends.receive(Side::B).await.0, "next");
    }

    #[tokio::test]
    async fn a_long_line_keeps_the_order() {
        let ends = ends().await;
        ends.relay.change(Side::A, |it| it.delay = Duration::from_millis(5));
        for number in 0..500 {
            ends.send(Side::A, &number.to_string()).await;
        }
        for number in 0..500 {
            assert_eq!(ends.receive(Side::B).await.0, number.to_string());
        }
    }

    #[tokio::test]
    async fn an_answer_to_a_stranger_finds_back() {
        let ends = ends().await;
        let guard = UdpSocket::bind((own_loopback(), 0)).await.unwrap();
        guard.send_to(b"fenced", ends.relay.near(Side::A)).await.unwrap();
        let (text, from) = ends.receive(Side::B).await;
        assert_eq!(text, "fenced");
        ends.sockets[1].send_to(b"seen", from).await.unwrap();
        let mut buffer = [0; 100];
        let (length, from) = timeout(SOON, guard.recv_from(&mut buffer)).await.unwrap().unwrap();
        assert_eq!((&buffer[..length], from), (&b"seen"[..], ends.relay.near(Side::A)));
    }
}
