//! Disks that fail on request: a library in front of libc, and a small one that can be filled.
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use hotpair_tests::NodeProcess;
use tempfile::TempDir;

use crate::stage::Stage;

/// Makes one `fsync` or `fdatasync`, or one read of a replicated store, fail when a file asks for it.
const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int fails(const char *name) {
  const char *trigger = getenv(name);
  if (!trigger || unlink(trigger) != 0) return 0;
  errno = EIO;
  return 1;
}
int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return fails("HOTPAIR_TEST_FSYNC_FAILS_AT") ? -1 : real(fd);
}
int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return fails("HOTPAIR_TEST_FSYNC_FAILS_AT") ? -1 : real(fd);
}
static int is_store(int fd) {
  char name[64], path[4096];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(name, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, "/replicated.redb") != NULL;
}
ssize_t pread64(int fd, void *to, size_t count, off64_t offset) {
  static ssize_t (*real)(int, void *, size_t, off64_t);
  if (!real) real = (ssize_t (*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
  if (is_store(fd) && fails("HOTPAIR_TEST_READ_FAILS_AT")) return -1;
  return real(fd, to, count, offset);
}
"#;

/// What fails, once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The next fsync.
    Sync,
    /// The next read of `replicated.redb`.
    Read,
}

impl Fault {
    const BOTH: [Self; 2] = [Self::Sync, Self::Read];

    const fn variable(self) -> &'static str {
        match self {
            Self::Sync => "HOTPAIR_TEST_FSYNC_FAILS_AT",
            Self::Read => "HOTPAIR_TEST_READ_FAILS_AT",
        }
    }

    fn trigger(self, folder: &Path) -> PathBuf {
        folder.join(match self {
            Self::Sync => "fsync-fails",
            Self::Read => "read-fails",
        })
    }
}

/// The disk under one node.
#[derive(Debug)]
pub(crate) struct FaultyDisk(PathBuf);

impl FaultyDisk {
    /// Starts a node on it.
    pub(crate) fn under(node: &NodeProcess) -> Result<Self> {
        let disk = Self(node.folder().to_owned());
        let library = disk.build()?;
        let mut environment = vec![("LD_PRELOAD", library)];
        environment.extend(Fault::BOTH.map(|it| (it.variable(), it.trigger(&disk.0))));
        let mut texts = Vec::new();
        for (name, path) in &environment {
            texts.push((*name, path.to_str().context("UTF-8")?));
        }
        node.start_with(&texts)?;
        Ok(disk)
    }

    /// From now on, once.
    pub(crate) fn arm(&self, fault: Fault) -> Result<()> {
        Ok(std::fs::write(fault.trigger(&self.0), "")?)
    }

    /// Whether it has happened.
    pub(crate) fn was_met(&self, fault: Fault) -> bool {
        !fault.trigger(&self.0).exists()
    }

    fn build(&self) -> Result<PathBuf> {
        let (source, library) = (self.0.join("fault.c"), self.0.join("fault.so"));
        std::fs::write(&source, LIBRARY)?;
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl");
        match compile.output() {
            Ok(output) if output.status.success() => Ok(library),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                Err(Stage::skip(&format!("no C compiler: {said}")))
            }
            Err(error) => Err(Stage::skip(&format!("no C compiler: {error}"))),
        }
    }
}

/// A disk of its own under the data of one node: a tmpfs with a limit. Dropped: unmounted.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Puts what is in the data directory of a node that does not run on a disk of so many MiB.
    pub(crate) fn under(node: &NodeProcess, mebibytes: u32) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hotpair-it-disk-").tempdir()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"]);
        match mount.arg(folder.path()).output() {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                return Err(Stage::skip(&format!("no tmpfs here: {}", said.trim())));
            }
            Err(error) => return Err(Stage::skip(&format!("no tmpfs here: {error}"))),
        }
        let disk = Self { folder };
        for entry in std::fs::read_dir(node.data_dir())? {
            let entry = entry?;
            std::fs::copy(entry.path(), disk.folder.path().join(entry.file_name()))?;
        }
        std::fs::remove_dir_all(node.data_dir())?;
        std::os::unix::fs::symlink(disk.folder.path(), node.data_dir())?;
        Ok(disk)
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path().join("ballast")
    }

    /// Leaves not one byte.
    pub(crate) fn fill(&self) -> Result<()> {
        let mut file = std::fs::File::create(self.ballast())?;
        let piece = vec![b'x'; 4096];
        loop {
            match file.write_all(&piece) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => bail!("cannot fill the disk: {error}"),
            }
        }
    }

    /// Gives the space back.
    pub(crate) fn free(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.ballast())?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that is about to end may hold a file for another moment.
        let _left_behind = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}
