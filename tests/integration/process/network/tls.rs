//! Authorities of certificates that nobody else knows.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::path::{Path, PathBuf};

/// An authority, whose certificate lies in a file.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate in PEM.
    pub file: PathBuf,
}

impl Authority {
    /// A new one, its file in `folder`.
    pub fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let file = folder.join(format!("{name}.pem"));
        std::fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), file }
    }

    /// A certificate of a server, and the key to it.
    pub fn sign(&self, folder: &Path, host: &str) -> Shown {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        Shown::write(folder, host, &params.signed_by(&key, &self.issuer).unwrap(), &key)
    }
}

/// What a server shows: the files of its certificate and its key.
pub struct Shown {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Shown {
    /// A certificate that a server made for itself, of an authority or not.
    pub fn self_made(folder: &Path, host: &str, is_authority: bool) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        if is_authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        Self::write(
            folder,
            &format!("self-made-{is_authority}"),
            &params.self_signed(&key).unwrap(),
            &key,
        )
    }

    fn write(folder: &Path, name: &str, certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        let shown = Self {
            certificate: folder.join(format!("{name}-certificate.pem")),
            key: folder.join(format!("{name}-key.pem")),
        };
        std::fs::write(&shown.certificate, certificate.pem()).unwrap();
        std::fs::write(&shown.key, key.serialize_pem()).unwrap();
        shown
    }
}
