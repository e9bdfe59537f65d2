//! Why bytes are not taken as a module, with what was found and what is possible.
use super::interface::{IMPORTS, IMPORTS_FROM, INTERFACE_VERSION, MEMORY, SCAN};
use super::port::PortsError;
use hotpair_types::MODULE_BYTES_MAX;
use std::fmt;

/// So many reasons are given; what is wrong beyond them is counted.
pub const REFUSALS_MAX: usize = 20;

/// One reason. Names in it are escaped and shortened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Beyond `MODULE_BYTES_MAX`; nothing else was looked at.
    #[error("{bytes} bytes; a module has at most {MODULE_BYTES_MAX}")]
    TooLarge {
        /// How many there are.
        bytes: usize,
    },
    /// Not WebAssembly, or with features that are not run; nothing else was looked at.
    #[error("not a module that can be run: {reason}, at byte {offset}")]
    NotAModule {
        /// Where.
        offset: usize,
        /// What the validator says.
        reason: String,
    },
    /// An import that is not ours.
    #[error(
        "imports {kind} `{name}` from `{module}`; only functions of `{IMPORTS_FROM}` can be had: {}",
        import_names()
    )]
    ForeignImport {
        /// A function, a memory, a table or a global.
        kind: &'static str,
        /// From where.
        module: String,
        /// What.
        name: String,
    },
    /// Ours, with another type.
    #[error("imports `{name}` as {found}; it is {expected}")]
    ImportType {
        /// Which.
        name: &'static str,
        /// As the module has it.
        found: String,
        /// As it is.
        expected: String,
    },
    /// Made for another version of the interface.
    #[error("made for version {found} of the interface; this release runs {INTERFACE_VERSION}")]
    OtherVersion {
        /// Its version.
        found: u32,
    },
    /// Nothing to run.
    #[error("exports no function `{SCAN}`")]
    NoScan,
    /// A scan has no parameters and no results.
    #[error("exports `{SCAN}` as {found}; it is () -> ()")]
    ScanType {
        /// As the module has it.
        found: String,
    },
    /// The node cannot see its memory.
    #[error("exports no memory `{MEMORY}`")]
    NoMemory,
    /// More memory than any budget.
    #[error("begins with {bytes} bytes of memory; {bytes_max} are possible")]
    MemoryTooLarge {
        /// How much it wants.
        bytes: u64,
        /// How much there can be.
        bytes_max: usize,
    },
    /// Too much in its tables.
    #[error("has tables of {elements} elements; {elements_max} are possible")]
    TablesTooLarge {
        /// How many.
        elements: u64,
        /// How many there can be.
        elements_max: u64,
    },
    /// Code that would run outside of a scan and its budget.
    #[error("has a start function; code runs in scans alone")]
    StartFunction,
    /// An instruction whose effect is neither in memory nor in globals of numbers.
    #[error("function {function} has `{instruction}`: what it changes could not be replicated")]
    HiddenState {
        /// The function, by its index.
        function: u32,
        /// Which instruction, as in the text format.
        instruction: &'static str,
    },
    /// A variable that cannot be carried to another node.
    #[error("global {global} is a reference that can change: it could not be replicated")]
    ReferenceGlobal {
        /// Which, by its index.
        global: u32,
    },
    /// More variables than are carried with each scan.
    #[error("has {count} globals that can change; {count_max} are possible")]
    TooManyGlobals {
        /// How many.
        count: usize,
        /// How many there can be.
        count_max: usize,
    },
    /// A name that admission uses.
    #[error("exports `{name}`; names that begin with `__hp_` are reserved")]
    ReservedExport {
        /// Which.
        name: String,
    },
    /// The section with its ports cannot be read.
    #[error("declares its ports wrongly: {0}")]
    Ports(PortsError),
    /// Two sections with ports.
    #[error("declares its ports more than once")]
    PortsTwice,
    /// The interpreter does not take it.
    #[error("cannot be compiled: {reason}")]
    NotCompiled {
        /// What it says.
        reason: String,
    },
}

impl Refusal {
    /// A stable word for programs.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::NotAModule { .. } => "not-a-module",
            Self::ForeignImport { .. } => "foreign-import",
            Self::ImportType { .. } => "import-type",
            Self::OtherVersion { .. } => "other-version",
            Self::NoScan => "no-scan",
            Self::ScanType { .. } => "scan-type",
            Self::NoMemory => "no-memory",
            Self::MemoryTooLarge { .. } => "memory-too-large",
            Self::TablesTooLarge { .. } => "tables-too-large",
            Self::StartFunction => "start-function",
            Self::HiddenState { .. } => "hidden-state",
            Self::ReferenceGlobal { .. } => "reference-global",
            Self::TooManyGlobals { .. } => "too-many-globals",
            Self::ReservedExport { .. } => "reserved-export",
            Self::Ports(_) => "bad-ports",
            Self::PortsTwice => "ports-twice",
            Self::NotCompiled { .. } => "not-compiled",
        }
    }
}

/// What the validator or the interpreter says, which may quote the module: bounded, without control
/// characters.
pub(super) fn said(message: &str) -> String {
    message
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(200)
        .flat_map(char::escape_debug)
        .collect()
}

fn import_names() -> String {
    let names: Vec<&str> = IMPORTS.iter().map(|it| it.name).collect();
    names.join(", ")
}

/// All reasons why bytes were refused: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub(super) reasons: Vec<Refusal>,
    pub(super) more: usize,
}

impl Refused {
    /// The reasons, in the order in which they were found.
    #[must_use]
    pub fn reasons(&self) -> &[Refusal] {
        &self.reasons
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, reason) in self.reasons.iter().enumerate() {
            if number > 0 {
                f.write_str("; ")?;
            }
            fmt::Display::fmt(reason, f)?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for Refused {}

impl From<Refusal> for Refused {
    fn from(reason: Refusal) -> Self {
        Self { reasons: vec![reason], more: 0 }
    }
}
