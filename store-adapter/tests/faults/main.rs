//! Archives that fail, injected by wrapping the trait: what is acknowledged stays, index and archive
//! stay alike, and what failed can be repeated.

#[cfg(test)]
mod door;
#[cfg(test)]
mod faulty;
#[cfg(test)]
mod witness;
