//! A start that did not come to its end.
use crate::store::Store;
use hotpair_transport::TransportHandle;

/// What a start has opened so far. Their threads and tasks would live as long as this process, with
/// files that nobody closed and ports that nobody can take.
#[derive(Default)]
pub(super) struct Halfway {
    pub(super) store: Option<Store>,
    pub(super) transport: Option<TransportHandle>,
}

impl Halfway {
    pub(super) async fn undo(self) {
        if let Some(transport) = self.transport {
            transport.close().await;
        }
        if let Some(store) = self.store {
            store.close();
        }
    }
}
