//! This host's network interfaces, their addresses, and whether they work.
use crate::checked;
use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One address of one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The interface.
    pub interface: String,
    /// The address.
    pub ip: IpAddr,
    /// A person, or a program for one, has it up (`IFF_UP`).
    pub enabled: bool,
    /// It can carry traffic (`IFF_RUNNING`): the cable is in and the other end of it is alive, as
    /// far as the interface can tell. A virtual one that cannot tell says yes.
    pub running: bool,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its number.
    pub index: u32,
    /// Its hardware address; `None`: it is no Ethernet.
    pub hardware: Option<[u8; 6]>,
}

/// All addresses in the network namespace of this process.
///
/// # Errors
/// The kernel's.
pub fn addresses() -> io::Result<Vec<InterfaceAddress>> {
    // SAFETY: the elements are sound while `each` runs.
    each(|it| unsafe { address(it) })
}

/// All interfaces in the network namespace of this process.
///
/// # Errors
/// The kernel's.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    // SAFETY: the elements are sound while `each` runs.
    each(|it| unsafe { interface(it) })
}

fn each<T>(look: impl Fn(&libc::ifaddrs) -> Option<T>) -> io::Result<Vec<T>> {
    let mut first = std::ptr::null_mut();
    // SAFETY: `first` is a place for one pointer; what it is set to is freed below, once.
    checked(unsafe { libc::getifaddrs(&raw mut first) })?;
    let mut found = Vec::new();
    let mut next = first;
    // SAFETY: each `next` is null or an element of the list, which lives until it is freed.
    while let Some(element) = unsafe { next.as_ref() } {
        // The pointers of an element are null or sound as long as the list lives.
        found.extend(look(element));
        next = element.ifa_next;
    }
    // SAFETY: the list came from `getifaddrs`, and nothing points into it any more.
    unsafe { libc::freeifaddrs(first) };
    Ok(found)
}

/// # Safety
/// The pointers of the element are null or sound.
unsafe fn address(element: &libc::ifaddrs) -> Option<InterfaceAddress> {
    // SAFETY: null or sound, as the caller says; every address begins with its family.
    let family = unsafe { element.ifa_addr.as_ref() }?.sa_family;
    let ip = match libc::c_int::from(family) {
        libc::AF_INET => {
            // SAFETY: the family says that it is one of these; unaligned costs nothing here.
            let it = unsafe { element.ifa_addr.cast::<libc::sockaddr_in>().read_unaligned() };
            IpAddr::V4(Ipv4Addr::from(u32::from_be(it.sin_addr.s_addr)))
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let it = unsafe { element.ifa_addr.cast::<libc::sockaddr_in6>().read_unaligned() };
            IpAddr::V6(Ipv6Addr::from(it.sin6_addr.s6_addr))
        }
        _ => return None,
    };
    // SAFETY: a name with a zero at its end, as the caller says.
    let interface = unsafe { CStr::from_ptr(element.ifa_name) }.to_string_lossy().into_owned();
    let has = |flag: libc::c_int| element.ifa_flags & flag.cast_unsigned() != 0;
    let (enabled, running) = (has(libc::IFF_UP), has(libc::IFF_RUNNING));
    Some(InterfaceAddress { interface, ip, enabled, running })
}

/// # Safety
/// The pointers of the element are null or sound.
unsafe fn interface(element: &libc::ifaddrs) -> Option<Interface> {
    // SAFETY: null or sound, as the caller says; every address begins with its family.
    let family = unsafe { element.ifa_addr.as_ref() }?.sa_family;
    if libc::c_int::from(family) != libc::AF_PACKET {
        return None;
    }
    // SAFETY: the family says that it is one of these; unaligned costs nothing here.
    let it = unsafe { element.ifa_addr.cast::<libc::sockaddr_ll>().read_unaligned() };
    // SAFETY: a name with a zero at its end, as the caller says.
    let name = unsafe { CStr::from_ptr(element.ifa_name) }.to_string_lossy().into_owned();
    let ethernet = it.sll_hatype == libc::ARPHRD_ETHER && it.sll_halen == 6;
    let hardware = ethernet.then(|| std::array::from_fn(|at| it.sll_addr[at]));
    Some(Interface { name, index: it.sll_ifindex.cast_unsigned(), hardware })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_has_its_number() {
        let all = interfaces().unwrap();
        let loopback = all.iter().find(|it| it.name.starts_with("lo")).unwrap();
        assert!(loopback.index > 0 && loopback.hardware.is_none(), "{loopback:?}");
    }

    #[test]
    fn loopback_is_there_and_runs() {
        let all = addresses().unwrap();
        let loopback = all.iter().find(|it| it.ip == IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        assert!(loopback.interface.starts_with("lo"), "{loopback:?}");
        assert!(loopback.enabled && loopback.running, "{loopback:?}");
    }
}
