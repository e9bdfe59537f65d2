//! The streams of a relay: carried byte by byte, held while the link is cut, reset when nobody listens.
use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::relay::Lane;

/// How many streams at once; more are refused.
const STREAMS_MAX: usize = 256;
const PIECE_BYTES: usize = 16 * 1024;

/// Between what a relay connects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    /// The address that the target knows as its partner's.
    pub(crate) source: IpAddr,
    pub(crate) target: SocketAddr,
}

impl Ends {
    async fn connect(self) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.source, 0))?;
        socket.connect(self.target).await
    }
}

pub(crate) async fn run(listener: TcpListener, ends: Ends, lane: Lane, back: Lane) {
    let mut streams = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                if lane.refuses() || back.refuses() {
                    // A reset is the nearest there is to a refusal after the accept.
                    let _closed_anyway = stream.set_zero_linger();
                    continue;
                }
                if streams.len() < STREAMS_MAX {
                    streams.spawn(carry(stream, ends, lane.clone(), back.clone()));
                }
            }
            Some(_) = streams.join_next() => {}
        }
    }
}

async fn carry(near: TcpStream, ends: Ends, mut lane: Lane, mut back: Lane) {
    // With the cable pulled the connection would not come about; it stands still here instead.
    lane.passes().await;
    back.passes().await;
    let Ok(far) = ends.connect().await else {
        // Nobody listens: a reset is the nearest there is to a refusal after the accept.
        let _closed_anyway = near.set_zero_linger();
        return;
    };
    let _slower = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    // When either side is gone the other learns of it, but only over a link that is not cut.
    let there = pump(near_read, far_write, lane);
    let back_again = pump(far_read, near_write, back);
    tokio::join!(there, back_again);
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut lane: Lane) {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = tokio::select! {
            read = from.read(&mut piece) => read,
            () = lane.refused() => {
                let _gone_already = to.as_ref().set_zero_linger();
                return;
            }
        };
        let delay = lane.impairment.borrow().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        lane.passes().await;
        match read {
            Ok(length) if length > 0 => {
                if to.write_all(&piece[..length]).await.is_err() {
                    return;
                }
            }
            Ok(_) => {
                let _gone_already = to.shutdown().await;
                return;
            }
            Err(_) => {
                let _gone_already = to.as_ref().set_zero_linger();
                return;
            }
        }
    }
}

impl Lane {
    fn refuses(&self) -> bool {
        self.impairment.borrow().refuse_streams
    }

    /// Waits until streams are refused.
    async fn refused(&self) {
        let mut impairment = self.impairment.clone();
        let _relay_gone = impairment.wait_for(|it| it.refuse_streams).await;
    }

    /// Waits while the direction is cut.
    async fn passes(&mut self) {
        // The sender lives as long as the relay, and so does this task.
        let _relay_gone = self.impairment.wait_for(|it| !it.cut).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use crate::{Relay, Side, free_address, own_loopback};

    const SOON: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_stream_stands_still_while_the_link_is_cut_and_then_goes_on() {
        let listen = [(); 2].map(|()| free_address(own_loopback()).unwrap());
        let listener = TcpListener::bind(listen[1]).await.unwrap();
        let relay = Relay::between(listen, 1).await.unwrap();
        let mut near = TcpStream::connect(relay.near(Side::A)).await.unwrap();
        let (mut far, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
        near.write_all(b"one").await.unwrap();
        let mut read = [0; 3];
        timeout(SOON, far.read_exact(&mut read)).await.unwrap().unwrap();
        relay.change(Side::A, |it| it.cut = true);
        near.write_all(b"two").await.unwrap();
        drop(near);
        assert!(timeout(Duration::from_millis(100), far.read(&mut read)).await.is_err(), "cut");
        relay.change(Side::A, |it| it.cut = false);
        let mut rest = Vec::new();
        timeout(SOON, far.read_to_end(&mut rest)).await.unwrap().unwrap();
        assert_eq!(rest, b"two");
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_resets() {
        let listen = [(); 2].map(|()| free_address(own_loopback()).unwrap());
        let relay = Relay::between(listen, 1).await.unwrap();
        let mut near = TcpStream::connect(relay.near(Side::A)).await.unwrap();
        let mut rest = Vec::new();
        let ended = timeout(SOON, near.read_to_end(&mut rest)).await.expect("it ends");
        assert!(ended.is_err() || rest.is_empty());
    }
}
