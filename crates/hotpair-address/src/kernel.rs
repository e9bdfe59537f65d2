//! Puts an address on an interface of this host and takes it off, by netlink.
use crate::VirtualAddress;
use crate::message::{ACKNOWLEDGE, Answer, Message, REQUEST, answers, attributes};
use hotpair_os::netlink::{Netlink, Subsystem};
use std::io;
use std::net::IpAddr;

const NEW_ADDRESS: u16 = 20;
const DELETE_ADDRESS: u16 = 21;
const GET_ADDRESS: u16 = 22;
const CREATE: u16 = 0x400;
const EXCLUSIVE: u16 = 0x200;
const DUMP: u16 = 0x300;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_CACHEINFO: u16 = 6;
const IFA_FLAGS: u16 = 8;
/// The kernel does not look for duplicates itself: that takes a second, and was done.
const NO_DETECTION: u32 = 0x02;
const FAMILY_IPV4: u8 = 2;
const FAMILY_IPV6: u8 = 10;
const FOR_EVER: u32 = u32::MAX;
/// `EEXIST`
const IS_THERE: i32 = 17;
/// `EADDRNOTAVAIL`
const IS_GONE: i32 = 99;
/// `ENODEV`
const NO_INTERFACE: i32 = 19;

/// Why the kernel did not do it.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// It cannot be asked.
    #[error("the kernel cannot be asked for addresses: {0}")]
    Ask(#[source] io::Error),
    /// There is no such interface.
    #[error("there is no interface `{0}` on this host")]
    NoInterface(String),
    /// Not put there.
    #[error("{address} cannot be added: {error}")]
    Add {
        /// Which.
        address: VirtualAddress,
        /// The kernel's.
        #[source]
        error: io::Error,
    },
    /// Not taken off.
    #[error("{address} cannot be removed: {error}")]
    Remove {
        /// Which.
        address: IpAddr,
        /// The kernel's.
        #[source]
        error: io::Error,
    },
}

/// The way to the kernel.
#[derive(Debug)]
pub struct Kernel {
    netlink: Netlink,
    sequence: u32,
}

/// Where an address stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    interface: u32,
    prefix: u8,
    address: IpAddr,
}

impl Kernel {
    /// Opens it, in the network namespace of this process.
    ///
    /// # Errors
    /// `KernelError::Ask`
    pub fn open() -> Result<Self, KernelError> {
        let netlink = Netlink::open(Subsystem::Route).map_err(KernelError::Ask)?;
        Ok(Self { netlink, sequence: 0 })
    }

    /// Puts it on its interface; that it is there already is no error.
    ///
    /// # Errors
    /// [`KernelError`]
    pub fn add(&mut self, address: &VirtualAddress) -> Result<(), KernelError> {
        let interface = number_of(&address.interface)?;
        let octets = octets(address.address);
        let mut message = self
            .message(NEW_ADDRESS, REQUEST | ACKNOWLEDGE | CREATE | EXCLUSIVE)
            .put(&head(address.address, address.prefix, interface))
            .attribute(IFA_LOCAL, &octets)
            .attribute(IFA_ADDRESS, &octets);
        if address.address.is_ipv6() {
            // Valid, not preferred: this host's own connections do not begin with it.
            let times = [0, FOR_EVER, 0, 0].map(u32::to_ne_bytes).concat();
            message = message
                .attribute(IFA_FLAGS, &NO_DETECTION.to_ne_bytes())
                .attribute(IFA_CACHEINFO, &times);
        }
        let failed = |error| KernelError::Add { address: address.clone(), error };
        except(self.ask(message), &[IS_THERE]).map_err(failed)
    }

    /// Takes it off wherever it stands on this host; that it is on no interface is no error.
    ///
    /// # Errors
    /// [`KernelError`]
    pub fn remove(&mut self, address: IpAddr) -> Result<Removed, KernelError> {
        let mut count = 0;
        for it in self.standing()?.into_iter().filter(|it| it.address == address) {
            let octets = octets(address);
            let message = self
                .message(DELETE_ADDRESS, REQUEST | ACKNOWLEDGE)
                .put(&head(address, it.prefix, it.interface))
                .attribute(IFA_LOCAL, &octets)
                .attribute(IFA_ADDRESS, &octets);
            let outcome = except(self.ask(message), &[IS_GONE, NO_INTERFACE]);
            outcome.map_err(|error| KernelError::Remove { address, error })?;
            count += 1;
        }
        Ok(Removed { count })
    }

    /// All addresses of this host.
    fn standing(&mut self) -> Result<Vec<Standing>, KernelError> {
        let message = self.message(GET_ADDRESS, REQUEST | DUMP).put(&[0; 8]);
        let sequence = self.sequence;
        self.netlink.send(&message.finish()).map_err(KernelError::Ask)?;
        let mut found = Vec::new();
        loop {
            let bytes = self.netlink.receive().map_err(KernelError::Ask)?;
            for answer in answers(&bytes) {
                match answer {
                    Answer::Item { kind: NEW_ADDRESS, sequence: of, body } if of == sequence => {
                        found.extend(standing_of(body));
                    }
                    Answer::Complete(of) if of == sequence => return Ok(found),
                    Answer::Ended(of, outcome) if of == sequence => {
                        outcome.map_err(KernelError::Ask)?;
                    }
                    // Of a request before, whose answer came too late.
                    Answer::Item { .. } | Answer::Complete(_) | Answer::Ended(..) => {}
                }
            }
        }
    }

    fn message(&mut self, kind: u16, flags: u16) -> Message {
        self.sequence = self.sequence.wrapping_add(1);
        Message::new(kind, flags, self.sequence)
    }

    fn ask(&self, message: Message) -> io::Result<()> {
        self.netlink.send(&message.finish())?;
        loop {
            for answer in answers(&self.netlink.receive()?) {
                match answer {
                    Answer::Ended(of, outcome) if of == self.sequence => return outcome,
                    Answer::Item { .. } | Answer::Complete(_) | Answer::Ended(..) => {}
                }
            }
        }
    }
}

/// On how many interfaces it stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// 0: nowhere.
    pub count: usize,
}

/// The number of an interface of this host.
///
/// # Errors
/// `KernelError::NoInterface`, and `Ask`.
pub fn number_of(interface: &str) -> Result<u32, KernelError> {
    let all = hotpair_os::interfaces::interfaces().map_err(KernelError::Ask)?;
    let found = all.iter().find(|it| it.name == interface).map(|it| it.index);
    found.ok_or_else(|| KernelError::NoInterface(interface.to_owned()))
}

fn except(outcome: io::Result<()>, fine: &[i32]) -> io::Result<()> {
    match outcome {
        Err(error) if error.raw_os_error().is_some_and(|it| fine.contains(&it)) => Ok(()),
        Ok(()) | Err(_) => outcome,
    }
}

/// `struct ifaddrmsg`
fn head(address: IpAddr, prefix: u8, interface: u32) -> [u8; 8] {
    let family = if address.is_ipv4() { FAMILY_IPV4 } else { FAMILY_IPV6 };
    let [a, b, c, d] = interface.to_ne_bytes();
    [family, prefix, 0, 0, a, b, c, d]
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(it) => it.octets().to_vec(),
        IpAddr::V6(it) => it.octets().to_vec(),
    }
}

fn standing_of(body: &[u8]) -> Option<Standing> {
    let ([_, prefix, _, _, a, b, c, d], rest) = body.split_first_chunk::<8>()?;
    let attributes = attributes(rest);
    let find = |kind| attributes.iter().find(|it| it.0 == kind).map(|it| it.1);
    let octets = find(IFA_LOCAL).or_else(|| find(IFA_ADDRESS))?;
    let address = match octets.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
        _ => return None,
    };
    let interface = u32::from_ne_bytes([*a, *b, *c, *d]);
    Some(Standing { interface, prefix: *prefix, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_what_stands_where() {
        let all = Kernel::open().unwrap().standing().unwrap();
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let found = all.iter().find(|it| it.address == loopback).expect("loopback is there");
        assert_eq!((found.prefix, found.interface), (8, number_of("lo").unwrap()));
    }

    #[test]
    fn what_is_nowhere_is_removed_without_a_word() {
        let removed = Kernel::open().unwrap().remove([192, 0, 2, 77].into()).unwrap();
        assert_eq!(removed.count, 0);
        let absent = VirtualAddress {
            address: [192, 0, 2, 77].into(),
            prefix: 24,
            interface: "no-such".into(),
        };
        let error = Kernel::open().unwrap().add(&absent).unwrap_err();
        assert_eq!(error.to_string(), "there is no interface `no-such` on this host");
    }
}
