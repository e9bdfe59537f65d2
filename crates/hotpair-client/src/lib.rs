//! Follows the active node: retries with keys, resumes subscriptions.

#![warn(missing_docs)]
