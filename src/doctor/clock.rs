//! That nothing is stamped with a time to come, and that database and machine agree on the time.

use super::{Finding, Opened, finding::or_ok};
use crate::counting::count_of;
use floodgauge_protocol::Digest;
use futures::TryStreamExt as _;
use jiff::Timestamp;

/// How far times may differ, in milliseconds: a minute. Chosen: more than requests take, less than a time
/// zone is off.
const TOLERANCE_MS: i64 = 60_000;

/// Looks at them.
pub(super) async fn look(of: &Opened<'_>) -> anyhow::Result<Vec<Finding>> {
    let (now_ms, here_ms) = (of.store.now_ms().await?, Timestamp::now().as_millisecond());
    let mut found = vec![];
    if now_ms.abs_diff(here_ms) > TOLERANCE_MS.unsigned_abs() {
        found.push(Finding::warn(
            format!(
                "the database says that it is {}, this machine {}",
                time(now_ms),
                time(here_ms)
            ),
            "have both set their clocks by a time server; leases go by the database's",
        ));
    }
    for stamped in of.store.stamped_after(now_ms + TOLERANCE_MS).await? {
        found.push(Finding::warn(
            format!(
                "{} stamped in the future, the latest at {}: the clock was ahead, or has been set \
                 back",
                count_of(stamped.count as usize, stamped.one, stamped.many),
                time(stamped.latest_ms)
            ),
            format!(
                "set the clock right (it says {}), and restart the server if it ran meanwhile; these \
                 stay as they are, and retention (`serve --keep-sweeps`) counts their age from that \
                 time on",
                time(now_ms)
            ),
        ));
    }
    found.extend(of_files(of, here_ms).await?);
    Ok(or_ok(found, || format!("it is {}, and nothing is stamped with a later time", time(now_ms))))
}

/// Blobs whose files are of a time to come.
async fn of_files(of: &Opened<'_>, here_ms: i64) -> anyhow::Result<Option<Finding>> {
    let Some(blobs) = &of.blobs else { return Ok(None) };
    let (mut late, mut example) = (0, None::<Digest>);
    let mut all = blobs.all();
    while let Some(object) = all.try_next().await? {
        if object.modified_ms > here_ms + TOLERANCE_MS {
            late += 1;
            example = example.or(object.digest);
        }
    }
    Ok((late > 0).then(|| {
        let such_as = example.map_or_else(String::new, |digest| format!(", such as {digest}"));
        Finding::warn(
            format!(
                "{} dated in the future{such_as}",
                count_of(late, "file of a blob is", "files of blobs are")
            ),
            "set the clock of the machine that holds them right; the files do no harm",
        )
    }))
}

/// A time as people read it.
fn time(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms);
    time.map_or_else(
        |_| format!("{ms} ms after 1970"),
        |time| time.strftime("%F %T UTC").to_string(),
    )
}
