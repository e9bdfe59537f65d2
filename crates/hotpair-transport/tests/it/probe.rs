//! A command asks whether a node would be let in.
use crate::pair::{any_port, pair};
use hotpair_transport::{Identity, ProbeError, probe};
use hotpair_types::Channel;

#[tokio::test]
async fn a_probe_tells_who_is_there_and_disturbs_nobody() {
    let (a, b) = pair().await;
    for (asking, asked) in [(&a, &b), (&b, &a)] {
        let (here, there) = (asking.addr(Channel::Primary).ip(), asked.addr(Channel::Primary));
        probe(&asking.identity, asked.identity.key(), here, there).await.unwrap();
        let other = Identity::generate().unwrap();
        let wrong = probe(&asking.identity, other.key(), here, there).await.unwrap_err();
        assert!(matches!(wrong, ProbeError::NotThePartner(_)), "{wrong}");
        let refused = probe(&other, asked.identity.key(), here, there).await.unwrap_err();
        assert!(matches!(refused, ProbeError::Refused(_)), "{refused}");
        assert_eq!(asked.handle.counters()[Channel::Primary].ups, 1);
        assert!(asked.handle.is_up(Channel::Primary));
    }
    let silent = std::net::UdpSocket::bind(any_port()).unwrap();
    let there = silent.local_addr().unwrap();
    let nobody = probe(&a.identity, b.identity.key(), there.ip(), there).await.unwrap_err();
    assert!(matches!(nobody, ProbeError::NoAnswer), "{nobody}");
}
