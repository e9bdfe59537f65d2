//! The fake node's answers.
use super::config::apply;
use super::session::FakeSession;
use super::{FakeNode, figures, reply};
use hotpair_api::NodeFace;
use hotpair_api::face::*;
use hotpair_types::{EngineName, StateId};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

impl NodeFace for FakeNode {
    fn status(&self) -> watch::Receiver<Arc<NodeStatus>> {
        self.status.subscribe()
    }

    fn alive(&self) -> Reply<'_, ()> {
        if self.with(|it| it.stuck) {
            return Box::pin(std::future::pending());
        }
        reply(Ok(()))
    }

    fn may_act(&self, _engine: &str) -> bool {
        !self.with(|it| it.shut)
    }

    fn measures(&self) -> Reply<'_, Measures> {
        reply(Ok(figures::measures()))
    }

    fn events(&self, _: Option<EngineName>, since: u64, count_max: usize) -> Reply<'_, Vec<Event>> {
        reply(self.read(|it| {
            let events = it.events.iter().filter(|event| event.number > since);
            Ok(events.take(count_max).cloned().collect())
        }))
    }

    fn command(
        &self,
        _: Option<EngineName>,
        caller: Caller,
        command: Command,
    ) -> Reply<'_, Verdict> {
        let verdict = self.with(|it| {
            it.seen.push(format!("{command:?} by {}", caller.agent));
            if it.refusals.is_empty() {
                Verdict::Accepted(Accepted {
                    command: command.kind(),
                    text: "Draining both journals.".into(),
                    since_event: 7,
                    forwarded: false,
                    forecast: Some(Forecast {
                        gap_ms: 4.5,
                        held_writes: 12,
                        lost_entries: 0,
                        text: "from the last 60 s".into(),
                    }),
                })
            } else {
                let active = Some("http://127.0.0.1:8651".into());
                Verdict::Refused { reasons: it.refusals.clone(), active }
            }
        });
        reply(Ok(verdict))
    }

    fn why(&self, _: Option<EngineName>, count_max: usize) -> Reply<'_, Vec<Event>> {
        reply(self.read(|it| Ok(it.events.iter().rev().take(count_max).cloned().collect())))
    }

    fn why_not(&self, _: Option<EngineName>, _: CommandKind) -> Reply<'_, Vec<Reason>> {
        reply(self.read(|it| Ok(it.refusals.clone())))
    }

    fn config_get(&self, _: Option<EngineName>, key: String) -> Reply<'_, ConfigRecord> {
        reply(self.read(|it| {
            let missing = || Problem::new(ProblemKind::UnknownKey, format!("no `{key}`"));
            it.config.get(&key).cloned().ok_or_else(missing)
        }))
    }

    fn config_list(
        &self,
        _: Option<EngineName>,
        prefix: String,
        after: Option<String>,
        count_max: usize,
    ) -> Reply<'_, ConfigPage> {
        reply(self.read(|it| {
            let mut found = it.config.values().filter(|record| record.key.starts_with(&prefix));
            let mut records: Vec<_> = found
                .by_ref()
                .filter(|record| after.as_ref().is_none_or(|after| record.key > *after))
                .take(count_max + 1)
                .cloned()
                .collect();
            let more = records.len() > count_max;
            records.truncate(count_max);
            let next = records.last().filter(|_| more).map(|it| it.key.clone());
            let position = PositionStatus { epoch: 3, sequence: it.sequence };
            Ok(ConfigPage { records, next, position })
        }))
    }

    fn config_write(
        &self,
        _: Option<EngineName>,
        transaction: ConfigTransaction,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        reply(Ok(self.write(&options, |it, sequence| {
            for expected in &transaction.expect {
                let version = it.config.get(&expected.key).map(|it| it.version);
                if version != expected.version {
                    let detail = format!("`{}` has version {version:?}", expected.key);
                    return Err(Problem::new(ProblemKind::VersionMismatch, detail));
                }
            }
            apply(it, transaction.ops, sequence)
        })))
    }

    fn config_history(
        &self,
        _: Option<EngineName>,
        _: Option<String>,
        _: usize,
    ) -> Reply<'_, Vec<ConfigChange>> {
        reply(Ok(Vec::new()))
    }

    fn config_export(&self, _: Option<EngineName>) -> Reply<'_, ConfigExport> {
        reply(self.read(|it| {
            Ok(ConfigExport {
                format: ConfigExport::FORMAT.into(),
                position: PositionStatus { epoch: 3, sequence: it.sequence },
                hash: "00".into(),
                records: it.config.iter().map(|(k, v)| (k.clone(), v.value.clone())).collect(),
            })
        }))
    }

    fn config_import(
        &self,
        _: Option<EngineName>,
        export: ConfigExport,
        replace: bool,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        reply(Ok(self.write(&options, |it, sequence| {
            if replace {
                it.config.clear();
            }
            let set = export.records.into_iter().map(|(key, value)| ConfigOp::Set { key, value });
            apply(it, set.collect(), sequence)
        })))
    }

    fn tag_read(&self, _: Option<EngineName>, path: String) -> Reply<'_, Tag> {
        if self.with(|it| it.stuck) {
            return Box::pin(std::future::pending());
        }
        reply(self.read(|it| {
            let missing = || Problem::new(ProblemKind::UnknownTag, format!("no tag `{path}`"));
            it.tags.get(&path).cloned().ok_or_else(missing)
        }))
    }

    fn tag_list(
        &self,
        _: Option<EngineName>,
        prefix: String,
        _: Option<String>,
        count_max: usize,
    ) -> Reply<'_, TagPage> {
        reply(self.read(|it| {
            let found = it.tags.values().filter(|tag| tag.path.starts_with(&prefix));
            let tags = found.take(count_max).cloned().collect();
            let position = PositionStatus { epoch: 3, sequence: it.sequence };
            Ok(TagPage { tags, next: None, position })
        }))
    }

    fn tag_write(
        &self,
        _: Option<EngineName>,
        writes: Vec<TagWrite>,
        options: WriteOptions,
    ) -> Reply<'_, WriteOutcome> {
        if self.with(|it| it.stuck) {
            return Box::pin(std::future::pending());
        }
        let outcome = self.write(&options, |it, sequence| {
            for write in &writes {
                let unknown = || {
                    let detail = format!("no tag `{}`", write.path);
                    Problem::new(ProblemKind::UnknownTag, detail)
                };
                let tag = it.tags.get_mut(&write.path).ok_or_else(unknown)?;
                let fits = match tag.value_type.as_str() {
                    "float" => write.value.is_number(),
                    "bool" => write.value.is_boolean(),
                    _ => write.value.is_string(),
                };
                if !fits {
                    let detail = format!("`{}` is of type {}", write.path, tag.value_type);
                    return Err(Problem::new(ProblemKind::WrongType, detail));
                }
                tag.value = write.value.clone();
                tag.sequence = sequence;
            }
            Ok(())
        });
        reply(Ok(outcome))
    }

    fn subscribe(&self, _: Option<EngineName>, request: SubscribeRequest) -> Reply<'_, Feed> {
        reply(self.read(|it| {
            let resumed = request.last.is_some();
            let position = PositionStatus { epoch: 3, sequence: it.sequence };
            let start = FeedStart { resumed, position };
            let (sender, feed) = Feed::new(start, it.feed_items_max);
            let last = request.last.unwrap_or(0);
            if request.tags {
                for tag in it.tags.values() {
                    if tag.path.starts_with(&request.prefix) && (!resumed || tag.sequence > last) {
                        let _ = sender.offer(FeedItem::Tag(tag.clone()));
                    }
                }
                let _ = sender.offer(FeedItem::Level { position });
            }
            if let Some(since) = request.since_event {
                for event in it.events.iter().filter(|it| it.number > since) {
                    let _ = sender.offer(FeedItem::Event { event: event.clone() });
                }
            }
            it.feeds.push((request, sender, feed.progress.clone()));
            Ok(feed)
        }))
    }

    fn provider(
        &self,
        _: Option<EngineName>,
        name: String,
        _: ProviderEncoding,
    ) -> Reply<'_, ProviderStart> {
        reply(self.read(|it| {
            if it.provider.as_ref().is_some_and(|it| !it.is_closed()) {
                let detail = format!("`{name}` is registered already");
                return Err(Problem::new(ProblemKind::Conflict, detail));
            }
            let (sender, events) = ProviderEvents::new(16);
            let role = ProviderEvent::Role { state: StateId::Active, epoch: 3 };
            let events = events.begin_with([role]);
            it.provider = Some(sender);
            Ok(ProviderStart { session: Box::new(FakeSession(Mutex::new(it.sequence))), events })
        }))
    }

    fn divergences(&self, _: Option<EngineName>) -> Reply<'_, Vec<DivergenceSummary>> {
        reply(self.read(|it| Ok(it.divergences.iter().map(|it| it.summary.clone()).collect())))
    }

    fn divergence(&self, _: Option<EngineName>, id: String) -> Reply<'_, Divergence> {
        reply(self.read(|it| {
            let missing = || Problem::new(ProblemKind::UnknownDivergence, format!("no `{id}`"));
            it.divergences.iter().find(|it| it.summary.id == id).cloned().ok_or_else(missing)
        }))
    }

    fn divergence_replay(
        &self,
        _: Option<EngineName>,
        _: String,
        entries: Option<Vec<u64>>,
        _: Caller,
    ) -> Reply<'_, ReplayReport> {
        let entries = entries.unwrap_or_else(|| vec![1]);
        let replayed = |number| ReplayedEntry { number, sequence: Some(200), refused: None };
        reply(Ok(ReplayReport { entries: entries.into_iter().map(replayed).collect() }))
    }

    fn divergence_discard(&self, _: Option<EngineName>, id: String, _: Caller) -> Reply<'_, ()> {
        reply(self.read(|it| {
            it.divergences.retain(|it| it.summary.id != id);
            Ok(())
        }))
    }
}
