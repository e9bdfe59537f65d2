//! Where a subscriber stands: what it has heard in full, so that nothing is missed or heard twice.
use std::collections::HashSet;

/// The place of an entry of the runtime journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
}

/// What was heard.
///
/// One entry may change several tags, and a connection may break between them. So an entry counts
/// as heard only when something after it was heard; of the one that is under way, it is known which
/// tags came.
#[derive(Debug, Default)]
pub(crate) struct Place {
    complete: Option<Position>,
    partial: Option<(Position, HashSet<Box<str>>)>,
}

impl Place {
    /// Where to resume; `None`: with all values.
    pub(crate) fn resume(&self) -> Option<Position> {
        self.complete
    }

    /// The newest epoch that was heard of.
    pub(crate) fn epoch(&self) -> u64 {
        let under_way = self.partial.as_ref().map(|it| it.0);
        under_way.or(self.complete).map_or(0, |it| it.epoch)
    }

    /// Everything begins anew.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A change came after the values that were sent first. Whether it is new.
    pub(crate) fn hear(&mut self, position: Position, path: &str) -> bool {
        if self.complete.is_some_and(|it| position.sequence <= it.sequence) {
            return false;
        }
        match &mut self.partial {
            Some((under_way, paths)) if under_way.sequence == position.sequence => {
                paths.insert(path.into())
            }
            Some((under_way, _)) if under_way.sequence > position.sequence => false,
            Some((under_way, paths)) => {
                self.complete = Some(*under_way);
                *under_way = position;
                paths.clear();
                paths.insert(path.into())
            }
            None => {
                self.partial = Some((position, HashSet::from([path.into()])));
                true
            }
        }
    }

    /// Everything up to here was heard.
    pub(crate) fn level(&mut self, position: Position) {
        if self.complete.is_none_or(|it| position.sequence >= it.sequence) {
            self.complete = Some(position);
            self.partial = self.partial.take().filter(|it| it.0.sequence > position.sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(sequence: u64) -> Position {
        Position { epoch: 1, sequence }
    }

    #[test]
    fn an_entry_that_broke_off_is_heard_to_its_end_and_nothing_twice() {
        let mut place = Place::default();
        place.level(at(4));
        assert!(place.hear(at(5), "a"));
        assert!(place.hear(at(6), "a"));
        assert_eq!(place.resume(), Some(at(5)), "6 may have more to it");
        assert!(!place.hear(at(6), "a"), "heard before the break");
        assert!(place.hear(at(6), "b"));
        assert!(place.hear(at(7), "a"));
        assert!(!place.hear(at(6), "c") && !place.hear(at(5), "c"));
        assert_eq!(place.resume(), Some(at(6)));
        place.level(at(9));
        assert_eq!(place.resume(), Some(at(9)));
        assert!(!place.hear(at(9), "a") && place.hear(at(10), "a"));
    }

    #[test]
    fn level_with_less_than_was_heard_changes_nothing() {
        let mut place = Place::default();
        place.level(at(4));
        place.level(at(3));
        assert_eq!(place.resume(), Some(at(4)));
        assert!(place.hear(at(7), "a"));
        place.level(at(6));
        assert!(!place.hear(at(7), "a"));
    }
}
