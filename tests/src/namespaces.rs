//! Two network namespaces with two links between them: separate hosts, as far as the network goes. Needs root.
//! The redundancy link is a cable from one to the other; the primary one goes through a switch, so
//! that each host has a cable of its own there.
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::net::TcpStream;

use crate::{Channel, Impairment, Side};

/// The port of both channels; each namespace has its own ports.
const CHANNEL_PORT: u16 = 4750;

/// Both namespaces. Dropped: deleted, with the links.
#[derive(Debug)]
pub struct Namespaces {
    names: [String; 2],
    /// The namespace of the switch. It has a port for each side, named as that.
    pub(crate) switch: String,
}

/// The bridge in the namespace of the switch.
pub(crate) const BRIDGE: &str = "switch";
/// The switch is a host on the primary network, too.
const THIRD_HOST: [&str; 2] = ["10.77.1.100/24", "fd77::100/64"];

impl Namespaces {
    /// Why they cannot be used here; `None` when they can.
    #[must_use]
    pub fn missing() -> Option<String> {
        if !rustix::process::geteuid().is_root() {
            return Some("not root".into());
        }
        for tool in ["ip", "nft"] {
            let mut command = Command::new(tool);
            command.arg("-V").stdout(Stdio::null()).stderr(Stdio::null());
            if !command.status().is_ok_and(|it| it.success()) {
                return Some(format!("no `{tool}` here"));
            }
        }
        let trial = Self::create().and_then(|it| it.impair(Channel::Primary, Side::A, CUT));
        trial.err().map(|error| format!("no namespaces here: {error:#}"))
    }

    /// Makes them.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn create() -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = |side: &str| format!("hp{}-{number}-{side}", std::process::id());
        let namespaces = Self { names: [name("a"), name("b")], switch: name("s") };
        let [a, b] = &namespaces.names;
        let switch = &namespaces.switch;
        for name in [a, b, switch] {
            run("ip", &["netns", "add", name])?;
            run("ip", &["-n", name, "link", "set", "lo", "up"])?;
        }
        run("ip", &["-n", switch, "link", "add", "name", BRIDGE, "type", "bridge"])?;
        run("ip", &["-n", switch, "link", "set", BRIDGE, "up"])?;
        for channel in Channel::BOTH {
            let link = channel.name();
            let cable = |from: &str, peer: &str, to: &str| {
                let cable =
                    ["-n", from, "link", "add", link, "type", "veth", "peer", peer, "netns", to];
                run("ip", &cable)
            };
            match channel {
                Channel::Redundancy => cable(a, link, b)?,
                Channel::Primary => {
                    for side in Side::BOTH {
                        let port = side.name();
                        cable(&namespaces.names[side.index()], port, switch)?;
                        run("ip", &["-n", switch, "link", "set", port, "master", BRIDGE, "up"])?;
                    }
                }
            }
            for side in Side::BOTH {
                let name = &namespaces.names[side.index()];
                let address = format!("{}/24", namespaces.listen(side, channel).ip());
                run("ip", &["-n", name, "address", "add", &address, "dev", link])?;
                run("ip", &["-n", name, "link", "set", link, "up"])?;
            }
        }
        for address in THIRD_HOST {
            namespaces.set_third(address, true)?;
        }
        for side in Side::BOTH {
            namespaces.nft(
                side,
                "add table inet cut; add chain inet cut redundancy; \
                add chain inet cut primary; \
                add chain inet cut arriving { type filter hook input priority 0; }; \
                add rule inet cut arriving iifname redundancy jump redundancy; \
                add rule inet cut arriving iifname primary jump primary;",
            )?;
        }
        Ok(namespaces)
    }

    /// Where a node listens.
    #[must_use]
    pub fn listen(&self, side: Side, channel: Channel) -> SocketAddr {
        let host = side.index() as u8 + 1;
        SocketAddr::from(([10, 77, channel.index() as u8, host], CHANNEL_PORT))
    }

    /// The name, for `ip netns exec`.
    #[must_use]
    pub fn name(&self, side: Side) -> &str {
        &self.names[side.index()]
    }

    /// Where to enter it.
    #[must_use]
    pub fn path(&self, side: Side) -> PathBuf {
        Path::new("/var/run/netns").join(&self.names[side.index()])
    }

    pub(crate) fn switch_path(&self) -> PathBuf {
        Path::new("/var/run/netns").join(&self.switch)
    }

    /// Pulls a host's cable out of the switch of the primary network, or puts it in again. The other
    /// host keeps its own.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn set_primary_cable(&self, side: Side, plugged: bool) -> Result<()> {
        let state = if plugged { "up" } else { "down" };
        run("ip", &["-n", &self.switch, "link", "set", side.name(), state])
    }

    /// What happens to everything that `from` sends on a channel: cut or thinned where it arrives.
    ///
    /// # Errors
    /// For what the kernel cannot do here: delay, duplicates, reordering.
    pub fn impair(&self, channel: Channel, from: Side, impairment: Impairment) -> Result<()> {
        let Impairment { cut, loss_permille, refuse_streams, .. } = impairment;
        let rest = Impairment { cut, loss_permille, refuse_streams, ..Impairment::default() };
        ensure!(impairment == rest, "namespaces can cut, lose, refuse, no more: {impairment:?}");
        let chain = channel.name();
        let mut rules = format!("flush chain inet cut {chain};");
        if cut {
            rules += &format!("add rule inet cut {chain} drop;");
        } else if loss_permille > 0 {
            rules += &format!(
                "add rule inet cut {chain} numgen random mod 1000 < {loss_permille} drop;"
            );
        }
        if refuse_streams {
            rules += &format!("add rule inet cut {chain} meta l4proto tcp reject with tcp reset;");
        }
        self.nft(from.other(), &rules)
    }

    fn nft(&self, side: Side, rules: &str) -> Result<()> {
        nft_in(self.name(side), &rules.replace("; ", "\n")).map(drop)
    }
}

/// Has the packet filter of a namespace do something; what it says.
pub(crate) fn nft_in(namespace: &str, rules: &str) -> Result<String> {
    let mut child = Command::new("ip")
        .args(["netns", "exec", namespace, "nft", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("piped")?.write_all(rules.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("nft: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

const CUT: Impairment = Impairment {
    cut: true,
    loss_permille: 0,
    duplicate_permille: 0,
    reorder_permille: 0,
    reorder_by: std::time::Duration::ZERO,
    delay: std::time::Duration::ZERO,
    refuse_streams: false,
};

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in self.names.iter().chain([&self.switch]) {
            // One that never came about cannot be deleted.
            let _absent = run("ip", &["netns", "delete", name]);
        }
    }
}

/// Connects from inside a namespace. The socket stays there.
pub(crate) async fn connect(namespace: &Path, to: SocketAddr) -> Result<TcpStream> {
    let connect = move || Ok(std::net::TcpStream::connect(to)?);
    let stream = inside(namespace, connect).await?;
    stream.set_nonblocking(true)?;
    Ok(TcpStream::from_std(stream)?)
}

/// Runs something on a thread of its own that goes in and then ends.
pub(crate) async fn inside<T: Send + 'static>(
    namespace: &Path,
    act: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let namespace = namespace.to_owned();
    let (done, acted) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let outcome = enter(&namespace).and_then(|()| act());
        let _given_up = done.send(outcome);
    });
    acted.await.context("the thread in the namespace ended")?
}

pub(crate) fn enter(namespace: &Path) -> Result<()> {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    use std::os::fd::AsFd as _;
    let file = std::fs::File::open(namespace)?;
    Ok(move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?)
}

pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program).args(arguments).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("{program} {}: {said}", arguments.join(" "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::time::Duration;

    #[tokio::test]
    async fn a_cut_is_of_one_channel_and_one_direction() {
        if let Some(why) = Namespaces::missing() {
            println!("SKIPPED: {why}");
            return;
        }
        let namespaces = Namespaces::create().unwrap();
        let mut sockets = Vec::new();
        for side in Side::BOTH {
            let address = namespaces.listen(side, Channel::Primary);
            let bind = move || Ok(UdpSocket::bind(address)?);
            sockets.push(inside(&namespaces.path(side), bind).await.unwrap());
        }
        let send = |from: Side, text: &str| {
            let to = namespaces.listen(from.other(), Channel::Primary);
            sockets[from.index()].send_to(text.as_bytes(), to).unwrap();
        };
        let receive = |at: Side, wait: Duration| {
            let mut buffer = [0; 100];
            sockets[at.index()].set_read_timeout(Some(wait)).unwrap();
            let length = sockets[at.index()].recv(&mut buffer).ok()?;
            Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
        };
        let soon = Duration::from_secs(5);
        send(Side::A, "one");
        assert_eq!(receive(Side::B, soon).as_deref(), Some("one"));
        namespaces.impair(Channel::Primary, Side::A, CUT).unwrap();
        send(Side::A, "lost");
        send(Side::B, "two");
        assert_eq!(receive(Side::A, soon).as_deref(), Some("two"));
        assert_eq!(receive(Side::B, Duration::from_millis(50)), None);
        namespaces.impair(Channel::Primary, Side::A, Impairment::default()).unwrap();
        send(Side::A, "healed");
        assert_eq!(receive(Side::B, soon).as_deref(), Some("healed"));
    }
}
