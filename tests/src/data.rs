//! What a pair holds: tags, config records, kept losing entries, and clients that write.
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};

use crate::{Pair, Request, Side, Writer, eventually, patience};

impl Pair {
    /// Declares a tag, at the node that may write config.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn declare_tag(&self, at: Side, path: &str) -> Result<()> {
        let tag = json!({"type": "int", "initial": 0});
        self.write_config(at, &format!("tags/{path}"), &tag).await
    }

    /// Writes a config record.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn write_config(&self, at: Side, key: &str, value: &Value) -> Result<()> {
        let answer = self.ask(at, Request::put(&format!("/api/v1/config/{key}"), value)).await?;
        answer.ok().with_context(|| format!("config {key} at {at}")).map(|_| ())
    }

    /// A config record as a node has it; `None` when it has none.
    ///
    /// # Errors
    /// When it does not answer, or something else than 200 or 404.
    pub async fn config(&self, at: Side, key: &str) -> Result<Option<Value>> {
        let answer = self.ask(at, Request::get(&format!("/api/v1/config/{key}"))).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let record = answer.ok()?;
        // A record is the document itself or stands beside its version.
        Ok(Some(record.get("value").cloned().unwrap_or(record)))
    }

    /// Writes a tag once; the answer.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn write_tag(&self, at: Side, path: &str, value: i64) -> Result<Value> {
        let request = Request::put(&format!("/api/v1/tags/{path}"), &json!({"value": value}));
        self.ask(at, request).await?.ok().with_context(|| format!("tag {path} at {at}"))
    }

    /// Writes a tag once and waits until it is on the disk wherever it can be; the answer.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn write_tag_durably(&self, at: Side, path: &str, value: i64) -> Result<Value> {
        let path = format!("/api/v1/tags/{path}?ack=durable");
        let answer = self.ask(at, Request::put(&path, &json!({"value": value}))).await?;
        answer.ok().with_context(|| format!("tag {path} at {at}"))
    }

    /// The value of a tag as a node has it.
    ///
    /// # Errors
    /// When it has no such tag.
    pub async fn tag(&self, at: Side, path: &str) -> Result<i64> {
        let tag = self.ask(at, Request::get(&format!("/api/v1/tags/{path}"))).await?.ok()?;
        tag["value"].as_i64().with_context(|| format!("no number: {tag}"))
    }

    /// Waits until a tag has a value at a node.
    ///
    /// # Errors
    /// When it does not come about.
    pub async fn until_tag(&self, at: Side, path: &str, value: i64) -> Result<()> {
        let what = format!("{at}: tag {path} is {value}");
        eventually(&what, patience(Duration::from_secs(10)), async || {
            let found = self.tag(at, path).await?;
            if found == value { Ok(()) } else { Err(anyhow!("it is {found}")) }
        })
        .await
    }

    /// Every kept losing entry that a node lists, in full.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn divergences(&self, at: Side) -> Result<Vec<Value>> {
        let listed = self.ask(at, Request::get("/api/v1/divergence")).await?.ok()?;
        let listed =
            listed.as_array().cloned().or_else(|| listed["divergences"].as_array().cloned());
        let mut all = Vec::new();
        for conflict in listed.context("divergences are a list")? {
            let id = conflict["id"].as_str().context("a conflict has an id")?;
            let path = format!("/api/v1/divergence/{id}");
            all.push(self.ask(at, Request::get(&path)).await?.ok()?);
        }
        Ok(all)
    }

    /// Starts a client that writes to one tag at whichever node takes it.
    #[must_use]
    pub fn writer(&self, tag: &str) -> Writer {
        Writer::start(self.targets().to_vec(), tag, 1, None)
    }

    /// A client that knows one node only.
    #[must_use]
    pub fn writer_at(&self, side: Side, tag: &str, first: i64) -> Writer {
        Writer::start(vec![self.target(side)], tag, first, None)
    }

    /// Whether a losing value is kept on either node.
    ///
    /// # Errors
    /// When a node does not answer.
    pub async fn keeps(&self, item: &str, value: &Value) -> Result<bool> {
        let mut kept = self.divergences(Side::A).await?;
        kept.extend(self.divergences(Side::B).await?);
        let entries = kept.iter().filter_map(|it| it["kept"].as_array()).flatten();
        let same = |it: &Value| it == value || it.get("value") == Some(value);
        let mut entries =
            entries.filter(|it| it["item"].as_str().is_some_and(|it| it.ends_with(item)));
        Ok(entries.any(|it| same(&it["losing_value"])))
    }
}
