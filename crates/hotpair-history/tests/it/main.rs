//! Batches committed to real directories and a real server.

mod sample;
mod files;
