//! X12: somebody who holds the partner's key and says what it should not.
#![allow(clippy::wildcard_enum_match_arm, reason = "an impostor picks what it looks at")]

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use hotpair_protocol::{
    Beat, Blob, Entry, FRAME_BYTES_MAX, Flags, Hello, List, Message, Op, ReplicaMessage, decode,
    encode,
};
use hotpair_tests::{
    Audit, Channel as Link, Dice, Pair, PairSettings, Request, Side, eventually, patience,
};
use hotpair_transport::{
    ChannelSettings, DownReason, Events, Lane, Transport, TransportEvent, TransportHandle,
    TransportSettings,
};
use hotpair_types::{Channel, Instance, ItemKey, PerChannel, StateId};
use serde_json::json;

use crate::sample;
use crate::scenario::Scenario;
use crate::stage::Stage;

const TAG: &str = "line/counter";
/// What the node closes a connection with on which it cannot understand something.
const GARBAGE: u64 = 3;
/// More than all queues of both channels may hold, and what the allocator keeps.
const GROWTH_BYTES_MAX: u64 = 256 << 20;

pub(crate) const SCENARIOS: &[Scenario] = &[Scenario::new(
    "X12",
    "x12-an-impostor-with-the-partners-key",
    "closed with a code, counted, an alarm; bounded memory; the node goes on, and takes its partner back",
    |stage| Box::pin(impostor(stage)),
)
.on_loopback_alone()];

/// Speaks with gw-b's key, from gw-b's addresses.
struct Impostor {
    transport: TransportHandle,
    events: Events,
    instance: Instance,
    /// What gw-a says of itself.
    hello: Option<Hello>,
    greeted: bool,
    beats: u64,
}

impl Impostor {
    fn start(pair: &Pair, instance: Instance) -> Result<Self> {
        let channel = |link| ChannelSettings {
            listen: pair.links.listen(Side::B, link),
            partner: pair.links.partner(Side::B, link),
        };
        let channels =
            PerChannel { redundancy: channel(Link::Redundancy), primary: channel(Link::Primary) };
        let identity = pair.node(Side::B).identity()?;
        let key = pair.node(Side::A).identity()?.key();
        let settings = TransportSettings::new(identity, key, channels);
        let (transport, events) = Transport::start(settings)?;
        Ok(Self { transport, events, instance, hello: None, greeted: false, beats: 0 })
    }

    async fn next(&mut self) -> Result<TransportEvent> {
        let event = tokio::time::timeout(patience(Duration::from_secs(10)), self.events.recv());
        event.await.context("nothing happens on the line")?.context("the transport ended")
    }

    /// What it does by itself: it remembers gw-a's Hello, and shows a standby in each beat.
    fn take(&mut self, event: TransportEvent) -> Result<()> {
        match event {
            TransportEvent::Up { channel: Channel::Redundancy, .. } => self.greeted = false,
            TransportEvent::Frame(frame) => {
                if let Ok(Message::Hello(hello)) = decode(&frame.into_bytes()) {
                    self.hello = Some(hello);
                }
            }
            TransportEvent::Beat { channel, bytes, .. } if self.greeted => {
                if let Ok(Message::Beat(beat)) = decode(&bytes) {
                    self.answer(channel, beat)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn answer(&mut self, channel: Channel, beat: Beat) -> Result<()> {
        self.beats += 1;
        let mut views = beat.views.into_inner();
        for view in &mut views {
            view.state = StateId::StandbyNotReady;
            view.about = Some(beat.instance);
            view.flags = Flags::default()
                .with(Flags::STALE, true)
                .with(Flags::STORAGE_OK, true)
                .with(Flags::NETWORK_OK, true);
            (view.summary, view.pair) = (None, None);
        }
        let answer = Beat {
            instance: self.instance,
            sequence: self.beats,
            of: Some(beat.instance),
            heard: beat.heard,
            ask: true,
            number: self.beats,
            views: List::new(views)?,
        };
        // It may be closed by now.
        self.transport.send_beat(channel, encode(&Message::Beat(answer))).ok();
        Ok(())
    }

    /// Until the redundancy channel is up and gw-a has said who it is.
    async fn connected(&mut self) -> Result<()> {
        while self.hello.is_none() || !self.transport.is_up(Channel::Redundancy) {
            let event = self.next().await?;
            self.take(event)?;
        }
        Ok(())
    }

    /// A Hello that gw-a takes: its own, with another name and instance.
    fn own_hello(&self) -> Result<Hello> {
        let hello = self.hello.clone().context("gw-a said Hello")?;
        let node = hotpair_types::NodeName::new(Side::B.name())?;
        Ok(Hello { node, instance: self.instance, guard_key: None, ..hello })
    }

    fn say(&self, lane: Lane, bytes: impl Into<bytes::Bytes>) {
        // What does not get through because it was closed meanwhile is not missed.
        self.transport.send_on(Channel::Redundancy, lane, bytes.into()).ok();
    }

    async fn greet(&mut self) -> Result<()> {
        self.connected().await?;
        self.say(Lane::Control, encode(&Message::Hello(self.own_hello()?)));
        self.greeted = true;
        Ok(())
    }

    /// The code that the connection is closed with.
    async fn closed(&mut self) -> Result<u64> {
        loop {
            match self.next().await? {
                TransportEvent::Down { channel: Channel::Redundancy, reason, .. } => {
                    self.greeted = false;
                    match reason {
                        DownReason::Closed { code, .. } => return Ok(code),
                        other => bail!("closed otherwise: {other}"),
                    }
                }
                other => self.take(other)?,
            }
        }
    }

    /// Lets time pass, as a partner that answers beats.
    async fn stay(&mut self, time: Duration) -> Result<()> {
        let end = tokio::time::Instant::now() + time;
        while let Ok(event) = tokio::time::timeout_at(end, self.events.recv()).await {
            self.take(event.context("the transport ended")?)?;
        }
        Ok(())
    }
}

/// A frame that cannot be understood, and on which lane.
fn garbage(dice: &mut Dice, hello: &Hello) -> Vec<(&'static str, Lane, Vec<u8>)> {
    let plain = encode(&Message::Hello(hello.clone())).to_vec();
    let replica = |engine, body: &[u8]| [&[0xb7, 5, 0, engine], body].concat();
    let varint_max = [[0xff; 9].as_slice(), &[1]].concat();
    let beat = sample::messages()
        .into_iter()
        .find(|it| matches!(it.1, Message::Beat(_)))
        .map(|it| encode(&it.1).to_vec())
        .unwrap_or_default();
    let noise: Vec<u8> = (0..1_000).map(|_| dice.below(256) as u8).collect();
    vec![
        ("nothing", Lane::Control, vec![]),
        ("noise", Lane::Control, noise.clone()),
        ("noise on another lane", Lane::Bulk, noise),
        ("another protocol", Lane::Control, b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("an unknown kind", Lane::Control, vec![0xb7, 99, 0, 1, 2, 3]),
        ("a Hello that ends too soon", Lane::Control, plain[..plain.len() - 9].to_vec()),
        ("a name without end", Lane::Control, [&plain[..3 + 19], &varint_max].concat()),
        ("an unknown message", Lane::Data, replica(0, &[200, 1, 2])),
        (
            "entries without end",
            Lane::Data,
            replica(0, &[&[16, 9, 9, 1, 1, 0, 0, 0], &varint_max[..]].concat()),
        ),
        ("a manifest of a million", Lane::Control, replica(0, &[1, 9, 9, 1, 0xc0, 0x84, 0x3d])),
        ("an engine that cannot be", Lane::Control, replica(200, &[0, 9, 9, 1])),
        ("more than the message", Lane::Control, replica(0, &[0, 9, 9, 1, 0])),
        ("a body of four GiB", Lane::Bulk, [&[0xb7, 5, 1], &[0xff; 400][..]].concat()),
        ("a beat on a stream", Lane::Control, beat),
        ("sixteen MiB of ones", Lane::Bulk, replica(0, &vec![1; FRAME_BYTES_MAX - 64])),
    ]
}

/// Each kind of message of a replica, said by this instance of this engine, and values that are nested
/// beyond all reason.
fn in_wrong_states(instance: Instance) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (_, message) in sample::messages() {
        let Message::Replica(_, _) = message else { continue };
        let mut bytes = encode(&message).to_vec();
        // Engine, variant, then the attempt: instance and count.
        bytes[3] = 0;
        bytes[5] = instance.count as u8;
        bytes[6] = instance.tag as u8;
        all.push(bytes);
    }
    let deep = vec![b'['; 1 << 20];
    for losing in all.clone() {
        let Ok(Message::Replica(_, ReplicaMessage::Losing { session, records })) = decode(&losing)
        else {
            continue;
        };
        let mut records = records.into_inner();
        for record in &mut records {
            let op = Op::Set { item: ItemKey::config("deep"), value: Blob(deep.clone().into()) };
            let ops = sample::list(vec![op]);
            record.entry = Entry { ops, ..record.entry.clone() };
        }
        let records = sample::list(records);
        let message = Message::Replica(0, ReplicaMessage::Losing { session, records });
        all.push(encode(&message).to_vec());
    }
    all
}

async fn refused_messages(pair: &Pair) -> Result<u64> {
    let text = pair.ask(Side::A, Request::get("/metrics")).await?.text();
    let line = text.lines().find(|it| it.contains("refused_total{what=\"message\"}"));
    let count = line.and_then(|it| it.rsplit(' ').next()).context("the metric is there")?;
    Ok(count.parse()?)
}

async fn impostor(stage: &Stage) -> Result<()> {
    let pair = stage.start(PairSettings::default().with("config.writable_on", "active")).await?;
    pair.declare_tag(Side::A, TAG).await?;
    let writer = pair.writer(TAG);
    writer.until_more(10).await?;
    let before = pair.status(Side::A).await?;
    let shown = pair.status(Side::B).await?.json()["instance"].as_str().map(str::to_owned);
    let count = shown.as_deref().and_then(|it| it.split('-').next()?.parse::<u64>().ok());
    pair.node(Side::B).stop().await?;
    let memory = pair.node(Side::A).resident_bytes()?;
    // As if it were the process that has just ended, started anew from a copy; the partner's next
    // start is newer than both.
    let instance = Instance { count: count.context("an instance has a count")?, tag: 0x66 };
    let mut impostor = Impostor::start(&pair, instance)?;
    let mut dice = Dice::new(stage.seed() ^ 0x696d_706f);
    impostor.connected().await?;
    let mut closed = 0;
    for greets in [false, true] {
        let hello = impostor.own_hello()?;
        for (what, lane, bytes) in garbage(&mut dice, &hello) {
            // Before a Hello nothing is read from the other lanes.
            if !greets && lane != Lane::Control {
                continue;
            }
            impostor.connected().await?;
            if greets {
                impostor.greet().await?;
            }
            impostor.say(lane, bytes);
            let code = impostor.closed().await.with_context(|| what.to_owned())?;
            ensure!(code == GARBAGE, "closed with {code} after {what}");
            closed += 1;
        }
    }
    // A datagram that is no beat.
    impostor.greet().await?;
    impostor.transport.send_beat(Channel::Redundancy, vec![0xb7, 3, 0, 1].into())?;
    ensure!(impostor.closed().await? == GARBAGE, "a beat that is none");
    closed += 1;
    let counted = refused_messages(&pair).await?;
    ensure!(counted >= closed, "{counted} counted, {closed} closed");
    ensure!(pair.status(Side::A).await?.has_alarm("partner-refused"), "an alarm says so");
    writer.until_more(20).await?;
    // Each message in a state where nobody asked for it, again and again.
    for round in 0..stage.size(20, 400) {
        impostor.greet().await?;
        // Heard, it is taken for the partner.
        impostor.stay(Duration::from_millis(300)).await?;
        for bytes in in_wrong_states(instance) {
            impostor.say([Lane::Control, Lane::Data, Lane::Bulk][round % 3], bytes);
        }
        impostor.stay(Duration::from_millis(100)).await?;
    }
    writer.until_more(20).await?;
    let now = pair.status(Side::A).await?;
    ensure!(now.json()["instance"] == before.json()["instance"], "the same process");
    ensure!(now.is_active() && now.epoch() == before.epoch(), "the active was not disturbed");
    let grown = pair.node(Side::A).resident_bytes()?.saturating_sub(memory);
    ensure!(grown < GROWTH_BYTES_MAX, "it grew by {grown} bytes");
    println!("    {closed} connections closed with code {GARBAGE}; grown by {} KiB", grown >> 10);
    impostor.transport.close().await;
    drop(impostor);
    pair.write_config(Side::A, "after", &json!(1)).await?;
    pair.node(Side::B).start()?;
    pair.until_roles(Side::A).await?;
    eventually("the alarm ends", patience(Duration::from_secs(10)), async || {
        ensure!(!pair.status(Side::A).await?.has_alarm("partner-refused"), "it is there");
        Ok(())
    })
    .await?;
    Audit::of(&pair).with(writer.stop().await?).run().await?;
    Ok(())
}
