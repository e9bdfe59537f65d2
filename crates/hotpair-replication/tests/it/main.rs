//! Two replicas talk to each other; scripts in, transcripts out.
#![allow(clippy::wildcard_enum_match_arm, reason = "tests pick what they look at")]
#![allow(unreachable_pub, reason = "a test binary has no outside")]

mod disk;
mod show;
mod pair;
mod clients;
mod writing;
mod reconnecting;
mod forks;
mod random;
mod promises;
mod hostile;
mod deploying;
mod looking;
mod comparing;
mod digests;
