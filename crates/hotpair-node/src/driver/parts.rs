//! What a driver is started with, and where everything arrives.
use super::{EngineRuntime, EventLog, Request};
use crate::addresses::{Addresses, Report as AddressReport};
use crate::clock::Clock;
use crate::forwarder::Report as Forwarded;
use crate::grants::Report;
use crate::guard_link::{GuardLink, GuardSays};
use crate::logging::LogLevel;
use crate::own_ends::End;
use crate::scans::{Scanned, Scans};
use crate::services::{Report as ServiceReport, Services};
use crate::settings::Settings;
use crate::store::{Completions, Store};
use hotpair_api::face::NodeStatus;
use hotpair_core::{Core, Output};
use hotpair_engine::objects::Natives;
use hotpair_transport::{PinnedKey, TransportHandle};
use hotpair_types::PerChannel;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// What a driver is started with.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) core: Core,
    pub(crate) first: Vec<Output>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) engines: Vec<EngineRuntime>,
    pub(crate) transport: TransportHandle,
    pub(crate) store: Store,
    pub(crate) ends: PerChannel<End>,
    pub(crate) addresses: Option<Addresses>,
    pub(crate) scans: Scans,
    pub(crate) services: Option<Services>,
    pub(crate) natives: Natives,
    pub(crate) guard: GuardLink,
    pub(crate) events: EventLog,
    pub(crate) api_base: String,
    pub(crate) identity: crate::wire::OwnHello,
    pub(crate) log_level: Option<LogLevel>,
    pub(crate) key: PinnedKey,
    pub(crate) certificate: hotpair_transport::Validity,
    pub(crate) status: watch::Sender<Arc<NodeStatus>>,
}

/// Where everything arrives.
pub(crate) struct Inlets {
    pub(crate) transport: hotpair_transport::Events,
    pub(crate) completions: Completions,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) guard: mpsc::UnboundedReceiver<GuardSays>,
    pub(crate) grants: mpsc::Receiver<Report>,
    pub(crate) addresses: mpsc::UnboundedReceiver<AddressReport>,
    pub(crate) scanned: mpsc::Receiver<Scanned>,
    pub(crate) services: mpsc::UnboundedReceiver<ServiceReport>,
    pub(crate) forwarded: mpsc::UnboundedReceiver<Forwarded>,
    pub(crate) ends: watch::Receiver<PerChannel<End>>,
}
