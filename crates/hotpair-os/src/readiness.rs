//! Waits until one of a few descriptors can be read.
use crate::checked;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Waits until one of them is readable or closed at the other end, at most so long (rounded up to
/// milliseconds; `None`: for ever). Says of each whether it is. All `false`: time is up, or a
/// signal came.
///
/// # Errors
/// The kernel's.
pub fn wait<const N: usize>(
    descriptors: [Option<BorrowedFd<'_>>; N],
    at_most: Option<Duration>,
) -> io::Result<[bool; N]> {
    let mut polled = descriptors.map(|it| libc::pollfd {
        fd: it.map_or(-1, |it| it.as_raw_fd()),
        events: libc::POLLIN,
        revents: 0,
    });
    let millis = at_most
        .map_or(-1, |it| i32::try_from(it.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX));
    // SAFETY: `polled` is a valid array of N, and outlives the call.
    let result = unsafe { libc::poll(polled.as_mut_ptr(), N as libc::nfds_t, millis) };
    match checked(result) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok([false; N]),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    Ok(polled.map(|it| it.revents != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn says_which_is_readable() {
        let (mut near, far) = UnixStream::pair().unwrap();
        let (_quiet, silent) = UnixStream::pair().unwrap();
        let both = || [Some(far.as_fd()), None, Some(silent.as_fd())];
        assert_eq!(wait(both(), Some(Duration::ZERO)).unwrap(), [false; 3]);
        near.write_all(b"x").unwrap();
        assert_eq!(wait(both(), None).unwrap(), [true, false, false]);
        drop(near);
        assert_eq!(wait(both(), None).unwrap(), [true, false, false]);
    }
}
