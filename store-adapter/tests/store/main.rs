//! Store v3 over every archive, end to end: bytes in, bytes out.

#[macro_use]
#[cfg(test)]
mod suite;
#[cfg(test)]
mod twin;

#[cfg(test)]
mod memory {
    use store_adapter::archive::MemoryArchive;

    async fn new() -> (MemoryArchive, ()) {
        (MemoryArchive::new(), ())
    }

    store_suite!(new());
}

#[cfg(test)]
mod redb {
    use store_adapter::archive::{Durability, RedbArchive};
    use tempfile::TempDir;

    // Durability is another suite's matter, and many archives are made here.
    async fn new() -> (RedbArchive, TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("archive.redb");
        let archive = RedbArchive::open_or_create(&path).await.unwrap();
        (archive.with_durability(Durability::OnClose), directory)
    }

    store_suite!(new());
}

#[cfg(test)]
mod postgres {
    use store_adapter::archive::{ArchiveOptions, PostgresArchive, PostgresUrl};

    /// Tests run side by side on one server.
    async fn new() -> (PostgresArchive, ()) {
        let url = PostgresUrl::parse(&postgres_server::shared().database()).unwrap();
        let options = ArchiveOptions {
            max_connections: 3,
            ..ArchiveOptions::default()
        };
        let archive = PostgresArchive::open_or_create(&url, &options).await;
        (archive.unwrap(), ())
    }

    store_suite!(new());
}
