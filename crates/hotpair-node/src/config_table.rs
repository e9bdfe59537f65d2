//! Config records of one kind, as Rust values. They are replicated; they survive both directions of
//! a switch.
use hotpair_api::face::{
    ConfigOp, ConfigTransaction, Expectation, NodeFace, NodeStatus, Problem, ProblemKind,
    WriteOptions, WriteOutcome,
};
use hotpair_types::EngineName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::sync::Arc;
use tokio::sync::watch;

const PAGE_RECORDS_MAX: usize = 1_000;

/// The config records whose keys begin with `<prefix>/`.
pub struct ConfigTable<F, T> {
    face: F,
    engine: Option<EngineName>,
    prefix: Box<str>,
    status: watch::Receiver<Arc<NodeStatus>>,
    seen: Option<u64>,
    kind: PhantomData<fn(T) -> T>,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<T> {
    /// Its key, without the prefix.
    pub key: String,
    /// What it holds.
    pub value: T,
    /// To be given back when it is replaced, so that nobody's change is overwritten unseen.
    pub version: u64,
}

impl<F: NodeFace, T: Serialize + DeserializeOwned> ConfigTable<F, T> {
    /// The table of one engine.
    pub fn new(face: F, engine: Option<EngineName>, prefix: &str) -> Self {
        let status = face.status();
        let prefix = format!("{prefix}/").into();
        Self { face, engine, prefix, status, seen: None, kind: PhantomData }
    }

    /// All records, in the order of their keys.
    ///
    /// # Errors
    /// When the node does not answer, or a record is not a `T`: its key is named.
    pub async fn rows(&self) -> Result<Vec<Row<T>>, Problem> {
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let (engine, prefix) = (self.engine.clone(), self.prefix.to_string());
            let page = self.face.config_list(engine, prefix, after, PAGE_RECORDS_MAX).await?;
            for record in page.records {
                let value = serde_json::from_value(record.value).map_err(|error| {
                    let text = format!("the config record `{}`: {error}", record.key);
                    Problem::new(ProblemKind::Unprocessable, text)
                })?;
                let key = record.key.strip_prefix(&*self.prefix).unwrap_or(&record.key).to_owned();
                rows.push(Row { key, value, version: record.version });
            }
            after = page.next;
            if after.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Writes a record. It is there, on both nodes as far as the setting asks, when this returns.
    ///
    /// # Errors
    /// When it is refused, for example because this node may not write config data, or when it is
    /// not known whether it was done (`outcome-unknown`).
    pub async fn put(&self, key: &str, value: &T) -> Result<(), Problem> {
        let value = serde_json::to_value(value)
            .map_err(|error| Problem::new(ProblemKind::Unprocessable, error.to_string()))?;
        self.run(vec![ConfigOp::Set { key: self.full(key), value }], Vec::new()).await
    }

    /// Replaces a record if nobody else has.
    ///
    /// # Errors
    /// As [`put`](Self::put); `version-mismatch` when it was changed since it was read.
    pub async fn replace(&self, row: &Row<T>) -> Result<(), Problem> {
        let value = serde_json::to_value(&row.value)
            .map_err(|error| Problem::new(ProblemKind::Unprocessable, error.to_string()))?;
        let key = self.full(&row.key);
        let expect = vec![Expectation { key: key.clone(), version: Some(row.version) }];
        self.run(vec![ConfigOp::Set { key, value }], expect).await
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// As [`put`](Self::put); `unknown-key` when it is not there.
    pub async fn delete(&self, key: &str) -> Result<(), Problem> {
        self.run(vec![ConfigOp::Delete { key: self.full(key) }], Vec::new()).await
    }

    /// Waits until config data changed on this node, here or by the partner, since the last call;
    /// returns at once the first time. `false`: the node is ending.
    pub async fn changed(&mut self) -> bool {
        let engine = self.engine.clone();
        let seen = self.seen;
        let position = |status: &Arc<NodeStatus>| {
            let ours = |name: &str| engine.as_ref().is_none_or(|it| it.as_str() == name);
            let engine = status.engines.iter().find(|it| ours(&it.name));
            engine.map(|it| it.positions.config.sequence)
        };
        let news = self.status.wait_for(|it| position(it).is_some_and(|it| Some(it) != seen)).await;
        let Ok(news) = news else { return false };
        self.seen = position(&news);
        true
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    async fn run(&self, ops: Vec<ConfigOp>, expect: Vec<Expectation>) -> Result<(), Problem> {
        let transaction = ConfigTransaction { ops, expect };
        let options = WriteOptions::default();
        match self.face.config_write(self.engine.clone(), transaction, options).await? {
            WriteOutcome::Done(_) => Ok(()),
            WriteOutcome::Refused(problem) => Err(problem),
            WriteOutcome::Unknown { detail } => {
                Err(Problem::new(ProblemKind::OutcomeUnknown, detail))
            }
        }
    }
}
