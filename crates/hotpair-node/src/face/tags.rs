//! Tags: reads and writes.
use super::Face;
use super::config::key_of;
use crate::driver::PostedWrite;
use hotpair_api::face::{
    Problem, ProblemKind, Tag, TagPage, TagQuality, TagWrite, WriteOptions, WriteOutcome,
};
use hotpair_engine::tags::{self, Quality, Reading, TagError, Value, ValueError};
use hotpair_types::{EngineName, NodeTime};
use tokio::sync::oneshot;

impl Face {
    pub(super) async fn do_tag_read(
        &self,
        engine: Option<EngineName>,
        path: String,
    ) -> Result<Tag, Problem> {
        self.with(engine, move |driver, index| {
            let reading = driver.runtime(index).tags.read(&path);
            reading.as_ref().map(tag_of).ok_or_else(|| unknown(&path))
        })
        .await?
    }

    pub(super) async fn do_tag_list(
        &self,
        engine: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Result<TagPage, Problem> {
        self.with(engine, move |driver, index| {
            let tags = &driver.runtime(index).tags;
            let mut tags: Vec<_> =
                tags.list(&prefix, after.as_deref(), count_max + 1).iter().map(tag_of).collect();
            let more = tags.len() > count_max;
            tags.truncate(count_max);
            let next = more.then(|| tags.last().map(|it| it.path.clone())).flatten();
            TagPage { tags, next, position: driver.replica(index).positions().runtime.into() }
        })
        .await
    }

    pub(super) async fn do_tag_write(
        &self,
        engine: Option<EngineName>,
        writes: Vec<TagWrite>,
        options: WriteOptions,
    ) -> Result<WriteOutcome, Problem> {
        let index = self.engine(engine.as_ref())?;
        let (sender, receiver) = oneshot::channel();
        let answering = self
            .call(move |driver| {
                let now = driver.clock.wall();
                let prepared = writes
                    .into_iter()
                    .map(|it| write_of(it, now))
                    .collect::<Result<Vec<_>, _>>()
                    .and_then(|it| driver.runtime(index).tags.prepare_batch(it).map_err(problem));
                let posts = match prepared {
                    Ok(posts) => posts,
                    // A standby may not know the tag yet: where to write matters more.
                    Err(problem) if driver.state_of(index).is_standby() => {
                        let text = format!("the partner is active ({})", problem.detail);
                        return Err(Problem::not_active(text, driver.partner.api()));
                    }
                    Err(problem) => return Err(problem),
                };
                let write = PostedWrite {
                    ack: options.ack,
                    key: key_of(&options),
                    ..PostedWrite::runtime(tags::PROVIDER, &posts)
                };
                driver.write(index, write, sender);
                Ok(driver.answering(index))
            })
            .await?;
        match answering {
            Ok(answering) => Ok(self.ended(receiver, answering).await),
            Err(problem) => Ok(WriteOutcome::Refused(problem)),
        }
    }
}

fn unknown(path: &str) -> Problem {
    let path: String = path.escape_default().take(80).collect();
    Problem::new(ProblemKind::UnknownTag, format!("the tag `{path}` is not declared"))
}

fn write_of(write: TagWrite, now: NodeTime) -> Result<tags::TagWrite, Problem> {
    let value = Value::from_json(&write.value).map_err(|it| value_problem(&write.path, &it))?;
    let quality = quality_from(write.quality);
    let timestamp = write.timestamp.map_or(now, NodeTime);
    Ok(tags::TagWrite { path: write.path.into(), value, quality, timestamp })
}

fn value_problem(path: &str, error: &ValueError) -> Problem {
    let path: String = path.escape_default().take(80).collect();
    Problem::new(value_kind(error), format!("tag `{path}`: {error}"))
}

/// What kind of problem a value is that is not as declared.
pub(super) fn value_kind(error: &ValueError) -> ProblemKind {
    match error.id() {
        "out-of-limits" | "outside-limits" | "below-limit" | "above-limit" => {
            ProblemKind::OutOfLimits
        }
        "wrong-type" | "not-a-value" => ProblemKind::WrongType,
        _ => ProblemKind::Unprocessable,
    }
}

/// A quality in the words of the engine.
pub(super) const fn quality_from(quality: TagQuality) -> Quality {
    match quality {
        TagQuality::Good => Quality::Good,
        TagQuality::Uncertain => Quality::Uncertain,
        TagQuality::Bad => Quality::Bad,
    }
}

fn problem(error: TagError) -> Problem {
    let text = error.to_string();
    match &error {
        TagError::Unknown { .. } => Problem::new(ProblemKind::UnknownTag, text),
        TagError::Value { path, error } => value_problem(path, error),
        TagError::Twice { .. } | TagError::BatchTooLarge { .. } => {
            Problem::new(ProblemKind::Unprocessable, text)
        }
    }
}

/// A quality in the words of the API.
pub(super) const fn quality_of(quality: Quality) -> TagQuality {
    match quality {
        Quality::Good => TagQuality::Good,
        Quality::Uncertain => TagQuality::Uncertain,
        Quality::Bad => TagQuality::Bad,
    }
}

/// A reading in the words of the API.
pub(super) fn tag_of(reading: &Reading) -> Tag {
    let quality = quality_of(reading.quality);
    let declaration = reading.declaration.as_deref();
    Tag {
        path: reading.path.to_string(),
        value: reading.value.as_ref().map_or(serde_json::Value::Null, Value::to_json),
        quality,
        timestamp: reading.timestamp.0,
        sequence: reading.position.sequence,
        epoch: reading.position.epoch.number,
        value_type: declaration.map_or_else(String::new, |it| it.of_type.id().to_owned()),
        unit: declaration.and_then(|it| it.unit.as_deref().map(str::to_owned)),
    }
}
