//! The joining host: brings the token back.
use super::exchange::{Answer, Done, PartyFacts, Proof, Prover, Request, hear, protocol, say};
use super::{Paired, PairingError, Party, Token};
use crate::endpoint;
use crate::identity::SERVER_NAME;
use crate::pin::Pins;
use crate::tls::Tls;
use hotpair_types::Channel;
use quinn::{Connection, Endpoint, VarInt};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How often both addresses are tried.
const ROUNDS: u32 = 3;
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
const TALK_TIME_MAX: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Joins the host that made the token: over the redundancy channel, or else over primary.
///
/// # Errors
/// When it cannot be reached, is not the one of the token, or refuses.
pub async fn join(party: &Party, token: &Token) -> Result<Paired, PairingError> {
    let mut tried = Vec::new();
    for _ in 0..ROUNDS {
        tried.clear();
        for channel in Channel::ALL {
            let address = token.addresses[channel];
            match connect(party, token, channel).await {
                Ok((endpoint, connection)) => {
                    let talk = tokio::time::timeout(TALK_TIME_MAX, talk(&connection, party, token));
                    let result = talk.await.unwrap_or_else(|_| {
                        Err(PairingError::Protocol("no answer in time".to_owned()))
                    });
                    connection.close(VarInt::from_u32(0), b"");
                    let idle = endpoint.wait_idle();
                    let _late = tokio::time::timeout(Duration::from_millis(300), idle).await;
                    return result;
                }
                Err(why) => tried.push(format!("{address} ({channel}): {why}")),
            }
        }
    }
    let is_late = SystemTime::now() > token.expires;
    let hint = if is_late { "; by this host's clock the token has expired" } else { "" };
    Err(PairingError::Unreachable { tried: tried.join(", "), hint })
}

async fn connect(
    party: &Party,
    token: &Token,
    channel: Channel,
) -> Result<(Endpoint, Connection), String> {
    let address = token.addresses[channel];
    let tls = Tls::for_pairing(party.identity.clone());
    let verifier = tls.verifier(Pins::Partner(token.key));
    let crypto = tls.client(verifier.clone()).map_err(|it| it.to_string())?;
    let mut transport = endpoint::transport_config(IDLE_TIMEOUT);
    transport.max_concurrent_uni_streams(0u32.into());
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    // From the address of the same channel, if that is a way; else as the system sees fit.
    let own = party.channels[channel].ip();
    let any = if address.is_ipv4() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    };
    let own = if own.is_ipv4() == address.is_ipv4() { own } else { any };
    let open = |ip| Endpoint::client(SocketAddr::new(ip, 0));
    let endpoint = open(own).or_else(|_| open(any)).map_err(|it| it.to_string())?;
    let connecting =
        endpoint.connect_with(config, address, SERVER_NAME).map_err(|it| it.to_string())?;
    match tokio::time::timeout(CONNECT_TIME_MAX, connecting).await {
        Ok(Ok(connection)) => Ok((endpoint, connection)),
        Ok(Err(error)) => {
            let seen = verifier.seen();
            Err(seen.why.map_or_else(
                || error.to_string(),
                |why| match seen.key {
                    Some(key) => format!("{why} of the token, but {key}"),
                    None => why.to_owned(),
                },
            ))
        }
        Err(_) => Err("no answer".to_owned()),
    }
}

async fn talk(
    connection: &Connection,
    party: &Party,
    token: &Token,
) -> Result<Paired, PairingError> {
    let own = party.identity.key();
    let proof = |prover| Proof::new(connection, &token.secret, prover, own, token.key);
    let (mut send, mut receive) = connection.open_bi().await.map_err(|it| protocol(&it))?;
    let facts = PartyFacts::new(&party.name, &party.channels);
    say(&mut send, &Request { proof: proof(Prover::Joining)?.make(), party: facts }).await?;
    match hear(&mut receive).await? {
        Answer::Refused(why) => Err(PairingError::Refused(why)),
        Answer::Welcome { proof: shown, party } => {
            if !proof(Prover::Inviting)?.is(&shown) {
                return Err(PairingError::Protocol("it does not know the secret".to_owned()));
            }
            let (name, channels) = party.check()?;
            say(&mut send, &Done { done: true }).await?;
            let _ended = send.finish();
            let _gone = send.stopped().await;
            Ok(Paired { name, key: token.key, channels })
        }
    }
}
