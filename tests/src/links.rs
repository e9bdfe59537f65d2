//! Both links of a pair, however they are made.
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::{Channel, Impairment, Namespaces, Relay, Side, free_address, own_loopback};

/// Both links of a pair.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for each pair")]
pub enum Links {
    /// Over loopback through user space: needs no privileges, can do everything.
    Relays {
        /// Redundancy, primary.
        relays: [Relay; 2],
        /// Where the nodes listen: by channel, by side.
        listen: [[SocketAddr; 2]; 2],
    },
    /// Over loopback from node to node: nothing in between, nothing to cut.
    Direct {
        /// By channel, by side.
        listen: [[SocketAddr; 2]; 2],
    },
    /// Across network namespaces, cut by the kernel.
    Namespaces(Namespaces),
}

impl Links {
    /// Over loopback.
    ///
    /// # Errors
    /// When no address is free.
    pub async fn relays(seed: u64) -> Result<Self> {
        let hosts = [own_loopback(), own_loopback()];
        let mut listen = Vec::new();
        let mut relays = Vec::new();
        for channel in Channel::BOTH {
            let ends = [free_address(hosts[0])?, free_address(hosts[1])?];
            relays.push(Relay::between(ends, seed ^ (channel.index() as u64 + 1) << 8).await?);
            listen.push(ends);
        }
        let (primary, redundancy) = (relays.remove(1), relays.remove(0));
        Ok(Self::Relays { relays: [redundancy, primary], listen: [listen[0], listen[1]] })
    }

    /// Over loopback with nothing in between.
    ///
    /// # Errors
    /// When no address is free.
    pub fn direct() -> Result<Self> {
        let hosts = [own_loopback(), own_loopback()];
        let ends = || anyhow::Ok([free_address(hosts[0])?, free_address(hosts[1])?]);
        Ok(Self::Direct { listen: [ends()?, ends()?] })
    }

    /// Where a node listens on a channel.
    #[must_use]
    pub fn listen(&self, side: Side, channel: Channel) -> SocketAddr {
        match self {
            Self::Relays { listen, .. } | Self::Direct { listen } => {
                listen[channel.index()][side.index()]
            }
            Self::Namespaces(namespaces) => namespaces.listen(side, channel),
        }
    }

    /// Where a node sends to reach its partner.
    #[must_use]
    pub fn partner(&self, side: Side, channel: Channel) -> SocketAddr {
        match self {
            Self::Relays { relays, .. } => relays[channel.index()].near(side),
            Self::Direct { listen } => listen[channel.index()][side.other().index()],
            Self::Namespaces(namespaces) => namespaces.listen(side.other(), channel),
        }
    }

    /// The namespaces, if that is what they are.
    #[must_use]
    pub const fn namespaces(&self) -> Option<&Namespaces> {
        match self {
            Self::Relays { .. } | Self::Direct { .. } => None,
            Self::Namespaces(namespaces) => Some(namespaces),
        }
    }

    /// What happens to everything that `from` sends on a channel from now on.
    ///
    /// # Errors
    /// For what these links cannot do.
    pub fn impair(&self, channel: Channel, from: Side, impairment: Impairment) -> Result<()> {
        match self {
            Self::Relays { relays, .. } => {
                relays[channel.index()].impair(from, impairment);
                Ok(())
            }
            Self::Direct { .. } => {
                ensure!(impairment == Impairment::default(), "nothing lies between the nodes");
                Ok(())
            }
            Self::Namespaces(namespaces) => namespaces.impair(channel, from, impairment),
        }
    }

    /// Everything that `from` sends on a channel is lost.
    ///
    /// # Errors
    /// As [`Links::impair`].
    pub fn cut_one_way(&self, channel: Channel, from: Side) -> Result<()> {
        self.impair(channel, from, Impairment { cut: true, ..Impairment::default() })
    }

    /// A channel is cut both ways.
    ///
    /// # Errors
    /// As [`Links::impair`].
    pub fn cut(&self, channel: Channel) -> Result<()> {
        Side::BOTH.into_iter().try_for_each(|from| self.cut_one_way(channel, from))
    }

    /// Both channels are cut both ways.
    ///
    /// # Errors
    /// As [`Links::impair`].
    pub fn cut_all(&self) -> Result<()> {
        Channel::BOTH.into_iter().try_for_each(|channel| self.cut(channel))
    }

    /// Everything passes again.
    ///
    /// # Errors
    /// As [`Links::impair`].
    pub fn heal(&self) -> Result<()> {
        self.impair_all(Impairment::default())
    }

    /// The same on both channels, both ways.
    ///
    /// # Errors
    /// As [`Links::impair`].
    pub fn impair_all(&self, impairment: Impairment) -> Result<()> {
        for channel in Channel::BOTH {
            for from in Side::BOTH {
                self.impair(channel, from, impairment)?;
            }
        }
        Ok(())
    }

    /// Every message takes this much longer, each way, on both channels.
    ///
    /// # Errors
    /// As [`Links::impair`].
    pub fn delay(&self, delay: Duration) -> Result<()> {
        self.impair_all(Impairment { delay, ..Impairment::default() })
    }
}
