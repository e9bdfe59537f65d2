//! History of objects: what scans recorded, kept until a sink has committed it.
//!
//! A runtime state provider like any other, on both nodes. The active records with the unit of a scan, seals
//! blocks, and removes a block when the sink has it: each is an entry of the journal, so that whoever takes over
//! goes on where the other was. Pure: times and what a sink said go in (docs/design/engine.md, "History").

mod sample;
mod head;
mod block;
mod held;
mod table;
mod acting;
mod forwarding;

pub use acting::{BLOCK_BYTES_MAX, Bounds};
pub use block::{BlockId, scans};
pub use forwarding::{Failing, Forwarding, RETRY_FIRST, RETRY_MAX, RETRY_REFUSED};
pub use head::Head;
pub use sample::{Recorded, SAMPLE_TEXT_BYTES_MAX, Sample};
pub use table::{History, Oldest, PROVIDER, Shown};
