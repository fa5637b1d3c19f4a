//! Whole sessions, two endpoints in memory.

mod negentropy;
mod own;
mod support;
