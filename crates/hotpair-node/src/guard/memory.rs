//! How glibc gives memory to the node: in huge pages where the kernel lets a process ask for them, and
//! from one arena.
//!
//! A killed process is not dead before its pages are freed, and 4 KiB at a time that is most of a
//! takeover (docs/benches.md). Another C library does not look at the variable.
use std::process::Command;

const NAME: &str = "GLIBC_TUNABLES";
const VALUE: &str = "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1";

/// For a node that is about to be started. What the environment says already stays.
pub(super) fn tune(command: &mut Command) {
    if std::env::var_os(NAME).is_none() {
        command.env(NAME, VALUE);
    }
}

/// For what a node starts: it is meant for the node alone.
pub(crate) fn untune(command: &mut Command) {
    if std::env::var_os(NAME).is_some_and(|it| it == VALUE) {
        command.env_remove(NAME);
    }
}
