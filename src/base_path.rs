//! A path that a server lies below, for proxies that hand requests on with the prefix that they came
//! with. `http` takes it off.

use std::{fmt, str::FromStr};

/// A path such as `/floodgauge`: one or more segments, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasePath(String);

/// What isn't a [`BasePath`].
#[derive(Debug, thiserror::Error)]
#[error(
    "a base path is like /floodgauge or /tools/floodgauge: letters, digits and -._~, not `{0}`"
)]
pub struct BadBasePath(String);

impl FromStr for BasePath {
    type Err = BadBasePath;

    fn from_str(text: &str) -> Result<Self, BadBasePath> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let segment = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(plain);
        match path.strip_prefix('/') {
            Some(parts) if parts.split('/').all(segment) => Ok(Self(path.into())),
            _ => Err(BadBasePath(text.chars().take(80).collect())),
        }
    }
}

impl BasePath {
    /// The path, which begins with a slash and doesn't end with one.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_has_segments_and_no_slash_at_its_end() {
        let read = |text: &str| text.parse::<BasePath>().map(|base| base.to_string());
        assert_eq!(read("/floodgauge").unwrap(), "/floodgauge");
        assert_eq!(read("/tools/flood-gauge_1/").unwrap(), "/tools/flood-gauge_1");
        for bad in ["", "/", "floodgauge", "//a", "/a//b", "/a/../b", "/a b", "/ü", "/a?b", "/a%2f"]
        {
            assert!(read(bad).unwrap_err().to_string().contains(bad), "{bad}");
        }
    }
}
