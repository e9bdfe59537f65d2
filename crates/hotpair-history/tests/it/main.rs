//! Batches committed to real directories and a real server.
#![expect(clippy::unwrap_used, reason = "what the tests lean on fails the test, too")]

mod sample;
mod files;
mod database;
mod secure;
// The harness of whole pairs is not built for this.
#[expect(unreachable_pub, reason = "public where it is at home")]
#[path = "../../../../tests/src/postgres.rs"]
mod postgres;
