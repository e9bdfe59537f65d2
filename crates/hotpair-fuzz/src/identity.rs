//! Keys, certificates and invitations: what a person gives, or a file.
use hotpair_transport::pairing::Token;
use hotpair_transport::{Identity, PinnedKey};

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(identity) = Identity::from_pem(bytes) {
        let again = Identity::from_pem(identity.to_pem().as_bytes());
        let again = again.expect("what was read can be written and read again");
        assert_eq!(again.key(), identity.key());
        assert_eq!(again.validity(), identity.validity());
        assert!(identity.key().verify(b"hotpair", &identity.sign(b"hotpair")));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = text.parse::<PinnedKey>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    if let Ok(token) = text.parse::<Token>() {
        let again = token.to_string().parse::<Token>().expect("a token can be given on");
        assert_eq!(again.to_string(), token.to_string());
    }
}
