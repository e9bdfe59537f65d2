//! A descriptor that the parent process left open for us.
use crate::checked;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;

static TAKEN: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());

/// Takes over a connected Unix stream with this number; it is closed in our own children.
///
/// The number has to come from the parent that left it open. It is checked that it is such a
/// socket, and that it is taken once only.
///
/// # Errors
/// `InvalidInput` when it is something else, or was taken before; else the kernel's.
pub fn unix_stream(fd: RawFd) -> io::Result<UnixStream> {
    let invalid = |text| Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    if fd <= libc::STDERR_FILENO {
        return invalid("no number of an inherited socket");
    }
    if (option(fd, libc::SO_DOMAIN)?, option(fd, libc::SO_TYPE)?)
        != (libc::AF_UNIX, libc::SOCK_STREAM)
    {
        return invalid("not a Unix stream");
    }
    let mut taken = TAKEN.lock().expect("nothing panics while it is held");
    if taken.contains(&fd) {
        return invalid("taken before");
    }
    // SAFETY: plain numbers.
    checked(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    taken.push(fd);
    // SAFETY: it is open (the calls above succeeded), and nobody else owns it: the parent left it
    // for us, and we give it away once.
    Ok(UnixStream::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

fn option(fd: RawFd, name: libc::c_int) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `value` is a valid place of `size` bytes.
    let result = unsafe {
        libc::getsockopt(fd, libc::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut size)
    };
    checked(result).map(|_| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::{AsRawFd, IntoRawFd};

    #[test]
    fn what_is_no_stream_is_not_taken() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(unix_stream(file.as_raw_fd()).is_err());
        assert!(unix_stream(1).is_err());
        assert!(unix_stream(100_000).is_err());
    }

    #[test]
    fn a_stream_is_taken_once() {
        let (mut near, far) = UnixStream::pair().unwrap();
        let fd = far.into_raw_fd();
        let mut taken = unix_stream(fd).unwrap();
        assert!(unix_stream(fd).is_err());
        near.write_all(b"x").unwrap();
        drop(near);
        let mut heard = String::new();
        taken.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "x");
    }
}
