//! A code module as the program of an object.
use super::budget::Budget;
use super::encoding::HEAD_ITEM;
use super::fault::Fault;
use super::instance::{Input, Inputs, Instance};
use super::module::Module;
use super::port::{Direction, Port};
use super::state::State;
use crate::objects::{self, Chunk, FaultKind, ObjectDeclaration, Outputs, Program, Said};
use crate::tags::TagRecord;
use bytes::Bytes;
use std::collections::BTreeMap;

/// The piece of an object's state that is the head; the n-th piece of memory is n + 1.
const HEAD_CHUNK: u32 = 0;

/// An instance of a module whose ports are the attributes of the same names.
#[derive(Debug)]
pub struct ModuleProgram {
    identity: Box<str>,
    budget: Budget,
    instance: Instance,
    /// For each port, in order: the place of its attribute.
    places: Vec<usize>,
    /// What was not told yet.
    pending: BTreeMap<u32, Bytes>,
    /// Everything that was given.
    given: BTreeMap<u32, Bytes>,
    /// Logged since it was last asked.
    said: Said,
}

impl ModuleProgram {
    /// The module as it begins.
    ///
    /// # Errors
    /// `NotLoaded` when a port is no attribute, which the object's declaration was checked for;
    /// `OutOfMemory` when the module begins with more than its budget.
    pub fn new(
        module: &Module,
        budget: Budget,
        declaration: &ObjectDeclaration,
    ) -> Result<Self, objects::Fault> {
        let place = |port: &Port| {
            declaration.attribute(&port.name).ok_or_else(|| {
                let reason = format!("the module's port `{}` is no attribute", port.name);
                objects::Fault::new(FaultKind::NotLoaded, reason)
            })
        };
        let places = module.ports().iter().map(place).collect::<Result<_, _>>()?;
        let instance = Instance::new(module, budget).map_err(|it| of_object(&it))?;
        let identity = format!("module/{}", module.hash()).into();
        let (pending, given) = (BTreeMap::new(), BTreeMap::new());
        let said = Said::default();
        Ok(Self { identity, budget, instance, places, pending, given, said })
    }

    fn inputs(&self, attributes: &[TagRecord]) -> Vec<Input> {
        let ports = self.instance.module().ports().iter().zip(&self.places);
        let inputs = ports.filter(|(port, _)| port.direction == Direction::In);
        let input = |(_, place): (&Port, &usize)| {
            let record = &attributes[*place];
            Input { value: Some(record.value.clone()), quality: record.quality }
        };
        inputs.map(input).collect()
    }
}

impl Program for ModuleProgram {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn scan(&mut self, inputs: &objects::Inputs<'_>) -> Result<Outputs, objects::Fault> {
        let ports = self.inputs(inputs.attributes);
        let elapsed = u64::try_from(inputs.elapsed().as_micros()).unwrap_or(u64::MAX);
        let elapsed_us = if self.instance.scans() == 0 { 0 } else { elapsed };
        let given = Inputs { ports: &ports, elapsed_us, time: inputs.at };
        let scan = self.instance.scan(&given).map_err(|it| {
            self.said = std::mem::take(&mut self.instance.last_words);
            of_object(&it)
        })?;
        self.said = scan.said;
        let mut outputs = Outputs::new();
        for it in scan.outputs {
            outputs.set(self.places[it.port], it.value, it.quality);
        }
        self.pending.extend(pieces(scan.changes.items()));
        Ok(outputs)
    }

    fn said(&mut self) -> Said {
        std::mem::take(&mut self.said)
    }

    fn state(&self) -> Vec<Chunk> {
        let items = self.instance.state().map(|it| it.items()).unwrap_or_default();
        pieces(items).map(|(at, bytes)| Chunk { at, bytes: Some(bytes) }).collect()
    }

    fn changes(&mut self) -> Vec<Chunk> {
        let pending = std::mem::take(&mut self.pending);
        pending.into_iter().map(|(at, bytes)| Chunk { at, bytes: Some(bytes) }).collect()
    }

    fn apply(&mut self, chunks: &[Chunk]) -> Result<(), objects::Fault> {
        let unsound = |reason: String| objects::Fault::new(FaultKind::BadState, reason);
        for Chunk { at, bytes } in chunks {
            match bytes {
                Some(bytes) => drop(self.given.insert(*at, bytes.clone())),
                None => drop(self.given.remove(at)),
            }
        }
        if self.given.is_empty() {
            // It was never scanned.
            return Ok(());
        }
        let items: Vec<_> = self.given.iter().map(|(at, bytes)| (item(*at), bytes)).collect();
        let items = items.iter().map(|(item, bytes)| (&**item, &***bytes));
        let state = State::from_items(items).map_err(|it| unsound(it.to_string()))?;
        let module = self.instance.module().clone();
        self.instance = Instance::restore(&module, self.budget, &state)
            .map_err(|error| unsound(error.to_string()))?;
        self.pending.clear();
        Ok(())
    }
}

/// What an object's declaration has to declare for a module.
#[must_use]
pub fn attributes_of(module: &Module) -> Vec<objects::Port> {
    let attribute = |it: &Port| objects::Port {
        name: it.name.clone(),
        of_type: it.of_type.of_tag(),
        is_written: it.direction == Direction::Out,
    };
    module.ports().iter().map(attribute).collect()
}

fn item(at: u32) -> Box<str> {
    match at.checked_sub(HEAD_CHUNK + 1) {
        None => HEAD_ITEM.into(),
        Some(index) => super::encoding::chunk_name(index),
    }
}

fn pieces(items: Vec<(Box<str>, Bytes)>) -> impl Iterator<Item = (u32, Bytes)> {
    items.into_iter().map(|(item, value)| {
        let at = super::encoding::chunk_index(&item).map_or(HEAD_CHUNK, |it| it + 1);
        (at, value)
    })
}

/// The fault of a scan as the fault of its object.
fn of_object(fault: &Fault) -> objects::Fault {
    let kind = match fault {
        Fault::OutOfFuel { .. } => FaultKind::OutOfBudget,
        Fault::MemoryLimit { .. } => FaultKind::OutOfMemory,
        Fault::NotFinite { .. } => FaultKind::BadOutput,
        Fault::Trap { .. }
        | Fault::BadPort { .. }
        | Fault::BadQuality { .. }
        | Fault::BadText { .. }
        | Fault::Failed { .. } => FaultKind::Trapped,
    };
    objects::Fault::new(kind, fault)
}
