//! Subscriptions: one task for each, between changes of tags and alarms and the client's queue.
use super::Face;
use super::alarms::alarm_of;
use super::tags::tag_of;
use crate::driver::{Connection, Driver};
use hotpair_api::face::{
    Event, Feed, FeedItem, FeedProgress, FeedSender, FeedStart, Problem, SubscribeRequest,
};
use hotpair_core::EngineIndex;
use hotpair_engine::alarms::Alarms;
use hotpair_engine::objects::Name;
use hotpair_engine::tags::{Delivery, Filter, ResumeFrom, Subscription, TAGS_MAX, Tags};
use hotpair_types::{EngineName, Position};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::{broadcast, watch};

/// Items that may wait for one client.
const FEED_ITEMS_MAX: usize = 8_192;
/// Changes taken at once.
const CHANGES_MAX: usize = 1_024;
/// Parts of values and of changes that are sent first, at most: all tags that can be declared, and
/// then what the ring of changes holds.
const FIRST_PARTS_MAX: usize = TAGS_MAX / CHANGES_MAX + 128;
/// Events sent first.
const EVENTS_MAX: usize = 1_000;

/// What one subscription needs.
struct Source {
    tags: Option<(Arc<Tags>, Subscription, watch::Receiver<u64>)>,
    alarms: Option<AlarmSource>,
    events: Option<broadcast::Receiver<Event>>,
    engine: EngineName,
    /// Up to this sequence changes may be shown.
    released: watch::Receiver<u64>,
    /// What waits to be released, in its order; the sequence it waits for.
    waiting: VecDeque<(u64, FeedItem)>,
    /// More than this may not wait.
    waiting_max: usize,
}

/// Alarms of objects, and what was told of each: the entry of its last change.
struct AlarmSource {
    alarms: Arc<Alarms>,
    news: watch::Receiver<u64>,
    told: BTreeMap<(Name, Name), Position>,
}

/// Why a feed is over.
enum Over {
    /// The history went another way, or too much waits: the client begins again.
    Replaced,
    /// The client is gone or does not keep up.
    Client,
}

/// What the driver gives for a subscription.
struct Begun {
    source: Source,
    /// Kept events that are to be sent first.
    events: Vec<Event>,
    position: Position,
    /// The client has something already.
    wants_more: bool,
    /// Of a named one.
    connection: Option<Connection>,
}

impl Face {
    pub(super) async fn do_subscribe(
        &self,
        engine: Option<EngineName>,
        request: SubscribeRequest,
    ) -> Result<Feed, Problem> {
        let progress = FeedProgress::default();
        let own = progress.clone();
        let begun = self.with(engine, move |driver, index| driver.subscribe(index, request, own));
        let Begun { mut source, events, position, wants_more, connection } = begun.await??;
        // Not on the driver's thread: a part at a time, so that neither it nor this one is held.
        let anew = source.tags.as_ref().is_some_and(|(_, it, _)| it.begins_anew());
        let level = source.first(position).await;
        let first = &mut source.waiting;
        first.extend(events.into_iter().map(|event| (0, FeedItem::Event { event })));
        first.push_back((0, FeedItem::Level { position: level.into() }));
        let start = FeedStart { resumed: wants_more && !anew, position: position.into() };
        let (sender, mut feed) = Feed::new(start, FEED_ITEMS_MAX + first.len());
        feed.progress = progress;
        source.waiting_max = FEED_ITEMS_MAX * 2 + first.len();
        tokio::spawn(async move {
            follow(sender, source).await;
            // A named one is here as long as that.
            drop(connection);
        });
        Ok(feed)
    }
}

impl Driver {
    fn subscribe(
        &mut self,
        index: EngineIndex,
        mut request: SubscribeRequest,
        progress: FeedProgress,
    ) -> Result<Begun, Problem> {
        let connection = self.came_under_a_name(index, &mut request, progress)?;
        let position = self.replica(index).positions().runtime;
        let engine = self.name_of(index).clone();
        let tags = request.tags.then(|| {
            let from = request.last.map_or(ResumeFrom::Snapshot, |sequence| ResumeFrom::After {
                sequence,
                epoch: request.last_epoch,
            });
            let tags = self.runtime(index).tags.clone();
            tags.journal_at(position);
            let news = self.runtime(index).news.subscribe();
            let filter = Filter::Prefix(request.prefix.as_str().into());
            let subscription = tags.subscribe(filter, from);
            (tags, subscription, news)
        });
        let kept = match request.since_event.filter(|_| request.events) {
            Some(since) => self.events.since(Some(&engine), since, EVENTS_MAX),
            None => Vec::new(),
        };
        let events = request.events.then(|| self.events.follow());
        let alarms = request.alarms.then(|| {
            let mut news = self.runtime(index).alarm_news.subscribe();
            news.mark_changed();
            let alarms = self.runtime(index).objects.alarms.clone();
            AlarmSource { alarms, news, told: BTreeMap::new() }
        });
        let released = self.runtime(index).released.subscribe();
        let (waiting, waiting_max) = (VecDeque::new(), FEED_ITEMS_MAX * 2);
        let source = Source { tags, alarms, events, engine, released, waiting, waiting_max };
        let wants_more = request.last.is_some();
        Ok(Begun { source, events: kept, position, wants_more, connection })
    }

    /// A named one goes on from where it said that it is, unless it says it again.
    fn came_under_a_name(
        &mut self,
        index: EngineIndex,
        request: &mut SubscribeRequest,
        progress: FeedProgress,
    ) -> Result<Option<Connection>, Problem> {
        let Some(name) = &request.name else { return Ok(None) };
        match (request.last, self.subscriber_has(index, name)) {
            (Some(last), _) => progress.written(request.last_epoch.unwrap_or(0), last),
            (None, Some(has)) => {
                (request.last, request.last_epoch) = (Some(has.sequence), Some(has.epoch));
                progress.confirmed(has.epoch, has.sequence);
            }
            (None, None) => {}
        }
        self.subscriber_came(index, name, &request.prefix, progress).map(Some)
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
        FeedItem::Alarm(alarm) => alarm.sequence,
        FeedItem::AlarmRemoved { .. } | FeedItem::Event { .. } | FeedItem::Level { .. } => 0,
    }
}

impl Source {
    /// Lets everything wait that is sent before what is live, and says where that stands.
    async fn first(&mut self, begun_at: Position) -> Position {
        self.take_alarms();
        let Some((tags, subscription, _)) = &mut self.tags else { return begun_at };
        let waiting = |it: FeedItem| (sequence_of(&it), it);
        for _ in 0..FIRST_PARTS_MAX {
            match tags.next(subscription, CHANGES_MAX) {
                Delivery::Snapshot { first: begins, readings, .. } => {
                    if begins {
                        // The first one, or so much was written that it begins again.
                        self.waiting.retain(|it| matches!(it.1, FeedItem::Alarm(_)));
                    }
                    let tags = readings.iter().map(|it| waiting(FeedItem::Tag(tag_of(it))));
                    self.waiting.extend(tags);
                }
                Delivery::Changes { changes, .. } => {
                    self.waiting.extend(changes.iter().map(item_of).map(waiting));
                }
                Delivery::Idle => break,
            }
            tokio::task::yield_now().await;
        }
        subscription.position()
    }

    /// Lets alarms wait that are otherwise than they were told.
    fn take_alarms(&mut self) {
        if let Some(alarms) = &mut self.alarms
            && alarms.news.has_changed().unwrap_or(false)
        {
            alarms.news.mark_unchanged();
            self.waiting.extend(alarms.changes().into_iter().map(|it| (sequence_of(&it), it)));
        }
    }

    /// Takes the changes of tags and alarms, shows what is released.
    async fn pump(&mut self, sender: &FeedSender) -> Result<(), Over> {
        self.take_alarms();
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
        let mut shown = 0;
        while self.waiting.front().is_some_and(|it| it.0 <= released) {
            let (_, item) = self.waiting.pop_front().expect("looked at above");
            sender.offer(item).map_err(|_| Over::Client)?;
            shown += 1;
            if shown % CHANGES_MAX == 0 {
                // All tags at a start are many: others need this thread.
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }
}

impl AlarmSource {
    fn changes(&mut self) -> Vec<FeedItem> {
        let all = self.alarms.all();
        let mut before = std::mem::take(&mut self.told);
        let mut items = Vec::new();
        for it in &all {
            let name = (it.object.clone(), it.alarm.clone());
            if before.remove(&name) != Some(it.told_at) {
                items.push(FeedItem::Alarm(Box::new(alarm_of(it))));
            }
            self.told.insert(name, it.told_at);
        }
        items.sort_by_key(sequence_of);
        items.extend(before.into_keys().map(|(object, alarm)| FeedItem::AlarmRemoved {
            object: object.to_string(),
            alarm: alarm.to_string(),
        }));
        items
    }
}

async fn follow(sender: FeedSender, mut source: Source) {
    loop {
        match source.pump(&sender).await {
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
        let alarms = async {
            match &mut source.alarms {
                Some(it) => it.news.changed().await.is_ok().then(|| it.news.mark_changed()),
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
            alive = alarms => if alive.is_none() { return },
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
            () = sender.closed() => return,
        }
    }
}
