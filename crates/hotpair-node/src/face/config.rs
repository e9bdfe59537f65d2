//! Config data: reads, transactions, history, export and import.
use super::Face;
use super::answering::Answering;
use super::gather::Wanted;
use crate::driver::{Driver, PostedWrite};
use crate::reasons;
use bytes::Bytes;
use hotpair_api::face::{
    ConfigChange, ConfigExport, ConfigOp, ConfigPage, ConfigRecord, ConfigTransaction, Done,
    Problem, ProblemKind, WriteOptions, WriteOutcome,
};
use hotpair_core::EngineIndex;
use hotpair_engine::tags::{CONFIG_PREFIX, Declaration};
use hotpair_replication::{Entry, Expectation, IdempotencyKey, Op, Outcome, Record, WriteBody};
use hotpair_types::{EngineName, ItemKey, JournalKind, Position};
use serde_json::Value;
use tokio::sync::oneshot;

impl Face {
    /// Waits for the end of a write, in the words of the API.
    pub(super) async fn ended(
        &self,
        receiver: oneshot::Receiver<Outcome>,
        answering: Answering,
    ) -> WriteOutcome {
        let outcome = answering.outcome(receiver).await;
        outcome_of(outcome, answering.partner)
    }

    /// Writes and waits for the end.
    pub(crate) async fn write(
        &self,
        engine: EngineIndex,
        write: PostedWrite,
    ) -> Result<WriteOutcome, Problem> {
        let (sender, receiver) = oneshot::channel();
        let answering = self
            .call(move |driver| {
                driver.write(engine, write, sender);
                driver.answering(engine)
            })
            .await?;
        Ok(self.ended(receiver, answering).await)
    }

    pub(super) async fn do_config_get(
        &self,
        engine: Option<EngineName>,
        key: String,
    ) -> Result<ConfigRecord, Problem> {
        self.with(engine, move |driver, index| {
            let record = driver.replica(index).get(JournalKind::Config, &ItemKey::config(&key));
            record.map(|it| record_of(&key, it)).ok_or_else(|| {
                Problem::new(ProblemKind::UnknownKey, format!("there is no record `{key}`"))
            })
        })
        .await?
    }

    pub(super) async fn do_config_list(
        &self,
        engine: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Result<ConfigPage, Problem> {
        self.with(engine, move |driver, index| {
            let replica = driver.replica(index);
            let after = after.as_deref();
            let mut records: Vec<_> = replica
                .items_after(JournalKind::Config, "", &prefix, after)
                .take(count_max + 1)
                .map(|(key, record)| record_of(key, record))
                .collect();
            let more = records.len() > count_max;
            records.truncate(count_max);
            let next = more.then(|| records.last().map(|it| it.key.clone())).flatten();
            ConfigPage { records, next, position: replica.positions().config.into() }
        })
        .await
    }

    pub(super) async fn do_config_write(
        &self,
        engine: Option<EngineName>,
        transaction: ConfigTransaction,
        options: WriteOptions,
    ) -> Result<WriteOutcome, Problem> {
        let index = self.engine(engine.as_ref())?;
        let mut ops = Vec::with_capacity(transaction.ops.len());
        for op in transaction.ops {
            ops.push(match op {
                ConfigOp::Set { key, value } => {
                    check_record(&key, &value)?;
                    Op::Set { item: ItemKey::config(&key), value: Bytes::from(value.to_string()) }
                }
                ConfigOp::Delete { key } => Op::Remove { item: ItemKey::config(&key) },
            });
        }
        self.check_objects(index, &ops).await?;
        let (sender, receiver) = oneshot::channel();
        let answering = self
            .call(move |driver| {
                let expect = transaction
                    .expect
                    .iter()
                    .map(|it| driver.expectation(index, &it.key, it.version))
                    .collect();
                let write = PostedWrite {
                    ack: options.ack,
                    key: key_of(&options),
                    body: WriteBody::Config { expect, ops },
                };
                driver.write(index, write, sender);
                driver.answering(index)
            })
            .await?;
        Ok(self.ended(receiver, answering).await)
    }

    pub(super) async fn do_config_history(
        &self,
        engine: Option<EngineName>,
        key: Option<String>,
        count_max: usize,
    ) -> Result<Vec<ConfigChange>, Problem> {
        self.with(engine, move |driver, index| {
            let touches = |entry: &Entry| {
                key.as_deref().is_none_or(|key| entry.ops.iter().any(|op| op_key(op) == Some(key)))
            };
            driver
                .replica(index)
                .recent(JournalKind::Config)
                .filter(|it| touches(it))
                .take(count_max)
                .map(|it| change_of(it))
                .collect()
        })
        .await
    }

    pub(super) async fn do_config_export(
        &self,
        engine: Option<EngineName>,
    ) -> Result<ConfigExport, Problem> {
        let engine = self.engine(engine.as_ref())?;
        let wanted = Wanted { engine, kind: JournalKind::Config, provider: "".into() };
        let end = move |driver: &mut Driver| {
            let replica = driver.replica(engine);
            (replica.positions().config, replica.config_chain())
        };
        let (items, (position, chain)) = self.gather(wanted, end).await?;
        let export = move || ConfigExport {
            format: ConfigExport::FORMAT.to_owned(),
            position: position.into(),
            hash: hex(&chain),
            records: items.into_iter().map(|(key, it)| (key.into(), value_of(&it.value))).collect(),
        };
        // Many documents: beats and other requests need this thread.
        tokio::task::spawn_blocking(export).await.map_err(|_| super::ending())
    }

    pub(super) async fn do_config_import(
        &self,
        engine: Option<EngineName>,
        export: ConfigExport,
        replace: bool,
        options: WriteOptions,
    ) -> Result<WriteOutcome, Problem> {
        let gone = if replace {
            let page = self.do_config_export(engine.clone()).await?;
            page.records.into_keys().filter(|it| !export.records.contains_key(it)).collect()
        } else {
            Vec::new()
        };
        let sets = export.records.into_iter().map(|(key, value)| ConfigOp::Set { key, value });
        let deletes = gone.into_iter().map(|key| ConfigOp::Delete { key });
        let ops = sets.chain(deletes).collect();
        let transaction = ConfigTransaction { ops, expect: Vec::new() };
        self.do_config_write(engine, transaction, options).await
    }
}

impl Driver {
    /// A version is a sequence to people; the replica compares whole positions.
    fn expectation(&self, index: EngineIndex, key: &str, version: Option<u64>) -> Expectation {
        let item = ItemKey::config(key);
        let current = self.replica(index).get(JournalKind::Config, &item).map(|it| it.position);
        let version = version.map(|sequence| match current {
            Some(position) if position.sequence == sequence => position,
            // Cannot hold: the replica refuses it with what is there.
            Some(_) | None => Position { sequence, ..Position::START },
        });
        Expectation { item, version }
    }
}

/// A record that declares something must declare it soundly: refused before it is written.
fn check_record(key: &str, value: &Value) -> Result<(), Problem> {
    if let Some(path) = key.strip_prefix(CONFIG_PREFIX) {
        Declaration::from_json(path, value.to_string().as_bytes()).map_err(|error| {
            let text = format!("`{key}` declares no tag: {error}");
            Problem::new(ProblemKind::Unprocessable, text)
        })?;
    }
    Ok(())
}

/// What became of a write, in the words of the API.
pub(super) fn outcome_of(
    outcome: Result<Outcome, oneshot::error::RecvError>,
    partner: Option<String>,
) -> WriteOutcome {
    match outcome {
        Ok(Outcome::Acknowledged(it)) => WriteOutcome::Done(Done {
            sequence: it.position.sequence,
            epoch: it.position.epoch.number,
            acknowledged: it.reached,
            degraded: it.degraded,
        }),
        Ok(Outcome::Refused(refusal)) => {
            WriteOutcome::Refused(reasons::of_write(&refusal, partner))
        }
        Ok(Outcome::Unknown { position }) => WriteOutcome::Unknown {
            detail: format!(
                "this node lost its role or its disk before the write at {position} was \
                 acknowledged; ask again with the same idempotency key"
            ),
        },
        Err(_) => WriteOutcome::Unknown { detail: "the node ended".to_owned() },
    }
}

pub(super) fn key_of(options: &WriteOptions) -> Option<IdempotencyKey> {
    let key = options.idempotency_key.as_deref()?;
    Some(IdempotencyKey { key: key.into(), issued: None })
}

pub(super) fn value_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| {
        // Not written through this API: shown rather than hidden.
        Value::String(String::from_utf8_lossy(bytes).into_owned())
    })
}

fn record_of(key: &str, record: &Record) -> ConfigRecord {
    ConfigRecord {
        key: key.to_owned(),
        value: value_of(&record.value),
        version: record.position.sequence,
        epoch: record.position.epoch.number,
        written_at_ms: record.written_at.0,
    }
}

fn op_key(op: &Op) -> Option<&str> {
    match op {
        Op::Set { item, .. } | Op::Remove { item } => Some(&item.item),
        Op::ReplaceAll { .. } => None,
    }
}

fn change_of(entry: &Entry) -> ConfigChange {
    let op = |op: &Op| match op {
        Op::Set { item, value } => {
            Some(ConfigOp::Set { key: item.item.to_string(), value: value_of(value) })
        }
        Op::Remove { item } => Some(ConfigOp::Delete { key: item.item.to_string() }),
        Op::ReplaceAll { .. } => None,
    };
    ConfigChange {
        sequence: entry.position.sequence,
        epoch: entry.position.epoch.number,
        written_at_ms: entry.written_at.0,
        hash: hex(&entry.chain),
        ops: entry.ops.iter().filter_map(op).collect(),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}
