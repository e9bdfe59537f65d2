//! Subscriptions: one task for each, between the tags' changes and the client's queue.
use super::Face;
use super::tags::tag_of;
use crate::driver::Driver;
use hotpair_api::face::{Event, Feed, FeedItem, FeedSender, FeedStart, Problem, SubscribeRequest};
use hotpair_core::EngineIndex;
use hotpair_engine::tags::{Delivery, Filter, ResumeFrom, Subscription, Tags};
use hotpair_types::EngineName;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::{broadcast, watch};

/// Items that may wait for one client.
const FEED_ITEMS_MAX: usize = 8_192;
/// Changes taken at once.
const CHANGES_MAX: usize = 1_024;
/// Events sent first.
const EVENTS_MAX: usize = 1_000;

/// What one subscription needs.
struct Source {
    tags: Option<(Arc<Tags>, Subscription, watch::Receiver<u64>)>,
    events: Option<broadcast::Receiver<Event>>,
    engine: EngineName,
    /// Up to this sequence changes may be shown.
    released: watch::Receiver<u64>,
    /// What waits to be released, in its order; the sequence it waits for.
    waiting: VecDeque<(u64, FeedItem)>,
    /// More than this may not wait.
    waiting_max: usize,
}

/// Why a feed is over.
enum Over {
    /// The history went another way, or too much waits: the client begins again.
    Replaced,
    /// The client is gone or does not keep up.
    Client,
}

impl Face {
    pub(super) async fn do_subscribe(
        &self,
        engine: Option<EngineName>,
        request: SubscribeRequest,
    ) -> Result<Feed, Problem> {
        self.with(engine, move |driver, index| driver.subscribe(index, &request)).await
    }
}

impl Driver {
    fn subscribe(&mut self, index: EngineIndex, request: &SubscribeRequest) -> Feed {
        let position = self.replica(index).positions().runtime;
        let engine = self.name_of(index).clone();
        let mut first = Vec::new();
        let mut resumed = request.last.is_some();
        let tags = request.tags.then(|| {
            let from = request.last.map_or(ResumeFrom::Snapshot, |sequence| ResumeFrom::After {
                sequence,
                epoch: request.last_epoch,
            });
            let tags = self.runtime(index).tags.clone();
            tags.journal_at(position);
            let news = self.runtime(index).news.subscribe();
            let filter = Filter::Prefix(request.prefix.as_str().into());
            let mut subscription = tags.subscribe(filter, from);
            loop {
                match tags.next(&mut subscription, CHANGES_MAX) {
                    Delivery::Snapshot { last, readings, .. } => {
                        resumed = false;
                        first.extend(readings.iter().map(|it| FeedItem::Tag(tag_of(it))));
                        if last {
                            break;
                        }
                    }
                    Delivery::Changes { changes, .. } => first.extend(changes.iter().map(item_of)),
                    Delivery::Idle => break,
                }
            }
            (tags, subscription, news)
        });
        let events = request.events.then(|| {
            if let Some(since) = request.since_event {
                let kept = self.events.since(Some(&engine), since, EVENTS_MAX);
                first.extend(kept.into_iter().map(|event| FeedItem::Event { event }));
            }
            self.events.follow()
        });
        first.push(FeedItem::Level { position: position.into() });
        let start = FeedStart { resumed, position: position.into() };
        let (sender, feed) = Feed::new(start, FEED_ITEMS_MAX + first.len());
        let waiting_max = FEED_ITEMS_MAX * 2 + first.len();
        let waiting = first.into_iter().map(|it| (sequence_of(&it), it)).collect();
        let released = self.runtime(index).released.subscribe();
        tokio::spawn(follow(
            sender,
            Source { tags, events, engine, released, waiting, waiting_max },
        ));
        feed
    }
}

/// A change in the words of the API.
fn item_of(reading: &hotpair_engine::tags::Reading) -> FeedItem {
    if reading.is_removal() {
        let (path, sequence) = (reading.path.to_string(), reading.position.sequence);
        return FeedItem::TagRemoved { path, sequence };
    }
    FeedItem::Tag(tag_of(reading))
}

/// What an item waits for.
fn sequence_of(item: &FeedItem) -> u64 {
    match item {
        FeedItem::Tag(tag) => tag.sequence,
        FeedItem::TagRemoved { sequence, .. } => *sequence,
        FeedItem::Event { .. } | FeedItem::Level { .. } => 0,
    }
}

impl Source {
    /// Takes the tags' changes, shows what is released.
    fn pump(&mut self, sender: &FeedSender) -> Result<(), Over> {
        while let Some((tags, subscription, _)) = &mut self.tags {
            match tags.next(subscription, CHANGES_MAX) {
                Delivery::Snapshot { .. } => return Err(Over::Replaced),
                Delivery::Changes { changes, .. } => {
                    let items = changes.iter().map(item_of).map(|it| (sequence_of(&it), it));
                    self.waiting.extend(items);
                }
                Delivery::Idle => break,
            }
            if self.waiting.len() > self.waiting_max {
                return Err(Over::Replaced);
            }
        }
        let released = *self.released.borrow_and_update();
        while self.waiting.front().is_some_and(|it| it.0 <= released) {
            let (_, item) = self.waiting.pop_front().expect("looked at above");
            sender.offer(item).map_err(|_| Over::Client)?;
        }
        Ok(())
    }
}

async fn follow(sender: FeedSender, mut source: Source) {
    loop {
        match source.pump(&sender) {
            Ok(()) => {}
            Err(Over::Replaced) => return sender.replaced(),
            Err(Over::Client) => return,
        }
        let news = async {
            match &mut source.tags {
                Some((_, _, news)) => news.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let events = async {
            match &mut source.events {
                Some(events) => events.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            alive = news => if !alive { return },
            alive = source.released.changed() => if alive.is_err() { return },
            event = events => match event {
                Ok(event) => {
                    let ours = event.engine.as_deref().is_none_or(|it| it == source.engine.as_str());
                    if ours && sender.offer(FeedItem::Event { event }).is_err() {
                        return;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
            () = tokio::time::sleep(std::time::Duration::from_secs(5)) => {
                if sender.is_closed() {
                    return;
                }
            }
        }
    }
}
