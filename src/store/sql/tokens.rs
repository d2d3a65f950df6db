//! Tokens, the sessions that they open, and what they own.

use super::{
    Dialect,
    statements::{Columns, Statements, values},
};
use crate::{
    access::{Kind, Limits, Secret, TokenId},
    store::{AddedToken, NewToken, StoreError, TokenRow, Usage},
};
use floodgauge_protocol::{Digest, SweepId};
use std::time::Duration;

/// `live` is a column too, by the database's clock.
const TOKEN: &str = "select t.token, t.name, t.scopes, t.created_ms, t.expires_ms, t.revoked_ms, \
                     t.used_ms, t.rate, t.open_sweeps, t.arms, t.upload_bytes, \
                     cast(case when t.revoked_ms is null \
                     and (t.expires_ms is null or t.expires_ms > c.now_ms) \
                     then 1 else 0 end as bigint) as live from tokens t cross join clock c";

/// How exactly the last use is known, in milliseconds.
const USE_NOTED_EVERY_MS: i64 = 3_600_000;

pub(super) async fn add(
    db: &mut impl Statements,
    new: &NewToken,
) -> Result<AddedToken, StoreError> {
    let Limits { rate, open_sweeps, arms, upload_bytes } = new.limits;
    let wide = |limit: Option<u32>| limit.map(u64::from);
    let sql = "insert into tokens (token, name, sha256, scopes, created_ms, expires_ms, \
               rate, open_sweeps, arms, upload_bytes) \
               select $1, $2, $3, $4, now_ms, now_ms + $5, $6, $7, $8, $9 from clock where true \
               on conflict do nothing";
    let lasts = new.lasts.map(|lasts| u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX));
    // A token of 30,000 years is as good as one for ever, and added to now it still fits.
    let lasts = lasts.map(|ms| ms.min(1_000_000_000_000_000));
    let values = values![
        new.token.to_string(),
        new.name.as_str(),
        new.sha256,
        new.scopes.to_string(),
        lasts,
        wide(rate),
        wide(open_sweeps),
        wide(arms),
        upload_bytes
    ];
    if db.execute(sql, values).await? == 0 {
        return Ok(AddedToken::NameTaken);
    }
    let sql = format!("{TOKEN} where t.token = $1");
    let row = db.fetch_optional(sql, values![new.token.to_string()]).await?;
    let row = row.ok_or_else(|| StoreError::Corrupt("a new token is gone".into()))?;
    Ok(AddedToken::New(token_row(&row)?))
}

pub(super) async fn list(
    db: &mut impl Statements,
    after: Option<TokenId>,
    limit: u32,
) -> Result<Vec<TokenRow>, StoreError> {
    let sql = format!("{TOKEN} where ($1 is null or t.token < $1) order by t.token desc limit $2");
    let after = after.map(|token| token.to_string());
    db.fetch(sql, values![after, limit]).await?.iter().map(token_row).collect()
}

pub(super) async fn any(db: &mut impl Statements) -> Result<bool, StoreError> {
    Ok(db.fetch_optional("select token from tokens limit 1", vec![]).await?.is_some())
}

pub(super) async fn revoke(db: &mut impl Statements, token: TokenId) -> Result<bool, StoreError> {
    let sql = "update tokens set revoked_ms = (select now_ms from clock) \
               where token = $1 and revoked_ms is null";
    let revoked = db.execute(sql, values![token.to_string()]).await?;
    db.execute("delete from sessions where token = $1", values![token.to_string()]).await?;
    Ok(revoked > 0)
}

/// The live token that a secret opens.
pub(super) async fn opened_by(
    db: &mut impl Statements,
    kind: Kind,
    sha256: Digest,
) -> Result<Option<TokenRow>, StoreError> {
    let sql = match kind {
        Kind::Token => format!("{TOKEN} where t.sha256 = $1"),
        Kind::Session => format!(
            "{TOKEN} join sessions s on s.token = t.token \
             where s.sha256 = $1 and s.expires_ms > c.now_ms"
        ),
    };
    let row = db.fetch_optional(sql, values![sha256]).await?;
    let row = row.as_ref().map(token_row).transpose()?;
    Ok(row.filter(|row| row.live))
}

pub(super) async fn used(db: &mut impl Statements, token: TokenId) -> Result<(), StoreError> {
    let sql = "update tokens set used_ms = (select now_ms from clock) where token = $1 \
               and (used_ms is null or used_ms <= (select now_ms from clock) - $2 \
               or used_ms > (select now_ms from clock))";
    db.execute(sql, values![token.to_string(), USE_NOTED_EVERY_MS]).await.map(drop)
}

pub(super) async fn add_session(
    db: &mut impl Statements,
    session: &Secret,
    token: TokenId,
    lasts: Duration,
) -> Result<(), StoreError> {
    // Those that are over go, so that the table has no more than can be in use.
    let sql = "delete from sessions where expires_ms <= (select now_ms from clock)";
    db.execute(sql, vec![]).await?;
    let sql = "insert into sessions (sha256, token, expires_ms) \
               select $1, $2, now_ms + $3 from clock";
    db.execute(sql, values![session.digest(), token.to_string(), lasts]).await.map(drop)
}

pub(super) async fn end_session(
    db: &mut impl Statements,
    sha256: Digest,
) -> Result<(), StoreError> {
    db.execute("delete from sessions where sha256 = $1", values![sha256]).await.map(drop)
}

pub(super) async fn usage(db: &mut impl Statements, token: TokenId) -> Result<Usage, StoreError> {
    // Whether a sweep has ended is no matter of its trials: those of an open one all count.
    let sql = "select count(distinct o.sweep) as open_sweeps, count(t.sweep) as arms \
               from sweep_owners o join sweeps w on w.sweep = o.sweep \
               left join trials t on t.sweep = o.sweep \
               where o.token = $1 and w.status not in ('completed', 'failed', 'cancelled')";
    let sweeps = db.fetch_optional(sql, values![token.to_string()]).await?;
    let sql = "select cast(coalesce(sum(d.size), 0) as bigint) as upload_bytes \
               from dataset_owners o join datasets d on d.name = o.name where o.token = $1";
    let bytes = db.fetch_optional(sql, values![token.to_string()]).await?;
    let none = || StoreError::Corrupt("a count has no row".into());
    let (sweeps, bytes) = (sweeps.ok_or_else(none)?, bytes.ok_or_else(none)?);
    Ok(Usage {
        open_sweeps: sweeps.number("open_sweeps")?,
        arms: sweeps.number("arms")?,
        upload_bytes: bytes.number("upload_bytes")?,
    })
}

/// Has a new sweep belong to the token that submitted it.
///
/// # Errors
/// [`StoreError::OverQuota`] if the token has more than it may by that.
pub(super) async fn own_sweep<DB: Dialect>(
    db: &mut DB::Connection,
    sweep: SweepId,
    token: TokenId,
) -> Result<(), StoreError> {
    let sql = "insert into sweep_owners (sweep, token) values ($1, $2)";
    own::<DB>(db, token, sql, values![sweep, token.to_string()]).await
}

/// Has a new data set belong to the token that uploaded it.
///
/// # Errors
/// As of [`own_sweep`].
pub(super) async fn own_dataset<DB: Dialect>(
    db: &mut DB::Connection,
    name: &str,
    token: TokenId,
) -> Result<(), StoreError> {
    let sql = "insert into dataset_owners (name, token) values ($1, $2)";
    own::<DB>(db, token, sql, values![name, token.to_string()]).await
}

async fn own<DB: Dialect>(
    db: &mut DB::Connection,
    token: TokenId,
    sql: &'static str,
    values: Vec<super::statements::Value>,
) -> Result<(), StoreError> {
    let limits = locked::<DB>(db, token).await?;
    db.execute(sql, values).await?;
    check_limits(db, token, &limits).await
}

/// Has a sweep that is extended belong to the token that extends it. Where nobody is named it stays with
/// the one that has it.
///
/// # Errors
/// As of [`own_sweep`].
pub(super) async fn extended<DB: Dialect>(
    db: &mut DB::Connection,
    sweep: SweepId,
    extender: Option<TokenId>,
) -> Result<(), StoreError> {
    if let Some(token) = extender {
        let sql = "insert into sweep_owners (sweep, token) values ($1, $2) \
                   on conflict (sweep) do update set token = excluded.token";
        return own::<DB>(db, token, sql, values![sweep, token.to_string()]).await;
    }
    let sql = "select token from sweep_owners where sweep = $1";
    let Some(owner) = db.fetch_optional(sql, values![sweep]).await? else { return Ok(()) };
    let token = owner.parse("token")?;
    let limits = locked::<DB>(db, token).await?;
    check_limits(db, token, &limits).await
}

/// The bounds of a token, which is locked, so that two requests of it don't both fit into what is
/// left.
async fn locked<DB: Dialect>(
    db: &mut DB::Connection,
    token: TokenId,
) -> Result<Limits, StoreError> {
    let sql = format!(
        "select rate, open_sweeps, arms, upload_bytes from tokens where token = $1 {}",
        DB::LOCK_ROW
    );
    let row = db.fetch_optional(sql, values![token.to_string()]).await?;
    limits(&row.ok_or_else(|| StoreError::Corrupt(format!("no token {token}")))?)
}

async fn check_limits(
    db: &mut impl Statements,
    token: TokenId,
    limits: &Limits,
) -> Result<(), StoreError> {
    match usage(db, token).await?.beyond(limits) {
        Some(over) => Err(StoreError::OverQuota(over)),
        None => Ok(()),
    }
}

fn limits(row: &impl Columns) -> Result<Limits, StoreError> {
    Ok(Limits {
        rate: row.maybe_number("rate")?,
        open_sweeps: row.maybe_number("open_sweeps")?,
        arms: row.maybe_number("arms")?,
        upload_bytes: row.maybe_number("upload_bytes")?,
    })
}

fn token_row(row: &impl Columns) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        token: row.parse("token")?,
        name: row.text("name")?,
        scopes: row.parse("scopes")?,
        limits: limits(row)?,
        created_ms: row.number("created_ms")?,
        expires_ms: row.maybe_number("expires_ms")?,
        revoked_ms: row.maybe_number("revoked_ms")?,
        used_ms: row.maybe_number("used_ms")?,
        live: row.number::<i64>("live")? != 0,
    })
}
