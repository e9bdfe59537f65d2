//! The sentinel: a TCP connection that carries nothing, so that the kernel of the partner's host
//! tells when the partner's process is gone. A hint, never proof: a firewall can forge it.

use crate::event::{HintKind, TransportEvent};
use crate::shared::Shared;
use hotpair_types::Channel;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// How many connections are held for the partner's address, and how many for others.
const HELD_MAX: usize = 3;
/// Who says more than this is no sentinel.
const READ_BYTES_MAX: usize = 64;
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_millis(500);
const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);

/// Holds what connects, so that there is something for the kernel to close.
pub(crate) async fn hold_always(shared: Arc<Shared>, channel: Channel, listener: TcpListener) {
    let mut partner = Held::default();
    let mut strangers = Held::default();
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                let expected = shared.channels[channel].partner.borrow().ip().to_canonical();
                let is_partner = from.ip().to_canonical() == expected;
                if is_partner { &mut partner } else { &mut strangers }.hold(stream);
            }
            Err(error) => {
                tracing::warn!(%error, %channel, "the sentinel cannot accept");
                tokio::time::sleep(PAUSE_MAX).await;
            }
        }
    }
}

/// A few connections; the oldest makes room.
#[derive(Default)]
struct Held(VecDeque<JoinHandle<()>>);

impl Held {
    fn hold(&mut self, mut stream: TcpStream) {
        self.0.retain(|it| !it.is_finished());
        if self.0.len() >= HELD_MAX
            && let Some(oldest) = self.0.pop_front()
        {
            oldest.abort();
        }
        self.0.push_back(tokio::spawn(async move {
            let _over = until_end(&mut stream).await;
        }));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for it in &self.0 {
            it.abort();
        }
    }
}

/// How a watched connection ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
    /// It speaks, so it is no sentinel.
    Speaks,
}

async fn until_end(stream: &mut (impl AsyncRead + Unpin)) -> End {
    let mut read = 0;
    let mut buffer = [0; 16];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => return End::Closed,
            Ok(count) => read += count,
            Err(_) => return End::Reset,
        }
        if read > READ_BYTES_MAX {
            return End::Speaks;
        }
    }
}

/// Watches the partner's process for ever.
pub(crate) async fn watch_always(shared: Arc<Shared>, channel: Channel) {
    let here = &shared.channels[channel];
    let mut partner = here.partner.subscribe();
    let mut pause = PAUSE_MIN;
    let hint = |kind| {
        let at = Instant::now();
        shared.reporter.offer(TransportEvent::Hint { channel, at, kind });
    };
    loop {
        let address = *partner.borrow_and_update();
        let connected = connect(here.local.ip(), address);
        match tokio::time::timeout(CONNECT_TIME_MAX, connected).await {
            Ok(Ok(mut stream)) => {
                here.hurry.notify_one();
                let begun = Instant::now();
                here.watching.store(true, Ordering::Relaxed);
                let end = loop {
                    tokio::select! {
                        end = until_end(&mut stream) => break Some(end),
                        () = here.rewatch.notified() => {}
                        _changed = partner.changed() => break None,
                    }
                    // The partner may be another process now: this watch would not notice its end.
                    // The old one is given up when the new one stands.
                    tokio::select! {
                        end = until_end(&mut stream) => break Some(end),
                        anew = tokio::time::timeout(CONNECT_TIME_MAX, connect(here.local.ip(), address)) => {
                            if let Ok(Ok(anew)) = anew {
                                stream = anew;
                            }
                        }
                    }
                };
                here.watching.store(false, Ordering::Relaxed);
                let Some(end) = end else { continue };
                match end {
                    End::Closed => hint(HintKind::Closed),
                    End::Reset => hint(HintKind::Reset),
                    End::Speaks => {}
                }
                if begun.elapsed() > PAUSE_MAX {
                    pause = PAUSE_MIN;
                }
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                hint(HintKind::Refused);
            }
            Ok(Err(_)) | Err(_) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = PAUSE_MAX.min(pause * 2),
            _changed = partner.changed() => pause = PAUSE_MIN,
        }
    }
}

/// From our own address of the channel, so that it goes over that channel's line.
async fn connect(own: IpAddr, partner: SocketAddr) -> io::Result<TcpStream> {
    let socket = if partner.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if !own.is_unspecified() && own.is_ipv4() == partner.is_ipv4() {
        socket.bind(SocketAddr::new(own, 0))?;
    }
    socket.connect(partner).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_says_too_much_is_not_held() {
        let mut few: &[u8] = &[0; READ_BYTES_MAX];
        assert_eq!(until_end(&mut few).await, End::Closed);
        let mut many: &[u8] = &[0; READ_BYTES_MAX * 100];
        assert_eq!(until_end(&mut many).await, End::Speaks);
    }
}
