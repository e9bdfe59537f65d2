//! X17: an API beyond loopback, on the real node: TLS and a token, or it does not start; both are read
//! again at SIGHUP.

use crate::command::hotpair;
use hotpair_os::child::ProcessHandle;
use hotpair_os::signals;
use hotpair_transport::Identity;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring, version};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const TOKEN: &str = "correct-horse-battery-staple";
const OTHER_TOKEN: &str = "another-horse-battery-staple";

/// The files of a node whose API is open to other hosts.
struct Host {
    dir: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let host = Self { dir };
        std::fs::create_dir(host.data()).unwrap();
        Identity::generate().unwrap().save(&host.data().join("node.key")).unwrap();
        host.new_certificate();
        host.put_token(TOKEN);
        host.settings("tls_cert tls_key token_file");
        host
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self) -> String {
        self.path("node.toml").to_str().unwrap().to_owned()
    }

    fn put_token(&self, token: &str) {
        secret(&self.path("token_file"), token);
    }

    fn new_certificate(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
        std::fs::write(self.path("tls_cert"), made.cert.pem()).unwrap();
        secret(&self.path("tls_key"), &made.signing_key.serialize_pem());
        made.cert.der().clone()
    }

    /// A settings file with these of the three files.
    fn settings(&self, with: &str) {
        let partner = Identity::generate().unwrap().key();
        let (dir, data) = (self.dir.path(), self.data());
        let mut text = format!(
            r#"
            [node]
            name = "gw-a"
            designation = "master"
            data_dir = {data:?}
            [partner]
            name = "gw-b"
            key = "{partner}"
            [channels.redundancy]
            listen = "127.0.0.1:0"
            partner = "127.0.0.1:9"
            [channels.primary]
            listen = "127.0.0.1:0"
            partner = "127.0.0.1:10"
            [api]
            listen = "0.0.0.0:0"
            "#
        );
        for name in with.split_whitespace() {
            text += &format!("{name} = {:?}\n", dir.join(name));
        }
        std::fs::write(self.path("node.toml"), text).unwrap();
    }

    fn run(&self) -> Running {
        let log = std::fs::File::create(self.path("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotpair"));
        command.args(["run", "-c", &self.file()]).stdin(Stdio::null()).stderr(log);
        let mut running = Running { guard: command.spawn().unwrap(), port: 0 };
        let run_file = self.data().join("run.json");
        running.port = eventually("it runs", || {
            let text = std::fs::read_to_string(&run_file).ok()?;
            let told: serde_json::Value = serde_json::from_str(&text).ok()?;
            told["api"].as_str()?.strip_prefix("https://0.0.0.0:")?.parse().ok()
        });
        running
    }
}

fn secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    chmod(path, 0o600);
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A guard with its node.
struct Running {
    guard: Child,
    port: u16,
}

impl Running {
    fn signal(&self, signal: i32) {
        let pid = self.guard.id().try_into().unwrap();
        ProcessHandle::open(pid).unwrap().signal(signal).unwrap();
    }

    /// The status of the answer to somebody who trusts this certificate; `None`: no TLS with it.
    fn get(
        &self,
        trusted: &CertificateDer<'static>,
        path: &str,
        token: Option<&str>,
    ) -> Option<u16> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let client = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut stream = StreamOwned::new(client, stream);
        let token = token.map(|it| format!("Authorization: Bearer {it}\r\n")).unwrap_or_default();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{token}\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        // Who closes without a farewell of TLS is heard all the same.
        let _cut = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A node without its guard ends by itself.
        let _ended = self.guard.kill();
        let _ended = self.guard.wait();
    }
}

#[test]
fn an_api_beyond_loopback_needs_all_three_files_and_keeps_its_secrets() {
    let host = Host::new();
    for (with, missing) in [
        ("", "tls_cert"),
        ("token_file", "tls_cert"),
        ("tls_cert tls_key", "token_file"),
        ("tls_cert token_file", "tls_key"),
    ] {
        host.settings(with);
        let called = hotpair(&["run", "-c", &host.file()]);
        assert_eq!(called.status, 1, "{with}: {called:?}");
        assert!(called.error.contains(missing), "{with}: {missing} is named: {called:?}");
    }
    host.settings("tls_cert tls_key token_file");
    for name in ["token_file", "tls_key"] {
        chmod(&host.path(name), 0o644);
        let called = hotpair(&["run", "-c", &host.file()]);
        assert_eq!(called.status, 1, "{called:?}");
        let advice = format!("chmod 600 {}", host.path(name).display());
        assert!(called.error.contains(&advice), "{called:?}");
        chmod(&host.path(name), 0o600);
    }
    assert!(!host.data().join("run.json").exists(), "nothing was started");
}

#[test]
fn who_has_the_token_is_answered_and_both_secrets_change_without_a_restart() {
    let host = Host::new();
    let first = host.new_certificate();
    let mut running = host.run();
    let status = "/api/v1/status";
    assert_eq!(running.get(&first, status, Some(TOKEN)), Some(200));
    assert_eq!(running.get(&first, status, None), Some(401));
    assert_eq!(running.get(&first, status, Some(OTHER_TOKEN)), Some(401));
    assert_eq!(running.get(&first, "/livez", None), Some(200), "machines need no token to look");

    // The command line finds certificate and token in the settings.
    let asked = hotpair(&["status", "-c", &host.file()]);
    assert!(asked.status == 0 && asked.out.contains("gw-a"), "{asked:?}");

    // What cannot be used changes nothing.
    host.put_token("short");
    running.signal(signals::HANG_UP);
    eventually("the log says why", || {
        let log = std::fs::read_to_string(host.path("log")).unwrap();
        (log.contains("the old ones stay") && log.contains("api.token_file")).then_some(())
    });
    assert_eq!(running.get(&first, status, Some(TOKEN)), Some(200));

    let second = host.new_certificate();
    host.put_token(OTHER_TOKEN);
    running.signal(signals::HANG_UP);
    eventually("the new ones are in force", || {
        (running.get(&second, status, Some(OTHER_TOKEN)) == Some(200)).then_some(())
    });
    assert_eq!(running.get(&second, status, Some(TOKEN)), Some(401));
    assert_eq!(
        running.get(&first, status, Some(OTHER_TOKEN)),
        None,
        "it shows the new certificate"
    );

    running.signal(signals::TERMINATE);
    assert!(running.guard.wait().unwrap().success());
}
