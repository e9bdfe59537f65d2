//! What a machine knows of the world besides its own state.
use crate::{Picture, Rule, Step, Summary, View};
use hotpair_types::{History, Instance, PerChannel, Positions};

/// The partner as last heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Partner {
    pub(crate) instance: Instance,
    pub(crate) view: View,
    /// The view is from before a silence.
    pub(crate) outdated: bool,
}

/// What the partner's guard said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fenced {
    pub(crate) instance: Instance,
    pub(crate) behind: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Outputs {
    #[default]
    Closed,
    Open,
    Closing,
}

/// A summary with its digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Frozen {
    pub(crate) summary: Box<Summary>,
    pub(crate) digest: u64,
}

impl Frozen {
    pub(crate) fn new(summary: Summary) -> Self {
        let digest = summary.digest();
        Self { summary: Box::new(summary), digest }
    }
}

/// A handover that was released: where our journals ended then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Release {
    pub(crate) id: u32,
    pub(crate) positions: Positions,
}

/// Facts that stay until they change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Facts {
    pub(crate) history: History,
    pub(crate) partner: Option<Partner>,
    pub(crate) picture: Picture,
    pub(crate) fenced: Option<Fenced>,
    pub(crate) summary: Option<Frozen>,
    pub(crate) partner_summary: Option<Frozen>,
    pub(crate) outputs: Outputs,
    pub(crate) storage_ok: bool,
    pub(crate) network_ok: bool,
    pub(crate) module_missing: bool,
    pub(crate) settings_differ: Option<Box<str>>,
    pub(crate) guard_lost: bool,
    /// Silent channels that are no news any more.
    pub(crate) degraded: PerChannel<bool>,
    /// Data was not acknowledged for `drop_after`.
    pub(crate) unacknowledged: bool,
    /// The step of a handover that is shown.
    pub(crate) step: Step,
    /// Stays in 1 and attempts to sync.
    pub(crate) round: u32,
    /// Offers made by this instance.
    pub(crate) offers: u32,
    /// The offer we accepted last.
    pub(crate) accepted: Option<u32>,
    /// The handover we released last.
    pub(crate) released: Option<Release>,
    /// Lost an election to this instance; our data is whole until it is swapped.
    pub(crate) lost_to: Option<Instance>,
    /// Paused because the partner asks for it, which may come to nothing there.
    pub(crate) pausing_with_partner: bool,
    /// A pause that was refused is taken back at the partner.
    pub(crate) unpausing: bool,
    /// Why the promotion that failed last was begun; holds until anybody is heard.
    pub(crate) failed: Option<Rule>,
    /// Promotions that failed in a row.
    pub(crate) failures: u32,
    /// Syncs that broke off since this node was level, up to a few.
    pub(crate) broken_syncs: u32,
}

/// What happened since the present state was entered; forgotten when it is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Progress {
    pub(crate) modules_match: bool,
    pub(crate) way_settled: bool,
    pub(crate) received: bool,
    pub(crate) sync_failed: bool,
    pub(crate) gap: bool,
    pub(crate) not_sent: bool,
    pub(crate) drained: bool,
    pub(crate) objects_ready: bool,
    pub(crate) promotion_failed: bool,
    pub(crate) losing_stored: bool,
    pub(crate) fetched: bool,
    pub(crate) handover_over: bool,
    pub(crate) alone_over: bool,
    pub(crate) hold_over: bool,
    pub(crate) leave_over: bool,
    /// Forgotten after one event.
    pub(crate) stalled: bool,
}

/// What people asked for and is not done yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Wishes {
    /// For this event only.
    pub(crate) promote: bool,
    /// For this event only.
    pub(crate) switchover: bool,
    /// A service fails. For this event only.
    pub(crate) hand_over: bool,
    /// For this event only.
    pub(crate) reinit: bool,
    /// For this event only.
    pub(crate) deploy: bool,
    pub(crate) undeploy: bool,
    pub(crate) leave: bool,
    /// The handover before leaving did not work out.
    pub(crate) leave_now: bool,
}
