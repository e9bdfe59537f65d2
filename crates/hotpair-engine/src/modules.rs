//! Code modules: WebAssembly that runs in a sandbox, one scan after the other.
//!
//! Bytes are *admitted* once ([`Module::admit`]): refused with every reason, or checked and
//! compiled. An [`Instance`] runs them: [`Instance::scan`] is a function of the state before it and
//! of its [`Inputs`], within a [`Budget`]. What a scan changed is handed out as [`Changes`]; a
//! [`State`] made of these goes on bit for bit in another instance, on another node. A scan that
//! faults changes nothing.
//!
//! What a module sees is described in docs/writing-a-module.md; why it is so, in
//! docs/decisions/0030-modules-in-a-sandbox.md.

mod interface;
mod port;
mod refusal;
mod admission;
mod module;
mod budget;
mod fault;
mod host;
mod state;
mod encoding;
mod instance;
mod program;

pub use budget::{Budget, FUEL_DEFAULT, FUEL_MAX, MEMORY_BYTES_DEFAULT, MEMORY_BYTES_MAX};
pub use encoding::{ChunkError, HEAD_ITEM, ItemsError};
pub use fault::Fault;
pub use host::{LOG_LINE_BYTES_MAX, LOG_LINES_MAX};
pub use instance::{Input, Inputs, Instance, Output, RestoreError, Scan};
pub use interface::INTERFACE_VERSION;
pub use module::{Module, ModuleHash};
pub use port::{Direction, PORTS_BYTES_MAX, PORTS_MAX, Port, PortType, PortsError};
pub use program::{ModuleProgram, attributes_of};
pub use refusal::{REFUSALS_MAX, Refusal, Refused};
pub use state::{CHUNK_BYTES, Changes, Chunk, Gap, State};
