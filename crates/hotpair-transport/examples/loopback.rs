//! Measures two transports on loopback: beats, frames, bulk, and how soon a dead partner shows.
//!
//! `cargo run --release -p hotpair-transport --example loopback`

#![allow(clippy::wildcard_enum_match_arm, reason = "it waits for a few of many events")]

use bytes::Bytes;
use hotpair_transport::{
    ChannelSettings, Events, HintKind, Identity, Lane, Transport, TransportEvent, TransportHandle,
    TransportSettings,
};
use hotpair_types::{Channel, PerChannel};
use std::error::Error;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

const CHANNEL: Channel = Channel::Redundancy;
const BULK_BYTES: usize = 256 * 1024 * 1024;
const CHUNK_BYTES: usize = 256 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let mut both = [Identity::generate()?, Identity::generate()?];
    both.sort_by_key(Identity::key);
    let [low, high] = both;
    let (here, there) = (runtime()?, runtime()?);
    let (dialer, mut heard) = start(&here, &low, &high)?;
    let (acceptor, mut heard_there) = start(&there, &high, &low)?;
    for channel in Channel::ALL {
        dialer.set_partner(channel, acceptor.local_addr(channel));
        acceptor.set_partner(channel, dialer.local_addr(channel));
    }
    let begun = Instant::now();
    here.block_on(async {
        until(&mut heard, |it| matches!(it, TransportEvent::Up { channel: CHANNEL, .. })).await;
        until(&mut heard_there, |it| matches!(it, TransportEvent::Up { channel: CHANNEL, .. }))
            .await;
    });
    println!("connected after {:?}", begun.elapsed());

    // The other side sends back what it gets, and swallows bulk.
    let echo = acceptor.clone();
    let started = Instant::now();
    there.spawn(async move {
        let _greeted = echo.send_on(CHANNEL, Lane::Control, Bytes::from_static(b"hello"));
        let mut bulk = 0;
        while let Some(event) = heard_there.recv().await {
            match event {
                TransportEvent::Beat { channel, bytes, .. } => {
                    let _lost = echo.send_beat(channel, bytes);
                }
                TransportEvent::Frame(frame) if frame.lane == Lane::Bulk => {
                    bulk += frame.into_bytes().len();
                    if bulk == BULK_BYTES {
                        println!("bulk of {} MiB arrived", BULK_BYTES >> 20);
                        let _lost = echo.send(Lane::Data, Bytes::from_static(b"all"));
                    }
                }
                TransportEvent::Frame(frame) if frame.lane == Lane::Data => {
                    let _lost = echo.send(Lane::Data, frame.into_bytes());
                }
                _ => {}
            }
        }
    });

    here.block_on(async {
        dialer.send_on(CHANNEL, Lane::Control, Bytes::from_static(b"hello"))?;
        for (what, is_beat) in [("beat", true), ("frame", false)] {
            let mut trips = Vec::new();
            for _ in 0..5_000 {
                let sent = Instant::now();
                let bytes = Bytes::from_static(&[7; 200]);
                if is_beat {
                    dialer.send_beat(CHANNEL, bytes)?;
                    until(&mut heard, |it| matches!(it, TransportEvent::Beat { .. })).await;
                } else {
                    dialer.send(Lane::Data, bytes)?;
                    until(&mut heard, is_data).await;
                }
                trips.push(sent.elapsed());
            }
            show(what, trips);
        }

        let begun = Instant::now();
        let sender = dialer.clone();
        let sending = tokio::spawn(async move {
            let chunk = Bytes::from(vec![3; CHUNK_BYTES]);
            for _ in 0..BULK_BYTES / CHUNK_BYTES {
                sender.send_waiting(Lane::Bulk, chunk.clone()).await?;
            }
            Ok::<_, hotpair_transport::SendError>(())
        });
        let mut trips = Vec::new();
        let mut sent = Instant::now();
        dialer.send_beat(CHANNEL, Bytes::from_static(&[7; 200]))?;
        loop {
            match heard.recv().await {
                Some(TransportEvent::Beat { .. }) => {
                    trips.push(sent.elapsed());
                    sent = Instant::now();
                    dialer.send_beat(CHANNEL, Bytes::from_static(&[7; 200]))?;
                }
                Some(event) if is_data(&event) => break,
                Some(_) => {}
                None => return Err("the transport ended".into()),
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        println!("bulk: {:.0} MiB/s", (BULK_BYTES >> 20) as f64 / seconds);
        show("beat beside bulk", trips);
        sending.await??;
        Ok::<_, Box<dyn Error>>(())
    })?;

    let killed = Instant::now();
    there.shutdown_timeout(Duration::from_secs(1));
    here.block_on(async {
        let gone = |it: &TransportEvent| {
            matches!(it, TransportEvent::Hint { kind: HintKind::Closed | HintKind::Reset, .. })
        };
        until(&mut heard, gone).await;
    });
    println!("hint {:?} after the end of the other side began", killed.elapsed());
    println!("{:?} in all", started.elapsed());
    Ok(())
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

fn start(
    runtime: &Runtime,
    own: &Identity,
    partner: &Identity,
) -> Result<(TransportHandle, Events), Box<dyn Error>> {
    let inside = runtime.enter();
    let channel =
        ChannelSettings { listen: "127.0.0.1:0".parse()?, partner: "127.0.0.1:9".parse()? };
    let channels = PerChannel::from_fn(|_| channel);
    let settings = TransportSettings::new(own.clone(), partner.key(), channels);
    let started = Transport::start(settings)?;
    drop(inside);
    Ok(started)
}

fn is_data(event: &TransportEvent) -> bool {
    matches!(event, TransportEvent::Frame(it) if it.lane == Lane::Data)
}

async fn until(events: &mut Events, is_it: impl Fn(&TransportEvent) -> bool) {
    while let Some(event) = events.recv().await {
        if is_it(&event) {
            return;
        }
    }
}

fn show(what: &str, mut trips: Vec<Duration>) {
    trips.sort_unstable();
    let at = |share: f64| trips[((trips.len() - 1) as f64 * share) as usize];
    println!(
        "{what}: {} there and back, p50 {:?}, p99 {:?}, max {:?}",
        trips.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
