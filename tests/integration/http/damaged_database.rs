//! What a Postgres says whose files are damaged. The files of SQLite are damaged in `process/damaged_database.rs`.

use super::server::{Server, problem};
use crate::support::TestDatabase;
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_postgres_meets_a_damaged_page_is_not_ready_until_all_can_be_read() {
    let database = TestDatabase::postgres().await;
    let server = Server::on_postgres(&database.url).await;
    assert_eq!(server.get("/readyz").await.status(), StatusCode::OK);
    // As the server words it, from where a claim reads first; the table itself says it again when all is read.
    database
        .execute(
            "create function damaged() returns bigint language plpgsql as $$ begin \
             raise exception 'invalid page in block 7 of relation base/5/16385' \
             using errcode = 'data_corrupted'; end $$; \
             alter table queue rename to whole; \
             create view queue as select sweep, priority, damaged() as turn, queued_ms from whole \
             union all select '', 0, damaged(), 0",
        )
        .await;
    let claim = json!({ "worker": "w", "fingerprint": "test", "wait_s": 0 });
    problem(server.post("/v1/work/claim", &claim).await, 500, "internal").await;
    let told = problem(server.get("/readyz").await, 503, "database-damaged").await;
    assert!(told["detail"].as_str().unwrap().contains("invalid page in block 7"), "{told}");
    database.execute("drop view queue; alter table whole rename to queue").await;
    while server.get("/readyz").await.status() != StatusCode::OK {}
    assert_eq!(server.post("/v1/work/claim", &claim).await.status(), StatusCode::NO_CONTENT);
}
