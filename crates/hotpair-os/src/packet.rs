//! A packet socket: whole Ethernet frames on one interface. Needs `CAP_NET_RAW`.
use crate::checked;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// What of the interface is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// ARP.
    Arp,
    /// IPv6.
    Ipv6,
}

/// One socket on one interface.
#[derive(Debug)]
pub struct PacketSocket {
    fd: OwnedFd,
}

impl PacketSocket {
    /// Opens it on the interface of this number; it never blocks.
    ///
    /// # Errors
    /// The kernel's; `PermissionDenied` without `CAP_NET_RAW`.
    pub fn open(interface: u32, heard: Heard) -> io::Result<Self> {
        let ether = match heard {
            Heard::Arp => libc::ETH_P_ARP,
            Heard::Ipv6 => libc::ETH_P_IPV6,
        };
        let ether = u16::try_from(ether).expect("an Ethernet type has 16 bits").to_be();
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: plain numbers. Of protocol 0: nothing is heard before it is bound.
        let fd = checked(unsafe { libc::socket(libc::AF_PACKET, kind, 0) })?;
        // SAFETY: the kernel just gave us this descriptor, nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: all zeros is a valid address.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as libc::sa_family_t;
        address.sll_protocol = ether;
        address.sll_ifindex = interface.cast_signed();
        let size = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: `address` is a valid packet address of that size.
        checked(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), size) })?;
        Ok(Self { fd })
    }

    /// Sends one frame, with its Ethernet header, on the interface.
    ///
    /// # Errors
    /// The kernel's, for example `ENETDOWN`.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        let (fd, bytes) = (self.fd.as_raw_fd(), frame.as_ptr().cast());
        // SAFETY: the slice is valid for its length.
        let sent = unsafe { libc::send(fd, bytes, frame.len(), 0) };
        if sent == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// The next frame that waits, cut to the buffer; how long it is there.
    ///
    /// # Errors
    /// The kernel's; `WouldBlock` when none waits.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (fd, place) = (self.fd.as_raw_fd(), buffer.as_mut_ptr().cast());
        // SAFETY: the slice is valid for its length.
        let length = unsafe { libc::recv(fd, place, buffer.len(), 0) };
        usize::try_from(length).map_err(|_| io::Error::last_os_error())
    }
}
