//! TLS: what is spoken, what is refused at the start, what happens to those who do not speak it.
use crate::client::{parse, start_with};
use hotpair_api::{ListenerError, ListenerSettings, TlsFiles, Token, serve};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring, version};

const TOKEN: &str = "correct-horse-battery-staple";

fn files(directory: &Path) -> (TlsFiles, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["gw-a.plant".into()]).unwrap();
    let files = TlsFiles { cert: directory.join("cert.pem"), key: directory.join("key.pem") };
    std::fs::write(&files.cert, made.cert.pem()).unwrap();
    write_secret(&files.key, &made.signing_key.serialize_pem());
    (files, made.cert.der().clone())
}

fn write_secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn with_tls_and_a_token_the_api_may_be_open_to_others() {
    let directory = tempfile::tempdir().unwrap();
    let (files, cert) = files(directory.path());
    let token = directory.path().join("token");
    write_secret(&token, TOKEN);
    let listen = "0.0.0.0:0".parse().unwrap();
    let settings = ListenerSettings::new(listen, Some(files), Some(&token)).unwrap();
    let (_shutdown, stop) = watch::channel(false);
    let node = crate::fake::FakeNode::new();
    let handle = serve(settings, Arc::clone(&node) as _, stop).await.unwrap();
    assert!(handle.base().starts_with("https://0.0.0.0:"), "{}", handle.base());

    let mut roots = RootCertStore::empty();
    roots.add(cert).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", handle.address().port())).await.unwrap();
    let name = ServerName::try_from("gw-a.plant").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let request = format!(
        "GET /api/v1/status HTTP/1.1\r\nHost: gw-a.plant\r\nConnection: close\r\n\
         Authorization: Bearer {TOKEN}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let got = parse(&bytes);
    assert_eq!((got.status, &got.json()["node"]), (200, &"gw-a".into()));

    let mut plain = TcpStream::connect(("127.0.0.1", handle.address().port())).await.unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    let _ = plain.read_to_end(&mut bytes).await;
    assert!(!bytes.starts_with(b"HTTP/"), "who does not speak TLS gets no HTTP");
}

#[test]
fn files_that_cannot_be_used_are_named_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let (good, _) = files(directory.path());
    let refused = |files: TlsFiles| ListenerSettings::new(listen, Some(files), None).unwrap_err();

    let empty = directory.path().join("empty.pem");
    write_secret(&empty, "");
    let error = refused(TlsFiles { cert: empty.clone(), ..good.clone() });
    assert!(error.to_string().contains("empty.pem"), "{error}");
    assert!(matches!(error, ListenerError::BadTls { .. }), "{error}");
    let error = refused(TlsFiles { key: empty, ..good.clone() });
    assert!(matches!(error, ListenerError::BadTls { .. }), "{error}");
    let error = refused(TlsFiles { key: directory.path().join("none"), ..good.clone() });
    assert!(matches!(error, ListenerError::Unreadable { .. }), "{error}");

    let (other, _) = {
        let elsewhere = directory.path().join("other");
        std::fs::create_dir(&elsewhere).unwrap();
        files(&elsewhere)
    };
    let error = refused(TlsFiles { key: other.key, ..good.clone() });
    assert!(matches!(error, ListenerError::BadTls { .. }), "another key: {error}");

    std::fs::set_permissions(&good.key, std::fs::Permissions::from_mode(0o604)).unwrap();
    let error = refused(good);
    assert!(matches!(error, ListenerError::ReadableByOthers { .. }), "{error}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let api = start_with(hotpair_api::Limits::default(), |it| it).await;
    let settings = ListenerSettings::new(api.address, None, None).unwrap();
    let settings = settings.with_token(Token::new(TOKEN).unwrap());
    let (_shutdown, stop) = watch::channel(false);
    let error = serve(settings, crate::fake::FakeNode::new() as _, stop).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {}", api.address));
}
