//! Addresses on loopback that no other test process uses.
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};

/// An address in 127/8 that belongs to this process, another one with each call (254 of them).
/// Ports that were free on it stay free, because nobody else binds there.
#[must_use]
pub fn own_loopback() -> IpAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let last = NEXT.fetch_add(1, Ordering::Relaxed) % 254 + 1;
    let [_, _, high, low] = std::process::id().to_be_bytes();
    // Above 127.64: clear of 127.0.0.1 and of the resolvers that sit at 127.0.0.53.
    IpAddr::V4(Ipv4Addr::new(127, 64 + high % 64, low, last))
}

/// A port that is free for UDP and TCP at once.
///
/// # Errors
/// Whatever the system says, or when no port is free for both.
pub fn free_address(ip: IpAddr) -> io::Result<SocketAddr> {
    bound(ip)?.1.local_addr()
}

/// A port for UDP and TCP, held from here on. A port that is let go to be bound again may be taken, if
/// only by a child that another thread is starting and that holds every file until it has begun.
///
/// # Errors
/// Whatever the system says, or when no port is free for both.
pub(crate) fn bound(ip: IpAddr) -> io::Result<(UdpSocket, TcpListener)> {
    for _ in 0..100 {
        let tcp = TcpListener::bind((ip, 0))?;
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr()?) {
            udp.set_nonblocking(true)?;
            tcp.set_nonblocking(true)?;
            return Ok((udp, tcp));
        }
    }
    Err(io::Error::other("no port is free for both UDP and TCP"))
}
