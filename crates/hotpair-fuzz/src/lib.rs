//! The bodies of the fuzz targets: any bytes in, a promise checked, a panic when it does not hold.
//!
//! An ordinary test replays the kept corpus (`fuzz/corpus/`) and random mutations of it on every
//! `cargo test`; libFuzzer goes on from there with `cargo xtask fuzz`. A target is a function of
//! bytes and nothing else: the same bytes, the same run. The modules are in reading order.

#![warn(missing_docs)]

mod script;
mod mutation;
mod corpus;
mod frame;
mod message;
mod wire_pair;
mod handshake;
mod replica_pair;
mod snapshot;
mod settings;
mod api;
mod module;
mod sandbox;
mod identity;
mod neighbour;

pub use corpus::{corpus_folder, kept};
pub use mutation::{Dice, mutated};

/// What is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, that of its folder in the corpus and of its program in `fuzz/fuzz_targets/`.
    pub name: &'static str,
    /// What must hold for any bytes.
    pub promise: &'static str,
    /// Runs it. Panics when the promise does not hold.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "frame",
        promise: "any bytes are refused or understood, within the limits",
        run: frame::run,
    },
    Target {
        name: "message",
        promise: "what was understood can be said again and means the same",
        run: message::run,
    },
    Target {
        name: "handshake",
        promise: "no order of frames, beats and hints, bent or repeated, panics a node",
        run: handshake::run,
    },
    Target {
        name: "snapshot",
        promise: "no order of messages panics a sync, and a honest one heals it",
        run: snapshot::run,
    },
    Target {
        name: "settings",
        promise: "a settings file is taken, or refused with a line of it",
        run: settings::run,
    },
    Target {
        name: "api",
        promise: "any request is answered, and never with an error of the server",
        run: api::run,
    },
    Target {
        name: "module",
        promise: "a module is kept when it is the announced one, else nothing is",
        run: module::run,
    },
    Target {
        name: "sandbox",
        promise: "any module is refused, or stays within its budget and goes on elsewhere",
        run: sandbox::run,
    },
    Target {
        name: "identity",
        promise: "keys, certificates and invitations are read or refused",
        run: identity::run,
    },
    Target {
        name: "neighbour",
        promise: "a frame says who has an address, or nothing",
        run: neighbour::run,
    },
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|it| it.name == name)
}

/// Runs a target by its name.
///
/// # Panics
/// When its promise does not hold, or there is no such target.
pub fn run(name: &str, bytes: &[u8]) {
    (target(name).expect("a target of this name").run)(bytes);
}
