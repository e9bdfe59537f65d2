//! What objects say while they are scanned: into the log of the node, and the last of it for whoever asks.
//! It is not replicated: the other node has its own log.
use crate::line_pace::LinePace;
use hotpair_engine::objects::Said;
use hotpair_types::{EngineName, NodeTime, Time};
use std::collections::{BTreeMap, VecDeque};

/// The newest lines of one object that are kept.
const LINES_MAX: usize = 32;

/// A line and when it was said, by the wall clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) at: NodeTime,
    pub(crate) text: Box<str>,
}

/// What the objects of one engine said on this node.
#[derive(Debug, Default)]
pub(crate) struct ObjectWords {
    pace: LinePace,
    kept: BTreeMap<Box<str>, VecDeque<Line>>,
}

impl ObjectWords {
    /// Takes what one scan said. What it said beyond its own limit is told as left out.
    pub(super) fn take(
        &mut self,
        engine: &EngineName,
        object: &str,
        said: Said,
        (now, at): (Time, NodeTime),
    ) {
        let Said { lines, left_out } = said;
        if lines.is_empty() {
            return;
        }
        let mut all = |line: &str| tracing::info!(%engine, "objects: {line}");
        let kept = self.kept.entry(object.into()).or_default();
        for text in lines {
            if self.pace.passes(now, &mut all) {
                tracing::info!(%engine, object, "{text}");
            }
            if kept.len() == LINES_MAX {
                kept.pop_front();
            }
            kept.push_back(Line { at, text });
        }
        if left_out > 0 {
            let text = format!("({left_out} more lines of this scan are left out)");
            if self.pace.passes(now, &mut all) {
                tracing::info!(%engine, object, "{text}");
            }
        }
    }

    /// The newest lines of an object, oldest first.
    pub(crate) fn of(&self, object: &str) -> impl Iterator<Item = &Line> {
        self.kept.get(object).into_iter().flatten()
    }

    /// An object that is not declared any more has said nothing.
    pub(super) fn forget(&mut self, object: &str) {
        self.kept.remove(object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lines: &[&str]) -> Said {
        Said { lines: lines.iter().map(|it| Box::from(*it)).collect(), left_out: 0 }
    }

    #[test]
    fn the_newest_lines_of_each_object_are_kept_as_long_as_it_is_declared() {
        let (engine, mut words) = (EngineName::new("main").unwrap(), ObjectWords::default());
        for number in 0..LINES_MAX as u64 + 5 {
            let now = (Time::ZERO, NodeTime(number));
            words.take(&engine, "tank", said(&[&format!("line {number}")]), now);
        }
        words.take(&engine, "pump", said(&["tripped", "again"]), (Time::ZERO, NodeTime(7)));
        let tank: Vec<_> = words.of("tank").map(|it| it.at.0).collect();
        assert_eq!(tank, (5..LINES_MAX as u64 + 5).collect::<Vec<_>>());
        assert_eq!(words.of("pump").map(|it| &*it.text).collect::<Vec<_>>(), ["tripped", "again"]);
        words.forget("pump");
        assert_eq!((words.of("pump").count(), words.of("tank").count()), (0, LINES_MAX));
    }
}
