//! TLS to a real server, whose certificate is checked.
use std::path::{Path, PathBuf};

use hotpair_history::{Sink, SinkError, SinkSettings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::database::{server, with_port};
use crate::postgres::Postgres;
use crate::sample::{batch, committed};

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn settings(server: &Postgres, host: &str, ca: &Path, password: PathBuf) -> SinkSettings {
    let mut settings = SinkSettings::postgres(host, "postgres", Postgres::USER, "history");
    if let SinkSettings::Postgres { tls_ca_file, password_file, .. } = &mut settings {
        (*tls_ca_file, *password_file) = (Some(ca.to_owned()), Some(password));
    }
    with_port(settings, server.port())
}

#[tokio::test]
async fn a_server_is_believed_by_the_certificate_of_its_ca_alone() {
    let Some(mut server) = server() else { return };
    let (ours, other) = (authority(), authority());
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &ours).unwrap();
    let cert_file = server.file("server.pem", &certificate.pem()).unwrap();
    let key_file = server.file("server.key", &key.serialize_pem()).unwrap();
    let [ours, other] = [("ours.pem", ours.pem()), ("other.pem", other.pem())]
        .map(|(name, pem)| server.file(name, &pem).unwrap());
    let nothing = server.file("nothing.pem", "").unwrap();
    let password = server.file("client", Postgres::PASSWORD).unwrap();

    let mut sink = Sink::open(settings(&server, "127.0.0.1", &ours, password.clone()));
    let error = sink.check().await.unwrap_err();
    assert!(matches!(&error, SinkError::Tls { .. }), "a server without TLS: {error}");

    server.stop().unwrap();
    server
        .resume(&[
            ("ssl", "on"),
            ("ssl_cert_file", cert_file.to_str().unwrap()),
            ("ssl_key_file", key_file.to_str().unwrap()),
        ])
        .unwrap();
    assert_eq!(sink.commit(&batch(1, 10)).await.unwrap(), committed(10, 0));
    let encrypted = "select ssl from pg_stat_ssl join pg_stat_activity using (pid) \
                     where application_name = 'hotpair-history'";
    assert_eq!(server.sql(encrypted).unwrap(), "t");

    // Another CA, another name, no CA at all.
    for (host, ca) in [("127.0.0.1", &other), ("localhost", &ours), ("127.0.0.1", &nothing)] {
        let error = Sink::open(settings(&server, host, ca, password.clone())).check().await;
        let error = error.unwrap_err();
        assert!(matches!(&error, SinkError::Tls { .. }), "{host} {ca:?}: {error}");
        assert!(!error.is_temporary(), "{error}");
    }
}
