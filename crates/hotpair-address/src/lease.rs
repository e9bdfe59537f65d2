//! A lease in the kernel's packet filter: frames from a virtual address leave this host only while it lasts.
//!
//! Tables of ours drop what has a virtual address as its source, unless the address is in a set whose
//! elements end by themselves. Whoever renews them in time keeps the way open. A process that stands still
//! does not, and its kernel falls silent without it: answers of TCP, echo, ARP and neighbour discovery too.
//!
//! A renewal takes the old element away and puts a new one there, in one transaction. When the old one has
//! ended, the kernel refuses the whole: a renewal that was begun before a standstill opens nothing after it.
mod tables;

pub use tables::program;
use tables::{Table, run, table_name, tables};

use crate::VirtualAddress;
use crate::message::{ACKNOWLEDGE, Answer, Message, REQUEST, answers, attribute};
use hotpair_os::netlink::{Netlink, Subsystem};
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// A lease of less than a tick of the kernel would last for ever.
pub const LEASE_MIN: Duration = Duration::from_millis(20);
const SUBSYSTEM: u16 = 10 << 8;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
const DELETE_TABLE: u16 = 2;
const NEW_ELEMENT: u16 = 12;
const DELETE_ELEMENT: u16 = 14;
const CREATE: u16 = 0x400;
const NESTED: u16 = 0x8000;
const TABLE_NAME: u16 = 1;
const ELEMENTS_TABLE: u16 = 1;
const ELEMENTS_SET: u16 = 2;
const ELEMENTS: u16 = 3;
const ELEMENT: u16 = 1;
const ELEMENT_KEY: u16 = 1;
const ELEMENT_TIMEOUT: u16 = 4;
const DATA_VALUE: u16 = 1;
/// `ENOENT`
const ABSENT: i32 = 2;

/// Why there is no lease.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The program that makes the tables is not there.
    #[error("there is no program `nft` on this host; Debian has it in the package nftables")]
    NoProgram,
    /// It cannot be run.
    #[error("`nft` cannot be run: {0}")]
    Run(#[source] io::Error),
    /// It refused.
    #[error("`nft` refuses the tables of the lease: {0}")]
    Refused(String),
    /// The kernel cannot be asked, or refused.
    #[error("the packet filter: {0}")]
    Kernel(#[source] io::Error),
    /// It had ended before the renewal.
    #[error("the lease had ended before it was renewed")]
    Ended,
}

/// The way to it.
#[derive(Debug)]
pub struct Lease {
    netlink: Netlink,
    sequence: u32,
    table: String,
    addresses: Vec<IpAddr>,
}

impl Lease {
    /// Makes the tables anew, shut. `node` tells the tables of several nodes on one host apart: letters,
    /// digits and hyphens.
    ///
    /// # Errors
    /// [`LeaseError`]
    pub fn install(node: &str, addresses: &[VirtualAddress]) -> Result<Self, LeaseError> {
        let table = table_name(node);
        run(&program()?, &tables(&table, addresses))?;
        let netlink = Netlink::open(Subsystem::Netfilter).map_err(LeaseError::Kernel)?;
        let addresses = addresses.iter().map(|it| it.address).collect();
        Ok(Self { netlink, sequence: 0, table, addresses })
    }

    /// Opens the way for so long, whether it was open or not.
    ///
    /// # Errors
    /// `LeaseError::Kernel`
    pub fn open(&mut self, lasts: Duration) -> Result<(), LeaseError> {
        self.shut()?;
        self.batch(&[(NEW_ELEMENT, Some(lasts))]).map_err(LeaseError::Kernel)
    }

    /// Keeps the way open for so long from now, if it still is.
    ///
    /// # Errors
    /// `LeaseError::Ended`: it was not; nothing has changed. `Kernel`.
    pub fn renew(&mut self, lasts: Duration) -> Result<(), LeaseError> {
        match self.batch(&[(DELETE_ELEMENT, None), (NEW_ELEMENT, Some(lasts))]) {
            Err(error) if error.raw_os_error() == Some(ABSENT) => Err(LeaseError::Ended),
            outcome => outcome.map_err(LeaseError::Kernel),
        }
    }

    /// Shuts the way, now.
    ///
    /// # Errors
    /// `LeaseError::Kernel`
    pub fn shut(&mut self) -> Result<(), LeaseError> {
        match self.batch(&[(DELETE_ELEMENT, None)]) {
            Err(error) if error.raw_os_error() == Some(ABSENT) => Ok(()),
            outcome => outcome.map_err(LeaseError::Kernel),
        }
    }

    fn batch(&mut self, steps: &[(u16, Option<Duration>)]) -> io::Result<()> {
        let mut messages = Vec::new();
        for table in Table::ALL {
            for (set, addresses) in sets(&self.addresses) {
                // ARP knows no IPv6.
                if addresses.is_empty() || (table == Table::Arp && set == SETS[1]) {
                    continue;
                }
                for (kind, lasts) in steps {
                    messages.push(elements(*kind, table, &self.table, set, &addresses, *lasts));
                }
            }
        }
        transact(&self.netlink, &mut self.sequence, messages)
    }
}

/// Takes the tables of this node off, if there are any.
///
/// # Errors
/// `LeaseError::Kernel`
pub fn remove(node: &str) -> Result<(), LeaseError> {
    let netlink = Netlink::open(Subsystem::Netfilter).map_err(LeaseError::Kernel)?;
    let mut sequence = 0;
    for table in Table::ALL {
        let name = text(&table_name(node));
        let message: Unnumbered = Box::new(move |sequence| {
            Message::new(SUBSYSTEM | DELETE_TABLE, REQUEST | ACKNOWLEDGE, sequence)
                .put(&[table.family(), 0, 0, 0])
                .attribute(TABLE_NAME, &name)
        });
        match transact(&netlink, &mut sequence, vec![message]) {
            Err(error) if error.raw_os_error() == Some(ABSENT) => {}
            outcome => outcome.map_err(LeaseError::Kernel)?,
        }
    }
    Ok(())
}

type Unnumbered = Box<dyn FnOnce(u32) -> Message>;

/// All or nothing.
fn transact(netlink: &Netlink, sequence: &mut u32, messages: Vec<Unnumbered>) -> io::Result<()> {
    let mut next = || {
        *sequence = sequence.wrapping_add(1);
        *sequence
    };
    let edge = |kind, number| {
        let of_tables = (SUBSYSTEM >> 8).to_be_bytes();
        Message::new(kind, REQUEST, number).put(&[0, 0, of_tables[0], of_tables[1]]).finish()
    };
    let first = next();
    let mut bytes = edge(BATCH_BEGIN, first);
    let mut last = first;
    for message in messages {
        last = next();
        bytes.extend(message(last).finish());
    }
    bytes.extend(edge(BATCH_END, next()));
    netlink.send(&bytes)?;
    // Each message is answered, also when the whole was refused for another one's sake; what is wrong with
    // the whole is answered to its beginning alone.
    let mut outcome = Ok(());
    loop {
        for answer in answers(&netlink.receive()?) {
            let Answer::Ended(number, ended) = answer else { continue };
            let ours = number.wrapping_sub(first) <= last.wrapping_sub(first);
            if !ours {
                continue;
            }
            outcome = outcome.and(ended);
            if number == last || (number == first && outcome.is_err()) {
                return outcome;
            }
        }
    }
}

const SETS: [&str; 2] = ["open4", "open6"];

/// The addresses of each set, in octets.
fn sets(addresses: &[IpAddr]) -> [(&'static str, Vec<Vec<u8>>); 2] {
    let (mut four, mut six) = (Vec::new(), Vec::new());
    for it in addresses {
        match it {
            IpAddr::V4(it) => four.push(it.octets().to_vec()),
            IpAddr::V6(it) => six.push(it.octets().to_vec()),
        }
    }
    [(SETS[0], four), (SETS[1], six)]
}

fn elements(
    kind: u16,
    table: Table,
    name: &str,
    set: &str,
    addresses: &[Vec<u8>],
    lasts: Option<Duration>,
) -> Unnumbered {
    let millis = lasts.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX));
    let element = |octets: &Vec<u8>| {
        let value = attribute(DATA_VALUE, octets);
        let mut inside = attribute(ELEMENT_KEY | NESTED, &value);
        if let Some(millis) = millis {
            inside.extend(attribute(ELEMENT_TIMEOUT, &millis.to_be_bytes()));
        }
        attribute(ELEMENT | NESTED, &inside)
    };
    let all: Vec<u8> = addresses.iter().flat_map(element).collect();
    let (name, set) = (text(name), text(set));
    let flags = REQUEST | ACKNOWLEDGE | if lasts.is_some() { CREATE } else { 0 };
    Box::new(move |sequence| {
        Message::new(SUBSYSTEM | kind, flags, sequence)
            .put(&[table.family(), 0, 0, 0])
            .attribute(ELEMENTS_TABLE, &name)
            .attribute(ELEMENTS_SET, &set)
            .attribute(ELEMENTS | NESTED, &all)
    })
}

/// With the zero at its end.
fn text(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn addresses() -> Vec<VirtualAddress> {
        ["192.0.2.9", "2001:db8::9"]
            .map(|it| VirtualAddress {
                address: it.parse().unwrap(),
                prefix: 24,
                interface: "lo".into(),
            })
            .into()
    }

    /// The tables are of this host, and concern addresses of documentation alone. As root; else said aloud.
    #[test]
    fn a_renewal_after_the_end_opens_nothing() {
        if !may_try() {
            println!("SKIPPED: not root, or no `nft`: the lease was not tried");
            return;
        }
        let mut lease = Lease::install("of-a-test", &addresses()).unwrap();
        assert!(matches!(lease.renew(Duration::from_secs(60)), Err(LeaseError::Ended)), "shut");
        lease.open(Duration::from_secs(60)).unwrap();
        lease.renew(Duration::from_millis(40)).unwrap();
        // What ends by itself can only be waited for.
        std::thread::sleep(Duration::from_millis(100));
        let late = lease.renew(Duration::from_secs(60));
        assert!(matches!(late, Err(LeaseError::Ended)), "{late:?}");
        let late = lease.renew(Duration::from_secs(60));
        assert!(matches!(late, Err(LeaseError::Ended)), "nothing was opened: {late:?}");
        lease.open(Duration::from_secs(60)).unwrap();
        lease.shut().unwrap();
        assert!(matches!(lease.renew(Duration::from_secs(60)), Err(LeaseError::Ended)), "shut");
        remove("of-a-test").unwrap();
        remove("of-a-test").unwrap();
    }

    fn may_try() -> bool {
        let admin = hotpair_os::capabilities::Capability::NetAdmin;
        hotpair_os::capabilities::has(admin).unwrap_or(false) && program().is_ok()
    }
}
