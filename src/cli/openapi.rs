//! `floodgauge openapi`: the description of the HTTP surface, as OpenAPI 3.1.

use super::{Failure, print};
use crate::http;

/// Runs `openapi`.
///
/// # Errors
/// Trouble of standard output.
pub async fn run() -> Result<(), Failure> {
    let text = http::openapi().to_pretty_json().map_err(anyhow::Error::new)?;
    print::json(&text)
}
