//! One device for as long as it is declared: connect, read, post what changed, write what is to be written.
use crate::SiteError;
use crate::connection::{Connection, ModbusError, Words};
use crate::device::Device;
use crate::plan::{Block, blocks};
use crate::point::Point;
use crate::site::Site;
use crate::written::Written;
use hotpair_engine::Post;
use hotpair_engine::tags::{Quality, Reading, TagRecord, TagWrite, Value};
use hotpair_types::Epoch;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep};

/// The longest pause between two attempts to connect.
pub const RECONNECT_MAX: Duration = Duration::from_secs(5);
const RECONNECT_MIN: Duration = Duration::from_millis(100);
/// Between two polls it is looked so often whether this node became active.
const ROLE_LOOK: Duration = Duration::from_millis(100);
/// While a write is under way it is looked so often whether the role went.
const GATE_LOOK: Duration = Duration::from_millis(10);

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
                // First the connection, with what the kernel still has of a write.
                let posts = std::mem::take(&mut session.posts);
                drop(session);
                note(device, site, posts).await;
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
    let bad = |point: &Point| doubted(&point.tag, site);
    post(device, site, device.inputs.iter().filter_map(bad).collect()).await;
}

/// Makes tags bad that nobody reads any more; they keep their values. Those that are bad, have no value
/// or are not declared stay as they are.
///
/// # Errors
/// What the node says: some may be bad then, and some not.
pub async fn doubt(site: &impl Site, tags: &BTreeSet<Box<str>>) -> Result<(), SiteError> {
    let writes: Vec<_> = tags.iter().filter_map(|it| doubted(it, site)).collect();
    if writes.is_empty() { Ok(()) } else { site.write(writes).await }
}

fn doubted(tag: &str, site: &impl Site) -> Option<TagWrite> {
    let reading = site.read(tag)?;
    let Reading { value: Some(value), quality, .. } = reading else { return None };
    let (path, timestamp) = (tag.into(), site.wall());
    let write = TagWrite { path, value, quality: Quality::Bad, timestamp };
    (quality != Quality::Bad).then_some(write)
}

/// Only the active changes tags; the standby read the device to know that it can.
async fn post(device: &Device, site: &impl Site, writes: Vec<TagWrite>) {
    if writes.is_empty() || site.may_write().is_none() {
        return;
    }
    if let Err(error) = site.write(writes).await {
        // It is read again at the next poll.
        tracing::debug!(device = %device.name, %error, "what was read is not taken");
    }
}

/// Posts what the device confirmed.
async fn note(device: &Device, site: &impl Site, posts: Vec<Post>) {
    if !posts.is_empty()
        && let Err(error) = site.post(posts).await
    {
        tracing::debug!(device = %device.name, %error, "what was written is not noted");
    }
}

/// Returns when the gate lets nothing of this epoch through any more.
async fn gone(site: &impl Site, epoch: Epoch) {
    while site.may_write() == Some(epoch) {
        sleep(GATE_LOOK).await;
    }
}

/// Until the next poll. Whoever became active since `told` does not wait for it.
async fn rest(site: &impl Site, told: Option<Epoch>, ticks: &mut Interval) {
    let is_new = async {
        loop {
            let epoch = site.may_write();
            if epoch.is_some() && epoch != told {
                return;
            }
            sleep(ROLE_LOOK).await;
        }
    };
    tokio::select! {
        _ = ticks.tick() => {}
        () = is_new => {}
    }
}

struct Session<'a, S> {
    device: &'a Device,
    site: &'a S,
    written: &'a Written,
    health: &'a watch::Sender<Health>,
    connection: Connection,
    blocks: Vec<Block>,
    /// The epoch under which the device was told, and what it confirmed. Of another epoch nothing counts,
    /// so that whoever becomes active tells the device everything once.
    under: Option<Epoch>,
    told: BTreeMap<Box<str>, Value>,
    /// What was confirmed and is not noted yet.
    posts: Vec<Post>,
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
        let (under, told, posts) = (None, BTreeMap::new(), Vec::new());
        Self { device, site, written, health, connection, blocks, under, told, posts }
    }

    /// Polls until the connection cannot be used any more.
    async fn poll(&mut self) -> ModbusError {
        let mut ticks = interval(self.device.poll);
        // A poll that comes late is not made up for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rest(self.site, self.under, &mut ticks).await;
            let mut trouble = None;
            if let Err(error) = self.read(&mut trouble).await {
                return error;
            }
            if let Err(error) = self.write(&mut trouble).await {
                return error;
            }
            note(self.device, self.site, std::mem::take(&mut self.posts)).await;
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
                Err(error) if error.is_of_the_range() && block.points.len() > 1 => {
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
                        writes.extend(doubted(&self.device.inputs[*place].tag, self.site));
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
                writes.extend(doubted(&point.tag, self.site));
                return;
            }
        };
        let Some(reading) = self.site.read(&point.tag) else { return };
        // What the tag may not hold is not held at its limit: nobody knows what it means then.
        if let Some(declaration) = &reading.declaration
            && let Err(error) = declaration.admit(value.clone())
        {
            *trouble = Some(format!("tag `{}`: {error}", point.tag));
            writes.extend(doubted(&point.tag, self.site));
            return;
        }
        if reading.value.as_ref() != Some(&value) || reading.quality != Quality::Good {
            let (path, timestamp) = (point.tag.clone(), self.site.wall());
            writes.push(TagWrite { path, value, quality: Quality::Good, timestamp });
        }
    }

    async fn write(&mut self, trouble: &mut Option<String>) -> Result<(), ModbusError> {
        let site = self.site;
        let epoch = site.may_write();
        if epoch.is_none() || epoch != self.under {
            self.told.clear();
        }
        self.under = epoch;
        let Some(epoch) = epoch else { return Ok(()) };
        for point in &self.device.outputs {
            let Some(reading) = site.read(&point.tag) else { continue };
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
            if site.may_write() != Some(epoch) {
                self.under = None;
                break;
            }
            let done = tokio::select! {
                biased;
                done = self.connection.write(point, &raw) => done,
                () = gone(site, epoch) => Err(ModbusError::RoleGone),
            };
            match done {
                Ok(()) => {
                    self.health.send_modify(|it| it.writes += 1);
                    self.told.insert(point.tag.clone(), value.clone());
                    let timestamp = site.wall();
                    let record = TagRecord { value, quality: reading.quality, timestamp };
                    self.posts.push(self.written.set(&self.device.name, &point.tag, record));
                }
                Err(error) if error.leaves_the_connection() => {
                    *trouble = Some(format!("tag `{}`: {error}", point.tag));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
