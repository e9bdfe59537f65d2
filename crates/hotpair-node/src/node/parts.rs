//! What a node is started with.
use super::{NodeError, random_tag};
use crate::guard_link::{GuardLink, GuardSays};
use crate::logging::LogLevel;
use crate::settings::Settings;
use hotpair_engine::objects::Natives;
use tokio::sync::mpsc;

/// What a node is started with.
pub struct NodeParts {
    /// Checked.
    pub settings: Settings,
    /// The line to the guard, and what it says; `GuardLink::none` without one.
    pub guard: (GuardLink, mpsc::UnboundedReceiver<GuardSays>),
    /// The public half of the key the guard signs with.
    pub guard_key: Option<[u8; 32]>,
    /// The guard's process.
    pub guard_pid: Option<u32>,
    /// The program `hotpair`, which services need: a process between the node and each of them.
    pub program: Option<std::path::PathBuf>,
    /// This start's random part; the guard signs it.
    pub instance_tag: u64,
    /// Programs in Rust that objects may run, besides modules. The partner needs the same ones.
    pub natives: Natives,
    /// To change the level while running.
    pub log_level: Option<LogLevel>,
    /// Record every step of the state machines, for `hotpair replay`.
    pub record_steps: bool,
    /// Makes the line to the guard once the instance is known; its notices name it.
    pub on_started: Option<OnStarted>,
}

impl NodeParts {
    /// A node inside another program, without a guard: when it dies, the partner finds out by
    /// silence.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn without_guard(settings: Settings) -> Result<Self, NodeError> {
        Ok(Self {
            guard: GuardLink::none(settings.engines.len()),
            settings,
            guard_key: None,
            guard_pid: None,
            program: None,
            natives: Natives::default(),
            instance_tag: random_tag()?,
            log_level: None,
            record_steps: false,
            on_started: None,
        })
    }
}

/// Makes the line to the guard.
pub type OnStarted = Box<dyn FnOnce(hotpair_types::Instance) -> std::io::Result<GuardLink> + Send>;
