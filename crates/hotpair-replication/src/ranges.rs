//! Ranges of an image: which to compare, and how fine.
use crate::image::Image;
use crate::journal::Journal;
use crate::shadow::Shadow;
use crate::{KeyRange, RangeDigest};
use hotpair_types::ItemKey;

/// Items of a range that is compared first, and of one that is compared when that differs.
const COARSE_ITEMS: usize = 256;
pub(crate) const FINE_ITEMS: usize = 16;
/// Ranges of one question.
pub(crate) const RANGES_MAX: usize = 128;
/// Items asked for by name; when more were changed here, ranges are compared instead.
const NAMES_MAX: usize = 4_096;

/// The items that were set or removed here after a sequence; `None`: too many, or not known.
pub(crate) fn changed_after(journal: &Journal, sequence: u64) -> Option<Vec<ItemKey>> {
    if journal.last() <= sequence {
        return Some(Vec::new());
    }
    if journal.image.removed_after() > sequence {
        return None;
    }
    let all = KeyRange::default();
    let changed = journal.image.range(&all).filter(|(_, _, it)| it.position.sequence > sequence);
    let changed = changed.map(|(provider, item, _)| ItemKey::new(provider, item));
    let removed = journal.image.removed_since(sequence, None).map(|(item, _)| item.clone());
    let items: Vec<ItemKey> = changed.chain(removed).take(NAMES_MAX + 1).collect();
    (items.len() <= NAMES_MAX).then_some(items)
}

/// The next ranges of an image from an item on, and where the ones after them begin.
pub(crate) fn coarse_ranges(
    image: &Image,
    from: Option<ItemKey>,
) -> (Vec<KeyRange>, Option<ItemKey>) {
    let rest = KeyRange { from: from.clone(), until: None };
    let mut ranges = Vec::new();
    let mut begin = from;
    for (index, (provider, item, _)) in image.range(&rest).enumerate() {
        if index > 0 && index % COARSE_ITEMS == 0 {
            let here = ItemKey::new(provider, item);
            ranges.push(KeyRange { from: begin, until: Some(here.clone()) });
            begin = Some(here);
            if ranges.len() == RANGES_MAX {
                return (ranges, begin);
            }
        }
    }
    ranges.push(KeyRange { from: begin, until: None });
    (ranges, None)
}

/// A range in finer ones.
pub(crate) fn split(range: &KeyRange, items: &[ItemKey]) -> Vec<KeyRange> {
    let mut ranges: Vec<KeyRange> = Vec::new();
    let mut begin = range.from.clone();
    for item in items.iter().step_by(FINE_ITEMS).skip(1) {
        ranges.push(KeyRange { from: begin, until: Some(item.clone()) });
        begin = Some(item.clone());
    }
    ranges.push(KeyRange { from: begin, until: range.until.clone() });
    ranges
}

pub(crate) fn digests(image: &Image, shadow: &Shadow, ranges: Vec<KeyRange>) -> Vec<RangeDigest> {
    let digest = |range: KeyRange| {
        let digest = shadow.digest(image, &range);
        RangeDigest { range, digest }
    };
    ranges.into_iter().map(digest).collect()
}
