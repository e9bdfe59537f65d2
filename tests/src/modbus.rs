//! A Modbus TCP device by pymodbus, an implementation that is not ours.
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::{eventually, free_address, own_loopback, patience};

/// What the scenarios were written for.
const VERSION: &str = "3.16.1";

/// One device, unit 1, with 64 registers and 64 bits in each table.
#[derive(Debug)]
pub struct ModbusDevice {
    /// Where it is.
    pub address: SocketAddr,
    running: Mutex<Option<(Child, ChildStdin)>>,
    /// What it said, a line each.
    said: Arc<Mutex<Vec<String>>>,
}

impl ModbusDevice {
    /// Why none can be started on this host; `None`: one can.
    #[must_use]
    pub fn missing() -> Option<String> {
        let mut python = python();
        let run = python.args(["-c", "import pymodbus"]).stderr(Stdio::null()).status();
        let is_there = run.is_ok_and(|it| it.success());
        let place = packages();
        (!is_there).then(|| {
            let place = place.display();
            format!("there is no pymodbus (`pip install --target {place} pymodbus=={VERSION}`)")
        })
    }

    /// Starts one and waits until it serves.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start() -> Result<Self> {
        let address = free_address(own_loopback())?;
        let device = Self { address, running: Mutex::default(), said: Arc::default() };
        device.resume().await?;
        Ok(device)
    }

    /// Starts it at the same address, with zeros everywhere.
    ///
    /// # Errors
    /// When it does not serve.
    pub async fn resume(&self) -> Result<()> {
        let before = self.said("ready").len();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("devices/modbus_device.py");
        let mut child = python()
            .arg(script)
            .arg(self.address.ip().to_string())
            .arg(self.address.port().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("python3 cannot be started")?;
        let lines = child.stdout.take().context("its output")?;
        let input = child.stdin.take().context("its input")?;
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some((child, input));
        let said = self.said.clone();
        std::thread::spawn(move || {
            use std::io::BufRead as _;
            let lines = std::io::BufReader::new(lines).lines();
            for line in lines.map_while(std::result::Result::ok) {
                said.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        self.until("ready", before + 1).await
    }

    /// Kills it.
    ///
    /// # Errors
    /// When it does not run.
    pub fn stop(&self) -> Result<()> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (mut child, _input) = running.context("the device runs not")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Changes what can be read: `input ADDRESS VALUE …` or `discrete ADDRESS 0|1 …`.
    ///
    /// # Errors
    /// When it does not run, or does not do it.
    pub async fn set(&self, what: &str) -> Result<()> {
        let before = self.said("set").len();
        {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            let (_, input) = running.as_mut().context("the device runs not")?;
            writeln!(input, "{what}")?;
        }
        self.until("set", before + 1).await
    }

    /// The lines it said that begin so.
    #[must_use]
    pub fn said(&self, beginning: &str) -> Vec<String> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.iter().filter(|it| it.starts_with(beginning)).cloned().collect()
    }

    /// Waits until it has said so many lines that begin so.
    ///
    /// # Errors
    /// When it does not.
    pub async fn until(&self, beginning: &str, count: usize) -> Result<()> {
        let what = format!("the device said `{beginning}` {count} times");
        eventually(&what, patience(Duration::from_secs(15)), async || {
            let found = self.said(beginning).len();
            let all = || self.said("").join(", ");
            if found >= count { Ok(()) } else { Err(anyhow!("{found} times: {}", all())) }
        })
        .await?;
        ensure!(!self.said.is_poisoned(), "the reader of its lines panicked");
        Ok(())
    }
}

impl Drop for ModbusDevice {
    fn drop(&mut self) {
        // One that was stopped needs no more.
        self.stop().ok();
    }
}

fn python() -> Command {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", packages());
    command
}

/// Beside what else is built.
fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/pymodbus")
}
