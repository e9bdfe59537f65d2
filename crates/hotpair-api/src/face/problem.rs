//! What went wrong with a request, by a stable kind.
use super::Reason;
use std::time::Duration;

macro_rules! kinds {
    ($($(#[$doc:meta])* $Variant:ident = $status:literal $id:literal $title:literal,)+) => {
        /// The kinds of problems. Each has a stable id (`urn:hotpair:problem:<id>`) and a status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemKind {
            $($(#[$doc])* $Variant,)+
        }

        impl ProblemKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$Variant),+];

            /// The end of the problem's `type`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$Variant => $id),+ }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$Variant => $status),+ }
            }

            /// The same words for every problem of this kind.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$Variant => $title),+ }
            }
        }
    };
}

kinds! {
    /// Not readable: bad JSON, bad query, bad header.
    BadRequest = 400 "bad-request" "The request cannot be read",
    /// A path with `..`, encoded slashes, control characters or a name that is too long.
    BadPath = 400 "bad-path" "The path is not acceptable",
    /// No token, or a wrong one.
    TokenNeeded = 401 "token-needed" "A valid token is needed",
    /// A page of another site tried to use this API through a browser.
    ForeignOrigin = 403 "foreign-origin" "Requests from another site are refused",
    /// No such path.
    NotFound = 404 "not-found" "There is nothing here",
    /// No engine of this name.
    UnknownEngine = 404 "unknown-engine" "There is no such engine",
    /// Several engines and none named.
    EngineNeeded = 400 "engine-needed" "Name the engine with ?engine=",
    /// No such config record.
    UnknownKey = 404 "unknown-key" "There is no such config record",
    /// Not declared in config.
    UnknownTag = 404 "unknown-tag" "The tag is not declared",
    /// No such module.
    UnknownModule = 404 "unknown-module" "There is no such module",
    /// No such object.
    UnknownObject = 404 "unknown-object" "There is no such object",
    /// The object has no attribute of this name.
    UnknownAttribute = 404 "unknown-attribute" "The object has no such attribute",
    /// No such alarm.
    UnknownAlarm = 404 "unknown-alarm" "There is no such alarm",
    /// No such conflict.
    UnknownDivergence = 404 "unknown-divergence" "There is no such conflict",
    /// The path exists, the method does not.
    MethodNotAllowed = 405 "method-not-allowed" "The method is not allowed here",
    /// The request's body took too long.
    RequestTimeout = 408 "request-timeout" "The request took too long to arrive",
    /// The command is refused for the reasons given.
    CommandRefused = 409 "command-refused" "The command is refused",
    /// The state of the thing forbids it.
    Conflict = 409 "conflict" "The state of this forbids it",
    /// The state of the alarm does not allow what is asked.
    AlarmRefused = 409 "alarm-refused" "The state of the alarm does not allow this",
    /// Config data may be written on the master only, which is not active (`config.writable_on`).
    /// Not 421: the master would send the client back here.
    ConfigOnMasterOnly = 409 "config-on-master-only" "Config data may be written on the master only",
    /// The idempotency key was used for another write.
    KeyReused = 409 "idempotency-key-reused" "The idempotency key belongs to another write",
    /// The idempotency key is older than what is remembered.
    KeyExpired = 409 "idempotency-key-expired" "The idempotency key is too old to be checked",
    /// `If-Match`, `If-None-Match` or an expectation does not hold.
    VersionMismatch = 412 "version-mismatch" "The record has another version",
    /// The body is too large.
    BodyTooLarge = 413 "body-too-large" "The body is too large",
    /// Not the content type this path takes.
    WrongContentType = 415 "wrong-content-type" "The content type is not accepted here",
    /// This node may not take it; the active (or the master, for config) may.
    NotActive = 421 "not-active" "This node may not take this; ask the active",
    /// The value has not the declared type.
    WrongType = 422 "wrong-type" "The value has the wrong type",
    /// The value is outside of the declared limits.
    OutOfLimits = 422 "out-of-limits" "The value is outside of its limits",
    /// Readable, but not sensible.
    Unprocessable = 422 "unprocessable" "The request cannot be carried out as it stands",
    /// No module that can be run; the reasons say everything that is wrong.
    ModuleRefused = 422 "module-refused" "The module cannot be run",
    /// No object that can be deployed; the reasons say everything that is wrong.
    ObjectRefused = 422 "object-refused" "The object cannot be deployed",
    /// Too many requests or connections of this client.
    TooManyRequests = 429 "too-many-requests" "Too many requests",
    /// The request's head is too large.
    HeadTooLarge = 431 "head-too-large" "The head of the request is too large",
    /// A failed assertion or an error nobody foresaw.
    Internal = 500 "internal" "An error inside the node",
    /// A bounded queue is full.
    Overloaded = 503 "overloaded" "The node has too much to do",
    /// `writes.require_standby` is set and there is none.
    StandbyRequired = 503 "standby-required" "There is no standby, and writes require one",
    /// Nobody is known to be active: the node is still deciding, or a switch is under way.
    NoActive = 503 "no-active" "Nobody is known to be active now",
    /// Storage failed; nothing is acknowledged.
    StorageFailed = 503 "storage-failed" "Storage failed",
    /// The engine is not deployed on this node.
    EngineUndeployed = 503 "engine-undeployed" "The engine is not deployed here",
    /// The node is ending, or its loop did not answer in time.
    Unavailable = 503 "unavailable" "The node cannot answer now",
    /// The write may have happened or not. Ask again with the same idempotency key.
    OutcomeUnknown = 504 "outcome-unknown" "The write may have happened or not",
}

/// A request that was not answered as hoped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", kind.id())]
pub struct Problem {
    /// Which kind.
    pub kind: ProblemKind,
    /// One sentence about this very case.
    pub detail: String,
    /// All reasons, with evidence.
    pub reasons: Vec<Reason>,
    /// The base address of the node that would take it, as that node advertises it.
    pub active: Option<String>,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

impl ProblemKind {
    /// Whether a write was refused because this node is not, or no longer, the one that takes it.
    #[must_use]
    pub const fn is_of_role(self) -> bool {
        matches!(self, Self::NotActive | Self::NoActive)
    }
}

impl Problem {
    /// A problem with one sentence.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), reasons: Vec::new(), active: None, retry_after: None }
    }

    /// Not here; `active` is the base address of the node to ask.
    pub fn not_active(detail: impl Into<String>, active: Option<String>) -> Self {
        Self { active, ..Self::new(ProblemKind::NotActive, detail) }
    }

    /// The same with reasons.
    #[must_use]
    pub fn because(mut self, reasons: Vec<Reason>) -> Self {
        self.reasons = reasons;
        self
    }

    /// The same with the time after which trying again makes sense.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }
}
