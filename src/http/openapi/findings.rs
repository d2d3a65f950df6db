//! What an answer comes to, in the words of lists and terminal (`x-enum-descriptions`), so that no client needs
//! its own.

use super::schedulers::object;
use floodgauge_api::Finding;
use serde_json::json;
use utoipa::openapi::{OpenApi, extensions::ExtensionsBuilder};

/// Tells how each finding is called.
pub(super) fn describe(openapi: &mut OpenApi) {
    if let Some(findings) = object(openapi, "Finding") {
        let words = Finding::ALL.map(Finding::words);
        let extension = ExtensionsBuilder::new().add("x-enum-descriptions", json!(words)).build();
        findings.extensions.get_or_insert_default().merge(extension);
    }
}

#[cfg(test)]
mod tests {
    use floodgauge_api::Finding;

    #[test]
    fn every_finding_is_told_with_its_words_in_the_order_of_the_names() {
        let file = serde_json::to_value(crate::http::openapi()).unwrap();
        let findings = &file["components"]["schemas"]["Finding"];
        let told: Vec<_> = findings["enum"]
            .as_array()
            .unwrap()
            .iter()
            .zip(findings["x-enum-descriptions"].as_array().unwrap())
            .map(|(name, words)| (name.clone(), words.clone()))
            .collect();
        let each = Finding::ALL.map(|finding| {
            (serde_json::to_value(finding).unwrap(), serde_json::json!(finding.words()))
        });
        assert_eq!(told, each);
    }
}
