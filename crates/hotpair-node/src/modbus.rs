//! The node's Modbus devices: config records `modbus/NAME` become loops, and end with them.
//!
//! Both nodes are connected and read; only the node whose gate lets outputs through changes tags and
//! writes to devices (`hotpair-modbus`).
use crate::clock::Clock;
use crate::face::{Face, Registration};
use crate::gate::Gate;
use hotpair_api::face::{NodeFace as _, Problem, WriteOptions, WriteOutcome};
use hotpair_core::EngineIndex;
use hotpair_engine::Post;
use hotpair_engine::tags::{self, Reading, TagWrite, Tags};
use hotpair_modbus::{CONFIG_PREFIX, DEVICES_MAX, Device, Health, Site, SiteError, Written};
use hotpair_types::{EngineName, NodeTime};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Records that are read at once.
const PAGE: usize = 256;
/// The alarm of devices in trouble is looked at so often.
const LOOK: Duration = Duration::from_secs(1);
const ALARM: &str = "device-trouble";
const ALARM_CHARS_MAX: usize = 1_000;

/// Runs the devices of one engine until the node ends.
pub(crate) async fn run(face: Face, engine: EngineName) {
    if let Err(problem) = Devices::keep(face, engine.clone()).await {
        tracing::info!(%engine, %problem, "its Modbus devices end");
    }
}

struct Devices {
    face: Face,
    engine: EngineName,
    index: EngineIndex,
    site: Arc<NodeSite>,
    written: Arc<Written>,
    running: BTreeMap<Box<str>, Running>,
    /// Records that are no sound device, with the first thing that is wrong.
    unsound: BTreeMap<String, String>,
    alarmed: String,
}

struct Running {
    device: Device,
    health: watch::Receiver<Health>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Devices {
    async fn keep(face: Face, engine: EngineName) -> Result<(), Problem> {
        let index = face.index_of(&engine)?;
        let written = Arc::new(Written::new());
        let registration = face.register(Some(engine.clone()), written.clone()).await?;
        let tags = face.tags_of(index).await?;
        let gate = face.gates()[usize::from(index.0)].clone();
        let clock = face.clock().await?;
        let site =
            Arc::new(NodeSite { face: face.clone(), index, gate, tags, registration, clock });
        let (running, unsound) = (BTreeMap::new(), BTreeMap::new());
        let alarmed = String::new();
        let mut devices = Self { face, engine, index, site, written, running, unsound, alarmed };
        let mut status = devices.face.status();
        let mut seen = None;
        let mut looks = tokio::time::interval(LOOK);
        loop {
            let config = {
                let status = status.borrow_and_update();
                let engine = status.engines.iter().find(|it| it.name == devices.engine.as_str());
                engine.map(|it| it.positions.config)
            };
            if seen != config {
                devices.follow().await?;
                seen = config;
            }
            tokio::select! {
                changed = status.changed() => if changed.is_err() { return Ok(()) },
                _ = looks.tick() => devices.look().await?,
            }
        }
    }

    /// Makes what runs what the config says.
    async fn follow(&mut self) -> Result<(), Problem> {
        let mut records = self.records().await?;
        self.unsound.clear();
        if records.len() > DEVICES_MAX {
            let name = records.swap_remove(DEVICES_MAX).0;
            let why = format!("this and what follows is not served: at most {DEVICES_MAX} devices");
            records.truncate(DEVICES_MAX);
            self.unsound.insert(name, why);
        }
        let mut wanted: BTreeMap<Box<str>, Device> = BTreeMap::new();
        for (name, value) in records {
            match device(&self.site.tags, &name, &value) {
                Ok(device) => drop(wanted.insert(name.as_str().into(), device)),
                Err(why) => drop(self.unsound.insert(name, why)),
            }
        }
        self.running.retain(|name, it| wanted.get(name) == Some(&it.device));
        for (name, device) in &wanted {
            if !self.running.contains_key(name) {
                let running = self.start(device.clone());
                self.running.insert(name.clone(), running);
            }
        }
        if self.site.may_write() {
            let outputs = |device: &str, tag: &str| {
                let device = wanted.get(device);
                device.is_some_and(|it| it.outputs.iter().any(|it| *it.tag == *tag))
            };
            let gone = self.written.keep(outputs);
            if !gone.is_empty() {
                self.site.post(gone).await.ok();
            }
        }
        Ok(())
    }

    fn start(&self, device: Device) -> Running {
        let (sender, health) = watch::channel(Health::default());
        let (site, written) = (self.site.clone(), self.written.clone());
        let runs = device.clone();
        let task = tokio::spawn(async move {
            hotpair_modbus::run(&runs, &*site, &written, &sender).await;
        });
        Running { device, health, task }
    }

    async fn records(&self) -> Result<Vec<(String, serde_json::Value)>, Problem> {
        let mut records = Vec::new();
        let mut after = None;
        loop {
            let engine = Some(self.engine.clone());
            let page = self.face.config_list(engine, CONFIG_PREFIX.into(), after, PAGE).await?;
            let named = page.records.into_iter().map(|it| {
                let name = it.key.strip_prefix(CONFIG_PREFIX).unwrap_or(&it.key).to_owned();
                (name, it.value)
            });
            records.extend(named);
            if page.next.is_none() || records.len() > DEVICES_MAX {
                return Ok(records);
            }
            after = page.next;
        }
    }

    /// One alarm for all devices that are in trouble, with what each says.
    async fn look(&mut self) -> Result<(), Problem> {
        let unsound = self.unsound.iter().map(|(name, why)| format!("{name}: {why}"));
        let troubled = self.running.iter().filter_map(|(name, it)| {
            let health = it.health.borrow();
            health.trouble.as_ref().map(|why| format!("{name}: {why}"))
        });
        let text: String = unsound.chain(troubled).collect::<Vec<_>>().join("; ");
        let text: String = text.chars().take(ALARM_CHARS_MAX).collect();
        if text != self.alarmed {
            self.alarmed.clone_from(&text);
            let text = (!text.is_empty()).then_some(text);
            self.face.show_alarm(self.index, ALARM, text).await?;
        }
        Ok(())
    }
}

fn device(tags: &Tags, name: &str, value: &serde_json::Value) -> Result<Device, String> {
    let json = value.to_string();
    let declared = |path: &str| tags.declaration(path);
    Device::from_json(name, json.as_bytes(), &declared)
        .map_err(|them| them.as_slice()[0].to_string())
}

struct NodeSite {
    face: Face,
    index: EngineIndex,
    gate: Arc<Gate>,
    tags: Arc<Tags>,
    registration: Registration,
    clock: Clock,
}

impl Site for NodeSite {
    fn may_write(&self) -> bool {
        self.gate.passes().is_some()
    }

    fn read(&self, tag: &str) -> Option<Reading> {
        self.tags.read(tag)
    }

    async fn write(&self, writes: Vec<TagWrite>) -> Result<(), SiteError> {
        for batch in writes.chunks(tags::BATCH_TAGS_MAX) {
            let posts = self.tags.prepare_batch(batch.to_vec());
            let posts = posts.map_err(|error| SiteError { reason: error.to_string() })?;
            let write = crate::driver::PostedWrite::runtime(tags::PROVIDER, &posts);
            settled(self.face.write(self.index, write).await)?;
        }
        Ok(())
    }

    async fn post(&self, posts: Vec<Post>) -> Result<(), SiteError> {
        settled(self.registration.post(&posts, WriteOptions::default()).await)
    }

    fn wall(&self) -> NodeTime {
        self.clock.wall()
    }
}

fn settled(outcome: Result<WriteOutcome, Problem>) -> Result<(), SiteError> {
    match outcome {
        Ok(WriteOutcome::Done(_)) => Ok(()),
        Ok(WriteOutcome::Refused(problem)) | Err(problem) => {
            Err(SiteError { reason: problem.to_string() })
        }
        Ok(WriteOutcome::Unknown { detail }) => Err(SiteError { reason: detail }),
    }
}
