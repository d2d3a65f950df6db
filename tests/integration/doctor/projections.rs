//! What is stored of sweeps beside their logs.

use super::patient::Case;
use crate::support::{TestDatabase, on_both_databases};
use floodgauge::doctor::{Check, Severity};

on_both_databases!(
    a_healthy_folder_is_well_before_and_after_it_goes_on,
    a_trial_that_is_otherwise_than_its_log_is_found_and_written_anew,
    an_epoch_that_is_gone_is_found_and_written_anew,
    an_epoch_that_was_never_reported_is_found_and_goes,
    epochs_of_several_pages_are_all_compared_and_written_anew,
    a_segment_that_is_gone_is_found_and_queued_again,
    a_segment_that_is_over_and_was_not_ended_is_found_and_goes_on,
    a_sweep_that_ended_and_is_listed_as_running_is_found,
    an_answer_of_another_arm_is_found_and_written_anew,
    a_checkpoint_that_a_trial_no_longer_keeps_is_found_and_kept_again,
    a_log_whose_end_is_lost_is_found_and_goes_on_from_what_is_left,
    a_sweep_that_lost_its_place_in_the_queue_is_found_and_put_back,
    a_lease_from_a_time_to_come_is_found_and_cut,
    a_scheduler_of_a_later_version_is_found,
    an_entry_that_cannot_be_read_is_found,
    stamps_of_a_time_to_come_are_found,
    names_of_others_are_told_without_what_they_hide,
);

async fn a_healthy_folder_is_well_before_and_after_it_goes_on(database: TestDatabase) {
    let case = Case::new(database).await;
    let report = floodgauge::doctor::examine(&case.patient(), |_| {}).await;
    let checks: Vec<Check> = report.findings.iter().map(|finding| finding.check).collect();
    use Check as C;
    let all = [
        C::Disk,
        C::Database,
        C::Clock,
        C::Versions,
        C::Projections,
        C::Queue,
        C::Workers,
        C::Blobs,
        C::Datasets,
    ];
    assert_eq!(checks, all);
    assert!(report.findings.iter().all(|f| f.severity == Severity::Ok), "{report:#?}");
    case.goes_on().await;
}

/// Breaks something that a repair mends.
async fn breaks(database: TestDatabase, sql: &str, says: &str) {
    let case = Case::new(database).await;
    case.execute(&sql.replace("GOING", &case.going).replace("ENDED", &case.ended)).await;
    let problem = case.problem(Check::Projections).await;
    assert_eq!(problem.severity, Severity::Fail);
    assert!(problem.what.contains(says), "{}", problem.what);
    case.is_mended().await;
    case.goes_on().await;
}

async fn a_trial_that_is_otherwise_than_its_log_is_found_and_written_anew(database: TestDatabase) {
    let sql = "update trials set epochs = epochs + 1, status = 'pruned' \
               where sweep = 'ENDED' and arm = 1";
    breaks(database, sql, "(`ended`) differs from its log: 1 trial different").await;
}

async fn an_epoch_that_is_gone_is_found_and_written_anew(database: TestDatabase) {
    let sql = "delete from reports where sweep = 'GOING' and arm = 0 and epoch = 1";
    breaks(database, sql, "1 epoch missing").await;
}

async fn an_epoch_that_was_never_reported_is_found_and_goes(database: TestDatabase) {
    let sql = "update reports set epoch = 77 where sweep = 'ENDED' and arm = 2 and epoch = 4";
    breaks(database, sql, "1 epoch missing, 1 epoch superfluous").await;
}

async fn epochs_of_several_pages_are_all_compared_and_written_anew(database: TestDatabase) {
    let sql = "with recursive epochs(epoch) as ( \
               select 5 union all select epoch + 1 from epochs where epoch < 2500) \
               insert into reports (sweep, family, arm, epoch, step, train_loss, metrics, branch) \
               select 'ENDED', 0, 1, epoch, 2 * epoch, 1.0, '{}', 0 from epochs; \
               update reports set train_loss = 7.0 where sweep = 'ENDED' and arm = 2 and epoch = 2; \
               delete from reports where sweep = 'ENDED' and arm = 0 and epoch > 2";
    let says = "differs from its log: 2 epochs missing, 2496 epochs superfluous, 1 epoch different";
    breaks(database, sql, says).await;
}

async fn a_segment_that_is_gone_is_found_and_queued_again(database: TestDatabase) {
    let sql = "delete from segments where sweep = 'GOING' and state <> 'closed'; \
               delete from queue where sweep = 'GOING'";
    breaks(database, sql, "2 segments missing").await;
}

async fn a_segment_that_is_over_and_was_not_ended_is_found_and_goes_on(database: TestDatabase) {
    let sql = "update segments set state = 'closed' where sweep = 'GOING'; \
               delete from queue where sweep = 'GOING'";
    breaks(database, sql, "2 segments different").await;
}

async fn a_sweep_that_ended_and_is_listed_as_running_is_found(database: TestDatabase) {
    let sql = "update sweeps set status = 'running' where sweep = 'ENDED'";
    breaks(database, sql, "it is completed, not running").await;
}

async fn an_answer_of_another_arm_is_found_and_written_anew(database: TestDatabase) {
    let sql = "update sweeps set best = replace(best, '\"objective\":', '\"objective\":1') \
               where sweep = 'ENDED'";
    breaks(database, sql, "the answer shown in lists differs").await;
}

async fn a_checkpoint_that_a_trial_no_longer_keeps_is_found_and_kept_again(database: TestDatabase) {
    let sql = "update trials set checkpoint = null where sweep = 'ENDED' and arm = 0";
    breaks(database, sql, "1 trial different").await;
}

async fn a_log_whose_end_is_lost_is_found_and_goes_on_from_what_is_left(database: TestDatabase) {
    let sql = "update sweeps set head_seq = head_seq + 1 where sweep = 'GOING'";
    breaks(database, sql, "what followed is lost").await;
}

async fn a_sweep_that_lost_its_place_in_the_queue_is_found_and_put_back(database: TestDatabase) {
    let case = Case::new(database).await;
    for sql in [
        format!("delete from queue where sweep = '{}'", case.going),
        format!("update queue set priority = 7 where sweep = '{}'", case.going),
        format!(
            "insert into queue (sweep, priority, turn, queued_ms) values ('{}', 0, 0, 0)",
            case.ended
        ),
        "insert into queue (sweep, priority, turn, queued_ms) \
         values ('01970000-0000-7000-8000-000000000000', 0, 0, 0)"
            .into(),
    ] {
        case.execute(&sql).await;
        let problem = case.problem(Check::Queue).await;
        assert!(
            problem.what.starts_with("sweep 01") && problem.what.contains("wrong place"),
            "{}",
            problem.what
        );
        case.is_mended().await;
    }
    case.goes_on().await;
}

async fn a_lease_from_a_time_to_come_is_found_and_cut(database: TestDatabase) {
    let case = Case::new(database).await;
    crate::http::worker::claim(&case.server, "gone", 0).await.unwrap();
    assert_eq!(case.problems().await, []);
    case.execute("update segments set expires_ms = expires_ms + 3600000").await;
    let problem = case.problem(Check::Queue).await;
    assert!(problem.what.contains("1 lease lasts longer"), "{}", problem.what);
    case.is_mended().await;
}

async fn a_scheduler_of_a_later_version_is_found(database: TestDatabase) {
    let case = Case::new(database).await;
    let later = async |sweep: &str, by: i32| {
        let set = format!("scheduler_version = scheduler_version + {by}");
        case.execute(&format!("update sweeps set {set} where sweep = '{sweep}'")).await;
    };
    later(&case.going, 90).await;
    let problem = case.problem(Check::Versions).await;
    assert_eq!(problem.severity, Severity::Fail);
    assert!(problem.what.contains(&format!("sweep {} ", case.going)), "{}", problem.what);
    later(&case.going, -90).await;
    // Of a sweep that is over it is told, and nothing is to be done.
    later(&case.ended, 90).await;
    assert_eq!(case.problems().await, []);
    let report = floodgauge::doctor::examine(&case.patient(), |_| {}).await;
    let mut told = report.findings.iter().filter(|found| found.check == Check::Versions);
    let ended = format!("sweep {} ", case.ended);
    let told = told.find(|found| found.what.contains(&ended)).unwrap();
    assert_eq!((told.severity, &told.remedy), (Severity::Note, &None));
    later(&case.ended, -90).await;
    assert_eq!(case.problems().await, []);
}

async fn an_entry_that_cannot_be_read_is_found(database: TestDatabase) {
    let case = Case::new(database).await;
    let sql = "update events set event = substr(event, 1, 20) where seq = 3 and sweep = ";
    case.execute(&format!("{sql}'{}'", case.ended)).await;
    let problem = case.problem(Check::Projections).await;
    assert!(problem.what.ends_with("entry 3 of the log can't be read"), "{}", problem.what);
}

async fn stamps_of_a_time_to_come_are_found(database: TestDatabase) {
    let case = Case::new(database).await;
    case.execute("update sweeps set updated_ms = updated_ms + 3600000").await;
    let problem = case.problem(Check::Clock).await;
    assert!(problem.what.starts_with("2 log entries"), "{}", problem.what);
}

async fn names_of_others_are_told_without_what_they_hide(database: TestDatabase) {
    let case = Case::new(database).await;
    let sql = "update sweeps set status = 'running', name = 'a\u{1b}[2J\u{202e}' where sweep = ";
    case.execute(&format!("{sql}'{}'", case.ended)).await;
    let problem = case.problem(Check::Projections).await;
    assert!(problem.what.contains("(`a\\u{1b}[2J\\u{202e}`)"), "{}", problem.what);
}
