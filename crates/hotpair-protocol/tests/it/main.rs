//! Golden bytes, round trips, and whatever else may arrive.
mod sample;
mod golden;
mod arbitrary;
