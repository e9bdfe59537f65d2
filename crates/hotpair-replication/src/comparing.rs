//! Two level nodes compare what they have, some items at a time: what differs although the histories
//! are the same is named, and healed by a new sync (docs/design/replication.md, "Digests").
use crate::digest::Digest;
use crate::image::Image;
use crate::replica::Writes;
use crate::serving::{Serving, send};
use crate::{
    AckRule, Alarm, ComparedItem, Comparison, Found, Inconsistency, KeyRange, Message, Output,
    Replica, Session,
};
use hotpair_types::{Instance, ItemKey, JournalKind, Time};
use std::time::Duration;

/// Items of one comparison at most, so that no beat waits for it.
const ITEMS_MAX: usize = 256;
/// Bytes of their names and values, after which no further item is taken.
const BYTES_MAX: usize = 256 << 10;
/// Between two comparisons: five thousand items a second.
const STEP: Duration = Duration::from_millis(50);

/// How far an active is with comparing.
#[derive(Debug)]
pub(crate) struct Comparing {
    /// When the next comparison is due, or the last one is sent again.
    next_at: Time,
    kind: JournalKind,
    /// Where the next range begins.
    from: Option<ItemKey>,
    /// Where the one after it does.
    until: Option<ItemKey>,
    /// The range is known to differ: which item?
    closely: bool,
    /// Number of the newest comparison.
    request: u64,
    waits: bool,
}

impl Default for Comparing {
    fn default() -> Self {
        Self {
            next_at: Time::ZERO,
            kind: JournalKind::Config,
            from: None,
            until: None,
            closely: false,
            request: 0,
            waits: false,
        }
    }
}

impl Comparing {
    /// The standby is another, or was away: what was compared does not count.
    pub(crate) fn begin_anew(&mut self) {
        *self = Self { request: self.request, ..Self::default() };
    }

    /// Goes on after this range. Whether that was the last one.
    fn advance(&mut self) -> bool {
        self.closely = false;
        self.from = self.until.take();
        if self.from.is_some() {
            return false;
        }
        match self.kind {
            JournalKind::Config => {
                self.kind = JournalKind::Runtime;
                false
            }
            JournalKind::Runtime => {
                self.kind = JournalKind::Config;
                true
            }
        }
    }
}

impl Replica {
    /// When an active compares next: only with a level standby that understands it.
    pub(crate) fn comparing_deadline(&self) -> Option<Time> {
        let serving = self.serving.as_ref()?;
        let level = match self.rule {
            AckRule::WithPartner => {
                self.partner_compares && !serving.paused && serving.session.is_some()
            }
            AckRule::Wait | AckRule::Alone => false,
        };
        let writes = matches!(self.writes, Writes::Open(_));
        (level && writes).then_some(self.comparing.next_at)
    }

    /// Compares the next range, when it is time. The comparison follows the entries on their lane, so it
    /// arrives at the very position that it was made at.
    pub(crate) fn compare(&mut self, out: &mut Vec<Output>) {
        if self.comparing_deadline().is_none_or(|it| it > self.now) {
            return;
        }
        let Some(Serving { session: Some(session), lines, .. }) = &self.serving else { return };
        let comparing = &mut self.comparing;
        let kind = comparing.kind;
        let journal = &self.journals[kind];
        if !lines[kind].live || lines[kind].sent != journal.last() {
            comparing.next_at = self.now + STEP;
            return;
        }
        let (range, items) = next_range(&journal.image, comparing.from.clone());
        comparing.until.clone_from(&range.until);
        comparing.request += 1;
        comparing.waits = true;
        comparing.next_at = self.now + self.settings.resend_after;
        let each = if comparing.closely { each(&journal.image, &range, items) } else { Vec::new() };
        let comparison = Comparison {
            kind,
            request: comparing.request,
            at: journal.position(),
            items: items as u64,
            digest: journal.image.digest_of(&range, items),
            range,
            each,
        };
        out.push(send(Message::Compare { session: *session, comparison: Box::new(comparison) }));
    }

    /// What the standby found. It may have begun a new attempt because of it, and be heard of that
    /// first.
    pub(crate) fn compared(
        &mut self,
        from: Instance,
        request: u64,
        found: Found,
        out: &mut Vec<Output>,
    ) {
        let (now, interval) = (self.now, self.settings.compare_interval);
        let ours = self.serving.as_ref().is_some_and(|it| it.partner == from);
        let comparing = &mut self.comparing;
        if !ours || request != comparing.request || !comparing.waits {
            return;
        }
        comparing.waits = false;
        comparing.next_at = now + STEP;
        match found {
            Found::Same => {
                if comparing.advance() {
                    comparing.next_at = now + interval;
                }
            }
            Found::Elsewhere => {}
            Found::Differs => {
                comparing.closely = true;
                comparing.next_at = now;
            }
            Found::Item(it) => {
                // The standby syncs anew, and is compared from the beginning once it is level.
                let kind = comparing.kind;
                *comparing = Comparing { next_at: now + interval, request, ..Comparing::default() };
                let what = Inconsistency::DigestDiffers { here: it.active, partner: it.standby };
                out.push(Output::Alarm(Alarm::Inconsistency { kind, item: it.item, what }));
            }
        }
    }

    /// Standby: the active says what it has in a range.
    pub(crate) fn compare_with(
        &mut self,
        session: Session,
        comparison: &Comparison,
        out: &mut Vec<Output>,
    ) {
        let &Comparison { kind, request, at, .. } = comparison;
        let level = self.syncing.as_ref().is_some_and(|it| it.is_level());
        let journal = &self.journals[kind];
        let found = if level && journal.position() == at {
            look(&journal.image, comparison)
        } else {
            Found::Elsewhere
        };
        out.push(send(Message::Compared { session, request, found: found.clone() }));
        if let Found::Item(ComparedItem { item, active, standby }) = found {
            let what = Inconsistency::DigestDiffers { here: standby, partner: active };
            self.inconsistent(kind, item, what, out);
        }
    }
}

/// The next items of an image from one on, and how many.
fn next_range(image: &Image, from: Option<ItemKey>) -> (KeyRange, usize) {
    let rest = KeyRange { from, until: None };
    let (mut count, mut bytes) = (0, 0);
    let mut until = None;
    for (provider, item, record) in image.range(&rest) {
        if count == ITEMS_MAX || bytes >= BYTES_MAX {
            until = Some(ItemKey::new(provider, item));
            break;
        }
        count += 1;
        bytes += crate::image::item_bytes(provider, item, &record.value);
    }
    (KeyRange { until, ..rest }, count)
}

/// The first items of a range, each with its hash.
fn each(image: &Image, range: &KeyRange, items: usize) -> Vec<(ItemKey, [u8; 32])> {
    let hashed = |(provider, item, record): (&str, &str, &crate::Record)| {
        let mut hash = Digest::new();
        hash.add_record(provider, item, record);
        (ItemKey::new(provider, item), hash.finish())
    };
    image.range(range).take(items).map(hashed).collect()
}

/// What a standby at the same position makes of a comparison. It looks at one item more than the active has,
/// and at no more than an active may ask for.
fn look(image: &Image, comparison: &Comparison) -> Found {
    let Comparison { range, items, digest, each: theirs, .. } = comparison;
    let items = usize::try_from(*items).unwrap_or(ITEMS_MAX).min(ITEMS_MAX) + 1;
    if image.digest_of(range, items) == *digest {
        return Found::Same;
    }
    if theirs.is_empty() && items > 1 {
        return Found::Differs;
    }
    let ours = each(image, range, items);
    let both = ours.iter().map(Some).chain(std::iter::repeat(None));
    let both = both.zip(theirs.iter().map(Some).chain([None]));
    for (here, there) in both {
        let (item, standby, active) = match (here, there) {
            (Some(here), Some(there)) if here == there => continue,
            (None, None) => break,
            (Some((item, here)), Some((other, there))) if item == other => {
                (item, Some(*here), Some(*there))
            }
            (Some((item, here)), Some((other, _))) if item < other => (item, Some(*here), None),
            (Some((item, here)), None) => (item, Some(*here), None),
            (Some(_) | None, Some((other, there))) => (other, None, Some(*there)),
        };
        return Found::Item(ComparedItem { item: item.clone(), active, standby });
    }
    // Only a partner that contradicts itself comes here.
    Found::Elsewhere
}
