//! The crate as a whole, between real swarms on loopback.

mod behaviour;
mod node;
