//! Code modules: bytes by their hash in the data directory, names in config records.
use super::Face;
use hotpair_api::face::{ModuleBody, ModuleRecord, Problem, ProblemKind, WriteOptions, WriteOutcome};
use hotpair_types::EngineName;

impl Face {
    pub(super) async fn do_module_add(
        &self,
        engine: Option<EngineName>,
        name: String,
        body: ModuleBody,
        options: WriteOptions,
    ) -> Result<(ModuleRecord, WriteOutcome), Problem> {
        let _ = (engine, name, body, options);
        Err(Problem::new(ProblemKind::Unavailable, "modules are being built"))
    }

    pub(super) async fn do_module_remove(
        &self,
        engine: Option<EngineName>,
        name: String,
        options: WriteOptions,
    ) -> Result<WriteOutcome, Problem> {
        let _ = (engine, name, options);
        Err(Problem::new(ProblemKind::Unavailable, "modules are being built"))
    }

    pub(super) async fn do_modules(
        &self,
        engine: Option<EngineName>,
    ) -> Result<Vec<ModuleRecord>, Problem> {
        let _ = engine;
        Ok(Vec::new())
    }
}
