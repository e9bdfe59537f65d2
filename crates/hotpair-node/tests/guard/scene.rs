//! A guard under test and everything around it.
use crate::PATIENCE;
use hotpair_os::child::ProcessHandle;
use hotpair_os::{readiness, signals};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Child, Command};

/// A guard, and the test's ends of everything around it.
pub(crate) struct Scene {
    pub(crate) guard: Child,
    control: UnixListener,
    partners: [UdpSocket; 2],
    pub(crate) manager: UnixDatagram,
    _dir: tempfile::TempDir,
}

impl Scene {
    pub(crate) fn begin() -> Self {
        Self::begin_with("guard")
    }

    pub(crate) fn begin_with(role: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let control = UnixListener::bind(dir.path().join("control")).unwrap();
        let manager = UnixDatagram::bind(dir.path().join("notify")).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let partners = [(), ()].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(role).arg(dir.path().join("control"));
        command.args(partners.iter().map(|it| it.local_addr().unwrap().to_string()));
        command.env("NOTIFY_SOCKET", dir.path().join("notify"));
        let guard = command.spawn().unwrap();
        Self { guard, control, partners, manager, _dir: dir }
    }

    /// Waits for a process to report.
    pub(crate) fn next(&self, role: &str) -> Process {
        let listening = [Some(self.control.as_fd())];
        assert_eq!(readiness::wait(listening, Some(PATIENCE)).unwrap(), [true], "no {role} came");
        let (stream, _) = self.control.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut process = Process { pid: 0, lines: BufReader::new(stream) };
        let line = process.line();
        process.pid = line.strip_prefix(role).expect(&line).trim().parse().unwrap();
        process
    }

    /// Waits for a datagram on one channel.
    pub(crate) fn hear(&self, channel: usize) -> (String, SocketAddr) {
        let mut bytes = [0; 64];
        self.partners[channel].set_read_timeout(Some(PATIENCE)).unwrap();
        let (length, from) = self.partners[channel].recv_from(&mut bytes).unwrap();
        (String::from_utf8_lossy(&bytes[..length]).into(), from)
    }

    /// The same, as it came.
    pub(crate) fn hear_bytes(&self, channel: usize) -> Vec<u8> {
        let mut bytes = [0; 2048];
        self.partners[channel].set_read_timeout(Some(PATIENCE)).unwrap();
        let length = self.partners[channel].recv(&mut bytes).unwrap();
        bytes[..length].to_vec()
    }

    pub(crate) fn answer(&self, channel: usize, text: &str) {
        let (heard, from) = self.hear(channel);
        assert_eq!(heard, text);
        self.partners[channel].send_to(format!("heard {text}").as_bytes(), from).unwrap();
    }

    pub(crate) fn signal_guard(&self, signal: i32) {
        let handle = ProcessHandle::open(self.guard.id().try_into().unwrap()).unwrap();
        handle.signal(signal).unwrap();
    }

    /// Waits for the guard's end.
    pub(crate) fn status(&mut self) -> i32 {
        self.guard.wait().unwrap().code().unwrap()
    }

    /// To be asked after the guard's end: nothing can come later.
    pub(crate) fn heard_nothing(&self) {
        for partner in &self.partners {
            partner.set_nonblocking(true).unwrap();
            assert!(partner.recv(&mut [0; 64]).is_err());
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // After a failure: a node without its guard ends by itself.
        self.guard.kill().unwrap();
        self.guard.wait().unwrap();
    }
}

pub(crate) struct Process {
    pub(crate) pid: i32,
    lines: BufReader<UnixStream>,
}

impl Process {
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) fn send(&mut self, what: &str) {
        writeln!(self.lines.get_mut(), "{what}").unwrap();
    }

    pub(crate) fn ask(&mut self, what: &str) {
        self.send(what);
        assert_eq!(self.line(), "done");
    }

    pub(crate) fn kill(&self) {
        ProcessHandle::open(self.pid).unwrap().signal(signals::KILL).unwrap();
    }

    pub(crate) fn is_gone(&self) -> bool {
        !std::path::Path::new(&format!("/proc/{}", self.pid)).exists()
    }
}
