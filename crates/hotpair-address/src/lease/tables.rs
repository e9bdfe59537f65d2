//! The tables of the lease: what the packet filter is to drop, made anew by the program `nft`.
use super::LeaseError;
use crate::VirtualAddress;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where programs of this kind are, beside `PATH`.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// The tables: by family, with what each sees. Together they see what any interface sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// IPv4 and IPv6, after routing and translation, on any interface.
    Inet,
    /// ARP, on any interface.
    Arp,
    /// Everything on the interfaces of the addresses: also whole frames of a process.
    Netdev,
}

impl Table {
    pub(super) const ALL: [Self; 3] = [Self::Inet, Self::Arp, Self::Netdev];

    pub(super) const fn family(self) -> u8 {
        match self {
            Self::Inet => 1,
            Self::Arp => 3,
            Self::Netdev => 5,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Arp => "arp",
            Self::Netdev => "netdev",
        }
    }
}

/// The program that makes the tables.
///
/// # Errors
/// `LeaseError::NoProgram`
pub fn program() -> Result<PathBuf, LeaseError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).chain(FOLDERS.iter().map(PathBuf::from));
    let mut programs = all.map(|it| it.join("nft"));
    programs.find(|it| it.is_file()).ok_or(LeaseError::NoProgram)
}

pub(super) fn table_name(node: &str) -> String {
    format!("hotpair-{node}")
}

/// What `nft` reads: each table made anew.
pub(super) fn tables(name: &str, addresses: &[VirtualAddress]) -> String {
    let mut script = String::new();
    let four: Vec<_> = addresses.iter().filter(|it| it.address.is_ipv4()).collect();
    let six: Vec<_> = addresses.iter().filter(|it| it.address.is_ipv6()).collect();
    let list = |all: &[&VirtualAddress]| {
        all.iter().map(|it| it.address.to_string()).collect::<Vec<_>>().join(", ")
    };
    let (ours4, ours6) = (list(&four), list(&six));
    let ip = |rules: &mut String| {
        if !four.is_empty() {
            let _ = writeln!(rules, "    ip saddr {{ {ours4} }} ip saddr != @open4 drop");
        }
        if !six.is_empty() {
            let _ = writeln!(rules, "    ip6 saddr {{ {ours6} }} ip6 saddr != @open6 drop");
        }
    };
    let arp = |rules: &mut String| {
        if !four.is_empty() {
            let _ = writeln!(rules, "    arp saddr ip {{ {ours4} }} arp saddr ip != @open4 drop");
        }
    };
    let mut interfaces: Vec<_> = addresses.iter().map(|it| it.interface.as_str()).collect();
    interfaces.sort_unstable();
    interfaces.dedup();
    for table in Table::ALL {
        let family = table.name();
        let _ = write!(
            script,
            "add table {family} {name}\ndelete table {family} {name}\ntable {family} {name} {{\n  \
             set open4 {{ type ipv4_addr; flags timeout; }}\n"
        );
        if table != Table::Arp {
            script.push_str("  set open6 { type ipv6_addr; flags timeout; }\n");
        }
        let mut chain = |name: &str, hook: &str, fill: &dyn Fn(&mut String)| {
            let _ = write!(script, "  chain {name} {{\n    type filter hook {hook};\n");
            fill(&mut script);
            script.push_str("  }\n");
        };
        match table {
            // After the translation of addresses (100): what is seen here leaves so.
            Table::Inet => chain("leaving", "postrouting priority 300", &ip),
            Table::Arp => chain("leaving", "output priority 0", &arp),
            Table::Netdev => {
                for (at, interface) in interfaces.iter().enumerate() {
                    let hook = format!("egress device \"{interface}\" priority 0");
                    chain(&format!("leaving{at}"), &hook, &|rules| {
                        ip(rules);
                        arp(rules);
                    });
                }
            }
        }
        script.push_str("}\n");
    }
    script
}

pub(super) fn run(program: &Path, script: &str) -> Result<(), LeaseError> {
    let mut child = Command::new(program)
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(LeaseError::Run)?;
    let mut inlet = child.stdin.take().expect("piped above");
    // What it does not read it complains about.
    let _broken = inlet.write_all(script.as_bytes());
    drop(inlet);
    let output = child.wait_with_output().map_err(LeaseError::Run)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or("without a word").to_owned();
    Err(LeaseError::Refused(first))
}

#[cfg(test)]
mod tests {
    use super::super::tests::addresses;
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_tables_drop_what_is_not_open() {
        expect![[r#"
            add table inet hotpair-gw-a
            delete table inet hotpair-gw-a
            table inet hotpair-gw-a {
              set open4 { type ipv4_addr; flags timeout; }
              set open6 { type ipv6_addr; flags timeout; }
              chain leaving {
                type filter hook postrouting priority 300;
                ip saddr { 192.0.2.9 } ip saddr != @open4 drop
                ip6 saddr { 2001:db8::9 } ip6 saddr != @open6 drop
              }
            }
            add table arp hotpair-gw-a
            delete table arp hotpair-gw-a
            table arp hotpair-gw-a {
              set open4 { type ipv4_addr; flags timeout; }
              chain leaving {
                type filter hook output priority 0;
                arp saddr ip { 192.0.2.9 } arp saddr ip != @open4 drop
              }
            }
            add table netdev hotpair-gw-a
            delete table netdev hotpair-gw-a
            table netdev hotpair-gw-a {
              set open4 { type ipv4_addr; flags timeout; }
              set open6 { type ipv6_addr; flags timeout; }
              chain leaving0 {
                type filter hook egress device "lo" priority 0;
                ip saddr { 192.0.2.9 } ip saddr != @open4 drop
                ip6 saddr { 2001:db8::9 } ip6 saddr != @open6 drop
                arp saddr ip { 192.0.2.9 } arp saddr ip != @open4 drop
              }
            }
        "#]]
        .assert_eq(&tables("hotpair-gw-a", &addresses()));
    }
}
