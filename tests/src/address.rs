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
    for _ in 0..100 {
        let tcp = TcpListener::bind((ip, 0))?;
        let address = tcp.local_addr()?;
        if UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(io::Error::other("no port is free for both UDP and TCP"))
}
