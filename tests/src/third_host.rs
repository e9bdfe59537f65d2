//! A third host on the primary network of two namespaces: what a client there believes and hears.
use std::net::{IpAddr, Ipv4Addr, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::Side;
use crate::namespaces::{BRIDGE, Namespaces, enter, inside, nft_in, run};

impl Namespaces {
    /// The interface of both hosts on the primary network.
    pub const PRIMARY_INTERFACE: &str = "primary";

    /// Makes the third host ask who has an address, by sending something there.
    ///
    /// # Errors
    /// When the system does not let us.
    pub async fn call(&self, address: IpAddr) -> Result<()> {
        let send = move || {
            let any: IpAddr = match address {
                IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
            };
            let socket = UdpSocket::bind((any, 0))?;
            socket.send_to(b"hello", (address, 9))?;
            Ok(())
        };
        inside(&self.switch_path(), send).await
    }

    /// Makes the third host knock at an address again and again: a host that has it answers each time.
    #[must_use]
    pub fn keep_knocking(&self, address: IpAddr) -> Knocking {
        let over = Arc::new(AtomicBool::new(false));
        let (namespace, seen) = (self.switch_path(), over.clone());
        std::thread::spawn(move || {
            if enter(&namespace).is_err() {
                return;
            }
            while !seen.load(Ordering::Relaxed) {
                // Nobody listens there: an answer is a refusal.
                let _refused = TcpStream::connect_timeout(&(address, 9).into(), KNOCK_TIME_MAX);
                std::thread::sleep(KNOCK_PAUSE);
            }
        });
        Knocking { over }
    }

    /// The hardware address that the third host believes to have an address; it asks nobody now.
    ///
    /// # Errors
    /// When it believes nothing.
    pub fn believed(&self, address: IpAddr) -> Result<String> {
        let text =
            said(&["-n", &self.switch, "neigh", "show", &address.to_string(), "dev", BRIDGE])?;
        word_after(&text, "lladdr").with_context(|| format!("knows nobody: `{text}`"))
    }

    /// The hardware address of a host on the primary network.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn hardware(&self, side: Side) -> Result<String> {
        // Without "dev" it takes the name of the interface for a word of its own.
        let link = ["-n", self.name(side), "-o", "link", "show", "dev", Self::PRIMARY_INTERFACE];
        let text = said(&link)?;
        word_after(&text, "link/ether").context("no Ethernet")
    }

    /// Whether an address stands on a host, whatever the host says itself.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn stands_at(&self, side: Side, address: IpAddr) -> Result<bool> {
        let text = said(&["-n", self.name(side), "-o", "address", "show"])?;
        Ok(text.contains(&format!(" {address}/")))
    }

    /// Gives the third host an address, or takes it away.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn set_third(&self, address: &str, present: bool) -> Result<()> {
        let what = if present { "add" } else { "delete" };
        let mut words = vec!["-n", &self.switch, "address", what, address, "dev", BRIDGE];
        if present && address.contains("::") {
            words.push("nodad");
        }
        run("ip", &words)
    }

    /// Makes the third host say on the wire that an address is its own: it asks for another one under it.
    ///
    /// # Errors
    /// When it does not have the address.
    pub async fn claim_third(&self, address: Ipv4Addr) -> Result<()> {
        run("ip", &["-n", &self.switch, "neigh", "flush", "dev", BRIDGE])?;
        let to = self.listen(Side::A, crate::Channel::Primary);
        let send = move || {
            UdpSocket::bind((address, 0))?.send_to(b"hello", to)?;
            Ok(())
        };
        inside(&self.switch_path(), send).await
    }

    /// The hardware address of the third host.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn third_hardware(&self) -> Result<String> {
        let text = said(&["-n", &self.switch, "-o", "link", "show", BRIDGE])?;
        word_after(&text, "link/ether").context("no Ethernet")
    }

    /// Counts from now on the frames that a host sends from an address into the switch: all of them, and
    /// those by which it says that the address is there.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn count_frames(&self, from: Side, address: Ipv4Addr) -> Result<()> {
        let port = from.name();
        let rules = format!(
            "table netdev watch-{port} {{
                counter everything {{ }}
                counter announcements {{ }}
                chain arriving {{
                    type filter hook ingress device \"{port}\" priority 0;
                    ip saddr {address} counter name everything
                    arp saddr ip {address} counter name everything
                    arp saddr ip {address} arp daddr ip {address} counter name announcements
                }}
            }}"
        );
        nft_in(&self.switch, &rules).map(drop)
    }

    /// How many frames of each were counted so far.
    ///
    /// # Errors
    /// When nothing is counted.
    pub fn frames(&self, from: Side) -> Result<Frames> {
        let count = |name: &str| -> Result<u64> {
            let list = format!("list counter netdev watch-{} {name}\n", from.name());
            let text = nft_in(&self.switch, &list)?;
            Ok(word_after(&text, "packets").context("no counter")?.parse()?)
        };
        Ok(Frames { all: count("everything")?, announcements: count("announcements")? })
    }
}

const KNOCK_TIME_MAX: Duration = Duration::from_millis(50);
const KNOCK_PAUSE: Duration = Duration::from_millis(10);

/// The third host knocks until this is dropped.
#[derive(Debug)]
pub struct Knocking {
    over: Arc<AtomicBool>,
}

impl Drop for Knocking {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// What came from a virtual address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames {
    /// Every frame with it as its source, in IPv4 and in ARP.
    pub all: u64,
    /// Gratuitous ARP.
    pub announcements: u64,
}

fn word_after(text: &str, word: &str) -> Option<String> {
    text.split_whitespace().skip_while(|it| *it != word).nth(1).map(str::to_owned)
}

fn said(arguments: &[&str]) -> Result<String> {
    let output = Command::new("ip").args(arguments).output()?;
    if !output.status.success() {
        bail!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
