//! Store v3 over every archive, end to end: bytes in, bytes out.

#[macro_use]
#[cfg(test)]
#[path = "../support/archives.rs"]
mod archives;
#[macro_use]
#[cfg(test)]
mod suite;
#[cfg(test)]
mod twin;

#[cfg(test)]
mod memory {
    store_suite!(crate::archives::memory());
}

#[cfg(test)]
mod redb {
    // Durability is another suite's matter, and many archives are made here.
    store_suite!(crate::archives::redb_durable_on_close());
}

#[cfg(test)]
mod postgres {
    store_suite!(crate::archives::postgres());
}
