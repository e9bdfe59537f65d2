//! The frames in which hosts ask who has an address and tell that they have it: ARP (RFC 826, 5227) and
//! neighbour discovery (RFC 4861, 4862).
use crate::Hardware;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const EVERYBODY: [u8; 6] = [0xff; 6];
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Hardware type, protocol type and lengths: IPv4 over Ethernet.
const ARP_OF_ETHERNET: [u8; 6] = [0, 1, 8, 0, 6, 4];
const ARP_REQUEST: u16 = 1;
const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// "Use this instead of what you knew."
const OVERRIDE: u32 = 0x2000_0000;
const TARGET_HARDWARE: u8 = 2;
/// The longest frame of these that is looked at; a buffer of so much is enough.
pub const FRAME_BYTES_MAX: usize = 128;

/// Asks who has the address, without saying that we have it.
#[must_use]
pub fn probe(address: IpAddr, own: Hardware) -> Vec<u8> {
    match address {
        IpAddr::V4(it) => arp(own, Ipv4Addr::UNSPECIFIED, it),
        IpAddr::V6(it) => {
            let [.., a, b, c] = it.octets();
            let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), word(b, c));
            let body = [&[SOLICITATION, 0, 0, 0][..], &[0; 4], &it.octets()].concat();
            ipv6(own, Ipv6Addr::UNSPECIFIED, group, body)
        }
    }
}

/// Tells everybody that the address is here: a gratuitous ARP, or an unsolicited advertisement.
#[must_use]
pub fn announcement(address: IpAddr, own: Hardware) -> Vec<u8> {
    match address {
        IpAddr::V4(it) => arp(own, it, it),
        IpAddr::V6(it) => {
            let head = [&[ADVERTISEMENT, 0, 0, 0][..], &OVERRIDE.to_be_bytes()].concat();
            let tail = [&it.octets()[..], &[TARGET_HARDWARE, 1], &own.0].concat();
            ipv6(own, it, ALL_NODES, [head, tail].concat())
        }
    }
}

const fn word(high: u8, low: u8) -> u16 {
    u16::from_be_bytes([high, low])
}

fn ethernet(to: [u8; 6], from: Hardware, ethertype: u16) -> Vec<u8> {
    [&to[..], &from.0, &ethertype.to_be_bytes()].concat()
}

fn arp(own: Hardware, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = ethernet(EVERYBODY, own, ETHERTYPE_ARP);
    frame.extend(ARP_OF_ETHERNET);
    frame.extend(ARP_REQUEST.to_be_bytes());
    frame.extend(own.0);
    frame.extend(sender.octets());
    frame.extend([0; 6]);
    frame.extend(target.octets());
    frame
}

/// `body`: an ICMPv6 message whose checksum is still zero.
fn ipv6(own: Hardware, from: Ipv6Addr, to: Ipv6Addr, mut body: Vec<u8>) -> Vec<u8> {
    let [.., a, b, c, d] = to.octets();
    let mut frame = ethernet([0x33, 0x33, a, b, c, d], own, ETHERTYPE_IPV6);
    let length = u16::try_from(body.len()).expect("a few words");
    let sum = checksum(from, to, &body);
    body[2..4].copy_from_slice(&sum.to_be_bytes());
    frame.extend([0x60, 0, 0, 0]);
    frame.extend(length.to_be_bytes());
    // The hop limit proves that no router was in between.
    frame.extend([ICMPV6, 255]);
    frame.extend(from.octets());
    frame.extend(to.octets());
    frame.extend(body);
    frame
}

/// Over the pseudo-header and the message (RFC 4443, 2.3).
fn checksum(from: Ipv6Addr, to: Ipv6Addr, body: &[u8]) -> u16 {
    let length = u32::try_from(body.len()).expect("a few words").to_be_bytes();
    let parts = [&from.octets()[..], &to.octets(), &length, &[0, 0, 0, ICMPV6], body].concat();
    let words = parts.chunks(2).map(|it| u32::from(word(it[0], *it.get(1).unwrap_or(&0))));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded above")
}

/// Somebody says that an address is his.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    /// The address.
    pub address: IpAddr,
    /// Who has it.
    pub hardware: Hardware,
}

/// What a frame says of who has which address; `None`: nothing.
#[must_use]
pub fn holder(frame: &[u8]) -> Option<Holder> {
    let (header, rest) = frame.split_first_chunk::<14>()?;
    match word(header[12], header[13]) {
        ETHERTYPE_ARP => arp_holder(rest),
        ETHERTYPE_IPV6 => advertised(rest, Hardware(header[6..12].try_into().ok()?)),
        _ => None,
    }
}

fn arp_holder(packet: &[u8]) -> Option<Holder> {
    let packet = packet.first_chunk::<28>()?;
    if packet[..6] != ARP_OF_ETHERNET {
        return None;
    }
    let hardware = Hardware(packet[8..14].try_into().ok()?);
    let address = Ipv4Addr::from(<[u8; 4]>::try_from(&packet[14..18]).ok()?);
    // Who only asks, and has none yet, writes zeros.
    (!address.is_unspecified()).then_some(Holder { address: address.into(), hardware })
}

fn advertised(packet: &[u8], sender: Hardware) -> Option<Holder> {
    let (header, body) = packet.split_first_chunk::<40>()?;
    let ours = header[0] >> 4 == 6 && header[6] == ICMPV6 && header[7] == 255;
    let body_head = body.first_chunk::<24>()?;
    if !ours || body_head[0] != ADVERTISEMENT || body_head[1] != 0 {
        return None;
    }
    let address = Ipv6Addr::from(<[u8; 16]>::try_from(&body_head[8..24]).ok()?);
    let option = body.get(24..32).filter(|it| it[..2] == [TARGET_HARDWARE, 1]);
    let hardware = option.and_then(|it| it[2..8].try_into().ok()).map_or(sender, Hardware);
    Some(Holder { address: address.into(), hardware })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    const OWN: Hardware = Hardware([2, 0, 0, 0, 0, 7]);

    fn hex(frame: &[u8]) -> String {
        frame
            .chunks(16)
            .map(|it| it.iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n")
            .collect()
    }

    fn check(frame: &[u8], expect: Expect) {
        expect.assert_eq(&hex(frame));
        assert!(frame.len() <= FRAME_BYTES_MAX);
    }

    #[test]
    fn a_probe_and_an_announcement_of_ipv4_are_as_the_standards_say() {
        let address = "192.0.2.9".parse().unwrap();
        check(
            &probe(address, OWN),
            expect![[r#"
            ffffffffffff02000000000708060001
            08000604000102000000000700000000
            000000000000c0000209
        "#]],
        );
        check(
            &announcement(address, OWN),
            expect![[r#"
            ffffffffffff02000000000708060001
            080006040001020000000007c0000209
            000000000000c0000209
        "#]],
        );
    }

    #[test]
    fn a_probe_and_an_announcement_of_ipv6_are_as_the_standards_say() {
        let address = "2001:db8::9".parse().unwrap();
        check(
            &probe(address, OWN),
            expect![[r#"
            3333ff00000902000000000786dd6000
            000000183aff00000000000000000000
            000000000000ff020000000000000000
            0001ff00000987004cdd000000002001
            0db8000000000000000000000009
        "#]],
        );
        check(
            &announcement(address, OWN),
            expect![[r#"
            33330000000102000000000786dd6000
            000000203aff20010db8000000000000
            000000000009ff020000000000000000
            0000000000018800f914200000002001
            0db80000000000000000000000090201
            020000000007
        "#]],
        );
    }

    #[test]
    fn an_announcement_tells_who_has_it_and_a_probe_does_not() {
        for address in ["192.0.2.9", "2001:db8::9"] {
            let address = address.parse().unwrap();
            let told = holder(&announcement(address, OWN));
            assert_eq!(told, Some(Holder { address, hardware: OWN }));
            assert_eq!(holder(&probe(address, OWN)), None);
        }
    }

    #[test]
    fn whatever_comes_is_read_without_harm() {
        for address in ["192.0.2.9", "2001:db8::9"] {
            let frame = announcement(address.parse().unwrap(), OWN);
            for length in 0..frame.len() {
                let _half = holder(&frame[..length]);
            }
            for at in 0..frame.len() {
                let mut spoiled = frame.clone();
                spoiled[at] ^= 0xff;
                let _other = holder(&spoiled);
            }
        }
    }
}
