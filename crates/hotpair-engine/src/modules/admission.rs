//! Looks at bytes before anything of them runs: what they import, export and could hide.
use super::budget::MEMORY_BYTES_MAX;
use super::interface::{
    IMPORTS, IMPORTS_FROM, INTERFACE_VERSION, MEMORY, PORTS_SECTION, RESERVED_PREFIX, SCAN,
    scan_version,
};
use super::port::{self, Port, shown};
use super::refusal::{REFUSALS_MAX, Refusal, Refused, said};
use hotpair_types::MODULE_BYTES_MAX;
use wasm_encoder::{ExportKind, ExportSection, RawSection};
use wasmparser::{
    BinaryReaderError, Export, ExternalKind, FuncType, FunctionBody, GlobalType, MemoryType,
    Operator, Parser, Payload, TypeRef, ValType, Validator, WasmFeatures,
};

/// How many globals may change: each travels with every scan.
const GLOBALS_MAX: usize = 256;
const TABLE_ELEMENTS_MAX: u64 = 10_000;
pub(super) const PAGE_BYTES: u64 = 64 * 1024;

/// What compilers emit by default today, without what has state of its own (threads, exceptions)
/// or is not interpreted (SIMD).
const FEATURES: WasmFeatures = WasmFeatures::WASM1
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::REFERENCE_TYPES);

/// A module that may run, ready to be compiled.
pub(super) struct Admitted {
    pub(super) ports: Vec<Port>,
    /// The types of the globals that can change, in order.
    pub(super) globals: Vec<ValType>,
    /// The module with each of these globals exported, so that the node can read and set it.
    pub(super) bytes: Vec<u8>,
}

/// The name under which the n-th global that can change is exported.
pub(super) fn global_export(number: usize) -> String {
    format!("{RESERVED_PREFIX}g{number}")
}

/// Checks everything that can be checked without running it.
pub(super) fn look_at(bytes: &[u8]) -> Result<Admitted, Refused> {
    if bytes.len() > MODULE_BYTES_MAX {
        return Err(Refusal::TooLarge { bytes: bytes.len() }.into());
    }
    if let Err(error) = Validator::new_with_features(FEATURES).validate_all(bytes) {
        return Err(not_a_module(&error).into());
    }
    let mut look = Look::default();
    for payload in Parser::new(0).parse_all(bytes) {
        payload.and_then(|it| look.at(&it)).map_err(|it| Refused::from(not_a_module(&it)))?;
    }
    look.finish();
    if !look.reasons.is_empty() {
        return Err(Refused { reasons: look.reasons, more: look.more });
    }
    let indices: Vec<u32> = look.changing.iter().map(|it| it.0).collect();
    Ok(Admitted {
        ports: look.ports.unwrap_or_default(),
        globals: look.changing.into_iter().map(|it| it.1).collect(),
        bytes: export_globals(bytes, &indices).map_err(|it| Refused::from(not_a_module(&it)))?,
    })
}

fn not_a_module(error: &BinaryReaderError) -> Refusal {
    Refusal::NotAModule { offset: error.offset(), reason: said(error.message()) }
}

/// What was seen so far.
#[derive(Default)]
struct Look {
    reasons: Vec<Refusal>,
    more: usize,
    types: Vec<FuncType>,
    /// The type of every function, imported ones first.
    functions: Vec<u32>,
    imported: u32,
    bodies: u32,
    globals: u32,
    /// Index and type of each that can change.
    changing: Vec<(u32, ValType)>,
    elements: u64,
    has_memory: bool,
    has_scan: bool,
    ports: Option<Vec<Port>>,
}

impl Look {
    fn refuse(&mut self, reason: Refusal) {
        if self.reasons.len() < REFUSALS_MAX {
            self.reasons.push(reason);
        } else {
            self.more += 1;
        }
    }

    /// Only what matters here is looked at; the validator has seen the rest.
    fn at(&mut self, payload: &Payload<'_>) -> Result<(), BinaryReaderError> {
        if let Payload::TypeSection(section) = payload {
            for it in section.clone().into_iter_err_on_gc_types() {
                self.types.push(it?);
            }
        } else if let Payload::ImportSection(section) = payload {
            for it in section.clone() {
                let it = it?;
                self.import(it.module, it.name, it.ty);
            }
        } else if let Payload::FunctionSection(section) = payload {
            for it in section.clone() {
                self.functions.push(it?);
            }
        } else if let Payload::TableSection(section) = payload {
            for it in section.clone() {
                self.elements = self.elements.saturating_add(it?.ty.initial);
            }
        } else if let Payload::MemorySection(section) = payload {
            for it in section.clone() {
                self.memory(it?);
            }
        } else if let Payload::GlobalSection(section) = payload {
            for it in section.clone() {
                self.global(it?.ty);
            }
        } else if let Payload::ExportSection(section) = payload {
            for it in section.clone() {
                self.export(it?);
            }
        } else if let Payload::StartSection { .. } = payload {
            self.refuse(Refusal::StartFunction);
        } else if let Payload::CodeSectionEntry(body) = payload {
            self.body(body)?;
        } else if let Payload::CustomSection(section) = payload
            && section.name() == PORTS_SECTION
        {
            self.ports(section.data());
        }
        Ok(())
    }

    fn import(&mut self, module: &str, name: &str, of_type: TypeRef) {
        let (kind, index) = match of_type {
            TypeRef::Func(index) => ("function", Some(index)),
            TypeRef::Memory(_) => ("memory", None),
            TypeRef::Table(_) => ("table", None),
            TypeRef::Global(_) => ("global", None),
            TypeRef::Tag(_) => ("tag", None),
        };
        if let Some(index) = index {
            self.functions.push(index);
            self.imported += 1;
        }
        if matches!(of_type, TypeRef::Global(_)) {
            self.globals += 1;
        }
        let known = IMPORTS.iter().find(|it| it.name == name && module == IMPORTS_FROM);
        let (Some(known), Some(found)) = (known, index.and_then(|it| self.function_type(it)))
        else {
            let (module, name) = (shown(module), shown(name));
            return self.refuse(Refusal::ForeignImport { kind, module, name });
        };
        if found.params() != known.params || found.results() != known.results {
            let found = signature(found.params(), found.results());
            let expected = signature(known.params, known.results);
            self.refuse(Refusal::ImportType { name: known.name, found, expected });
        }
    }

    fn function_type(&self, index: u32) -> Option<&FuncType> {
        self.types.get(usize::try_from(index).ok()?)
    }

    fn memory(&mut self, memory: MemoryType) {
        let bytes = memory.initial.saturating_mul(PAGE_BYTES);
        if bytes > MEMORY_BYTES_MAX as u64 {
            self.refuse(Refusal::MemoryTooLarge { bytes, bytes_max: MEMORY_BYTES_MAX });
        }
    }

    fn global(&mut self, global: GlobalType) {
        let index = self.globals;
        self.globals += 1;
        if !global.mutable {
            return;
        }
        match global.content_type {
            ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64 => {
                self.changing.push((index, global.content_type));
            }
            ValType::V128 | ValType::Ref(_) => {
                self.refuse(Refusal::ReferenceGlobal { global: index });
            }
        }
    }

    fn export(&mut self, export: Export<'_>) {
        if export.name.starts_with(RESERVED_PREFIX) {
            self.refuse(Refusal::ReservedExport { name: shown(export.name) });
        }
        match export.kind {
            ExternalKind::Memory => self.has_memory |= export.name == MEMORY,
            ExternalKind::Func if export.name == SCAN => {
                self.has_scan = true;
                let index = usize::try_from(export.index).ok();
                let of_type = index.and_then(|it| self.functions.get(it).copied());
                let Some(found) = of_type.and_then(|it| self.function_type(it)) else { return };
                if !found.params().is_empty() || !found.results().is_empty() {
                    let found = signature(found.params(), found.results());
                    self.refuse(Refusal::ScanType { found });
                }
            }
            ExternalKind::Func => {
                let version = scan_version(export.name).filter(|it| *it != INTERFACE_VERSION);
                if let Some(found) = version {
                    self.refuse(Refusal::OtherVersion { found });
                }
            }
            ExternalKind::Table | ExternalKind::Global | ExternalKind::Tag => {}
        }
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<(), BinaryReaderError> {
        let function = self.imported + self.bodies;
        self.bodies += 1;
        let mut code = body.get_operators_reader()?;
        while !code.eof() {
            if let Some(instruction) = hides_state(&code.read()?) {
                self.refuse(Refusal::HiddenState { function, instruction });
            }
        }
        Ok(())
    }

    fn ports(&mut self, declaration: &[u8]) {
        if self.ports.is_some() {
            return self.refuse(Refusal::PortsTwice);
        }
        match port::parse(declaration) {
            Ok(ports) => self.ports = Some(ports),
            Err(error) => self.refuse(Refusal::Ports(error)),
        }
    }

    /// What can only be said when everything was seen.
    fn finish(&mut self) {
        let other = self.reasons.iter().any(|it| matches!(it, Refusal::OtherVersion { .. }));
        if !self.has_scan && !other {
            self.refuse(Refusal::NoScan);
        }
        if !self.has_memory {
            self.refuse(Refusal::NoMemory);
        }
        if self.elements > TABLE_ELEMENTS_MAX {
            let (elements, elements_max) = (self.elements, TABLE_ELEMENTS_MAX);
            self.refuse(Refusal::TablesTooLarge { elements, elements_max });
        }
        if self.changing.len() > GLOBALS_MAX {
            let count = self.changing.len();
            self.refuse(Refusal::TooManyGlobals { count, count_max: GLOBALS_MAX });
        }
    }
}

/// Instructions that change a table or drop a segment: neither is part of what is carried.
fn hides_state(operator: &Operator<'_>) -> Option<&'static str> {
    let is = |yes, name| if yes { Some(name) } else { None };
    is(matches!(operator, Operator::TableSet { .. }), "table.set")
        .or_else(|| is(matches!(operator, Operator::TableGrow { .. }), "table.grow"))
        .or_else(|| is(matches!(operator, Operator::TableFill { .. }), "table.fill"))
        .or_else(|| is(matches!(operator, Operator::TableCopy { .. }), "table.copy"))
        .or_else(|| is(matches!(operator, Operator::TableInit { .. }), "table.init"))
        .or_else(|| is(matches!(operator, Operator::ElemDrop { .. }), "elem.drop"))
        .or_else(|| is(matches!(operator, Operator::MemoryInit { .. }), "memory.init"))
        .or_else(|| is(matches!(operator, Operator::DataDrop { .. }), "data.drop"))
}

fn signature(params: &[ValType], results: &[ValType]) -> String {
    let list = |types: &[ValType]| {
        let names: Vec<_> = types.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    format!("({}) -> ({})", list(params), list(results))
}

/// The module again, with more exports and without custom sections.
fn export_globals(bytes: &[u8], globals: &[u32]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut module = wasm_encoder::Module::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        if let Payload::ExportSection(section) = &payload {
            let mut exports = ExportSection::new();
            for it in section.clone() {
                let it = it?;
                exports.export(it.name, kind(it.kind), it.index);
            }
            for (number, index) in globals.iter().enumerate() {
                exports.export(&global_export(number), ExportKind::Global, *index);
            }
            module.section(&exports);
        } else if let Some((id, range)) = payload.as_section()
            && !matches!(payload, Payload::CustomSection(_))
        {
            module.section(&RawSection { id, data: &bytes[range] });
        }
    }
    Ok(module.finish())
}

fn kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}
