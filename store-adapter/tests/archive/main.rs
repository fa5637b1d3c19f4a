//! The conformance suite, run for every backend, and what concerns one backend alone.

#[macro_use]
#[cfg(test)]
#[path = "../support/archives.rs"]
mod archives;
#[macro_use]
#[cfg(test)]
mod suite;
#[cfg(test)]
mod postgres_crash;
#[cfg(test)]
mod postgres_faults;
#[cfg(test)]
mod postgres_partitions;
#[cfg(test)]
mod postgres_plans;
#[cfg(test)]
mod postgres_schema;
#[cfg(test)]
mod postgres_shared;
#[cfg(test)]
mod postgres_speed;
#[cfg(test)]
mod postgres_tls;
#[cfg(test)]
mod postgres_topics;
#[cfg(test)]
mod redb_files;

#[cfg(test)]
mod memory {
    use store_adapter::archive::MemoryArchive;

    conformance_suite!(crate::archives::memory());

    #[test]
    fn sequences_of_operations_agree_with_a_second_one() {
        use std::sync::Arc;
        use store_adapter::archive::Archive;

        crate::suite::sequences::answers_like_the_one_in_memory(
            || Arc::new(MemoryArchive::new()),
            async |archive| Arc::clone(archive) as Arc<dyn Archive>,
        );
    }

    #[test]
    fn counts_are_those_of_all_keys() {
        use std::sync::Arc;
        use store_adapter::archive::Archive;

        crate::suite::counting::counts_are_those_of_all_keys(
            48,
            || Arc::new(MemoryArchive::new()),
            async |archive| Arc::clone(archive) as Arc<dyn Archive>,
        );
    }
}

#[cfg(test)]
mod redb {
    use store_adapter::archive::RedbArchive;
    use tempfile::TempDir;

    conformance_suite!(crate::archives::redb());

    #[test]
    fn sequences_of_operations_agree_with_the_archive_in_memory() {
        use std::sync::Arc;
        use store_adapter::archive::Archive;

        crate::suite::sequences::answers_like_the_one_in_memory(
            || tempfile::tempdir().unwrap(),
            async |directory: &TempDir| {
                let path = directory.path().join("archive.redb");
                let archive = RedbArchive::open_or_create(&path).await.unwrap();
                Arc::new(archive) as Arc<dyn Archive>
            },
        );
    }
}

#[cfg(test)]
mod redb_in_tiny_units {
    use store_adapter::archive::{RedbArchive, RedbOptions};
    use tempfile::TempDir;

    /// Every few records begin a unit, and two files are open at a time.
    fn options() -> RedbOptions {
        RedbOptions {
            unit_bytes: 1_200,
            open_units: 2,
        }
    }

    async fn new() -> (RedbArchive, TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("archive.redb");
        let archive = RedbArchive::open_or_create_with(&path, &options()).await;
        (archive.unwrap(), directory)
    }

    conformance_suite!(new());

    #[test]
    fn counts_are_those_of_all_keys() {
        use std::sync::Arc;
        use store_adapter::archive::Archive;

        crate::suite::counting::counts_are_those_of_all_keys(
            24,
            || tempfile::tempdir().unwrap(),
            async |directory: &TempDir| {
                let path = directory.path().join("archive.redb");
                let archive = RedbArchive::open_or_create_with(&path, &options()).await;
                Arc::new(archive.unwrap()) as Arc<dyn Archive>
            },
        );
    }
}

#[cfg(test)]
mod redb_durable_on_close {
    conformance_suite!(crate::archives::redb_durable_on_close());
}

#[cfg(test)]
mod postgres {
    pub(crate) use crate::archives::{few_connections, postgres as new, postgres_url as url};

    conformance_suite!(new());

    #[test]
    fn counts_are_those_of_all_keys() {
        use std::sync::Arc;
        use store_adapter::archive::{Archive, PostgresArchive, PostgresUrl};

        crate::suite::counting::counts_are_those_of_all_keys(8, url, async |url: &PostgresUrl| {
            let archive = PostgresArchive::open_or_create(url, &few_connections()).await;
            Arc::new(archive.unwrap()) as Arc<dyn Archive>
        });
    }
}
