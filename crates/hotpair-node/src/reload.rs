//! SIGHUP: the settings file is read again. What may change while running is applied, the rest is named;
//! a file with an error changes nothing.
use crate::face::Face;
use crate::guard::node_side;
use crate::settings::{Hooks, Reload, Settings, load};
use hotpair_api::ApiKeys;
use hotpair_transport::{Identity, PinnedKey};
use std::path::PathBuf;
use tokio::sync::watch;

/// What a reload needs.
pub(crate) struct Reloading {
    pub(crate) file: PathBuf,
    /// What is in force.
    pub(crate) running: Settings,
    pub(crate) face: Face,
    pub(crate) api: ApiKeys,
    /// The key that this process is known by.
    pub(crate) key: PinnedKey,
    pub(crate) hooks: watch::Sender<Hooks>,
    pub(crate) guard: Option<node_side::GuardLink>,
}

impl Reloading {
    /// Waits for SIGHUP, for ever.
    pub(crate) async fn on_hang_up(mut self) {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hang_ups = match signal(SignalKind::hangup()) {
            Ok(hang_ups) => hang_ups,
            Err(error) => {
                tracing::error!(%error, "SIGHUP cannot be heard");
                return;
            }
        };
        while hang_ups.recv().await.is_some() {
            // The service manager waits for both words, or takes the reload for hanging.
            if let Some(guard) = &self.guard {
                guard.reloading();
            }
            self.reload().await;
            if let Some(guard) = &self.guard {
                guard.ready();
            }
        }
    }

    async fn reload(&mut self) {
        let new = match load(&self.file) {
            Ok(new) => new,
            Err(error) => {
                tracing::error!("the settings are not taken; the old ones stay:\n{error}");
                return;
            }
        };
        let mut running = self.running.clone();
        let reload = running.take_live(&new);
        // First what can fail: half of a file must not be in force.
        if let Err(error) = self.api.read_again(running.api.tls_files(), running.api.token_file()) {
            tracing::error!(%error, "the settings are not taken; the old ones stay");
            return;
        }
        let identity = match self.certified() {
            Ok(identity) => identity,
            Err(why) => {
                tracing::error!(why, "the settings are not taken; the old ones stay");
                return;
            }
        };
        self.running = running;
        tell(&reload);
        self.face.take_identity(identity).await;
        self.hooks.send_replace(self.running.hooks.clone());
        if !reload.applied.is_empty() {
            self.face.take_settings(self.running.clone()).await;
        }
    }

    /// The key file as it is now. The key itself cannot change while the partner pins the old one.
    fn certified(&self) -> Result<Identity, String> {
        let file = self.running.key_file();
        let identity = Identity::load(&file).map_err(|error| error.to_string())?;
        if identity.key() == self.key {
            return Ok(identity);
        }
        Err(format!(
            "{} holds another key, {}: that needs a restart, and the partner must pin it \
             (`hotpair invite --replace`)",
            file.display(),
            identity.key()
        ))
    }
}

fn tell(reload: &Reload) {
    for it in &reload.applied {
        tracing::info!(field = it.field, old = it.old, new = it.new, "applied");
    }
    for it in &reload.needs_restart {
        tracing::warn!(field = it.field, running = it.old, file = it.new, "needs a restart");
    }
    if *reload == Reload::default() {
        tracing::info!("the settings are as they were; token and certificates were read again");
    }
}
