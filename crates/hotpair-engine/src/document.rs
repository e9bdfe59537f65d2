//! JSON documents that people write, checked as a whole: every mistake is reported, not the first.

mod complaint;
mod fields;
mod json;

pub use complaint::{Complaint, Complaints};
pub use fields::{Fields, Walk};
pub use json::Json;
