//! A line between two hosts that can be cut, in one direction or both: a relay for UDP.
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::UdpSocket;

/// Passes packets between two addresses. Each side sees the relay's end as its partner.
pub(crate) struct Line {
    to_dialer: Arc<AtomicBool>,
    to_acceptor: Arc<AtomicBool>,
    /// Where the dialer has to send.
    pub(crate) near: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Line {
    /// A line to the acceptor at this address.
    pub(crate) async fn to(acceptor: SocketAddr) -> Self {
        let near = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let far = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = near.local_addr().unwrap();
        let to_dialer = Arc::new(AtomicBool::new(true));
        let to_acceptor = Arc::new(AtomicBool::new(true));
        let (out, back) = (to_acceptor.clone(), to_dialer.clone());
        let task = tokio::spawn(async move {
            let mut dialer = None;
            let (mut one, mut other) = ([0; 2048], [0; 2048]);
            loop {
                tokio::select! {
                    Ok((length, from)) = near.recv_from(&mut one) => {
                        dialer = Some(from);
                        if out.load(Ordering::Relaxed) {
                            let _full = far.send_to(&one[..length], acceptor).await;
                        }
                    }
                    Ok((length, _)) = far.recv_from(&mut other) => {
                        if let Some(dialer) = dialer.filter(|_| back.load(Ordering::Relaxed)) {
                            let _full = near.send_to(&other[..length], dialer).await;
                        }
                    }
                }
            }
        });
        Self { to_dialer, to_acceptor, near: address, task }
    }

    pub(crate) fn set(&self, to_acceptor: bool, to_dialer: bool) {
        self.to_acceptor.store(to_acceptor, Ordering::Relaxed);
        self.to_dialer.store(to_dialer, Ordering::Relaxed);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}
