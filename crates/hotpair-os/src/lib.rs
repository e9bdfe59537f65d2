//! The only place where unsafe is allowed: small wrappers of system calls of Linux.
//!
//! Nothing here decides anything. Each function is one call, or the few that belong together, with
//! the error of the kernel as it is.
//!
//! The modules below are in reading order.

#![warn(missing_docs)]
#![allow(unsafe_code, reason = "the one crate that speaks to the kernel where std does not")]

pub mod clock;
pub mod child;
pub mod inherit;
pub mod signals;
pub mod readiness;
pub mod scheduling;
pub mod limits;
pub mod lock;
pub mod interfaces;
pub mod capabilities;
pub mod netlink;
pub mod packet;

/// Turns the -1 of a system call into the error it stands for.
fn checked(result: libc::c_int) -> std::io::Result<libc::c_int> {
    if result == -1 { Err(std::io::Error::last_os_error()) } else { Ok(result) }
}
