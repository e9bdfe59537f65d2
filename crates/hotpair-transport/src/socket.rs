//! One UDP port for two uses: QUIC packets go to quinn, others are handed out.
//!
//! Every QUIC packet has the bit 0x40 of its first byte set (RFC 9000, section 17), since greasing
//! that bit is switched off. A packet without it comes from a guard.

use crate::event::{Reporter, TransportEvent};
use crate::handle::SendError;
use crate::shared::Counted;
use bytes::Bytes;
use hotpair_types::Channel;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime as _, TokioRuntime, UdpPoller};
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// The longest packet beside QUIC, in bytes.
pub const PLAIN_BYTES_MAX: usize = 1200;

/// The bit that every QUIC packet has.
pub(crate) const QUIC_BIT: u8 = 0x40;

/// A socket that quinn sees only its own packets of.
#[derive(Debug)]
pub(crate) struct SharedSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    channel: Channel,
    reporter: Reporter,
    counted: Arc<Counted>,
}

impl SharedSocket {
    pub(crate) fn new(
        socket: std::net::UdpSocket,
        channel: Channel,
        reporter: Reporter,
        counted: Arc<Counted>,
    ) -> io::Result<Self> {
        let inner = TokioRuntime.wrap_udp_socket(socket)?;
        Ok(Self { inner, channel, reporter, counted })
    }

    pub(crate) fn send_plain(&self, to: SocketAddr, bytes: &[u8]) -> Result<(), SendError> {
        if bytes.len() > PLAIN_BYTES_MAX {
            return Err(SendError::TooLong { bytes: bytes.len(), limit_bytes: PLAIN_BYTES_MAX });
        }
        if bytes.first().is_none_or(|it| it & QUIC_BIT != 0) {
            return Err(SendError::System);
        }
        let transmit = Transmit {
            destination: to,
            ecn: None,
            contents: bytes,
            segment_size: None,
            src_ip: None,
        };
        self.inner.try_send(&transmit).map_err(|_| SendError::System)
    }

    fn hand_out(&self, from: SocketAddr, packet: &[u8]) {
        Counted::add(&self.counted.plain_received, 1);
        let taken = packet.len() <= PLAIN_BYTES_MAX
            && self.reporter.offer(TransportEvent::Plain {
                channel: self.channel,
                at: Instant::now(),
                from,
                bytes: Bytes::copy_from_slice(packet),
            });
        if !taken {
            Counted::add(&self.counted.plain_dropped, 1);
        }
    }

    /// Takes the packets that are not QUIC out of one buffer. Returns how many bytes stay.
    fn sift(&self, buffer: &mut [u8], meta: &RecvMeta) -> usize {
        sift(buffer, meta.len, meta.stride, |packet| self.hand_out(meta.addr, packet))
    }
}

/// The kernel joins packets of one sender: `stride` bytes each, the last may be shorter.
fn sift(buffer: &mut [u8], len: usize, stride: usize, mut hand_out: impl FnMut(&[u8])) -> usize {
    let stride = stride.max(1);
    let is_quic = |it: &[u8]| it.first().is_some_and(|it| it & QUIC_BIT != 0);
    if buffer[..len].chunks(stride).all(is_quic) {
        return len;
    }
    let mut kept = 0;
    for from in (0..len).step_by(stride) {
        let until = len.min(from + stride);
        if is_quic(&buffer[from..until]) {
            buffer.copy_within(from..until, kept);
            kept += until - from;
        } else {
            hand_out(&buffer[from..until]);
        }
    }
    kept
}

impl AsyncUdpSocket for SharedSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.inner.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.inner.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(self.inner.poll_recv(cx, bufs, meta))?;
        for (buffer, meta) in bufs.iter_mut().zip(meta.iter_mut()).take(count) {
            // An empty buffer is passed over by quinn.
            meta.len = self.sift(buffer, meta);
        }
        Poll::Ready(Ok(count))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }

    fn max_transmit_segments(&self) -> usize {
        self.inner.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.inner.max_receive_segments()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_quic_packets_stay_in_a_joined_buffer() {
        let check = |content: &[u8], stride: usize, stay: &[u8], out: &[&[u8]]| {
            let mut buffer = content.to_vec();
            let mut found = Vec::new();
            let kept = sift(&mut buffer, content.len(), stride, |it| found.push(it.to_vec()));
            assert_eq!(
                (&buffer[..kept], found),
                (stay, out.iter().map(|it| it.to_vec()).collect())
            );
        };
        check(b"@a@b@c", 2, b"@a@b@c", &[]);
        check(b"@a\x01b@c", 2, b"@a@c", &[b"\x01b"]);
        check(b"\x01a\x02b\x03", 2, b"", &[b"\x01a", b"\x02b", b"\x03"]);
        check(b"@a@b\x01", 2, b"@a@b", &[b"\x01"]);
        check(b"", 0, b"", &[]);
        check(b"\x01\x02", 0, b"", &[b"\x01", b"\x02"]);
    }
}
