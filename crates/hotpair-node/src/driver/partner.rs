//! What comes from the partner, and what is known of it.
use super::Driver;
use super::refusals::RefusedHandshake;
use crate::greeting;
use crate::settings::ChannelSettings;
use crate::wire::{self, FencedNotice, Incoming, OwnHello, Plain, TheirHello};
use bytes::Bytes;
use hotpair_core::{EngineInput, Input};
use hotpair_fsm::{BeatToSend, View};
use hotpair_transport::{HintKind, Lane, TransportEvent};
use hotpair_types::{Channel, Instance, PerChannel};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// So long before its end a certificate is something to look at.
const CERTIFICATE_ALARM: Duration = Duration::from_secs(30 * 24 * 3_600);

/// One connection to the partner.
#[derive(Clone, Copy, Debug)]
struct Link {
    connection: u64,
    /// Who is at the other end, once it said Hello.
    instance: Option<Instance>,
}

/// What is known of the partner.
pub(crate) struct PartnerInfo {
    pub(crate) own: OwnHello,
    /// Both nodes run on one host, as far as the addresses of the channels tell.
    same_host: bool,
    links: PerChannel<Option<Link>>,
    /// The newest Hello that was taken.
    pub(crate) hello: Option<OwnHello>,
    /// Why the last Hello, ours or theirs, was refused.
    pub(crate) refused: Option<String>,
    /// How often it sent what cannot be understood.
    pub(crate) garbage: u64,
    /// By channel: the certificate of the connection that is up deserves a look.
    certificate_alarm: PerChannel<bool>,
    /// What the last handshake that was refused says.
    pub(super) handshake: Option<RefusedHandshake>,
}

impl PartnerInfo {
    pub(crate) fn new(own: OwnHello, channels: &PerChannel<ChannelSettings>) -> Self {
        let here = |it: &ChannelSettings| {
            it.partner.ip().is_loopback() || it.partner.ip() == it.listen.ip()
        };
        Self {
            own,
            same_host: channels.iter().any(|it| here(it.1)),
            links: PerChannel { redundancy: None, primary: None },
            hello: None,
            refused: None,
            garbage: 0,
            certificate_alarm: PerChannel::default(),
            handshake: None,
        }
    }

    pub(crate) fn is_up(&self, channel: Channel) -> bool {
        self.links[channel].is_some()
    }

    /// The base address of the partner's API, as it said; not when it is the loopback of another
    /// host, where whoever followed it would ask this node again.
    pub(crate) fn api(&self) -> Option<String> {
        let api = &self.hello.as_ref()?.api;
        (self.same_host || !is_loopback(api)).then(|| api.clone())
    }
}

impl Driver {
    pub(super) fn partner_event(&mut self, event: TransportEvent) {
        match event {
            TransportEvent::Up { channel, connection, .. } => {
                tracing::info!(%channel, "connected to the partner");
                // What is wrong with its certificate is told right after this, before any frame.
                self.partner.certificate_alarm[channel] = false;
                self.partner.links[channel] = Some(Link { connection, instance: None });
                let hello = wire::encode_hello(&self.partner.own);
                self.send_frame(Some(channel), Lane::Control, hello);
                self.input(Input::LinkUp { channel });
                self.changed();
            }
            TransportEvent::Down { channel, connection, reason, .. } => {
                if self.partner.links[channel].is_some_and(|it| it.connection == connection) {
                    tracing::info!(%channel, %reason, "the connection to the partner is gone");
                    self.partner.links[channel] = None;
                    self.input(Input::LinkDown { channel });
                    self.changed();
                }
            }
            TransportEvent::Beat { channel, bytes, .. } => self.on_beat(channel, &bytes),
            TransportEvent::Frame(frame) => {
                let (channel, connection) = (frame.channel, frame.connection);
                self.on_frame(channel, connection, &frame.into_bytes());
            }
            TransportEvent::Moved { from, to, .. } => {
                if let (Some(from), Some(to)) = (from, to) {
                    tracing::info!(%from, %to, "data takes another channel");
                }
                self.input(Input::Moved);
            }
            TransportEvent::Hint { channel, kind, .. } => {
                tracing::debug!(%channel, ?kind, "hint: the partner's process may be gone");
                self.input(Input::Hint { channel, refused: kind == HintKind::Refused });
            }
            TransportEvent::Refused { channel, refusal, .. } => {
                self.handshake_refused(channel, &refusal);
            }
            TransportEvent::CertificateAlarm { channel, kind, .. } => {
                let text = format!("the partner's certificate on {channel}: {kind:?}");
                tracing::warn!(%channel, ?kind, "the partner's certificate deserves a look");
                self.partner.certificate_alarm[channel] = true;
                self.raise_all("certificate", &text);
            }
            TransportEvent::Plain { channel, from, bytes, .. } => {
                self.on_plain(channel, from, &bytes);
            }
        }
    }

    /// How long this node's own certificate is still valid, in seconds; negative: it is not.
    pub(crate) fn certificate_seconds(&self) -> f64 {
        let ms = |it: SystemTime| it.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        ms(self.certificate.until) as f64 / 1_000.0 - self.clock.wall().0 as f64 / 1_000.0
    }

    /// An old certificate with the pinned key is accepted by the partner; people should know.
    pub(super) fn look_at_certificate(&mut self) {
        let left = self.certificate_seconds();
        let text = if left < 0.0 {
            "this node's own certificate has expired; the partner accepts it with an alarm"
        } else if left < CERTIFICATE_ALARM.as_secs_f64() {
            "this node's own certificate expires within thirty days"
        } else {
            return;
        };
        if self.engines.iter().any(|it| !it.alarms.contains_key("own-certificate")) {
            tracing::warn!(%text, "certificate");
            self.raise_all("own-certificate", text);
        }
    }

    fn on_beat(&mut self, channel: Channel, bytes: &[u8]) {
        match wire::decode_beat(channel, bytes) {
            Ok((beat, number, views)) => self.input(Input::Beat { beat, number, views }),
            Err(error) => self.on_garbage(channel, &error.to_string()),
        }
    }

    fn on_frame(&mut self, channel: Channel, connection: u64, bytes: &[u8]) {
        let Some(link) = self.partner.links[channel].filter(|it| it.connection == connection)
        else {
            return;
        };
        let incoming = match wire::decode_frame(bytes) {
            Ok(incoming) => incoming,
            Err(error) => return self.on_garbage(channel, &error.to_string()),
        };
        match (incoming, link.instance) {
            (Incoming::Hello(hello), _) => {
                if !self.partner.certificate_alarm.iter().any(|it| *it.1) {
                    self.lower_all("certificate");
                }
                self.on_hello(channel, *hello);
            }
            (Incoming::Refusal { why }, _) => {
                self.refuse_partner(channel, format!("the partner refuses us: {why}"));
            }
            // A frame before Hello: the partner is newer than what we understand, or confused.
            (_, None) => self.on_garbage(channel, "a frame came before Hello"),
            (Incoming::Summary { engine, summary }, Some(from)) => {
                self.engine_input(engine, EngineInput::Summary { from, summary });
            }
            (Incoming::Message { engine, message }, Some(from)) => {
                self.engine_input(engine, EngineInput::Message { channel, from, message });
            }
        }
    }

    fn on_hello(&mut self, channel: Channel, their: TheirHello) {
        let differences = match greeting::judge(&self.partner.own, &their) {
            Ok(differences) => differences,
            Err(refusal) => {
                let why = refusal.to_string();
                self.send_frame(Some(channel), Lane::Control, wire::encode_refusal(&why));
                return self.refuse_partner(channel, format!("its Hello is refused: {why}"));
            }
        };
        let compares = their.compares();
        let hello = their.hello;
        if let Some(link) = &mut self.partner.links[channel] {
            link.instance = Some(hello.instance);
        }
        let newer = self.partner.hello.as_ref().is_none_or(|it| {
            it.instance == hello.instance || hello.instance.is_newer_than(it.instance)
        });
        if newer {
            if self.partner.hello.as_ref().is_none_or(|it| it.instance != hello.instance) {
                tracing::info!(node = %hello.node, instance = %hello.instance, release = hello.release, "the partner said Hello");
            }
            self.note_differences(&differences);
            self.partner.refused = None;
            self.lower_all("partner-refused");
            self.forget_refused_handshake();
            self.partner.hello = Some(hello.clone());
        }
        let differs = differences.blocking.map(Into::into);
        self.input(Input::Hello { channel, instance: hello.instance, differs, compares });
        self.changed();
    }

    fn on_plain(&mut self, channel: Channel, from: SocketAddr, bytes: &[u8]) {
        let Ok(Plain::Fenced(notice)) = wire::decode_plain(bytes) else {
            tracing::debug!(%channel, %from, "a datagram that is not ours");
            return;
        };
        if !self.is_proof(&notice) {
            tracing::warn!(%channel, %from, instance = %notice.instance, "a notice of a guard that is not the partner's");
            return;
        }
        let answer = wire::encode_fenced_answer(&notice);
        if let Err(error) = self.transport.send_plain(channel, from, &answer) {
            tracing::debug!(%error, "cannot answer the guard");
        }
        self.input(Input::Fenced { instance: notice.instance, behind: notice.behind });
    }

    /// Signed by the guard of the partner's instance that said Hello last.
    fn is_proof(&self, notice: &FencedNotice) -> bool {
        let Some(hello) = &self.partner.hello else { return false };
        notice.pair == self.partner.own.pair
            && notice.instance == hello.instance
            && hello.guard_key.is_some_and(|it| notice.is_signed_by(&it))
    }

    pub(super) fn send_beat(&self, beat: &BeatToSend, number: u64, views: &[View]) {
        if self.partner.is_up(beat.channel) {
            let bytes = wire::encode_beat(beat, number, views);
            if let Err(error) = self.transport.send_beat(beat.channel, bytes) {
                tracing::debug!(channel = %beat.channel, %error, "a beat was not sent");
            }
        }
    }

    /// Queues a frame; `None`: on the channel that data takes.
    pub(super) fn send_frame(&self, channel: Option<Channel>, lane: Lane, bytes: Bytes) {
        let sent = match channel {
            Some(channel) => self.transport.send_on(channel, lane, bytes),
            None => self.transport.send(lane, bytes).map(drop),
        };
        // What is lost here is asked for again: the replica resends, summaries are repeated.
        if let Err(error) = sent {
            tracing::debug!(%lane, %error, "a frame was not sent");
        }
    }
}

/// Whether a base address leads to the host of whoever asks.
fn is_loopback(base: &str) -> bool {
    let authority = base.split_once("://").map_or(base, |it| it.1).trim_end_matches('/');
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => authority.split(':').next().unwrap_or(authority),
    };
    host == "localhost" || host.parse().is_ok_and(|it: IpAddr| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_is_known_in_every_spelling() {
        for base in
            ["http://127.0.0.1:8650", "https://localhost", "http://[::1]:8650/", "http://127.9.9.9"]
        {
            assert!(is_loopback(base), "{base}");
        }
        for base in
            ["http://10.10.0.1:8650", "https://gw-a.plant:8650", "http://[fd00::1]:8650", "x"]
        {
            assert!(!is_loopback(base), "{base}");
        }
    }
}
