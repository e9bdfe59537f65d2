//! A pair of real processes for tests.
