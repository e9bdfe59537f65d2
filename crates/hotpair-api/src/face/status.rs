//! What a node says of itself, its partner and the channels between them.
use super::{Event, OutputsStatus, Reason, ServiceStatus};
use hotpair_types::{Designation, Marks, Mode, PerChannel, Position, Positions, StateId};
use serde::{Deserialize, Serialize};

/// The whole status of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// This node's name.
    pub node: String,
    /// The partner's name.
    pub partner: String,
    /// Of the default engine.
    pub designation: Designation,
    /// This start of the process.
    pub instance: String,
    /// The release.
    pub version: String,
    /// What the pair gives up.
    pub mode: Mode,
    /// Wall clock of this node, milliseconds since 1970, when this was put together.
    pub at_ms: u64,
    /// How long this process runs.
    pub uptime_ms: u64,
    /// Base address of this node's API, as advertised.
    pub api: String,
    /// Base address of the partner's API, as the partner advertises it.
    pub partner_api: Option<String>,
    /// The partner's start of its process, if it was heard.
    pub partner_instance: Option<String>,
    /// The partner's release, if it was heard.
    pub partner_version: Option<String>,
    /// The two ways to the partner.
    pub channels: PerChannel<ChannelStatus>,
    /// The engines of this node, in the order of the settings.
    pub engines: Vec<EngineStatus>,
    /// What keeps outputs shut, and the virtual addresses.
    #[serde(default)]
    pub outputs: OutputsStatus,
    /// The programs that run on the active alone, in the order of the settings.
    #[serde(default)]
    pub services: Vec<ServiceStatus>,
    /// What a person should look at.
    pub alarms: Vec<Alarm>,
    /// What `/readyz` rests on.
    pub checks: Vec<Check>,
}

/// One engine as this node sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EngineStatus {
    /// The engine's name.
    pub name: String,
    /// The place of this node in it.
    pub designation: Designation,
    /// This node's state; absent when the engine is not deployed here.
    pub state: Option<StateId>,
    /// The state's name for people.
    pub state_name: String,
    /// The partner's state.
    pub partner_state: StateId,
    /// The partner's state's name for people.
    pub partner_state_name: String,
    /// The number of the adopted epoch.
    pub epoch: u64,
    /// How long this node is active, on its own clock; absent when it is not.
    pub active_for_ms: Option<u64>,
    /// How long this node is in its state.
    pub in_state_for_ms: u64,
    /// Where this node's journals end.
    pub positions: PositionsStatus,
    /// What the partner last said of itself.
    pub partner: Option<PartnerStatus>,
    /// The sync that is under way, on either side of it.
    pub sync: Option<SyncProgress>,
    /// What blocks a planned switchover now; empty: nothing.
    pub blockers: Vec<Reason>,
    /// Why the node stays where it is, and who decides; for people.
    pub waiting_for: Option<Reason>,
    /// How it stands with the third party; absent but in mode `arbiter`.
    pub grant: Option<GrantStatus>,
    /// Durable marks.
    pub marks: MarksStatus,
    /// Maintenance: no automatic change of role.
    pub paused: bool,
    /// Changes of role are held back because there were too many.
    pub suspended: Option<Reason>,
    /// Active without hearing the partner at all, which may be active as well.
    pub isolated: bool,
    /// Writes are acknowledged without the standby.
    pub degraded: bool,
    /// Losing entries that are kept for a person.
    pub divergence_entries: u64,
    /// The last change of role.
    pub last_change: Option<Event>,
}

/// What the partner last said of itself about one engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerStatus {
    /// Its epoch.
    pub epoch: u64,
    /// Where its journals end.
    pub positions: PositionsStatus,
    /// How long it is active, on its own clock.
    pub active_for_ms: Option<u64>,
    /// How long ago it said so.
    pub heard_ms_ago: u64,
}

/// Whether the third party of mode `arbiter` answers this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArbiterReach {
    /// It was not asked yet.
    Unknown,
    /// It answered last time.
    Answers,
    /// It did not answer last time.
    Away,
}

/// How an engine stands with the third party of mode `arbiter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantStatus {
    /// Whether it answers.
    pub arbiter: ArbiterReach,
    /// For how long it does not.
    pub away_for_ms: Option<u64>,
    /// Why it does not, for people.
    pub away_why: Option<String>,
    /// This node holds the grant.
    pub held: bool,
    /// Grows with every grant.
    pub revision: Option<u64>,
    /// How long it is held without another renewal.
    pub left_ms: Option<u64>,
    /// This node wants it.
    pub asked: bool,
    /// Active without it, because the partner acknowledges: no role changes before it is back.
    pub frozen: bool,
    /// Active without it, because a person promoted this node while the arbiter was away.
    pub by_person: bool,
    /// Who holds it by the arbiter's last word: node and start of its process.
    pub holder: Option<String>,
    /// The node that went on alone by the arbiter's last word: the other one gets no grant.
    pub went_alone: Option<String>,
}

/// Durable marks (docs/design/states.md, "Words").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarksStatus {
    /// A standby that is level as far as it knows.
    pub in_sync: bool,
    /// The partner went on without this node.
    pub stale: bool,
    /// The partner cannot rightly become active by itself.
    pub sole: bool,
    /// Started alone without `sole`.
    pub unverified: bool,
}

impl From<Marks> for MarksStatus {
    fn from(marks: Marks) -> Self {
        Self {
            in_sync: marks.in_sync,
            stale: marks.stale,
            sole: marks.sole.is_some(),
            unverified: marks.unverified,
        }
    }
}

/// The end of a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionStatus {
    /// The number of the epoch that wrote the last entry.
    pub epoch: u64,
    /// Its sequence.
    pub sequence: u64,
}

impl From<Position> for PositionStatus {
    fn from(position: Position) -> Self {
        Self { epoch: position.epoch.number, sequence: position.sequence }
    }
}

/// The ends of both journals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionsStatus {
    /// The config journal.
    pub config: PositionStatus,
    /// The runtime journal.
    pub runtime: PositionStatus,
}

impl From<Positions> for PositionsStatus {
    fn from(positions: Positions) -> Self {
        Self { config: positions.config.into(), runtime: positions.runtime.into() }
    }
}

/// A sync under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncProgress {
    /// What travels now, for people: `modules`, `missing entries`, `snapshot`.
    pub phase: String,
    /// Bytes that have arrived.
    pub bytes_done: u64,
    /// Bytes in all, as far as known.
    pub bytes_total: u64,
    /// Bytes a second, lately.
    pub bytes_per_second: u64,
    /// Time left at that rate.
    pub left_ms: Option<u64>,
}

/// How a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelHealth {
    /// Beats arrive in both directions.
    Up,
    /// Some beats are missing, fewer than the limit.
    Missing,
    /// This node hears the partner and is not heard.
    NotHeard,
    /// The limit of consecutive missed beats is reached.
    Down,
    /// Never connected since the start.
    Connecting,
    /// The partner is alive but its Hello was refused.
    Refused,
}

/// This host's own end of a channel: the interface that has the address it listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnEnd {
    /// It works, as far as this host can tell.
    Up,
    /// The cable is out, or what it leads to is dead.
    NoCarrier,
    /// The interface was switched off.
    Disabled,
    /// The address is on no interface any more.
    NoAddress,
    /// There is nothing to look at: loopback, every address, or one on no interface.
    NotWatched,
}

/// One channel to the partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStatus {
    /// How it is.
    pub health: ChannelHealth,
    /// Consecutive missed beats now.
    pub missed: u32,
    /// How many make it silent.
    pub missed_max: u32,
    /// Missed since the start.
    pub missed_total: u64,
    /// The last round trip, microseconds.
    pub round_trip_us: Option<u64>,
    /// How long ago the partner was heard here.
    pub heard_ms_ago: Option<u64>,
    /// How long ago, by the partner's word, it heard this node here.
    pub acknowledged_ms_ago: Option<u64>,
    /// This end.
    pub local: String,
    /// The other end.
    pub remote: String,
    /// Whether data travels here now.
    pub carries_data: bool,
    /// This host's own end of it.
    pub own_end: OwnEnd,
    /// Whether this host must have it (`channels.*.required`): loses it alone, and hands over.
    pub required: bool,
    /// Why it is not `up`, for people.
    pub detail: Option<String>,
}

/// What a person should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Kebab-case and stable.
    pub id: String,
    /// One sentence.
    pub text: String,
    /// Wall clock, milliseconds since 1970.
    pub since_ms: u64,
}

/// One thing `/readyz` rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Kebab-case, for example `storage`.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}
