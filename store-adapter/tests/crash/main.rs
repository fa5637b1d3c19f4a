//! A process that writes to an archive at full speed is killed at random moments: what it was told to
//! be stored is there, and no batch is there in part.
//!
//! `CRASH_ROUNDS` says how often; 5 by default.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod door;
#[cfg(test)]
mod process;
#[cfg(test)]
mod redb;

#[cfg(test)]
fn rounds() -> u64 {
    std::env::var("CRASH_ROUNDS").map_or(5, |rounds| rounds.parse().expect("a number of rounds"))
}
