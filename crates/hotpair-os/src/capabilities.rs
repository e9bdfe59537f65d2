//! What the kernel lets this process do.
use std::io;

/// One right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// To change interfaces, addresses and the packet filter.
    NetAdmin,
    /// To send and hear whole frames.
    NetRaw,
}

impl Capability {
    /// As capabilities(7) writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::NetRaw => "CAP_NET_RAW",
        }
    }

    const fn bit(self) -> u32 {
        match self {
            Self::NetAdmin => 12,
            Self::NetRaw => 13,
        }
    }
}

/// Whether this process has it in force.
///
/// # Errors
/// When `/proc` does not say.
pub fn has(capability: Capability) -> io::Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    effective(&status)
        .map(|it| it >> capability.bit() & 1 == 1)
        .ok_or_else(|| io::Error::other("/proc/self/status says nothing of CapEff"))
}

fn effective(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|it| it.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rights_of_this_process_are_read() {
        assert_eq!(effective("Name:\tx\nCapEff:\t0000000000003000\n"), Some(0x3000));
        assert_eq!(effective("CapEff:\tnonsense\n"), None);
        has(Capability::NetAdmin).unwrap();
    }
}
