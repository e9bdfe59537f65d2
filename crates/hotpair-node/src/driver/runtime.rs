//! What the driver keeps for one engine beside its decisions: providers, gate, alarms.
use crate::clock::Clock;
use crate::gate::Gate;
use crate::steps::{Line, Recorder};
use hotpair_api::face::{Alarm, HistogramValue};
use hotpair_core::Step;
use hotpair_engine::ProviderRegistry;
use hotpair_engine::tags::Tags;
use hotpair_types::{Designation, EngineName, Epoch, Position, StateId, Time};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Bounds of the takeover histogram, in seconds.
const TAKEOVER_BOUNDS: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// One engine on this node.
pub(crate) struct EngineRuntime {
    pub(crate) name: EngineName,
    pub(crate) designation: Designation,
    pub(crate) tags: Arc<Tags>,
    pub(crate) providers: Arc<ProviderRegistry>,
    /// Providers that were given the journal's present state while outputs are carried out, and where it ended:
    /// updates up to there that still wait their turn are in it.
    pub(crate) restored: BTreeMap<Box<str>, Position>,
    /// Providers that did not take what the journal has of them.
    pub(crate) failed_providers: BTreeSet<Box<str>>,
    /// Since when module bytes are missing here.
    pub(crate) modules_missing_since: Option<Time>,
    pub(crate) objects: super::objects::EngineObjects,
    pub(crate) history: super::history::EngineHistory,
    pub(crate) subscribers: super::subscribers::KeptSubscribers,
    pub(crate) gate: Arc<Gate>,
    pub(crate) alarms: BTreeMap<&'static str, Alarm>,
    pub(crate) state: StateId,
    pub(crate) state_since: Time,
    pub(crate) active_since: Option<Time>,
    /// When the engine began its way to active, for the histogram.
    pub(crate) takeover_since: Option<Time>,
    pub(crate) takeover_seconds: HistogramValue,
    pub(crate) role_changes: BTreeMap<String, u64>,
    /// The engine has left or is undeployed.
    pub(crate) stopped: bool,
    /// It left for good, and whether the partner saw that.
    pub(crate) left_seen: Option<bool>,
    /// Nothing more is written before the process begins anew.
    pub(crate) storage_failed: bool,
    /// It was noted on disk that the next process is to copy the data anew.
    pub(crate) suspect: bool,
    /// When that is tried again.
    pub(crate) suspect_again_at: Time,
    /// The record of its state machine's steps, when it is kept.
    pub(crate) steps: Option<Recorder>,
    /// Writes that wait for the end of a switchover.
    pub(crate) held: VecDeque<super::writes::HeldWrite>,
    pub(crate) role: tokio::sync::watch::Sender<(StateId, Epoch)>,
    pub(crate) sessions: Vec<super::data::Session>,
    /// Up to this runtime sequence subscribers may see changes: what a takeover cannot take back.
    pub(crate) released: tokio::sync::watch::Sender<u64>,
    /// Counts changes of tags.
    pub(crate) news: tokio::sync::watch::Sender<u64>,
    /// Counts changes of alarms of objects.
    pub(crate) alarm_news: tokio::sync::watch::Sender<u64>,
    pub(crate) figures: super::measure::EngineFigures,
    pub(crate) sync_rate: super::status::Rate,
    /// Mode `arbiter`: the way to the third party.
    pub(crate) grant: Option<crate::grants::Orders>,
    pub(crate) third: super::grant::ThirdSeen,
}

impl EngineRuntime {
    pub(crate) fn new(name: EngineName, designation: Designation, clock: Clock) -> Self {
        let (providers, tags) = (Arc::new(ProviderRegistry::new()), Arc::new(Tags::new()));
        let news = tokio::sync::watch::channel(0).0;
        let sender = news.clone();
        tags.set_on_change(move || sender.send_modify(|it| *it += 1));
        providers.register(tags.clone()).expect("the first provider of a new registry");
        let objects = super::objects::EngineObjects::default();
        providers.register(objects.checkpoints.clone()).expect("the second one");
        let subscribers = super::subscribers::KeptSubscribers::default();
        providers.register(subscribers.known.clone()).expect("another one");
        let alarm_news = tokio::sync::watch::channel(0).0;
        let sender = alarm_news.clone();
        objects.alarms.set_on_change(move || sender.send_modify(|it| *it += 1));
        providers.register(objects.alarms.clone()).expect("the third one");
        let history = super::history::EngineHistory::default();
        providers.register(history.kept.clone()).expect("the fifth one");
        let first = StateId::DeterminingFailoverStatus;
        Self {
            name,
            designation,
            tags,
            providers,
            restored: BTreeMap::new(),
            failed_providers: BTreeSet::new(),
            modules_missing_since: None,
            objects,
            history,
            subscribers,
            gate: Arc::new(Gate::new(clock)),
            alarms: BTreeMap::new(),
            state: first,
            state_since: Time::ZERO,
            active_since: None,
            takeover_since: None,
            takeover_seconds: HistogramValue::with_bounds(TAKEOVER_BOUNDS),
            role_changes: BTreeMap::new(),
            stopped: false,
            left_seen: None,
            storage_failed: false,
            suspect: false,
            suspect_again_at: Time::ZERO,
            steps: None,
            held: VecDeque::new(),
            role: tokio::sync::watch::channel((first, Epoch::NONE)).0,
            sessions: Vec::new(),
            released: tokio::sync::watch::channel(0).0,
            news,
            alarm_news,
            figures: super::measure::EngineFigures::default(),
            sync_rate: super::status::Rate::default(),
            grant: None,
            third: super::grant::ThirdSeen::default(),
        }
    }

    /// Adds a step to the record.
    pub(crate) fn record(&mut self, step: Step) {
        let Step { now, event, from, to } = step;
        if let Some(steps) = &mut self.steps {
            steps.note(Line { now, event, from, to });
        }
    }
}
