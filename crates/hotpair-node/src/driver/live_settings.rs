//! Settings that change while the node runs.
use super::Driver;
use crate::greeting::{self, Differences};
use crate::settings::Settings;
use crate::{boot, wire};
use hotpair_core::Input;
use hotpair_transport::{Identity, Lane};
use hotpair_types::Channel;
use std::sync::Arc;

impl Driver {
    /// Puts settings in force that differ from the running ones only in what may change.
    pub(crate) fn take_settings(&mut self, settings: Settings) {
        let data = Box::new(boot::replication_settings(&settings));
        let policy = boot::fsm_settings(&settings, settings.node.designation).policy();
        self.partner.own.settings = greeting::said(&settings, &self.natives);
        self.settings = Arc::new(settings);
        self.input(Input::Settings { policy, data });
        // The partner compares with what we said last.
        let hello = wire::encode_hello(&self.partner.own);
        for channel in Channel::ALL.into_iter().filter(|it| self.partner.is_up(*it)) {
            self.send_frame(Some(channel), Lane::Control, hello.clone());
        }
        if let Some(their) = &self.partner.hello {
            let differences = greeting::compare(&self.partner.own.settings, &their.settings);
            self.note_differences(&differences);
        }
        self.changed();
    }

    /// Shows another certificate around the same key from the next connection on; those that are up stay.
    pub(crate) fn take_identity(&mut self, identity: &Identity) {
        if identity.validity() == self.certificate {
            return;
        }
        match self.transport.renew_identity(identity) {
            Ok(()) => {
                self.certificate = identity.validity();
                let seconds_left = self.certificate_seconds();
                tracing::info!(seconds_left, "another certificate is shown from now on");
                self.lower_all("own-certificate");
            }
            Err(error) => tracing::error!(%error, "the new certificate cannot be shown"),
        }
    }

    /// Tells people where the two nodes say different things.
    pub(super) fn note_differences(&mut self, differences: &Differences) {
        match differences.text() {
            Some(text) => self.raise_all("settings-differ", &text),
            None => self.lower_all("settings-differ"),
        }
    }
}
