//! The program `wakustore`.

fn main() {}
