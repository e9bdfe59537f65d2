//! One address's way to the wire of its interface.
use crate::frame::{self, FRAME_BYTES_MAX, Holder};
use crate::kernel::KernelError;
use crate::{Hardware, VirtualAddress};
use hotpair_os::packet::{Heard, PacketSocket};
use std::io;
use std::net::IpAddr;

/// Frames that are read at a time.
const FRAMES_MAX: usize = 256;

/// Asks and tells on the interface of one address.
#[derive(Debug)]
pub struct Port {
    /// Also for an address of IPv6: the partner may be known by one of IPv4 alone.
    arp: PacketSocket,
    ipv6: Option<PacketSocket>,
    own: Hardware,
}

impl Port {
    /// Opens it; `None`: the interface is no Ethernet, so nobody is to be asked or told there.
    ///
    /// # Errors
    /// `KernelError::NoInterface`, and `Ask`.
    pub fn open(address: &VirtualAddress) -> Result<Option<Self>, KernelError> {
        let all = hotpair_os::interfaces::interfaces().map_err(KernelError::Ask)?;
        let absent = || KernelError::NoInterface(address.interface.clone());
        let interface = all.into_iter().find(|it| it.name == address.interface);
        let interface = interface.ok_or_else(absent)?;
        let Some(hardware) = interface.hardware else { return Ok(None) };
        let open = |it| PacketSocket::open(interface.index, it).map_err(KernelError::Ask);
        let arp = open(Heard::Arp)?;
        let ipv6 = if address.address.is_ipv6() { Some(open(Heard::Ipv6)?) } else { None };
        Ok(Some(Self { arp, ipv6, own: Hardware(hardware) }))
    }

    /// Asks who has an address.
    ///
    /// # Errors
    /// The kernel's.
    pub fn probe(&self, address: IpAddr) -> io::Result<()> {
        self.arp.send(&frame::probe(address, self.own))
    }

    /// Tells everybody that an address is here.
    ///
    /// # Errors
    /// The kernel's.
    pub fn announce(&self, address: IpAddr) -> io::Result<()> {
        self.arp.send(&frame::announcement(address, self.own))
    }

    /// Who else said to have which address since the last look; at most 256 frames of each kind
    /// are read.
    ///
    /// # Errors
    /// The kernel's.
    pub fn heard(&self) -> io::Result<Vec<Holder>> {
        let mut holders = Vec::new();
        let mut buffer = [0; FRAME_BYTES_MAX];
        for socket in std::iter::once(&self.arp).chain(&self.ipv6) {
            for _ in 0..FRAMES_MAX {
                match socket.receive(&mut buffer) {
                    Ok(length) => holders.extend(frame::holder(&buffer[..length])),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
        holders.retain(|it| it.hardware != self.own);
        Ok(holders)
    }
}
