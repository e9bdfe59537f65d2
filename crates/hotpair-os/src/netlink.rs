//! A netlink socket: requests to the kernel's network stack, each answered before the call returns.
use crate::checked;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The longest answer that is taken in one piece; the kernel sends dumps in pieces of at most this.
const ANSWER_BYTES_MAX: usize = 32 * 1024;
/// The kernel answers while the request is handed over; longer than this it never takes.
const ANSWER_TIME_MAX: libc::timeval = libc::timeval { tv_sec: 1, tv_usec: 0 };

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subsystem {
    /// Interfaces and addresses (`NETLINK_ROUTE`).
    Route,
    /// The packet filter (`NETLINK_NETFILTER`).
    Netfilter,
}

/// One socket.
#[derive(Debug)]
pub struct Netlink {
    fd: OwnedFd,
}

impl Netlink {
    /// Opens it in the network namespace of this process.
    ///
    /// # Errors
    /// The kernel's.
    pub fn open(subsystem: Subsystem) -> io::Result<Self> {
        let protocol = match subsystem {
            Subsystem::Route => libc::NETLINK_ROUTE,
            Subsystem::Netfilter => libc::NETLINK_NETFILTER,
        };
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: plain numbers.
        let fd = checked(unsafe { libc::socket(libc::AF_NETLINK, kind, protocol) })?;
        // SAFETY: the kernel just gave us this descriptor, nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let size = size_of::<libc::timeval>() as libc::socklen_t;
        let limit = ANSWER_TIME_MAX;
        let limit = (&raw const limit).cast();
        let raw = fd.as_raw_fd();
        // SAFETY: `limit` points to a timeval of that size.
        checked(unsafe {
            libc::setsockopt(raw, libc::SOL_SOCKET, libc::SO_RCVTIMEO, limit, size)
        })?;
        // SAFETY: all zeros is a valid address: the kernel, and for ourselves "any number".
        let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        let size = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
        // SAFETY: `address` is a valid netlink address of that size.
        checked(unsafe { libc::bind(raw, (&raw const address).cast(), size) })?;
        Ok(Self { fd })
    }

    /// Hands over whole messages.
    ///
    /// # Errors
    /// The kernel's.
    pub fn send(&self, messages: &[u8]) -> io::Result<()> {
        let (fd, bytes) = (self.fd.as_raw_fd(), messages.as_ptr().cast());
        // SAFETY: the slice is valid for its length.
        let sent = unsafe { libc::send(fd, bytes, messages.len(), 0) };
        if sent == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// One piece of an answer: whole messages.
    ///
    /// # Errors
    /// The kernel's; `WouldBlock` when there is none.
    pub fn receive(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; ANSWER_BYTES_MAX];
        let (fd, place) = (self.fd.as_raw_fd(), bytes.as_mut_ptr().cast());
        // SAFETY: the vector is valid for its length.
        let length = unsafe { libc::recv(fd, place, bytes.len(), 0) };
        let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
        bytes.truncate(length);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered() {
        let netlink = Netlink::open(Subsystem::Route).unwrap();
        // RTM_GETLINK, request and dump, of any family.
        let mut request = [0; 32];
        request[0] = 32;
        request[4..6].copy_from_slice(&18_u16.to_ne_bytes());
        request[6..8].copy_from_slice(&0x301_u16.to_ne_bytes());
        netlink.send(&request).unwrap();
        let answer = netlink.receive().unwrap();
        // RTM_NEWLINK: at least loopback.
        assert_eq!(answer[4..6], 16_u16.to_ne_bytes());
    }
}
