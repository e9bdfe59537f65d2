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
use hotpair_engine::tags::{self, Quality, Reading, TagWrite, Tags};
use hotpair_modbus::{CONFIG_PREFIX, DEVICES_MAX, Device, Health, Site, SiteError, TagOf, Written};
use hotpair_types::{EngineName, Epoch, NodeTime};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Records that are read at once.
const PAGE: usize = 256;
/// The alarm of devices in trouble is looked at so often, and what failed is tried again.
const LOOK: Duration = Duration::from_secs(1);
const ALARM: &str = "device-trouble";
const ALARM_CHARS_MAX: usize = 1_000;
/// Points left out that one device names.
const LEFT_OUT_SHOWN: usize = 8;

/// Runs the devices of one engine until the node ends.
pub(crate) async fn run(face: Face, engine: EngineName) {
    if let Err(problem) = Devices::keep(face, engine.clone()).await {
        tracing::info!(%engine, %problem, "its Modbus devices end");
    }
}

/// A node that has too much to do, or refuses for another reason, is asked again until it ends: one full
/// queue is no reason to leave the devices alone.
///
/// `node` is a channel of the node: it is closed when the node ends.
async fn patiently<T, S, F>(
    node: &watch::Receiver<S>,
    engine: &EngineName,
    mut what: impl FnMut() -> F,
) -> Result<T, Problem>
where
    F: Future<Output = Result<T, Problem>>,
{
    loop {
        let done = what().await;
        if done.is_ok() || node.has_changed().is_err() {
            return done;
        }
        later(engine, &done);
        tokio::time::sleep(LOOK).await;
    }
}

/// What a node refused is tried again at the next look. Whether it was done.
fn later<T>(engine: &EngineName, done: &Result<T, Problem>) -> bool {
    if let Err(problem) = done {
        tracing::debug!(%engine, %problem, "the Modbus devices wait for the node");
    }
    done.is_ok()
}

struct Devices {
    face: Face,
    engine: EngineName,
    index: EngineIndex,
    site: Arc<NodeSite>,
    written: Arc<Written>,
    running: BTreeMap<Box<str>, Running>,
    /// Records and points that are not served, by device, with what is wrong.
    unsound: BTreeMap<String, String>,
    /// Tags that were read and are not any more. The active makes them bad; the other node does when it
    /// becomes active before that happened.
    unread: BTreeSet<Box<str>>,
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
        let node = face.status();
        let written = Arc::new(Written::new());
        let registration =
            patiently(&node, &engine, || face.register(Some(engine.clone()), written.clone()));
        let registration = registration.await?;
        let tags = patiently(&node, &engine, || face.tags_of(index)).await?;
        let gate = face.gates()[usize::from(index.0)].clone();
        let clock = patiently(&node, &engine, || face.clock()).await?;
        let site =
            Arc::new(NodeSite { face: face.clone(), index, gate, tags, registration, clock });
        let mut devices = Self {
            face,
            engine: engine.clone(),
            index,
            site,
            written,
            running: BTreeMap::new(),
            unsound: BTreeMap::new(),
            unread: BTreeSet::new(),
            alarmed: String::new(),
        };
        let mut status = devices.face.status();
        let mut seen = None;
        let mut looks = tokio::time::interval(LOOK);
        loop {
            let config = {
                let status = status.borrow_and_update();
                let engine = status.engines.iter().find(|it| it.name == devices.engine.as_str());
                engine.map(|it| it.positions.config)
            };
            if seen != config && later(&engine, &devices.follow().await) {
                seen = config;
            }
            tokio::select! {
                changed = status.changed() => if changed.is_err() { return Ok(()) },
                _ = looks.tick() => {
                    later(&engine, &devices.look().await);
                },
            }
        }
    }

    /// Makes what runs what the config says.
    async fn follow(&mut self) -> Result<(), Problem> {
        let records = self.records().await?;
        let declared = |path: &str| self.site.tags.declaration(path);
        let (wanted, unsound) = sound(records, &declared);
        self.unsound = unsound;
        let read = self.running.values().flat_map(|it| inputs(&it.device));
        self.unread.extend(read.map(Into::into));
        let ended = self.running.extract_if(.., |name, it| wanted.get(name) != Some(&it.device));
        for (_, mut it) in ended.collect::<Vec<_>>() {
            // Not before it ended: it could say that a tag is good after the tag was made bad.
            it.task.abort();
            (&mut it.task).await.ok();
        }
        for (name, device) in &wanted {
            if !self.running.contains_key(name) {
                let running = self.start(device.clone());
                self.running.insert(name.clone(), running);
            }
        }
        for tag in wanted.values().flat_map(inputs) {
            self.unread.remove(tag);
        }
        self.doubt_unread().await;
        if self.site.may_write().is_some() {
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

    /// What nobody reads any more is not to be trusted.
    async fn doubt_unread(&mut self) {
        let site = &*self.site;
        let is_trusted = |tag: &str| {
            let reading = site.read(tag);
            reading.is_some_and(|it| it.value.is_some() && it.quality != Quality::Bad)
        };
        self.unread.retain(|it| is_trusted(it));
        if self.unread.is_empty() || site.may_write().is_none() {
            return;
        }
        match hotpair_modbus::doubt(site, &self.unread).await {
            Ok(()) => self.unread.clear(),
            // At the next look again.
            Err(error) => tracing::debug!(%error, "what is not read any more is not bad yet"),
        }
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
        self.doubt_unread().await;
        let unsound = self.unsound.iter().map(|(name, why)| format!("{name}: {why}"));
        let troubled = self.running.iter().filter_map(|(name, it)| {
            let health = it.health.borrow();
            health.trouble.as_ref().map(|why| format!("{name}: {why}"))
        });
        let text: String = unsound.chain(troubled).collect::<Vec<_>>().join("; ");
        let text: String = text.chars().take(ALARM_CHARS_MAX).collect();
        if text != self.alarmed {
            let shown = (!text.is_empty()).then(|| text.clone());
            self.face.show_alarm(self.index, ALARM, shown).await?;
            self.alarmed = text;
        }
        Ok(())
    }
}

fn inputs(device: &Device) -> impl Iterator<Item = &str> {
    device.inputs.iter().map(|it| &*it.tag)
}

/// The devices of these records, and what is wrong with the others, or with points that are left out.
fn sound(
    mut records: Vec<(String, serde_json::Value)>,
    tag: TagOf<'_>,
) -> (BTreeMap<Box<str>, Device>, BTreeMap<String, String>) {
    let (mut devices, mut unsound) = (BTreeMap::new(), BTreeMap::new());
    if records.len() > DEVICES_MAX {
        let name = records.swap_remove(DEVICES_MAX).0;
        let why = format!("this and what follows is not served: at most {DEVICES_MAX} devices");
        records.truncate(DEVICES_MAX);
        unsound.insert(name, why);
    }
    for (name, value) in records {
        let json = value.to_string();
        match Device::from_json(&name, json.as_bytes(), tag) {
            Ok((device, left_out)) => {
                devices.insert(name.as_str().into(), device);
                let more = left_out.len().saturating_sub(LEFT_OUT_SHOWN);
                let shown = left_out.iter().take(LEFT_OUT_SHOWN).map(ToString::to_string);
                let more = (more > 0).then(|| format!("and {more} more"));
                let why: Vec<_> = shown.chain(more).collect();
                if !why.is_empty() {
                    unsound.insert(name, format!("left out: {}", why.join(", ")));
                }
            }
            Err(them) => drop(unsound.insert(name, them.as_slice()[0].to_string())),
        }
    }
    (devices, unsound)
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
    fn may_write(&self) -> Option<Epoch> {
        self.gate.passes()
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

#[cfg(test)]
mod tests {
    use super::*;
    use hotpair_api::face::ProblemKind;
    use hotpair_engine::tags::Declaration;

    fn tag(path: &str) -> Option<Arc<Declaration>> {
        let declaration = Declaration::from_json(path, br#"{"type": "float"}"#);
        (path == "level").then(|| Arc::new(declaration.expect("a declaration")))
    }

    fn record(tag: &str) -> serde_json::Value {
        serde_json::json!({
            "address": "192.0.2.7:502", "poll": "1s", "inputs": {
                "level": {"table": "input", "address": 0, "type": "u16"},
                tag: {"table": "input", "address": 1, "type": "u16"},
            },
        })
    }

    #[test]
    fn more_devices_than_an_engine_may_have_are_said() {
        let count = DEVICES_MAX + 1;
        let records = (0..count).map(|it| (format!("plc-{it:03}"), record("level")));
        let (devices, unsound) = sound(records.collect(), &tag);
        assert_eq!(devices.len(), DEVICES_MAX);
        let said: Vec<_> = unsound.into_iter().collect();
        let why = "this and what follows is not served: at most 256 devices";
        assert_eq!(said, [("plc-256".to_owned(), why.to_owned())]);
    }

    #[test]
    fn a_tag_that_is_missing_costs_its_point_alone_and_is_named() {
        let (devices, unsound) = sound(vec![("plc".into(), record("gone"))], &tag);
        assert_eq!(inputs(&devices["plc"]).collect::<Vec<_>>(), ["level"]);
        assert!(unsound["plc"].starts_with("left out: `inputs.gone`"), "{unsound:?}");
    }

    fn full<T>() -> Result<T, Problem> {
        Err(Problem::new(ProblemKind::Overloaded, "full"))
    }

    #[tokio::test]
    async fn a_full_queue_is_waited_for_and_the_end_of_the_node_is_not() {
        let (sender, node) = watch::channel(());
        let engine = EngineName::default();
        let mut asked = 0;
        let found = patiently(&node, &engine, || {
            asked += 1;
            let answer = if asked == 1 { full() } else { Ok(asked) };
            async { answer }
        });
        assert_eq!(found.await.ok(), Some(2), "one full queue ended it");
        drop(sender);
        let found: Result<(), _> = patiently(&node, &engine, || async { full() }).await;
        assert_eq!(found.map_err(|it| it.kind), Err(ProblemKind::Overloaded));
    }
}
