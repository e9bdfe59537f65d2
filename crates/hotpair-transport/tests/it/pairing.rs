//! Two hosts become a pair, and nobody else does.
use crate::pair::any_port;
use hotpair_transport::Identity;
use hotpair_transport::pairing::{Invitation, Paired, PairingError, Party, Token, Why, join};
use hotpair_types::{NodeName, PerChannel};
use std::time::Duration;

fn party(name: &str) -> Party {
    Party {
        identity: Identity::generate().unwrap(),
        name: NodeName::new(name).unwrap(),
        channels: PerChannel::from_fn(|_| any_port()),
    }
}

fn facts(party: &Party) -> Paired {
    let Party { identity, name, channels } = party.clone();
    Paired { name, key: identity.key(), channels }
}

/// The token as it arrives on the other host.
fn carried(invitation: &Invitation) -> Token {
    invitation.token().to_string().parse().unwrap()
}

/// The same token with another secret.
fn forged(token: &Token) -> Token {
    let other = Invitation::open(party("x"), Invitation::VALID).unwrap();
    let mut forged = carried(&other);
    forged.addresses = token.addresses;
    forged.key = token.key;
    forged
}

#[tokio::test]
async fn each_learns_the_name_key_and_addresses_of_the_other() {
    let (a, b) = (party("gw-a"), party("gw-b"));
    let invitation = Invitation::open(a.clone(), Invitation::VALID).unwrap();
    let token = carried(&invitation);
    let (invited, joined) = tokio::join!(invitation.wait(), join(&b, &token));
    assert_eq!(invited.unwrap(), facts(&b));
    assert_eq!(joined.unwrap(), facts(&a));
}

#[tokio::test]
async fn primary_is_tried_when_redundancy_is_no_way() {
    let (a, b) = (party("gw-a"), party("gw-b"));
    let invitation = Invitation::open(a.clone(), Invitation::VALID).unwrap();
    let mut token = carried(&invitation);
    let nowhere = std::net::UdpSocket::bind(any_port()).unwrap();
    token.addresses.redundancy = nowhere.local_addr().unwrap();
    let (invited, joined) = tokio::join!(invitation.wait(), join(&b, &token));
    assert_eq!((invited.unwrap(), joined.unwrap()), (facts(&b), facts(&a)));
}

#[tokio::test]
async fn a_wrong_secret_is_refused_and_five_of_them_void_the_token() {
    let invitation = Invitation::open(party("gw-a"), Invitation::VALID).unwrap();
    let token = carried(&invitation);
    let waiting = tokio::spawn(invitation.wait());
    let forged = forged(&token);
    for _ in 0..5 {
        let refused = join(&party("gw-b"), &forged).await.unwrap_err();
        assert!(matches!(refused, PairingError::Refused(Why::WrongSecret)), "{refused}");
    }
    assert!(matches!(waiting.await.unwrap(), Err(PairingError::TooManyTries(5))));
}

#[tokio::test]
async fn a_wrong_secret_does_not_spoil_the_right_one() {
    let (a, b) = (party("gw-a"), party("gw-b"));
    let invitation = Invitation::open(a, Invitation::VALID).unwrap();
    let token = carried(&invitation);
    let waiting = tokio::spawn(invitation.wait());
    join(&party("gw-c"), &forged(&token)).await.unwrap_err();
    join(&b, &token).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), facts(&b));
}

#[tokio::test]
async fn a_host_that_is_not_the_one_of_the_token_gets_nothing() {
    let (a, thief) = (party("gw-a"), party("gw-a"));
    let invitation = Invitation::open(a, Invitation::VALID).unwrap();
    let elsewhere = Invitation::open(thief, Invitation::VALID).unwrap();
    let mut token = carried(&invitation);
    token.addresses = carried(&elsewhere).addresses;
    let waiting = tokio::spawn(elsewhere.wait());
    let refused = join(&party("gw-b"), &token).await.unwrap_err();
    let PairingError::Unreachable { tried, .. } = &refused else { panic!("{refused}") };
    assert!(tried.contains("the key is not the pinned one of the token"), "{tried}");
    waiting.abort();
}

#[tokio::test]
async fn the_same_name_or_key_is_refused_in_words() {
    let a = party("gw-a");
    let invitation = Invitation::open(a.clone(), Invitation::VALID).unwrap();
    let token = carried(&invitation);
    let waiting = tokio::spawn(invitation.wait());
    let refused = join(&party("gw-a"), &token).await.unwrap_err();
    assert!(matches!(refused, PairingError::Refused(Why::SameName)), "{refused}");
    let twin = Party { identity: a.identity, ..party("gw-b") };
    let refused = join(&twin, &token).await.unwrap_err();
    assert!(matches!(refused, PairingError::Refused(Why::SameKey)), "{refused}");
    waiting.abort();
}

#[tokio::test]
async fn an_invitation_ends() {
    let invitation = Invitation::open(party("gw-a"), Duration::ZERO).unwrap();
    assert!(matches!(invitation.wait().await, Err(PairingError::Expired)));
}
