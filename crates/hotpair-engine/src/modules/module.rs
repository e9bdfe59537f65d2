//! A module that was admitted and compiled, named by the hash of its bytes.
use super::admission::{self, Admitted};
use super::port::Port;
use super::refusal::{Refusal, Refused, said};
use std::fmt;
use std::sync::Arc;
use wasmi::{CompilationMode, Config, EnforcedLimits, Engine};
use wasmparser::ValType;

/// How deep functions of a module may call each other.
const CALLS_DEEP_MAX: usize = 1_000;
/// What their parameters and variables may use meanwhile.
const STACK_BYTES_MAX: usize = 1 << 20;

/// The BLAKE3 hash of a module's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleHash(pub [u8; 32]);

impl fmt::Display for ModuleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|it| write!(f, "{it:02x}"))
    }
}

impl fmt::Debug for ModuleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A module that can be run, by any number of instances. Cheap to clone.
#[derive(Clone)]
pub struct Module(Arc<Compiled>);

struct Compiled {
    hash: ModuleHash,
    ports: Arc<[Port]>,
    globals: Box<[ValType]>,
    module: wasmi::Module,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Module").field(&self.0.hash).finish()
    }
}

impl Module {
    /// Checks and compiles bytes that came from anywhere. Nothing of them runs. Takes time in
    /// proportion to their number: for a thread that may wait.
    ///
    /// # Errors
    /// `Refused` with every reason that was found.
    pub fn admit(bytes: &[u8]) -> Result<Self, Refused> {
        let Admitted { ports, globals, bytes: admitted } = admission::look_at(bytes)?;
        // An engine keeps the code of its modules as long as it is there: one for each.
        let engine = Engine::new(&config());
        let module = wasmi::Module::new(&engine, &admitted).map_err(|error| {
            Refused::from(Refusal::NotCompiled { reason: said(&error.to_string()) })
        })?;
        let hash = ModuleHash(*blake3::hash(bytes).as_bytes());
        let globals = globals.into();
        Ok(Self(Arc::new(Compiled { hash, ports: ports.into(), globals, module })))
    }

    /// The hash of the bytes that were admitted.
    #[must_use]
    pub fn hash(&self) -> ModuleHash {
        self.0.hash
    }

    /// Its inputs and outputs, as it declares them.
    #[must_use]
    pub fn ports(&self) -> &[Port] {
        &self.0.ports
    }

    pub(super) fn shared_ports(&self) -> Arc<[Port]> {
        self.0.ports.clone()
    }

    /// The types of the globals that can change.
    pub(super) fn globals(&self) -> &[ValType] {
        &self.0.globals
    }

    pub(super) fn compiled(&self) -> &wasmi::Module {
        &self.0.module
    }
}

/// Features are those that admission let through; the limits of the interpreter are a second door.
fn config() -> Config {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .compilation_mode(CompilationMode::Eager)
        .enforced_limits(EnforcedLimits::strict())
        .allow_start_fn(false)
        .ignore_custom_sections(true)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .wasm_multi_memory(false)
        .set_max_recursion_depth(CALLS_DEEP_MAX)
        .set_max_stack_height(STACK_BYTES_MAX)
        .set_max_cached_stacks(1);
    config
}
