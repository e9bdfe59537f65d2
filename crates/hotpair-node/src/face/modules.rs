//! Code modules: bytes by their hash in the data directory, names in config records.
use super::Face;
use super::config::{hex, key_of};
use crate::driver::{Driver, PostedWrite};
use bytes::{Bytes, BytesMut};
use hotpair_api::face::{
    ModuleBody, ModuleRecord, Problem, ProblemKind, Reason, WriteOptions, WriteOutcome,
};
use hotpair_core::EngineIndex;
use hotpair_engine::modules::{Module, Refused};
use hotpair_replication::{ModuleHash, Op, WriteBody};
use hotpair_types::{EngineName, ItemKey, JournalKind, MODULE_BYTES_MAX};

/// Config records that name modules begin so.
const CONFIG_PREFIX: &str = "modules/";

impl Face {
    pub(super) async fn do_module_add(
        &self,
        engine: Option<EngineName>,
        name: String,
        body: ModuleBody,
        options: WriteOptions,
    ) -> Result<(ModuleRecord, WriteOutcome), Problem> {
        let index = self.engine(engine.as_ref())?;
        // Refused before the bytes are kept: a standby would only throw them away again.
        self.call(move |driver| driver.takes_modules(index)).await??;
        let bytes = whole(body).await?;
        let size = bytes.len() as u64;
        let module = admitted(bytes.clone()).await?;
        let stored = self.call(move |driver| {
            driver.store.shelf().put(module.hash().0, Ok(module));
            driver.store.put_module(index, bytes)
        });
        let stored = stored.await?;
        let hash: ModuleHash = stored
            .await
            .map_err(|_| super::ending())?
            .map_err(|error| Problem::new(ProblemKind::StorageFailed, error.to_string()))?;
        let record = ModuleRecord {
            name: name.clone(),
            hash: hex(&hash),
            size,
            present: true,
            refused: Vec::new(),
        };
        let value = serde_json::json!({ "hash": record.hash, "size": size }).to_string();
        let item = ItemKey::config(&format!("{CONFIG_PREFIX}{name}"));
        let op = Op::Set { item, value: value.into() };
        let outcome = self.write(index, config_write(op, &options)).await?;
        Ok((record, outcome))
    }

    pub(super) async fn do_module_remove(
        &self,
        engine: Option<EngineName>,
        name: String,
        options: WriteOptions,
    ) -> Result<WriteOutcome, Problem> {
        let index = self.engine(engine.as_ref())?;
        let item = ItemKey::config(&format!("{CONFIG_PREFIX}{name}"));
        let wanted = item.clone();
        let known = self
            .call(move |driver| driver.replica(index).get(JournalKind::Config, &wanted).is_some())
            .await?;
        if !known {
            let text = format!("there is no module `{}`", name.escape_default());
            return Err(Problem::new(ProblemKind::UnknownModule, text));
        }
        self.write(index, config_write(Op::Remove { item }, &options)).await
    }

    pub(super) async fn do_modules(
        &self,
        engine: Option<EngineName>,
    ) -> Result<Vec<ModuleRecord>, Problem> {
        self.with(engine, |driver, index| {
            let record = |it: hotpair_replication::ModuleEntry| ModuleRecord {
                name: it.name.to_string(),
                hash: hex(&it.hash),
                size: it.size,
                present: driver.store.has_blob(it.hash),
                refused: match driver.store.shelf().get(it.hash) {
                    Some(Err(refused)) => {
                        refused.reasons().iter().map(ToString::to_string).collect()
                    }
                    Some(Ok(_)) | None => Vec::new(),
                },
            };
            driver.replica(index).modules().into_iter().map(record).collect()
        })
        .await
    }
}

impl Driver {
    /// Modules are config data: only where that may be written.
    fn takes_modules(&self, index: EngineIndex) -> Result<(), Problem> {
        if self.state_of(index).is_active() {
            return Ok(());
        }
        let partner = self.partner.api().filter(|_| self.state_of(index).is_standby());
        Err(match partner {
            Some(api) => Problem::not_active("the partner is active", Some(api)),
            None => Problem::new(ProblemKind::NoActive, "nobody is known to be active"),
        })
    }
}

fn config_write(op: Op, options: &WriteOptions) -> PostedWrite {
    PostedWrite {
        ack: options.ack,
        key: key_of(options),
        body: WriteBody::Config { expect: Vec::new(), ops: vec![op] },
    }
}

/// Compiled aside: a large one takes its time.
async fn admitted(bytes: Bytes) -> Result<Module, Problem> {
    let admitted = tokio::task::spawn_blocking(move || Module::admit(&bytes)).await;
    let admitted = admitted.map_err(|error| Problem::new(ProblemKind::Internal, error.to_string()));
    admitted?.map_err(|refused| refusal(&refused))
}

fn refusal(refused: &Refused) -> Problem {
    let reason = |it: &hotpair_engine::modules::Refusal| Reason {
        id: it.id().to_owned(),
        text: it.to_string(),
        evidence: Vec::new(),
    };
    let reasons = refused.reasons().iter().map(reason).collect();
    Problem::new(ProblemKind::ModuleRefused, refused.to_string()).because(reasons)
}

async fn whole(mut body: ModuleBody) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    loop {
        let piece = body
            .next()
            .await
            .map_err(|error| Problem::new(ProblemKind::BadRequest, error.to_string()))?;
        let Some(piece) = piece else { break };
        if bytes.len() + piece.len() > MODULE_BYTES_MAX {
            let text = format!("a module has at most {MODULE_BYTES_MAX} bytes");
            return Err(Problem::new(ProblemKind::BodyTooLarge, text));
        }
        bytes.extend_from_slice(&piece);
    }
    if bytes.is_empty() {
        return Err(Problem::new(ProblemKind::Unprocessable, "an empty module"));
    }
    Ok(bytes.freeze())
}
