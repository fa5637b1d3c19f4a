//! A server comes up, keeps what it was given over kills, and leaves nothing behind.

use postgres_server::Server;

#[test]
fn a_server_outlives_kills_and_leaves_nothing_behind() {
    let server = Server::start(&[("work_mem", "5MB")]).unwrap();
    let url = server.database();
    let name = server.name_in(&url);
    server.sql(name, "CREATE TABLE t (x int)").unwrap();
    server.sql(name, "INSERT INTO t VALUES (7)").unwrap();
    server.kill();
    assert!(server.sql(name, "SELECT 1").is_err());
    server.start_again().unwrap();
    assert_eq!(server.sql(name, "TABLE t").unwrap(), "7");
    server.stop();
    server.start_again().unwrap();
    assert_eq!(server.sql(name, "SHOW work_mem").unwrap(), "5MB");
    assert_ne!(server.database(), url);
    let directory = server.directory().to_owned();
    drop(server);
    assert!(!directory.exists());
}

#[test]
fn statements_longer_than_an_argument_may_be_are_run_up_to_the_first_that_fails() {
    let server = postgres_server::shared();
    let url = server.database();
    let name = server.name_in(&url);
    let text = "x".repeat(1 << 20);
    let sql = format!("CREATE TABLE t AS SELECT '{text}'::text AS x; SELECT length(x) FROM t");
    assert_eq!(server.sql(name, &sql).unwrap(), text.len().to_string());
    let error = server.sql(name, "SELECT 1; SELECT nonsense; DROP TABLE t");
    assert!(error.unwrap_err().to_string().contains("nonsense"));
    assert_eq!(server.sql(name, "SELECT count(*) FROM t").unwrap(), "1");
}
