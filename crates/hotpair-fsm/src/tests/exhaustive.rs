//! Every order in which two machines can see every event, within bounds: views are lost and late,
//! processes die and come back with what was durable, links are cut each way, deadlines pass at
//! any moment that the arithmetic allows. Possible because time stands still.
mod explorer;
mod invariants;
mod modes;
mod with_arbiter;
mod far;
