//! The crate as a whole, between real swarms on loopback.

#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod node;
#[cfg(test)]
mod observer;
#[cfg(test)]
mod reconcile;
