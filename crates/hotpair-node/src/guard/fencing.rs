//! Tells the partner that an instance is dead, on both channels, until it answers.
use super::Notice;
use hotpair_types::Time;
use std::collections::VecDeque;
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// How many dead instances are told of at a time. The partner needs to hear of the one it followed,
/// which may not be the last.
pub(super) const FENCINGS_MAX: usize = 4;
/// How many descriptors they have in all.
pub(super) const SOCKETS_MAX: usize = 2 * FENCINGS_MAX;

const EAGER: (u32, Duration) = (20, Duration::from_millis(5));
const STEADY: (u32, Duration) = (20, Duration::from_millis(50));
const PATIENT: (u32, Duration) = (60, Duration::from_secs(1));

/// When a notice is sent again: 5 ms x 20, 50 ms x 20, 1 s x 60, then never.
fn pause_after(sent: u32) -> Option<Duration> {
    let mut bound = 0;
    for (count, pause) in [EAGER, STEADY, PATIENT] {
        bound += count;
        if sent <= bound {
            return Some(pause);
        }
    }
    None
}

#[derive(Debug)]
struct Fencing {
    notice: Notice,
    sockets: [Option<UdpSocket>; 2],
    sent: u32,
    next: Time,
}

/// All notices that are being sent.
#[derive(Debug, Default)]
pub(super) struct Fencings {
    running: VecDeque<Fencing>,
}

impl Fencings {
    /// Sends a notice at once, and keeps sending it.
    pub(super) fn begin(&mut self, notice: Notice, now: Time) {
        let sockets = notice.routes.map(|route| {
            let open = || {
                let socket = UdpSocket::bind((route.local, 0))?;
                socket.set_nonblocking(true)?;
                // Only the partner's own answer comes in.
                socket.connect(route.partner)?;
                Ok::<_, std::io::Error>(socket)
            };
            open().inspect_err(|error| tracing::warn!(%error, ?route, "no way to the partner")).ok()
        });
        if self.running.len() == FENCINGS_MAX {
            self.running.pop_front();
        }
        self.running.push_back(Fencing { notice, sockets, sent: 0, next: now });
        self.send_due(now);
    }

    /// Sends what is due.
    pub(super) fn send_due(&mut self, now: Time) {
        for fencing in &mut self.running {
            if fencing.next > now {
                continue;
            }
            for socket in fencing.sockets.iter().flatten() {
                // Lost, refused or no route: the next one may arrive.
                let _ = socket.send(&fencing.notice.datagram);
            }
            fencing.sent += 1;
            fencing.next = now + pause_after(fencing.sent).unwrap_or_default();
        }
        self.running.retain(|it| pause_after(it.sent).is_some());
    }

    /// Reads answers.
    pub(super) fn read_answers(&mut self) {
        self.running.retain(|fencing| {
            let answered = fencing.sockets.iter().flatten().any(|it| answered(it, &fencing.notice));
            if answered {
                tracing::info!(sent = fencing.sent, "the partner knows that the node is dead");
            }
            !answered
        });
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.running.iter().map(|it| it.next).min()
    }

    /// Whether all were answered, or given up.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// To wait on.
    pub(super) fn descriptors(&self) -> [Option<BorrowedFd<'_>>; SOCKETS_MAX] {
        let mut open = self.running.iter().flat_map(|it| &it.sockets).flatten();
        std::array::from_fn(|_| open.next().map(AsFd::as_fd))
    }
}

/// Reads all there is on a socket. A refusal of the port is an error here and no answer.
fn answered(socket: &UdpSocket, notice: &Notice) -> bool {
    let mut bytes = [0; 128];
    let mut answered = false;
    for _ in 0..64 {
        match socket.recv(&mut bytes) {
            Ok(length) => answered |= bytes[..length] == notice.answer[..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
            Err(_) => {}
        }
    }
    answered
}

#[cfg(test)]
mod tests {
    use super::super::Route;
    use super::*;

    struct Partner([UdpSocket; 2]);

    impl Partner {
        fn new() -> Self {
            let socket = |()| {
                let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                socket.set_nonblocking(true).unwrap();
                socket
            };
            Self([(), ()].map(socket))
        }

        fn notice(&self, datagram: &[u8]) -> Notice {
            let route = |it: &UdpSocket| Route {
                local: [127, 0, 0, 1].into(),
                partner: it.local_addr().unwrap(),
            };
            let routes = [route(&self.0[0]), route(&self.0[1])];
            Notice {
                routes,
                datagram: datagram.to_vec(),
                answer: b"heard".to_vec(),
                addresses: Vec::new(),
            }
        }

        /// How many came on each channel, and the last sender.
        fn heard(&self, datagram: &[u8]) -> [usize; 2] {
            [0, 1].map(|channel| {
                let mut count = 0;
                let mut bytes = [0; 64];
                while let Ok((length, _)) = self.0[channel].recv_from(&mut bytes) {
                    count += usize::from(&bytes[..length] == datagram);
                }
                count
            })
        }

        fn answer(&self, channel: usize, answer: &[u8]) {
            let mut bytes = [0; 64];
            let (_, from) = self.0[channel].recv_from(&mut bytes).unwrap();
            self.0[channel].send_to(answer, from).unwrap();
        }
    }

    #[test]
    fn sends_on_both_channels_eagerly_at_first_and_gives_up_in_the_end() {
        let partner = Partner::new();
        let mut fencings = Fencings::default();
        fencings.begin(partner.notice(b"dead"), Time::ZERO);
        assert_eq!(partner.heard(b"dead"), [1, 1], "at once");
        let mut sent = 1;
        let mut times = Vec::new();
        while let Some(due) = fencings.next_due() {
            fencings.send_due(due - Duration::from_micros(1));
            assert_eq!(partner.heard(b"dead"), [0, 0], "not before it is due");
            fencings.send_due(due);
            assert_eq!(partner.heard(b"dead"), [1, 1]);
            sent += 1;
            times.push(due.since(Time::ZERO).as_millis());
        }
        assert_eq!((sent, times[0], times[19], times[39]), (101, 5, 100, 1_100));
        assert!(fencings.is_empty());
    }

    #[test]
    fn the_answer_on_one_channel_is_enough_and_a_wrong_one_is_none() {
        let partner = Partner::new();
        let mut fencings = Fencings::default();
        fencings.begin(partner.notice(b"dead"), Time::ZERO);
        partner.answer(0, b"what?");
        fencings.read_answers();
        assert!(!fencings.is_empty());
        fencings.send_due(Time::from_millis(5));
        partner.answer(1, b"heard");
        while !fencings.is_empty() {
            hotpair_os::readiness::wait(fencings.descriptors(), None).unwrap();
            fencings.read_answers();
        }
    }

    #[test]
    fn the_partner_hears_of_earlier_instances_too_up_to_a_limit() {
        let partner = Partner::new();
        let mut fencings = Fencings::default();
        for instance in 0..=FENCINGS_MAX as u8 {
            fencings.begin(partner.notice(&[instance]), Time::ZERO);
        }
        assert_eq!(partner.heard(&[0]), [1, 1]);
        fencings.send_due(Time::from_millis(5));
        let mut heard = [0; FENCINGS_MAX + 1];
        let mut bytes = [0; 64];
        while let Ok(1) = partner.0[0].recv(&mut bytes) {
            heard[usize::from(bytes[0])] += 1;
        }
        assert_eq!(heard, [0, 1, 1, 1, 1]);
    }
}
