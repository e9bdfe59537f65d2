//! A real PostgreSQL server that is stopped, killed or frozen. It imports nothing of this crate, so that the tests of
//! others can include the file.
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, getuid, kill_process};
use tempfile::TempDir;

/// It refuses to run as root: this is whom it runs as then (`nobody`).
const NOBODY: u32 = 65_534;

/// How long it may take to start, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// One server with a database `postgres`, on a unix socket (trusted) and on loopback (with a password).
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    place: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Postgres {
    /// Who may do everything.
    pub const USER: &'static str = "hotpair";

    /// What [`USER`](Self::USER) says on loopback.
    pub const PASSWORD: &'static str = "not a secret";

    /// Why none can be started on this host; `None`: one can.
    #[must_use]
    pub fn missing() -> Option<String> {
        programs().is_none().then(|| "PostgreSQL is not installed (Debian: postgresql)".to_owned())
    }

    /// Starts one and waits until it serves. This blocks.
    ///
    /// # Errors
    /// When it does not.
    pub fn start() -> Result<Self> {
        let programs = programs().context("PostgreSQL is not installed")?;
        let place = tempfile::Builder::new().prefix("hotpair-pg-").tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let password = place.path().join("password");
        fs::write(&password, Self::PASSWORD)?;
        let mut server = Self { programs, place, port, child: None };
        server.give(server.place.path(), 0o700)?;
        server.give(&password, 0o600)?;
        let made = server
            .program("initdb")
            .arg("--pgdata")
            .arg(server.data())
            .args(["--username", Self::USER, "--encoding", "UTF8", "--locale", "C", "--no-sync"])
            .args(["--auth-local", "trust", "--auth-host", "scram-sha-256", "--pwfile"])
            .arg(&password)
            .output()
            .context("initdb cannot be started")?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        server.resume(&[])?;
        Ok(server)
    }

    /// Where its unix socket is: the host of a connection that is trusted.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.place.path()
    }

    /// Its port on 127.0.0.1, and in the name of its socket.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Writes a file that the server can read and nobody else, for instance a key.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(&self, name: &str, contents: &str) -> Result<PathBuf> {
        let path = self.place.path().join(name);
        fs::write(&path, contents)?;
        self.give(&path, 0o600)?;
        Ok(path)
    }

    /// Runs a statement with `psql` and gives what it prints, without decoration.
    ///
    /// # Errors
    /// When the statement fails, with what the server said.
    pub fn sql(&self, statement: &str) -> Result<String> {
        let run = self.psql(statement).output().context("psql cannot be started")?;
        ensure!(run.status.success(), "psql: {}", String::from_utf8_lossy(&run.stderr));
        Ok(String::from_utf8(run.stdout)?.trim_end().to_owned())
    }

    /// A client that is to run a statement. It ends with the server at the latest.
    #[must_use]
    pub fn psql(&self, statement: &str) -> Command {
        let mut command = self.program("psql");
        command
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", Self::USER, "-h"])
            .arg(self.socket())
            .args(["-p", &self.port.to_string(), "-d", "postgres", "-c", statement])
            .stdin(Stdio::null());
        command
    }

    /// Starts it again on the same data and addresses, with these settings on top. This blocks.
    ///
    /// # Errors
    /// When it does not serve in time.
    pub fn resume(&mut self, settings: &[(&str, &str)]) -> Result<()> {
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data()).arg("-k").arg(self.socket());
        command.args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("postgres cannot be started")?;
        let log = child.stderr.take().context("its log")?;
        self.child = Some(child);
        let (says, said) = channel();
        std::thread::spawn(move || {
            // When nobody listens any more it is read all the same: a full pipe would stop the server.
            for line in BufReader::new(log).lines().map_while(std::result::Result::ok) {
                says.send(line).ok();
            }
        });
        let (begun, mut last) = (Instant::now(), String::new());
        loop {
            match said.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
                Ok(line) if line.contains("is ready to accept connections") => return Ok(()),
                Ok(line) => last = line,
                Err(RecvTimeoutError::Disconnected) => bail!("postgres ended: {last}"),
                Err(RecvTimeoutError::Timeout) => bail!("postgres does not serve: {last}"),
            }
        }
    }

    /// Ends it as an operator does: connections are ended, everything is written.
    ///
    /// # Errors
    /// When it does not run.
    pub fn stop(&mut self) -> Result<()> {
        self.signal(Signal::INT)?;
        self.child.take().context("postgres does not run")?.wait()?;
        Ok(())
    }

    /// Kills it with all of its processes, and waits until they are gone.
    ///
    /// # Errors
    /// When it does not run, or does not go.
    pub fn kill(&mut self) -> Result<()> {
        let processes = self.processes()?;
        self.signal_all(Signal::KILL)?;
        self.child.take().context("postgres does not run")?.wait()?;
        let begun = Instant::now();
        while processes.iter().any(|it| parent(*it).is_some()) {
            ensure!(begun.elapsed() < PATIENCE, "its processes do not go");
            std::thread::yield_now();
        }
        Ok(())
    }

    /// Sends a signal to all of its processes: freezes them, or lets them go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal_all(&self, signal: Signal) -> Result<()> {
        for process in self.processes()? {
            // One may have ended by itself.
            kill_process(pid(process)?, signal).ok();
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child.as_ref().context("postgres does not run")?;
        Ok(kill_process(pid(child.id())?, signal)?)
    }

    /// The first one and its children: each connection has one.
    fn processes(&self) -> Result<Vec<u32>> {
        let first = self.child.as_ref().context("postgres does not run")?.id();
        let mut processes = vec![first];
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let process = name.to_str().and_then(|it| it.parse().ok());
            processes.extend(process.filter(|it| parent(*it) == Some(first)));
        }
        Ok(processes)
    }

    fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        if getuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        // It would not find the one of whoever runs the tests.
        command.current_dir(self.place.path()).env("LC_ALL", "C");
        command
    }

    /// To whom the server runs as.
    fn give(&self, path: &Path, mode: u32) -> Result<()> {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        if getuid().is_root() && fs::metadata(path)?.uid() != NOBODY {
            chown(path, Some(NOBODY), Some(NOBODY))?;
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill().ok();
        }
    }
}

/// The folder with `initdb`, `postgres` and `psql`: Debian has one for each version, not on the path.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|it| it.path().join("bin")).collect();
    // By number: 9 comes before 15.
    folders.sort_by_key(|it| {
        let version = it.parent().and_then(Path::file_name).and_then(|it| it.to_str());
        version.and_then(|it| it.parse::<u32>().ok())
    });
    folders.reverse();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    let all = |folder: &PathBuf| {
        ["initdb", "postgres", "psql"].iter().all(|it| folder.join(it).is_file())
    };
    folders.into_iter().find(all)
}

/// Whose child a process is; `None`: it is gone, or about to be.
fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in brackets, can hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if ["Z", "X"].contains(&state) { None } else { fields.next()?.parse().ok() }
}

fn pid(process: u32) -> Result<Pid> {
    i32::try_from(process).ok().and_then(Pid::from_raw).context("a process number")
}
