//! Starts that fail.
use crate::site::{Site, write_settings};
use std::net::TcpListener;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_fails_halfway_leaves_its_files_closed() {
    let dir = tempfile::tempdir().unwrap();
    let [mut settings, _] = write_settings(dir.path());
    let closed = dir.path().join("a/engines/main/closed");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    settings.api.listen = taken.local_addr().unwrap();
    let error = Site::start(&settings).await.err().expect("the port is taken");
    assert!(error.to_string().contains(&settings.api.listen.to_string()), "{error}");
    assert!(closed.exists(), "the next start need not verify what nobody wrote");
    drop(taken);
    Site::start_again(&settings).await.stop().await;
    assert!(closed.exists());
}
