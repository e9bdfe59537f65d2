//! What the loop of a device needs of the node that it runs in.
use hotpair_engine::Post;
use hotpair_engine::tags::{Reading, TagWrite};
use hotpair_types::Epoch;
use std::future::Future;

/// Why the node did not take something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SiteError {
    /// In words.
    pub reason: String,
}

/// A node, as a device sees it.
pub trait Site: Send + Sync {
    /// The epoch under which an output may leave at this very moment: the gate that every output
    /// passes. Asked before each single write to a device and during it. Another epoch is another
    /// active, even when this node is it again.
    fn may_write(&self) -> Option<Epoch>;

    /// What a tag says now; none when it is not declared.
    fn read(&self, tag: &str) -> Option<Reading>;

    /// Writes tags as one entry.
    fn write(&self, tags: Vec<TagWrite>) -> impl Future<Output = Result<(), SiteError>> + Send;

    /// Sends changes of the provider's own state, as one entry.
    fn post(&self, posts: Vec<Post>) -> impl Future<Output = Result<(), SiteError>> + Send;

    /// The wall clock, for people.
    fn wall(&self) -> hotpair_types::NodeTime;
}
