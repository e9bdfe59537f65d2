//! The `hotpair` command from outside: texts, statuses, bad input.

mod command;
mod fake;
mod help;
mod statuses;
mod settings;
mod making;
mod pairing;
mod asking;
mod hostile;
