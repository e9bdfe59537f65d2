//! Beats are small, unordered, never waited for, and never behind bulk.
use crate::pair::pair;
use bytes::Bytes;
use hotpair_transport::{Lane, SendError, TransportEvent};
use hotpair_types::Channel;

#[tokio::test]
async fn beats_go_both_ways_on_both_channels() {
    let (mut a, mut b) = pair().await;
    for channel in Channel::ALL {
        let said = Bytes::from(vec![7; 1162]);
        a.handle.send_beat(channel, said.clone()).unwrap();
        let heard = |event| match event {
            TransportEvent::Beat { channel, bytes, .. } => Some((channel, bytes)),
            _ => None,
        };
        assert_eq!(b.until("a beat", heard).await, (channel, said));
        b.handle.send_beat(channel, Bytes::from_static(b"yes")).unwrap();
        assert_eq!(a.until("a beat", heard).await, (channel, Bytes::from_static(b"yes")));
    }
    let too_long = a.handle.send_beat(Channel::Primary, Bytes::from(vec![0; 100_000]));
    assert!(matches!(too_long, Err(SendError::TooLong { bytes: 100_000, .. })));
}

#[tokio::test]
async fn sixty_four_mebibytes_of_bulk_do_not_delay_beats() {
    const CHUNK_BYTES: usize = 64 * 1024;
    const CHUNKS: usize = 64 * 1024 * 1024 / CHUNK_BYTES;
    const CHUNKS_PER_BEAT: usize = 8;
    let (a, mut b) = pair().await;
    // Every beat names the chunk after whose queueing it was sent. When it arrives, the chunks
    // taken so far tell how far behind bulk it was.
    let sender = a.handle.clone();
    let sending = tokio::spawn(async move {
        let chunk = Bytes::from(vec![1; CHUNK_BYTES]);
        for index in 0..CHUNKS {
            sender.send_waiting(Lane::Bulk, chunk.clone()).await.unwrap();
            if index % CHUNKS_PER_BEAT == 0 {
                let beat = Bytes::copy_from_slice(&(index as u64).to_be_bytes());
                sender.send_beat(Channel::Redundancy, beat).unwrap();
            }
        }
    });
    let (mut chunks, mut beats, mut before_their_chunk) = (0, 0, 0);
    while chunks < CHUNKS {
        b.until("the next", |event| match event {
            TransportEvent::Beat { bytes, .. } => {
                let index = u64::from_be_bytes(bytes[..].try_into().unwrap()) as usize;
                beats += 1;
                if chunks <= index {
                    before_their_chunk += 1;
                }
                Some(())
            }
            TransportEvent::Frame(frame) => {
                if frame.lane == Lane::Bulk {
                    assert_eq!(frame.bytes.len(), CHUNK_BYTES);
                    chunks += 1;
                }
                Some(())
            }
            _ => None,
        })
        .await;
    }
    sending.await.unwrap();
    let sent = CHUNKS / CHUNKS_PER_BEAT;
    assert!(beats >= sent - 2, "{beats} of {sent} beats arrived while bulk was under way");
    assert!(
        before_their_chunk * 10 >= beats * 9,
        "only {before_their_chunk} of {beats} beats overtook the bulk that was queued before them"
    );
}
