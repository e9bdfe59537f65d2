//! All tags by path: declarations and values, which come by different journals.
use super::encoding::TagRecord;
use super::error::{TagError, shortened};
use super::reading::Reading;
use super::subscription::Filter;
use super::value::{Quality, Value};
use super::{Table, Tag};
use crate::Post;
use hotpair_types::{NodeTime, Position};
use std::ops::Bound;
use std::sync::Arc;

impl Table {
    pub(super) fn key(&self, path: &str) -> Arc<str> {
        self.tags.get_key_value(path).map_or_else(|| path.into(), |(key, _)| Arc::clone(key))
    }

    pub(super) fn prepare(
        &self,
        path: &str,
        value: Value,
        quality: Quality,
        timestamp: NodeTime,
    ) -> Result<Post, TagError> {
        let declaration = self.tags.get(path).and_then(|it| it.declaration.as_ref());
        let Some(declaration) = declaration else {
            return Err(TagError::Unknown { path: shortened(path) });
        };
        let value = declaration
            .admit(value)
            .map_err(|error| TagError::Value { path: path.into(), error })?;
        let record = TagRecord { value, quality, timestamp };
        Ok(Post { item: path.into(), value: Some(record.encode()) })
    }

    pub(super) fn set(&mut self, position: Position, path: &str, record: Option<TagRecord>) {
        let path = self.key(path);
        let tag = self.tags.entry(Arc::clone(&path)).or_default();
        tag.record = record.map(|it| (position, it));
        let reading = tag.change(&path, position);
        self.ring.push(position, reading);
        self.drop_if_empty(&path);
    }

    pub(super) fn drop_if_empty(&mut self, path: &str) {
        if self.tags.get(path).is_some_and(|it| it.declaration.is_none() && it.record.is_none()) {
            self.tags.remove(path);
        }
    }

    /// Declared tags after a path, in order: about `limit` of them that are wanted, and where to go
    /// on, if anywhere.
    pub(super) fn page(
        &self,
        filter: &Filter,
        after: Option<&str>,
        limit: usize,
    ) -> (Vec<Reading>, Option<Box<str>>) {
        let reading = |path: &Arc<str>| self.tags.get(path)?.reading(path);
        match filter {
            Filter::Prefix(prefix) => {
                let after = after.filter(|it| *it >= &**prefix);
                let from = after.map_or(Bound::Included(&**prefix), Bound::Excluded);
                let paths = self.declared.range::<str, _>((from, Bound::Unbounded));
                let mut paths = paths.take_while(|it| it.starts_with(&**prefix));
                let page: Vec<&Arc<str>> = paths.by_ref().take(limit).collect();
                let next = page.last().filter(|_| paths.next().is_some());
                let next = next.map(|it| Box::from(&***it));
                (page.into_iter().filter_map(reading).collect(), next)
            }
            Filter::Paths(wanted) => {
                let from = after.map_or(Bound::Unbounded, Bound::Excluded);
                let mut paths = wanted.range::<str, _>((from, Bound::Unbounded)).map(|it| &**it);
                let page: Vec<&str> = paths.by_ref().take(limit).collect();
                let next = page.last().filter(|_| paths.next().is_some());
                let next = next.map(|it| Box::from(*it));
                let declared = |it: &str| self.declared.get(it);
                (page.into_iter().filter_map(declared).filter_map(reading).collect(), next)
            }
        }
    }
}

impl Tag {
    pub(super) fn reading(&self, path: &Arc<str>) -> Option<Reading> {
        let declaration = self.declaration.as_ref()?;
        let fits = |it: &&(Position, TagRecord)| it.1.value.of_type() == declaration.of_type;
        Some(match self.record.as_ref().filter(fits) {
            Some((at, record)) => Reading::written(path, Some(declaration), *at, record),
            None => Reading::unwritten(path, Some(declaration), Position::START),
        })
    }

    /// What subscribers hear of it. Its declaration may not be here yet.
    pub(super) fn change(&self, path: &Arc<str>, position: Position) -> Reading {
        match &self.record {
            Some((at, record)) => Reading::written(path, self.declaration.as_ref(), *at, record),
            None => Reading::unwritten(path, self.declaration.as_ref(), position),
        }
    }
}
