//! Whose certificates are taken beside those of the system's authorities.

use crate::plain_io;
use reqwest::Certificate;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// The longest file that is read; all the authorities that browsers trust are a quarter of a MiB.
const MAX_BYTES: u64 = 4 << 20;

/// Authorities to trust beside the system's; none unless a file names some.
#[derive(Clone, Debug, Default)]
pub struct Authorities {
    file: Option<PathBuf>,
    certificates: Vec<Certificate>,
}

/// Why a file of authorities can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CaFileError {
    /// The system doesn't give it.
    #[error("{} can't be read: {}", .path.display(), plain_io(.source))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Longer than any such file.
    #[error("{} is longer than {} MiB, which no file of certificates is", .path.display(), MAX_BYTES >> 20)]
    Long {
        /// The file.
        path: PathBuf,
    },
    /// Nothing in it is a certificate.
    #[error("{} holds no certificate: {hint}", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What it may be instead.
        hint: &'static str,
    },
    /// One of its certificates can't be used.
    #[error("certificate {number} in {} can't be used: {reason}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl Authorities {
    /// The authorities whose certificates a file holds, one or more in PEM.
    ///
    /// # Errors
    /// [`CaFileError`]: a file that can't be read, has no certificate, or one that can't be used.
    pub fn read(file: &Path) -> Result<Self, CaFileError> {
        let path = || file.to_owned();
        let mut bytes = Vec::new();
        File::open(file)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|source| CaFileError::Read { path: path(), source })?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(CaFileError::Long { path: path() });
        }
        let mut certificates = Vec::new();
        for (at, found) in CertificateDer::pem_slice_iter(&bytes).enumerate() {
            let invalid =
                |reason: String| CaFileError::Invalid { path: path(), number: at + 1, reason };
            let der = found.map_err(|error| invalid(error.to_string()))?;
            // The HTTP library would look at it only when a client is made, and not say which it was.
            let mut store = RootCertStore::empty();
            store.add(der.clone()).map_err(|error| invalid(error.to_string()))?;
            let taken = Certificate::from_der(&der).map_err(|error| invalid(error.to_string()))?;
            certificates.push(taken);
        }
        match certificates.is_empty() {
            true => Err(CaFileError::Empty { path: path(), hint: instead(&bytes) }),
            false => Ok(Self { file: Some(path()), certificates }),
        }
    }

    /// The file that names them.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(crate) fn certificates(&self) -> Vec<Certificate> {
        self.certificates.clone()
    }
}

/// What a file without certificates may be.
fn instead(bytes: &[u8]) -> &'static str {
    let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    // What a certificate begins with in DER: a sequence whose length takes two bytes.
    if bytes.starts_with(&[0x30, 0x82]) {
        "it looks like DER; `openssl x509 -inform der -in FILE -out ca.pem` makes it PEM"
    } else if has("PRIVATE KEY-----") {
        "a private key is none; the certificate begins with -----BEGIN CERTIFICATE-----"
    } else {
        "in PEM, one begins with -----BEGIN CERTIFICATE-----"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use tempfile::NamedTempFile;

    fn file(contents: impl AsRef<[u8]>) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(contents.as_ref()).unwrap();
        file
    }

    fn pem() -> String {
        rcgen::generate_simple_self_signed(vec!["an authority".into()]).unwrap().cert.pem()
    }

    fn refused(contents: impl AsRef<[u8]>) -> String {
        let file = file(contents);
        let said = Authorities::read(file.path()).unwrap_err().to_string();
        assert!(said.contains(file.path().to_str().unwrap()), "{said}");
        said
    }

    #[test]
    fn a_file_may_hold_several_with_words_between_them() {
        let file = file(format!("The first\n{}\nand another\n{}", pem(), pem()));
        let read = Authorities::read(file.path()).unwrap();
        assert_eq!(read.certificates.len(), 2);
        assert_eq!(read.file(), Some(file.path()));
    }

    #[test]
    fn what_cannot_be_used_is_told_with_its_place() {
        let missing = Authorities::read(Path::new("/nowhere/ca.pem")).unwrap_err().to_string();
        assert!(
            missing.starts_with("/nowhere/ca.pem can't be read: there is no such file"),
            "{missing}"
        );
        assert!(refused("").contains("holds no certificate: in PEM, one begins with"));
        let key = rcgen::KeyPair::generate().unwrap();
        assert!(refused(key.serialize_pem()).contains("a private key is none"));
        assert!(refused(key.serialize_der()).contains("holds no certificate"));
        let der = rcgen::generate_simple_self_signed(vec!["a".into()]).unwrap();
        assert!(refused(der.cert.der()).contains("openssl x509 -inform der"));
        let half = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        assert!(refused(format!("{}{half}", pem())).contains("certificate 2 in "));
        assert!(refused(&pem()[..100]).contains("certificate 1 in "));
        assert!(refused(vec![b'a'; (MAX_BYTES + 1) as usize]).contains("longer than 4 MiB"));
    }
}
