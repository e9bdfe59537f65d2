//! The inviting host: makes the token and waits for the one that brings it.
use super::exchange::{Answer, Done, PartyFacts, Proof, Prover, Request, hear, say};
use super::{Paired, PairingError, Party, Token, Why};
use crate::PinnedKey;
use crate::endpoint;
use crate::pin::Pins;
use crate::tls::Tls;
use hotpair_types::{Channel, PerChannel};
use quinn::{Connection, Endpoint, EndpointConfig, Incoming, TokioRuntime, VarInt};
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::task::JoinSet;

/// How many wrong secrets make a token void.
const TRIES_MAX: u32 = 5;
/// How many may be talked to at once.
const TALKS_MAX: usize = 8;
/// How long one may take.
const TALK_TIME_MAX: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// An open invitation.
#[derive(Debug)]
pub struct Invitation {
    token: Token,
    valid: Duration,
    endpoints: [Endpoint; 2],
    desk: Arc<Desk>,
}

/// What all talks of one invitation share.
#[derive(Debug)]
struct Desk {
    party: Party,
    secret: [u8; 16],
    ledger: Mutex<Ledger>,
}

#[derive(Debug, Default)]
struct Ledger {
    wrong: u32,
    /// Who was welcomed. It may come again, until it says that it has everything.
    welcomed: Option<PinnedKey>,
}

impl Invitation {
    /// How long a token is valid.
    pub const VALID: Duration = Duration::from_secs(15 * 60);

    /// Listens on the addresses of the channels, or on other ports beside them while a node has
    /// those. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// When nothing can be listened on.
    pub fn open(party: Party, valid: Duration) -> Result<Self, PairingError> {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(|_| PairingError::Randomness)?;
        let tls = Tls::for_pairing(party.identity.clone());
        let mut addresses = party.channels;
        let mut open = |channel: Channel| {
            let failed = |error| PairingError::Listen(party.channels[channel], error);
            let socket = listen(party.channels[channel]).map_err(failed)?;
            addresses[channel] = socket.local_addr().map_err(failed)?;
            let crypto = tls.server(tls.verifier(Pins::Anybody)).map_err(PairingError::Tls)?;
            let mut transport = endpoint::transport_config(IDLE_TIMEOUT);
            transport.max_concurrent_uni_streams(0u32.into());
            transport.max_concurrent_bidi_streams(1u32.into());
            let config = endpoint::server_config(Arc::new(crypto), Arc::new(transport));
            let runtime = Arc::new(TokioRuntime);
            Endpoint::new(EndpointConfig::default(), Some(config), socket, runtime).map_err(failed)
        };
        let endpoints = [open(Channel::Redundancy)?, open(Channel::Primary)?];
        let token = Token {
            addresses,
            key: party.identity.key(),
            expires: SystemTime::now() + valid,
            secret,
        };
        let desk = Arc::new(Desk { party, secret, ledger: Mutex::default() });
        Ok(Self { token, valid, endpoints, desk })
    }

    /// To be carried to the other host.
    #[must_use]
    pub const fn token(&self) -> &Token {
        &self.token
    }

    /// Waits for the host that brings the token.
    ///
    /// # Errors
    /// When nobody came in time, or somebody guessed.
    pub async fn wait(self) -> Result<Paired, PairingError> {
        let waiting = tokio::time::timeout(self.valid, self.accept_until_paired()).await;
        let result = waiting.unwrap_or(Err(PairingError::Expired));
        for endpoint in &self.endpoints {
            endpoint.close(VarInt::from_u32(0), b"the invitation is over");
        }
        for endpoint in &self.endpoints {
            let _late =
                tokio::time::timeout(Duration::from_millis(300), endpoint.wait_idle()).await;
        }
        result
    }

    async fn accept_until_paired(&self) -> Result<Paired, PairingError> {
        let [redundancy, primary] = &self.endpoints;
        let mut talks = JoinSet::new();
        loop {
            let incoming = tokio::select! {
                it = redundancy.accept() => it,
                it = primary.accept() => it,
                Some(talked) = talks.join_next() => {
                    match talked {
                        Ok(Ok(Ok(paired))) => return Ok(paired),
                        Ok(Ok(Err(error))) => tracing::warn!(%error, "somebody tried to join"),
                        Ok(Err(_)) | Err(_) => {}
                    }
                    let wrong = self.desk.ledger.lock().expect("nobody panics here").wrong;
                    if wrong >= TRIES_MAX {
                        return Err(PairingError::TooManyTries(wrong));
                    }
                    continue;
                }
            };
            let Some(incoming) = incoming else { return Err(PairingError::Expired) };
            if !incoming.remote_address_validated() {
                if let Err(error) = incoming.retry() {
                    error.into_incoming().ignore();
                }
            } else if talks.len() < TALKS_MAX {
                let desk = self.desk.clone();
                talks.spawn(tokio::time::timeout(TALK_TIME_MAX, desk.talk(incoming)));
            } else {
                incoming.ignore();
            }
        }
    }
}

/// On this address, or beside it when a running node has it.
fn listen(address: SocketAddr) -> std::io::Result<UdpSocket> {
    match UdpSocket::bind(address) {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            UdpSocket::bind(SocketAddr::new(address.ip(), 0))
        }
        bound => bound,
    }
}

impl Desk {
    async fn talk(self: Arc<Self>, incoming: Incoming) -> Result<Paired, PairingError> {
        let protocol = |it| super::exchange::protocol(&it);
        let connection = incoming.await.map_err(protocol)?;
        let key = peer_key(&connection)?;
        let own = self.party.identity.key();
        let (mut send, mut receive) = connection.accept_bi().await.map_err(protocol)?;
        let request: Request = hear(&mut receive).await?;
        let proof = |prover| Proof::new(&connection, &self.secret, prover, key, own);
        let is_proven = proof(Prover::Joining)?.is(&request.proof);
        let (name, channels) = request.party.check()?;
        let paired = Paired { name, key, channels };
        if let Err(why) = self.judge(is_proven, &paired) {
            say(&mut send, &Answer::Refused(why)).await?;
            let _ended = send.finish();
            let _gone = send.stopped().await;
            return Err(PairingError::Refused(why));
        }
        let party = PartyFacts::new(&self.party.name, &self.party.channels);
        say(&mut send, &Answer::Welcome { proof: proof(Prover::Inviting)?.make(), party }).await?;
        let _heard: Done = hear(&mut receive).await?;
        Ok(paired)
    }

    fn judge(&self, is_proven: bool, paired: &Paired) -> Result<(), Why> {
        let mut ledger = self.ledger.lock().expect("nobody panics while holding it");
        if ledger.wrong >= TRIES_MAX {
            return Err(Why::WrongSecret);
        }
        if !is_proven {
            ledger.wrong += 1;
            return Err(Why::WrongSecret);
        }
        if ledger.welcomed.is_some_and(|it| it != paired.key) {
            return Err(Why::Used);
        }
        if paired.key == self.party.identity.key() {
            return Err(Why::SameKey);
        }
        if paired.name == self.party.name {
            return Err(Why::SameName);
        }
        let own = &self.party.channels;
        let clash = |it: SocketAddr| it.port() != 0 && (it == own.redundancy || it == own.primary);
        let PerChannel { redundancy, primary } = paired.channels;
        if clash(redundancy) || clash(primary) || redundancy == primary && redundancy.port() != 0 {
            return Err(Why::SameAddress);
        }
        ledger.welcomed = Some(paired.key);
        Ok(())
    }
}

/// The key that the other side has proven in the handshake.
fn peer_key(connection: &Connection) -> Result<PinnedKey, PairingError> {
    let identity = connection.peer_identity();
    let chain = identity
        .and_then(|it| it.downcast::<Vec<rustls::pki_types::CertificateDer<'static>>>().ok());
    let key = chain.and_then(|it| crate::certificate::certificate_key(it.first()?));
    key.ok_or_else(|| PairingError::Protocol("it shows no key".to_owned()))
}
