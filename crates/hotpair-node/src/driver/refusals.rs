//! Who cannot be worked with: handshakes that are refused, and a partner whose words are.
//!
//! What the pinned key proved is a sign of life (docs/design/states.md): no takeover on silence. What
//! is not proven may come from anybody; people are told of it, and nothing else comes of it.
use super::Driver;
use hotpair_core::Input;
use hotpair_transport::{By, Refusal};
use hotpair_types::{Channel, Time};
use std::time::Duration;

const HELLO_CODE_REFUSED: u32 = 2;
const GARBAGE_CODE: u32 = 3;
/// The alarm about a refused handshake ends so long after the last one.
const ALARM_HOLDS: Duration = Duration::from_secs(600);
const HANDSHAKE_ALARM: &str = "handshake-refused";

/// How much a refused handshake tells; of several the one that tells most is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tells {
    /// Somebody does not let us in.
    WeAreRefused,
    /// Somebody shows a key that is not the pinned one, or none.
    AStranger,
    /// The partner itself does not let us in.
    ThePartnerRefuses,
}

/// What the last refused handshakes say.
#[derive(Clone, Debug)]
pub(crate) struct RefusedHandshake {
    /// For people.
    pub(crate) text: String,
    tells: Tells,
    at: Time,
}

impl Driver {
    pub(super) fn handshake_refused(&mut self, channel: Channel, refusal: &Refusal) {
        let (tells, text) = self.tell_of(refusal);
        if tells == Tells::ThePartnerRefuses {
            self.partner.refused = Some(text.clone());
            self.input(Input::Refused { channel });
        }
        let at = self.clock.now();
        match &mut self.partner.handshake {
            Some(known) if known.tells > tells || known.text == text => {
                // It goes on; twice a second is too often for a log.
                known.at = at;
                tracing::debug!(%channel, ?refusal, "a handshake was refused");
            }
            Some(_) | None => {
                let from = refusal.from;
                tracing::warn!(%channel, ?from, %text, "a handshake was refused");
                self.raise_all(HANDSHAKE_ALARM, &text);
                self.partner.handshake = Some(RefusedHandshake { text, tells, at });
            }
        }
        self.changed();
    }

    fn tell_of(&self, refusal: &Refusal) -> (Tells, String) {
        let pinned = &self.settings.partner.key;
        match (refusal.by, refusal.proven, refusal.key) {
            (By::Them, true, _) => {
                let own = self.key;
                let text = format!(
                    "the partner is alive and refuses this node's key: `partner.key` in its \
                     settings must be {own}"
                );
                (Tells::ThePartnerRefuses, text)
            }
            (By::Us, _, Some(shown)) if shown != *pinned => {
                let text = format!(
                    "where the partner should be somebody shows the key {shown}; pinned is \
                     {pinned}. If that is the partner, correct `partner.key` here and start again"
                );
                (Tells::AStranger, text)
            }
            (By::Us, _, _) => {
                (Tells::AStranger, format!("somebody was not let in: {}", refusal.why))
            }
            (By::Them, false, _) => {
                let why = &refusal.why;
                let text = format!(
                    "where the partner should be somebody refuses this node before proving to be \
                     the partner: {why}"
                );
                (Tells::WeAreRefused, text)
            }
        }
    }

    /// All handshakes that were refused, by either side.
    pub(crate) fn refused_handshakes(&self) -> u64 {
        self.transport.counters().iter().map(|(_, it)| it.refused).sum()
    }

    pub(super) fn look_at_refused_handshake(&mut self) {
        let now = self.clock.now();
        if self.partner.handshake.as_ref().is_some_and(|it| now.since(it.at) >= ALARM_HOLDS) {
            self.forget_refused_handshake();
        }
    }

    pub(super) fn forget_refused_handshake(&mut self) {
        self.partner.handshake = None;
        self.lower_all(HANDSHAKE_ALARM);
    }

    pub(super) fn refuse_partner(&mut self, channel: Channel, why: String) {
        tracing::error!(%channel, %why, "the partner is alive and cannot be worked with");
        self.raise_all("partner-refused", &why);
        self.partner.refused = Some(why);
        self.input(Input::Refused { channel });
        self.transport.disconnect(channel, HELLO_CODE_REFUSED, "refused");
        self.changed();
    }

    pub(super) fn on_garbage(&mut self, channel: Channel, what: &str) {
        tracing::error!(%channel, %what, "the partner sent what cannot be understood");
        self.raise_all("partner-refused", &format!("it sent what cannot be understood: {what}"));
        self.partner.refused = Some(what.to_owned());
        self.partner.garbage += 1;
        self.input(Input::Refused { channel });
        self.transport.disconnect(channel, GARBAGE_CODE, "garbage");
        self.changed();
    }
}
