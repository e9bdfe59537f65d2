//! Two hosts become a pair, or nothing is left of the attempt.

use crate::command::hotpair;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Addresses that were free a moment ago.
fn addresses() -> [String; 4] {
    let sockets = [0; 4].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap());
    sockets.map(|it| it.local_addr().unwrap().to_string())
}

struct Hosts {
    dir: tempfile::TempDir,
    addresses: [String; 4],
}

impl Hosts {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), addresses: addresses() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self, name: &str) -> String {
        self.at(name).join("node.toml").to_str().unwrap().to_owned()
    }

    /// The arguments that make a node.
    fn place<'a>(&'a self, dir: &'a str, name: &'a str, first: usize) -> Vec<&'a str> {
        vec![
            "--name",
            name,
            "--redundancy",
            &self.addresses[first],
            "--primary",
            &self.addresses[first + 1],
            "--dir",
            dir,
        ]
    }

    fn init(&self) {
        let dir = self.at("a");
        let mut arguments = vec!["init", "--master"];
        arguments.extend(self.place(dir.to_str().unwrap(), "gw-a", 0));
        let called = hotpair(&arguments);
        assert_eq!(called.status, 0, "{}", called.error);
    }

    /// `invite`, which waits in the background and writes its token into this file.
    fn invite(&self, token: &Path, more: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotpair"));
        command.args(["invite", "-c", &self.file("a"), "--token-file"]).arg(token).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn join(&self, to: &str, name: &str, first: usize, token: &Path) -> crate::command::Called {
        let dir = self.at(to);
        let mut arguments = vec!["join", "--wait=20s", "--token-file", token.to_str().unwrap()];
        arguments.extend(self.place(dir.to_str().unwrap(), name, first));
        hotpair(&arguments)
    }
}

fn load(file: &str) -> hotpair_node::settings::Settings {
    hotpair_node::settings::load(Path::new(file)).unwrap()
}

#[test]
fn both_hosts_pin_each_others_keys_and_addresses() {
    let hosts = Hosts::new();
    hosts.init();
    let token = hosts.at("token");
    let invite = hosts.invite(&token, &[]);
    let joined = hosts.join("b", "gw-b", 2, &token);
    let invited = invite.wait_with_output().unwrap();
    assert_eq!(joined.status, 0, "{}", joined.error);
    assert!(invited.status.success(), "{}", String::from_utf8_lossy(&invited.stderr));
    assert!(!token.exists(), "a used token lies around");

    let [a, b] = ["a", "b"].map(|it| load(&hosts.file(it)));
    let own_key = |it: &hotpair_node::settings::Settings| {
        hotpair_transport::Identity::load(&it.key_file()).unwrap().key()
    };
    assert_eq!((a.partner.key, b.partner.key), (own_key(&b), own_key(&a)));
    assert_eq!((a.partner.name.as_str(), b.partner.name.as_str()), ("gw-b", "gw-a"));
    for (one, other) in [(&a, &b), (&b, &a)] {
        assert_eq!(one.channels.redundancy.partner, other.channels.redundancy.listen);
        assert_eq!(one.channels.primary.partner, other.channels.primary.listen);
    }
    assert_eq!(a.must_agree(), b.must_agree());
    assert_ne!(a.node.designation, b.node.designation);

    let again = hotpair(&["invite", "-c", &hosts.file("a")]);
    assert_eq!(again.status, 1);
    assert!(again.error.contains("--replace"), "{}", again.error);

    // A new host in the place of the dead one.
    let invite = hosts.invite(&token, &["--replace"]);
    let joined = hosts.join("c", "gw-c", 2, &token);
    assert!(invite.wait_with_output().unwrap().status.success());
    assert_eq!(joined.status, 0, "{}", joined.error);
    let a = load(&hosts.file("a"));
    assert_eq!(a.partner.name.as_str(), "gw-c");
    assert_eq!(a.partner.key, own_key(&load(&hosts.file("c"))));
}

#[test]
fn an_attempt_that_fails_leaves_nothing_behind() {
    let hosts = Hosts::new();
    hosts.init();
    let before = std::fs::read_to_string(hosts.file("a")).unwrap();
    let token = hosts.at("token");
    let invite = hosts.invite(&token, &[]);
    // The same name as the first host's: refused by it.
    let joined = hosts.join("b", "gw-a", 2, &token);
    assert_eq!(joined.status, 4, "{}", joined.error);
    assert!(joined.error.contains("same name"), "{}", joined.error);
    assert!(!hosts.at("b").exists());
    // The invitation still stands.
    let joined = hosts.join("b", "gw-b", 2, &token);
    assert_eq!(joined.status, 0, "{}", joined.error);
    assert!(invite.wait_with_output().unwrap().status.success());
    assert_ne!(std::fs::read_to_string(hosts.file("a")).unwrap(), before);
}

#[test]
fn a_token_that_ran_out_changes_nothing() {
    let hosts = Hosts::new();
    hosts.init();
    let before = std::fs::read_to_string(hosts.file("a")).unwrap();
    let token = hosts.at("token");
    let invited = hosts.invite(&token, &["--valid", "100ms"]).wait_with_output().unwrap();
    assert_eq!(invited.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(hosts.file("a")).unwrap(), before);
    assert!(!token.exists());
    std::fs::write(&token, "hotpair1:AAAA").unwrap();
    let joined = hosts.join("b", "gw-b", 2, &token);
    assert_eq!(joined.status, 2, "{}", joined.error);
    assert!(!hosts.at("b").exists());
}
