//! What the service manager hears (`sd_notify`): from the guard, since it is the main process.
//!
//! `WATCHDOG=1` is passed on from the node's loop, so that a node that hangs is noticed; while no
//! node runs, the guard vouches for itself.
use sd_notify::NotifyState;

/// What the child must not have: it would speak for itself.
pub(super) const ENVIRONMENT: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"];

pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

pub(super) fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "cannot tell the service manager of the reload"),
    }
}

fn tell(what: &[NotifyState<'_>]) {
    // Not under a service manager is no error; one that does not listen is.
    if let Err(error) = sd_notify::notify(what) {
        tracing::warn!(%error, "cannot tell the service manager");
    }
}
