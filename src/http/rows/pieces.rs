//! Answers that are sent in pieces, each made once the one before is on its way.

use super::Broken;
use crate::http::problem::Problem;
use axum::{
    body::Body,
    http::header,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::{StreamExt as _, stream};

/// About how long a piece is.
pub(in crate::http) const PIECE_BYTES: usize = 32 << 10;

/// What an answer is made of.
pub(in crate::http) trait Pieces: Send + 'static {
    /// The next piece; none at the end.
    ///
    /// # Errors
    /// Whatever keeps it from being made. What was sent by then can't be taken back: the answer breaks off.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, Broken>> + Send;
}

/// An answer of these pieces; `kept` is dropped once it is sent. One that is a piece or two goes as a whole.
///
/// # Errors
/// What keeps its beginning from being made.
pub(in crate::http) async fn answer(
    content_type: &'static str,
    mut pieces: impl Pieces,
    kept: impl Send + 'static,
) -> Result<Response, Problem> {
    let headers = [(header::CONTENT_TYPE, content_type)];
    let first = pieces.next().await?.unwrap_or_default();
    let Some(second) = pieces.next().await? else {
        return Ok((headers, first).into_response());
    };
    let rest = stream::try_unfold((pieces, kept), |(mut pieces, kept)| async move {
        let next = pieces.next().await;
        let next = next.inspect_err(|error| tracing::warn!(%error, "an answer broke off"))?;
        Ok::<_, Broken>(next.map(|next| (next, (pieces, kept))))
    });
    let begun = stream::iter([Ok(first), Ok(second)]);
    Ok((headers, Body::from_stream(begun.chain(rest))).into_response())
}
