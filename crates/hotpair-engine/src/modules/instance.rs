//! A module at work: scans, each of them whole or not at all.
use super::admission::{PAGE_BYTES, global_export};
use super::budget::Budget;
use super::fault::Fault;
use super::host::{Host, linker};
use super::interface::{MEMORY, SCAN};
use super::module::{Module, ModuleHash};
use super::port::{Direction, PortType};
use super::refusal::said;
use super::state::{CHUNK_BYTES, Changes, Chunk, State};
use crate::objects::Said;
use crate::tags::{Quality, Value};
use hotpair_types::NodeTime;
use std::collections::BTreeMap;
use wasmi::{F32, F64, Global, Memory, Store, TrapCode, TypedFunc, Val};
use wasmparser::ValType;

/// What an input port carries in one scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// `None`: there is none. So is a value of another type than the port's; a whole number is
    /// taken for a float.
    pub value: Option<Value>,
    /// How far it can be trusted. Without a value it is bad.
    pub quality: Quality,
}

/// Everything that a scan can know.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// For each input port, in the order of the module's declaration. What is missing has no value.
    pub ports: &'a [Input],
    /// Microseconds between the beginnings of the last scan and of this one.
    pub elapsed_us: u64,
    /// The node's wall clock at its beginning; for people.
    pub time: NodeTime,
}

/// What was written to an output port.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The port's place in the module's declaration.
    pub port: usize,
    /// Of the port's type.
    pub value: Value,
    /// How far the module vouches for it.
    pub quality: Quality,
}

/// What came of a scan.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// The outputs that were written, in the order of the declaration: the last value of each.
    pub outputs: Vec<Output>,
    /// What it logged.
    pub said: Said,
    /// What it used of its budget.
    pub fuel: u64,
    /// What it changed of the state.
    pub changes: Changes,
}

/// Why an instance cannot go on from a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The state of another module.
    #[error("the state is that of module {found}, the object runs {wanted}")]
    OtherModule {
        /// Whose state it is.
        found: ModuleHash,
        /// What is to go on.
        wanted: ModuleHash,
    },
    /// No state that this module could have come to.
    #[error("no state of this module: {reason}")]
    Damaged {
        /// What is wrong.
        reason: &'static str,
    },
    /// It does not even begin.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A module with its state. Runs only inside [`scan`](Self::scan).
pub struct Instance {
    module: Module,
    budget: Budget,
    running: Running,
    held: Held,
    /// Logged in a scan that ended in a fault, until it is taken.
    pub(super) last_words: Said,
}

/// What the interpreter holds.
struct Running {
    store: Store<Host>,
    memory: Memory,
    globals: Vec<Global>,
    scan: TypedFunc<(), ()>,
}

/// The state after the last whole scan.
struct Held {
    scans: u64,
    memory: Vec<u8>,
    globals: Vec<u64>,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Instance");
        shown.field("module", &self.module).field("scans", &self.held.scans).finish()
    }
}

impl Instance {
    /// A module as it begins.
    ///
    /// # Errors
    /// `Fault::MemoryLimit` when it begins with more than its budget; `Fault::Trap` when its data
    /// does not fit into its memory.
    pub fn new(module: &Module, budget: Budget) -> Result<Self, Fault> {
        let running = Running::start(module, budget)?;
        let held = Held {
            scans: 0,
            memory: running.memory.data(&running.store).to_vec(),
            globals: running.globals(),
        };
        Ok(Self { module: module.clone(), budget, running, held, last_words: Said::default() })
    }

    /// Goes on from the state of another instance, here or elsewhere.
    ///
    /// # Errors
    /// `RestoreError`.
    pub fn restore(module: &Module, budget: Budget, state: &State) -> Result<Self, RestoreError> {
        let damaged = |reason| RestoreError::Damaged { reason };
        if state.module() != module.hash() {
            let (found, wanted) = (state.module(), module.hash());
            return Err(RestoreError::OtherModule { found, wanted });
        }
        if !state.fits(module) {
            return Err(damaged("it has another number of globals"));
        }
        let mut instance = Self::new(module, budget)?;
        let bytes = u64::from(state.pages) * PAGE_BYTES;
        let bytes = usize::try_from(bytes).map_err(|_| damaged("too much memory"))?;
        if bytes < instance.held.memory.len() {
            return Err(damaged("less memory than it begins with"));
        }
        if bytes > budget.memory_bytes() {
            let (bytes, bytes_max) = (bytes as u64, budget.memory_bytes());
            return Err(Fault::MemoryLimit { bytes, bytes_max }.into());
        }
        let held = &mut instance.held;
        held.memory.resize(bytes, 0);
        for (index, chunk) in &state.chunks {
            let at = usize::try_from(*index).ok().and_then(|it| it.checked_mul(CHUNK_BYTES));
            let place = at.and_then(|it| held.memory.get_mut(it..)?.get_mut(..CHUNK_BYTES));
            let place = place.ok_or_else(|| damaged("a piece behind the end of memory"))?;
            let (bytes, zeros) =
                place.split_at_mut_checked(chunk.len()).ok_or_else(|| damaged("a long piece"))?;
            bytes.copy_from_slice(chunk);
            zeros.fill(0);
        }
        held.globals = state.globals.to_vec();
        held.scans = state.scans;
        let grown = instance.running.set(&instance.held, instance.module.globals());
        grown.map_err(|()| damaged("more memory than the module can have"))?;
        Ok(instance)
    }

    /// What it runs.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// How many scans there were.
    #[must_use]
    pub fn scans(&self) -> u64 {
        self.held.scans
    }

    /// The complete state; nothing before the first scan.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        if self.held.scans == 0 {
            return None;
        }
        let beginning = Running::start(&self.module, self.budget).ok()?;
        let chunks = self.held.changed(beginning.memory.data(&beginning.store));
        Some(State {
            module: self.module.hash(),
            scans: self.held.scans,
            pages: pages(self.held.memory.len()),
            globals: self.held.globals.clone().into(),
            chunks: chunks.into_iter().map(|it| (it.index, it.bytes)).collect::<BTreeMap<_, _>>(),
        })
    }

    /// Runs one scan. What comes of it is a function of the state and of `inputs`, on every host.
    ///
    /// # Errors
    /// `Fault`; then the state is that before the scan, and nothing came out.
    pub fn scan(&mut self, inputs: &Inputs<'_>) -> Result<Scan, Fault> {
        self.running.prepare(self.held.scans, inputs);
        let before = self.budget.fuel();
        self.running.store.set_fuel(before).expect("fuel is counted");
        if let Err(error) = self.running.scan.call(&mut self.running.store, ()) {
            let fault = self.running.fault(self.budget, &error);
            self.last_words = std::mem::take(&mut self.running.store.data_mut().said);
            // Its memory may be larger now and cannot shrink: everything anew.
            self.running = Running::start(&self.module, self.budget)
                .expect("it was started with this budget before");
            let set = self.running.set(&self.held, self.module.globals());
            set.expect("it had this memory before");
            return Err(fault);
        }
        let left = self.running.store.get_fuel().expect("fuel is counted");
        let changes = self.take_changes();
        let host = self.running.store.data_mut();
        Ok(Scan {
            outputs: host.outputs.iter_mut().filter_map(Option::take).collect(),
            said: std::mem::take(&mut host.said),
            fuel: before - left,
            changes,
        })
    }

    /// What is not as it is held; then it is held so.
    fn take_changes(&mut self) -> Changes {
        let Running { store, memory, .. } = &self.running;
        let now = memory.data(store);
        let held = &mut self.held;
        held.scans += 1;
        // New memory is zeros.
        held.memory.resize(now.len(), 0);
        let mut chunks = Vec::new();
        let pieces = held.memory.chunks_exact_mut(CHUNK_BYTES).zip(now.chunks_exact(CHUNK_BYTES));
        for (index, (held, now)) in (0..).zip(pieces) {
            if held != now {
                held.copy_from_slice(now);
                chunks.push(Chunk::of(index, now));
            }
        }
        held.globals = self.running.globals();
        Changes {
            module: self.module.hash(),
            scans: held.scans,
            pages: pages(held.memory.len()),
            globals: held.globals.clone().into(),
            chunks,
        }
    }
}

impl Held {
    /// The pieces that are not as in another memory, which may be smaller.
    fn changed(&self, other: &[u8]) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for (index, bytes) in (0..).zip(self.memory.chunks_exact(CHUNK_BYTES)) {
            let at = usize::try_from(index).expect("memory is small") * CHUNK_BYTES;
            let same = match other.get(at..at + CHUNK_BYTES) {
                Some(other) => other == bytes,
                None => bytes.iter().all(|it| *it == 0),
            };
            if !same {
                chunks.push(Chunk::of(index, bytes));
            }
        }
        chunks
    }
}

impl Running {
    fn start(module: &Module, budget: Budget) -> Result<Self, Fault> {
        let compiled = module.compiled();
        let ports = module.shared_ports();
        let host = Host {
            inputs: vec![Input::default(); ports.len()],
            outputs: vec![None; ports.len()],
            ports,
            scan_number: 0,
            elapsed_us: 0,
            time_ms: 0,
            said: Said::default(),
            memory: None,
            memory_bytes_max: budget.memory_bytes(),
            fault: None,
        };
        let mut store = Store::new(compiled.engine(), host);
        store.limiter(|it| it);
        // Data and elements are put in their places with it.
        store.set_fuel(budget.fuel()).expect("fuel is counted");
        let instance = linker(compiled.engine()).instantiate_and_start(&mut store, compiled);
        let instance = instance.map_err(|error| fault_of(&mut store, budget, &error))?;
        let memory = instance.get_memory(&store, MEMORY).expect("admission has seen it");
        let globals = (0..module.globals().len())
            .map(|it| instance.get_global(&store, &global_export(it)).expect("it was exported"))
            .collect();
        let scan = instance.get_typed_func(&store, SCAN).expect("admission has seen its type");
        store.data_mut().memory = Some(memory);
        Ok(Self { store, memory, globals, scan })
    }

    fn prepare(&mut self, scans: u64, inputs: &Inputs<'_>) {
        let host = self.store.data_mut();
        let mut given = inputs.ports.iter();
        for (port, input) in host.ports.iter().zip(&mut host.inputs) {
            if port.direction == Direction::In {
                *input = given.next().map_or_else(absent, |it| fitting(it, port.of_type));
            }
        }
        host.outputs.fill(None);
        host.said = Said::default();
        host.fault = None;
        (host.scan_number, host.elapsed_us, host.time_ms) =
            (scans, inputs.elapsed_us, inputs.time.0);
    }

    fn fault(&mut self, budget: Budget, error: &wasmi::Error) -> Fault {
        fault_of(&mut self.store, budget, error)
    }

    fn globals(&self) -> Vec<u64> {
        self.globals.iter().map(|it| bits(&it.get(&self.store))).collect()
    }

    /// Makes memory and globals those that are held; fails when memory cannot be that large.
    fn set(&mut self, held: &Held, types: &[ValType]) -> Result<(), ()> {
        let missing = u64::from(pages(held.memory.len())) - self.memory.size(&self.store);
        if missing > 0 {
            self.memory.grow(&mut self.store, missing).map_err(|_| ())?;
        }
        self.memory.data_mut(&mut self.store).copy_from_slice(&held.memory);
        for ((global, bits), of_type) in self.globals.iter().zip(&held.globals).zip(types) {
            global.set(&mut self.store, value(*of_type, *bits)).expect("it is of this type");
        }
        Ok(())
    }
}

fn fault_of(store: &mut Store<Host>, budget: Budget, error: &wasmi::Error) -> Fault {
    if let Some(fault) = store.data_mut().fault.take() {
        return fault;
    }
    match error.as_trap_code() {
        Some(TrapCode::OutOfFuel) => Fault::OutOfFuel { fuel: budget.fuel() },
        Some(trap) => Fault::Trap { reason: trap.trap_message().into() },
        None => Fault::Trap { reason: said(&error.to_string()).into() },
    }
}

fn absent() -> Input {
    Input { value: None, quality: Quality::Bad }
}

/// The input as its port takes it.
fn fitting(input: &Input, of_type: PortType) -> Input {
    let value = match (&input.value, of_type) {
        (Some(Value::Int(it)), PortType::Float) => Some(Value::Float(*it as f64)),
        (Some(it), _) if it.of_type() == of_type.of_tag() => Some(it.clone()),
        (Some(_) | None, _) => return absent(),
    };
    Input { value, quality: input.quality }
}

fn pages(bytes: usize) -> u32 {
    u32::try_from(bytes as u64 / PAGE_BYTES).expect("the budget is smaller")
}

fn bits(value: &Val) -> u64 {
    match value {
        Val::I32(it) => u64::from(it.cast_unsigned()),
        Val::I64(it) => it.cast_unsigned(),
        Val::F32(it) => it.to_bits().into(),
        Val::F64(it) => it.to_bits(),
        Val::V128(_) | Val::FuncRef(_) | Val::ExternRef(_) => {
            unreachable!("admission takes globals of numbers alone")
        }
    }
}

fn value(of_type: ValType, bits: u64) -> Val {
    let low = u32::try_from(bits & u64::from(u32::MAX)).expect("32 bits");
    match of_type {
        ValType::I32 => Val::I32(low.cast_signed()),
        ValType::I64 => Val::I64(bits.cast_signed()),
        ValType::F32 => Val::F32(F32::from_bits(low)),
        ValType::F64 => Val::F64(F64::from_bits(bits)),
        ValType::V128 | ValType::Ref(_) => {
            unreachable!("admission takes globals of numbers alone")
        }
    }
}
