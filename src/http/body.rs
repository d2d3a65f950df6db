//! JSON bodies: bounded, declared as JSON, and told apart to the field when they don't read. Objects are objects:
//! no array is taken for one.

use super::{
    limit::Limit,
    problem::{FieldError, Problem},
    serve::Silence,
};
use crate::{
    heavy::{LARGE_BYTES, large},
    objects::Strict,
};
use axum::{
    body::Bytes,
    extract::{
        FromRequest, Request,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use std::{error::Error, iter::successors, time::Duration};
use tokio::time::timeout;

/// The longest that a problem's pointer or detail is, in characters: a name may be as long as its body.
const MAX_TOLD_CHARS: usize = 1_000;

/// Refuses bodies that are packed: nothing here unpacks what others sent, so that a few bytes
/// can't become many.
pub(super) async fn refuse_packed(request: Request, next: Next) -> Response {
    let packings = request.headers().get_all(header::CONTENT_ENCODING);
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if packings.iter().all(plain) {
        next.run(request).await
    } else {
        Problem::PackedBody.into_response()
    }
}

/// Turns axum's account of an unreadable body into ours.
pub(super) fn unreadable(rejection: BytesRejection, limit: Limit) -> Problem {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            Problem::TooLarge(limit)
        }
        rejection if is_late(&rejection) => Problem::TooSlow,
        _ => Problem::Malformed("the body broke off".into(), Vec::new()),
    }
}

/// Whether a body broke off since it was waited for too long.
pub(super) fn is_late<'a>(error: &'a (dyn Error + 'static)) -> bool {
    let cause = |error: &&'a (dyn Error + 'static)| (*error).source();
    successors(Some(error), cause).any(|error| error.is::<Silence>())
}

/// A JSON body of at most [`Limit::JSON`].
pub struct JsonBody<T>(pub T);

/// A JSON body of at most [`Limit::WORK`].
pub struct WorkBody<T>(pub T);

/// A JSON body of at most [`Limit::SIGN_IN`], of which all comes within [`SIGN_IN_TIME`].
pub struct SignInBody<T>(pub T);

/// A token is one packet: a slow link takes it over in well under a second. Chosen, not measured.
const SIGN_IN_TIME: Duration = Duration::from_secs(10);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        read(request, state, Limit::JSON).await.map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for WorkBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        read(request, state, Limit::WORK).await.map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for SignInBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read = timeout(SIGN_IN_TIME, read(request, state, Limit::SIGN_IN)).await;
        read.unwrap_or(Err(Problem::TooSlow)).map(Self)
    }
}

async fn read<T: DeserializeOwned, S: Send + Sync>(
    mut request: Request,
    state: &S,
    limit: Limit,
) -> Result<T, Problem> {
    // Beside being honest, this keeps other sites' pages out: a browser sends JSON across
    // origins only after asking, and nothing here says yes.
    if !declared_json(request.headers()) {
        return Err(Problem::UnsupportedMediaType("application/json"));
    }
    limit.layer().apply(&mut request);
    let bytes = Bytes::from_request(request, state).await.map_err(|e| unreadable(e, limit))?;
    match bytes.len() < LARGE_BYTES {
        true => parse(&bytes),
        false => large(|| parse(&bytes)).await,
    }
}

fn declared_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Strict(&mut json)).map_err(|error| {
        let pointer = shortened(pointer(error.path()));
        let error = error.into_inner();
        if error.is_data() {
            let detail = shortened(without_place(&error));
            let place_and_detail =
                format!("{}: {detail}", if pointer.is_empty() { "/" } else { &pointer });
            Problem::Malformed(place_and_detail, vec![FieldError { pointer, detail }])
        } else {
            not_json(&error)
        }
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::Malformed(format!("the body isn't JSON: {error}"), Vec::new())
}

/// The message without `at line 1 column 7`: the pointer says where.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).into()
}

/// As much of a text as is told of what was sent.
fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_TOLD_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The JSON pointer (RFC 6901) of a path.
fn pointer(path: &serde_path_to_error::Path) -> String {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            // A variant's name isn't a member of the JSON that it is read from.
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

#[cfg(test)]
mod arrays;

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::SweepSpec;

    fn errors(body: &str) -> (String, Vec<FieldError>) {
        match parse::<SweepSpec>(body.as_bytes()) {
            Err(Problem::Malformed(detail, errors)) => (detail, errors),
            other => panic!("{other:?} for {body}"),
        }
    }

    fn pointer_of(body: &str) -> String {
        errors(body).1[0].pointer.clone()
    }

    #[test]
    fn a_wrong_type_is_pointed_at() {
        let body = r#"{"name": "x", "recipe": {"dataset": {"name": "digits"}, "epochs": "ten"}}"#;
        assert_eq!(pointer_of(body), "/recipe/epochs");
        let body = r#"{"name": "x", "recipe": {"dataset": {"name": "digits"}},
                       "search": {"seeds": [0, -1]}}"#;
        assert_eq!(pointer_of(body), "/search/seeds/1");
    }

    #[test]
    fn an_unknown_field_is_pointed_at_itself() {
        let body = r#"{"name": "x", "recipe": {"dataset": {"name": "digits"}, "epoch": 3}}"#;
        assert_eq!(pointer_of(body), "/recipe/epoch");
    }

    #[test]
    fn what_is_told_of_a_name_is_shorter_than_the_name() {
        let long = "é".repeat(400_000);
        for body in [
            format!(r#"{{"name": "x", "{long}": 1}}"#),
            format!(r#"{{"name": "x", "recipe": {{"dataset": {{"name": "{long}"}}}}}}"#),
            format!(
                r#"{{"name": "x", "recipe": {{"dataset": {{"name": "digits"}},
                        "optimizer": {{"kind": "{long}"}}}}}}"#
            ),
        ] {
            let (detail, errors) = errors(&body);
            let told = [&detail, &errors[0].pointer, &errors[0].detail];
            assert!(told.iter().all(|text| text.chars().count() <= 2_100), "{}", detail.len());
        }
    }

    #[test]
    fn a_missing_field_is_told_with_the_object_that_lacks_it() {
        let (detail, errors) = errors(r#"{"name": "x"}"#);
        assert_eq!(errors[0].pointer, "");
        assert_eq!(detail, "/: missing field `recipe`");
    }

    #[test]
    fn what_is_not_json_has_a_place_and_no_pointer() {
        let (detail, errors) = errors("{\"name\": ");
        assert!(detail.contains("line 1") && errors.is_empty(), "{detail}");
        assert!(parse::<SweepSpec>(b"").is_err());
    }

    #[test]
    fn what_comes_after_the_body_is_refused() {
        let body = r#"{"name": "x", "recipe": {"dataset": {"name": "digits"}}} {}"#;
        assert!(parse::<SweepSpec>(body.as_bytes()).is_err());
    }
}
