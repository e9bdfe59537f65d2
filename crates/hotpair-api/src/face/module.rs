//! Code modules: bytes that arrive in pieces.
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// A module as config records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleRecord {
    /// Its name.
    pub name: String,
    /// BLAKE3 of its bytes, in hex.
    pub hash: String,
    /// How many bytes.
    pub size: u64,
    /// Whether the bytes are on this node and match.
    pub present: bool,
    /// Why it cannot be run on this node; empty when it can, or was not compiled yet.
    #[serde(default)]
    pub refused: Vec<String>,
}

/// The upload did not end well: the client went away or sent too much.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upload broke off: {0}")]
pub struct UploadBroken(pub String);

/// The bytes of a module as they arrive.
#[derive(Debug)]
pub struct ModuleBody {
    pieces: mpsc::Receiver<Result<Vec<u8>, UploadBroken>>,
    done: bool,
}

/// The other end of a `ModuleBody`.
pub type ModuleSender = mpsc::Sender<Result<Vec<u8>, UploadBroken>>;

impl ModuleBody {
    /// A body with the end that fills it: dropping the sender ends the upload well.
    #[must_use]
    pub fn new(pieces_max: usize) -> (ModuleSender, Self) {
        let (sender, pieces) = mpsc::channel(pieces_max);
        (sender, Self { pieces, done: false })
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// `UploadBroken` when the rest will not come: throw away what came.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, UploadBroken> {
        if self.done {
            return Ok(None);
        }
        match self.pieces.recv().await {
            Some(Ok(piece)) => Ok(Some(piece)),
            Some(Err(broken)) => {
                self.done = true;
                Err(broken)
            }
            None => {
                self.done = true;
                Ok(None)
            }
        }
    }
}
