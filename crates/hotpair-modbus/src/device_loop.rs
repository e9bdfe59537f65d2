//! One device for as long as it is declared: connect, read, post what changed, write what is to be written.
use crate::connection::{Connection, ModbusError, Words};
use crate::device::Device;
use crate::plan::{Block, blocks};
use crate::point::Point;
use crate::site::Site;
use crate::written::Written;
use hotpair_engine::tags::{Quality, Reading, TagRecord, TagWrite, Value};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// The longest pause between two attempts to connect.
pub const RECONNECT_MAX: Duration = Duration::from_secs(5);
const RECONNECT_MIN: Duration = Duration::from_millis(100);

/// How a device is, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// It answers.
    pub is_connected: bool,
    /// Polls that went well, since this node began with it.
    pub polls: u64,
    /// Requests that failed.
    pub failures: u64,
    /// Single writes to it.
    pub writes: u64,
    /// The last thing that went wrong, until everything goes well again.
    pub trouble: Option<String>,
}

/// Runs one device until the future is dropped. `written` is shared with the node, which has it
/// registered as a provider.
pub async fn run(
    device: &Device,
    site: &impl Site,
    written: &Written,
    health: &watch::Sender<Health>,
) {
    let mut pause = RECONNECT_MIN;
    loop {
        let opened = Connection::open(device.address, device.unit, device.timeout).await;
        let error = match opened {
            Ok(connection) => {
                let began = Instant::now();
                let mut session = Session::new(device, site, written, health, connection);
                let error = session.poll().await;
                // One that breaks at once again and again is not called without a pause.
                if began.elapsed() > RECONNECT_MAX {
                    pause = RECONNECT_MIN;
                }
                error
            }
            Err(error) => error,
        };
        tracing::warn!(device = %device.name, %error, "the device is not reached");
        health.send_modify(|it| {
            it.is_connected = false;
            it.failures += 1;
            it.trouble = Some(error.to_string());
        });
        all_bad(device, site).await;
        sleep(pause).await;
        pause = (pause * 2).min(RECONNECT_MAX);
    }
}

/// What cannot be read has its last value, and is not to be trusted.
async fn all_bad(device: &Device, site: &impl Site) {
    let bad = |point: &Point| doubted(point, site);
    post(device, site, device.inputs.iter().filter_map(bad).collect()).await;
}

fn doubted(point: &Point, site: &impl Site) -> Option<TagWrite> {
    let reading = site.read(&point.tag)?;
    let Reading { value: Some(value), quality, .. } = reading else { return None };
    let path = point.tag.clone();
    let write = TagWrite { path, value, quality: Quality::Bad, timestamp: site.wall() };
    (quality != Quality::Bad).then_some(write)
}

/// Only the active changes tags; the standby read the device to know that it can.
async fn post(device: &Device, site: &impl Site, writes: Vec<TagWrite>) {
    if writes.is_empty() || !site.may_write() {
        return;
    }
    if let Err(error) = site.write(writes).await {
        // It is read again at the next poll.
        tracing::debug!(device = %device.name, %error, "what was read is not taken");
    }
}

struct Session<'a, S> {
    device: &'a Device,
    site: &'a S,
    written: &'a Written,
    health: &'a watch::Sender<Health>,
    connection: Connection,
    blocks: Vec<Block>,
    /// What this session wrote and was confirmed; none at all while the node is not active, so that whoever
    /// becomes active tells the device everything once.
    told: BTreeMap<Box<str>, Value>,
}

impl<'a, S: Site> Session<'a, S> {
    fn new(
        device: &'a Device,
        site: &'a S,
        written: &'a Written,
        health: &'a watch::Sender<Health>,
        connection: Connection,
    ) -> Self {
        let blocks = blocks(&device.inputs);
        Self { device, site, written, health, connection, blocks, told: BTreeMap::new() }
    }

    /// Polls until the connection cannot be used any more.
    async fn poll(&mut self) -> ModbusError {
        let mut ticks = interval(self.device.poll);
        // A poll that comes late is not made up for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mut trouble = None;
            if let Err(error) = self.read(&mut trouble).await {
                return error;
            }
            if let Err(error) = self.write(&mut trouble).await {
                return error;
            }
            self.health.send_modify(|it| {
                it.is_connected = true;
                it.polls += 1;
                it.failures += u64::from(trouble.is_some());
                it.trouble = trouble;
            });
        }
    }

    async fn read(&mut self, trouble: &mut Option<String>) -> Result<(), ModbusError> {
        let mut writes = Vec::new();
        let mut at = 0;
        while at < self.blocks.len() {
            let block = self.blocks[at].clone();
            match self.connection.read(&block).await {
                Ok(words) => {
                    for place in &block.points {
                        self.take(
                            &block,
                            &words,
                            &self.device.inputs[*place],
                            &mut writes,
                            trouble,
                        );
                    }
                    at += 1;
                }
                Err(error) if !error.leaves_the_connection() => return Err(error),
                // A gap that the device does not have: its neighbours are read one by one from now on.
                Err(_) if block.points.len() > 1 => {
                    let alone = block.points.iter().map(|place| {
                        let mut alone = blocks(std::slice::from_ref(&self.device.inputs[*place]));
                        alone[0].points = vec![*place];
                        alone.remove(0)
                    });
                    let alone: Vec<_> = alone.collect();
                    self.blocks.splice(at..=at, alone);
                }
                Err(error) => {
                    *trouble = Some(error.to_string());
                    for place in &block.points {
                        writes.extend(doubted(&self.device.inputs[*place], self.site));
                    }
                    at += 1;
                }
            }
        }
        post(self.device, self.site, writes).await;
        Ok(())
    }

    fn take(
        &self,
        block: &Block,
        words: &Words,
        point: &Point,
        writes: &mut Vec<TagWrite>,
        trouble: &mut Option<String>,
    ) {
        let decoded = words
            .of(block, point)
            .ok_or(crate::EncodingError::Shape)
            .and_then(|raw| point.encoding.decode(point.of_type, &raw));
        let value = match decoded {
            Ok(value) => value,
            Err(error) => {
                *trouble = Some(format!("tag `{}`: {error}", point.tag));
                writes.extend(doubted(point, self.site));
                return;
            }
        };
        let Some(reading) = self.site.read(&point.tag) else { return };
        // What the tag may not hold is not held at its limit: nobody knows what it means then.
        if let Some(declaration) = &reading.declaration
            && let Err(error) = declaration.admit(value.clone())
        {
            *trouble = Some(format!("tag `{}`: {error}", point.tag));
            writes.extend(doubted(point, self.site));
            return;
        }
        if reading.value.as_ref() != Some(&value) || reading.quality != Quality::Good {
            let (path, timestamp) = (point.tag.clone(), self.site.wall());
            writes.push(TagWrite { path, value, quality: Quality::Good, timestamp });
        }
    }

    async fn write(&mut self, trouble: &mut Option<String>) -> Result<(), ModbusError> {
        if !self.site.may_write() {
            self.told.clear();
            return Ok(());
        }
        let mut posts = Vec::new();
        let mut broken = None;
        for point in &self.device.outputs {
            let Some(reading) = self.site.read(&point.tag) else { continue };
            // A tag that nobody wrote says nothing to the plant, whatever it begins with.
            let is_said = reading.quality != Quality::Bad && reading.timestamp.0 != 0;
            let Some(value) = reading.value.filter(|_| is_said) else { continue };
            if self.told.get(&point.tag) == Some(&value) {
                continue;
            }
            let raw = match point.encoding.encode(&value) {
                Ok(raw) => raw,
                Err(error) => {
                    *trouble = Some(format!("tag `{}`: {error}", point.tag));
                    continue;
                }
            };
            // The gate, at the effect.
            if !self.site.may_write() {
                self.told.clear();
                break;
            }
            match self.connection.write(point, &raw).await {
                Ok(()) => {
                    self.health.send_modify(|it| it.writes += 1);
                    self.told.insert(point.tag.clone(), value.clone());
                    let timestamp = self.site.wall();
                    let record = TagRecord { value, quality: reading.quality, timestamp };
                    posts.push(self.written.set(&self.device.name, &point.tag, record));
                }
                Err(error) if error.leaves_the_connection() => {
                    *trouble = Some(format!("tag `{}`: {error}", point.tag));
                }
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        if !posts.is_empty()
            && let Err(error) = self.site.post(posts).await
        {
            tracing::debug!(device = %self.device.name, %error, "what was written is not noted");
        }
        broken.map_or(Ok(()), Err)
    }
}
