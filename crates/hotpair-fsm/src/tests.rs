//! A small world with two machines in it, and what must hold there.
mod world;
mod steps;
mod third;
mod resting;
mod writes;
mod alarms;
mod oddities;
mod diagram;
mod pauses;
mod electing;
mod scripts;
mod exhaustive;
mod pausing;
mod promoting;
mod storage_sound;
mod words;
mod alone;
