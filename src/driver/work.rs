//! Leases, reports and blobs: what workers may do.

use super::{Driver, DriverError};
use crate::{
    blobs::{BlobError, Streamed},
    metrics::ReportedRows,
    scheduler::{Event, Sweep, facts::newer},
    store::{Claim, Expiry, LeaseGuard, LeasedSegment, StoreError},
};
use bytes::Bytes;
use floodgauge_protocol::{
    Digest, LeaseId, SegmentId, Start, wire,
    work::{
        Assignment, ClaimRequest, Finish, Lease, MAX_REPORT_ROWS, Report, ReportAnswer, ReportRow,
    },
};
use std::{pin::pin, time::Duration};
use tokio::time::Instant;
use tracing::{Span, field::display};
use uuid::Uuid;

/// The longest that a claim may wait for work.
const MAX_WAIT_S: u32 = 30;

/// Rows of a report with other bits than before that the log keeps: enough to see what differs.
const MAX_CONTRADICTING_ROWS: usize = 100;

impl Driver {
    /// Leases a segment to a worker with whom version `spoken` of the wire is spoken, waiting for
    /// one as long as it asks.
    ///
    /// # Errors
    /// [`DriverError::BadRequest`] for a name, fingerprint or wait out of range.
    pub async fn claim(
        &self,
        request: &ClaimRequest,
        spoken: u32,
    ) -> Result<Option<Assignment>, DriverError> {
        check_worker(&request.worker)?;
        check_text("fingerprint", &request.fingerprint, 200)?;
        if request.wait_s > MAX_WAIT_S {
            let wait = request.wait_s;
            return Err(DriverError::BadRequest(format!(
                "wait_s {wait} must be at most {MAX_WAIT_S}"
            )));
        }
        let deadline = Instant::now() + Duration::from_secs(request.wait_s.into());
        let place = self.0.line.join(&request.fingerprint, spoken);
        loop {
            // In line before it looks: what is queued meanwhile is told to it.
            let mut notified = pin!(place.notified());
            notified.as_mut().enable();
            if self.0.leases.is_draining() {
                return Ok(None);
            }
            if self.0.claimants.note(&request.fingerprint) {
                self.0.store.machine_seen(&request.fingerprint).await?;
            }
            self.0.metrics.claim_looked();
            let attempt = place.attempt();
            match self.try_claim(request, spoken).await {
                Ok(Some(assignment)) => return Ok(Some(assignment)),
                Ok(None) => attempt.found_nothing(),
                Err(error) => {
                    // Others wouldn't fare better, and each tries again by itself.
                    attempt.found_nothing();
                    return Err(error);
                }
            }
            if !place.turn(notified, deadline).await {
                return Ok(None);
            }
        }
    }

    /// Takes the next segment that can be taken; one that turns out to be over is passed by, and so
    /// is a sweep whose log can't be replayed, whose data set is damaged, or whose recipe the worker
    /// wouldn't understand.
    async fn try_claim(
        &self,
        request: &ClaimRequest,
        spoken: u32,
    ) -> Result<Option<Assignment>, DriverError> {
        let mut except = self.0.unreplayable.all();
        except.extend(self.without_data().await?);
        loop {
            let claim = Claim {
                lease: LeaseId(Uuid::new_v4()),
                token: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
                worker: request.worker.clone(),
                fingerprint: request.fingerprint.clone(),
                ttl: self.0.config.lease_ttl,
                except: except.clone(),
            };
            let Some(leased) = self.0.store.claim(claim.clone()).await? else { return Ok(None) };
            match self.record_claim(&leased, &claim, spoken).await {
                Ok(Some(assignment)) => {
                    self.0.leases.note(leased.lease);
                    tracing::info!(sweep = %leased.sweep, segment = %leased.segment.segment,
                        lease = %leased.lease, attempt = leased.attempt, worker = claim.worker, "claimed");
                    return Ok(Some(assignment));
                }
                Ok(None) | Err(DriverError::LeaseLost | DriverError::NotFound) => {}
                Err(error) if error.is_unreplayable() || error.is_not_for_now() => {
                    self.0.store.release(leased.lease).await?;
                    except.push(leased.sweep);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Cuts leases that would last longer than they were given for, since the clock was set back.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn cut_leases(&self) -> Result<(), StoreError> {
        match self.0.store.cut_leases(self.0.config.lease_ttl).await? {
            0 => {}
            count => tracing::warn!(count, "leases were cut: the clock was set back"),
        }
        Ok(())
    }

    /// Tells the log of a claim, and of the lease that it took over.
    async fn record_claim(
        &self,
        leased: &LeasedSegment,
        claim: &Claim,
        spoken: u32,
    ) -> Result<Option<Assignment>, DriverError> {
        let segment = leased.segment.segment;
        let recipe = |state: &Sweep| {
            wire::recipe_in(spoken, &state.facts().spec().recipe).ok_or(DriverError::Unspoken)
        };
        let still_open = |state: &Sweep, event: Event| {
            recipe(state)?;
            self.has_data(leased.sweep, state)?;
            Ok(state.facts().segments().get_open(segment).map(|_| event))
        };
        if leased.took_over {
            let lost = Event::Lost { segment, attempt: leased.attempt - 1 };
            tracing::warn!(sweep = %leased.sweep, %segment, "a worker's lease expired; its segment is taken over");
            self.apply(leased.sweep, guard(leased), |state| still_open(state, lost.clone()))
                .await?;
        }
        let claimed = Event::Claimed {
            segment,
            attempt: leased.attempt,
            worker: claim.worker.clone(),
            fingerprint: claim.fingerprint.clone(),
        };
        let state = self
            .apply(leased.sweep, guard(leased), |state| still_open(state, claimed.clone()))
            .await?;
        if state.facts().segments().get_open(segment).is_none() {
            return Ok(None);
        }
        Ok(Some(Assignment {
            sweep: leased.sweep,
            lease: Lease {
                lease: leased.lease,
                token: claim.token.clone(),
                attempt: leased.attempt,
                ttl_s: self.ttl_s(),
            },
            recipe: recipe(&state)?,
            family: state.facts().space().families[leased.segment.family.ix()],
            arms: state.facts().space().arms.clone(),
            segment: leased.segment.clone(),
            traceparent: leased.traceparent.clone(),
        }))
    }

    /// Takes a report in and renews its lease; answers which arms to stop.
    ///
    /// # Errors
    /// [`DriverError::LeaseLost`]; [`DriverError::BadReport`] if it can't come from training the segment.
    pub async fn report(
        &self,
        lease: LeaseId,
        token: &str,
        report: Report,
    ) -> Result<ReportAnswer, DriverError> {
        let rows = report.rows.len();
        if rows > MAX_REPORT_ROWS {
            return Err(DriverError::BadRequest(format!(
                "{rows} rows are more than {MAX_REPORT_ROWS}"
            )));
        }
        // The commit that takes the report in renews the lease too: a write less.
        let found = self.0.store.held(lease, token).await;
        let leased = self.noted(lease, found)?;
        let (segment, attempt) = (leased.segment.segment, leased.attempt);
        let renewing = guard(&leased)
            .map(|guard| LeaseGuard { expiry: Expiry::Renewed(self.0.config.lease_ttl), ..guard });
        let mut renewed = false;
        let mut contradicting = vec![];
        let mut count = ReportedRows::default();
        let state = self
            .apply(leased.sweep, renewing, |state| {
                open(state, segment)?;
                let sifted = state.facts().sift(segment, &report.rows)?;
                let facts = state.facts();
                let repeats = sifted.redone > 0
                    && facts.segments().may_repeat(segment, facts.steps_per_epoch());
                let news = !sifted.new.is_empty() || repeats;
                count = ReportedRows {
                    new: sifted.new.len() as u64,
                    redone: sifted.redone.into(),
                    contradicting: sifted.contradicting.len() as u64,
                };
                contradicting = sifted.contradicting;
                let (rows, redone) = (sifted.new, sifted.redone);
                renewed = news;
                Ok(news.then_some(Event::Reported { segment, attempt, rows, redone }))
            })
            .await
            .map_err(|error| self.as_lease_error(leased.lease, error))?;
        self.0.metrics.reported(&leased.worker, count, state.facts().steps_per_epoch());
        if !contradicting.is_empty() {
            self.record_contradiction(&leased, contradicting).await?;
        }
        if !renewed {
            self.held(lease, token).await?;
        }
        if !report.saved.is_empty() {
            self.apply(leased.sweep, guard(&leased), |state| {
                open(state, segment)?;
                state
                    .facts()
                    .check_saved(segment, &report.saved)
                    .map_err(DriverError::BadFinish)?;
                let branches = newer(state.facts(), segment, &report.saved);
                Ok((!branches.is_empty()).then_some(Event::Saved { segment, attempt, branches }))
            })
            .await
            .map_err(|error| self.as_lease_error(leased.lease, error))?;
        }
        let mut stop = state.facts().segments().stops(segment).to_vec();
        stop.extend(self.last_orders(&leased.segment));
        Ok(ReportAnswer { stop, ttl_s: self.ttl_s() })
    }

    /// Rows that were known with other bits are an event that people see; the first report stands.
    async fn record_contradiction(
        &self,
        leased: &LeasedSegment,
        rows: Vec<ReportRow>,
    ) -> Result<(), DriverError> {
        let (segment, attempt) = (leased.segment.segment, leased.attempt);
        tracing::error!(sweep = %leased.sweep, %segment, worker = leased.worker,
            "an epoch was reported again with other bits");
        let rows = rows.into_iter().take(MAX_CONTRADICTING_ROWS).collect();
        let event = Event::Nondeterminism { segment, attempt, rows };
        let decide = |state: &Sweep| {
            let may = state.facts().segments().may_contradict(segment);
            Ok(may.then(|| event.clone()))
        };
        self.apply(leased.sweep, guard(leased), decide).await.map(drop)
    }

    /// Takes a finished segment in.
    ///
    /// # Errors
    /// [`DriverError::LeaseLost`]; [`DriverError::BadFinish`] if a branch, an epoch or a checkpoint is missing.
    pub async fn finish(
        &self,
        lease: LeaseId,
        token: &str,
        finish: Finish,
    ) -> Result<(), DriverError> {
        let leased = self.held(lease, token).await?;
        let (segment, attempt) = (leased.segment.segment, leased.attempt);
        self.apply(leased.sweep, guard(&leased), |state| {
            open(state, segment)?;
            state
                .facts()
                .check_finish(segment, &finish.branches)
                .map_err(DriverError::BadFinish)?;
            let branches = finish.branches.clone();
            Ok(Some(Event::Finished { segment, attempt, branches }))
        })
        .await
        .map_err(|error| self.as_lease_error(leased.lease, error))?;
        self.0.leases.forget(leased.lease);
        tracing::info!(sweep = %leased.sweep, %segment, lease = %leased.lease, "finished");
        Ok(())
    }

    /// Stores a blob under a lease; true if it is new.
    ///
    /// # Errors
    /// [`DriverError::LeaseLost`]; [`DriverError::Blob`] if the bytes don't match the digest;
    /// [`DriverError::BadCheckpoint`] if they are no checkpoint of the recipe.
    pub async fn put_blob(
        &self,
        lease: LeaseId,
        token: &str,
        digest: Digest,
        bytes: Bytes,
    ) -> Result<bool, DriverError> {
        let leased = self.held(lease, token).await?;
        self.check_checkpoint(&leased, digest, bytes.clone()).await?;
        Ok(self.0.blobs.upload(&*self.0.store, leased.lease, digest, bytes).await?)
    }

    /// A blob that the leased segment starts from, as it comes; none if it isn't one of these.
    ///
    /// # Errors
    /// [`DriverError::LeaseLost`]; [`DriverError::CheckpointDamaged`] if its bytes are lost or damaged: the
    /// segment was withdrawn then, and what needs it is trained again.
    pub async fn get_blob(
        &self,
        lease: LeaseId,
        token: &str,
        digest: Digest,
    ) -> Result<Option<Streamed>, DriverError> {
        let leased = self.held(lease, token).await?;
        let starts =
            |branch: &floodgauge_protocol::Branch| branch.start == Start::Checkpoint { digest };
        if !leased.segment.branches.iter().any(starts) {
            return Ok(None);
        }
        match self.0.blobs.verified(digest).await {
            Ok(None) | Err(BlobError::Damaged(_)) => Err(self.do_without(&leased, digest).await),
            read => Ok(read?),
        }
    }

    /// Has what needs a damaged checkpoint trained again; answers what to tell the worker.
    async fn do_without(&self, leased: &LeasedSegment, checkpoint: Digest) -> DriverError {
        let segment = leased.segment.segment;
        tracing::error!(sweep = %leased.sweep, %segment, digest = %checkpoint,
            "a checkpoint is lost or damaged; what needs it is trained again");
        let decide = |state: &Sweep| {
            open(state, segment)?;
            Ok(Some(Event::Damaged { checkpoint }))
        };
        let withdrawn = self.apply(leased.sweep, guard(leased), decide).await;
        self.0.leases.forget(leased.lease);
        match withdrawn {
            Ok(_) => DriverError::CheckpointDamaged,
            Err(error) => self.as_lease_error(leased.lease, error),
        }
    }

    /// The segment of a lease, which is renewed.
    ///
    /// # Errors
    /// [`DriverError::LeaseLost`].
    pub async fn held(&self, lease: LeaseId, token: &str) -> Result<LeasedSegment, DriverError> {
        let renewed = self.0.store.renew(lease, token, self.0.config.lease_ttl).await;
        self.noted(lease, renewed)
    }

    /// Notes what came of looking a lease up.
    fn noted(
        &self,
        lease: LeaseId,
        found: Result<LeasedSegment, StoreError>,
    ) -> Result<LeasedSegment, DriverError> {
        match &found {
            Ok(_) => self.0.leases.note(lease),
            Err(StoreError::LeaseLost) => self.0.leases.forget(lease),
            Err(_) => {}
        }
        let leased = found?;
        // What the request's span tells of everything that is logged within it.
        Span::current()
            .record("sweep", display(leased.sweep))
            .record("segment", display(leased.segment.segment))
            .record("attempt", leased.attempt);
        Ok(leased)
    }

    /// An error as the worker is told that holds a lease. Of a sweep whose log can't be replayed
    /// nothing is taken in here, however often it's tried: it drops the segment.
    pub(super) fn as_lease_error(&self, lease: LeaseId, error: DriverError) -> DriverError {
        if !error.is_unreplayable() {
            return error;
        }
        self.0.leases.forget(lease);
        DriverError::LeaseLost
    }

    fn ttl_s(&self) -> u32 {
        self.0.config.lease_ttl.as_secs().max(1) as u32
    }
}

/// A segment that is over has no lease.
pub(super) fn open(state: &Sweep, segment: SegmentId) -> Result<(), DriverError> {
    state.facts().segments().get_open(segment).map(drop).ok_or(DriverError::LeaseLost)
}

/// Under whose lease a worker's events are written.
pub(super) fn guard(leased: &LeasedSegment) -> Option<LeaseGuard> {
    Some(LeaseGuard { lease: leased.lease, attempt: leased.attempt, expiry: Expiry::Any })
}

/// Checks the name that a worker gives itself.
pub(super) fn check_worker(name: &str) -> Result<(), DriverError> {
    check_text("worker", name, 100)
}

/// Less is asked of these than of names of sweeps (marks of direction are let through), since workers of
/// earlier releases have names that they chose without knowing of more.
fn check_text(field: &str, text: &str, most: usize) -> Result<(), DriverError> {
    let chars = text.chars().count();
    if !(1..=most).contains(&chars) {
        let why = format!("{field} has 1 to {most} characters, not {chars}");
        return Err(DriverError::BadRequest(why));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(c) => {
            let why = format!("{field} has no control characters, such as {}", c.escape_default());
            Err(DriverError::BadRequest(why))
        }
        None => Ok(()),
    }
}
