//! TLS by certificates of authorities that the system doesn't know.

use super::{
    nginx::Nginx,
    quick, said,
    tls::{Authority, Shown},
    trusting,
};
use crate::process::{
    follow,
    programs::{Server, worker_within},
};
use floodgauge_datasets::download::{Authorities, Downloads, Known, file_from};
use futures::StreamExt as _;
use std::{path::Path, time::Duration};

/// TLS before an address, by what is shown.
fn with_tls(shown: &Shown, location: &str) -> Nginx {
    let (certificate, key) = (shown.certificate.display(), shown.key.display());
    Nginx::start(|[port, _]| {
        format!(
            "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; \
             ssl_certificate_key {key}; location / {{ {location} }} }}"
        )
    })
}

fn address(nginx: &Nginx) -> String {
    format!("https://localhost:{}", nginx.ports[0])
}

#[tokio::test]
async fn the_command_line_a_worker_and_an_event_stream_trust_the_authority_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let authority = Authority::new(folder.path(), "ours");
    // The file holds another one too, as the bundle of a company does.
    let other = std::fs::read_to_string(Authority::new(folder.path(), "other").file).unwrap();
    let bundle = folder.path().join("bundle.pem");
    let ours = std::fs::read_to_string(&authority.file).unwrap();
    std::fs::write(&bundle, format!("{other}\n# ours\n{ours}")).unwrap();
    let shown = authority.sign(folder.path(), "localhost");
    let nginx = with_tls(&shown, &format!("proxy_pass {};", server.address));
    let address = address(&nginx);

    let spec = folder.path().join("sweep.json");
    std::fs::write(&spec, serde_json::to_string(&quick()).unwrap()).unwrap();
    let submit = ["submit", spec.to_str().unwrap(), "--server", &address, "--json"];
    let file = bundle.to_str().unwrap();
    let submitted = said(&[&submit[..], &["--ca-file", file]].concat(), &[]);
    assert_eq!(submitted.code, Some(0), "{}", submitted.complaint);
    let submitted: serde_json::Value = serde_json::from_str(&submitted.printed).unwrap();
    let sweep = submitted["id"].as_str().unwrap().parse().unwrap();
    let followed = tokio::spawn({
        let client = trusting(&address, &bundle);
        async move { client.events(sweep, 0).collect::<Vec<_>>().await }
    });
    let _worker = worker_within(&address, "private", &[], &[("FLOODGAUGE_CA_FILE", file)]);
    let log = follow(&server, sweep).await;
    let followed = followed.await.unwrap();
    assert!(followed.iter().all(Result::is_ok), "{:?}", followed.last());
    assert_eq!(followed.len(), log.len());
}

#[tokio::test]
async fn a_certificate_that_nobody_here_knows_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "ours");
    let shown = authority.sign(folder.path(), "localhost");
    let nginx = with_tls(&shown, "return 404;");
    let address = address(&nginx);
    let list = |file: &[&str]| {
        let said = said(&[&["list", "--server", &address], file].concat(), &[]);
        (said.code, said.complaint)
    };
    let (code, complaint) = list(&[]);
    assert_eq!(code, Some(4), "{complaint}");
    assert!(complaint.contains("its certificate isn't trusted"), "{complaint}");
    assert!(!complaint.contains("UnknownIssuer"), "{complaint}");
    assert!(complaint.contains("--ca-file or FLOODGAUGE_CA_FILE"), "{complaint}");
    let other = Authority::new(folder.path(), "other").file;
    let (_, complaint) = list(&["--ca-file", other.to_str().unwrap()]);
    let words = format!("neither this system nor {} has", other.display());
    assert!(complaint.contains(&words), "{complaint}");
    let (code, complaint) = list(&["--ca-file", "/nowhere/ca.pem"]);
    assert_eq!(code, Some(2), "{complaint}");
    assert!(
        complaint.contains("--ca-file: /nowhere/ca.pem can't be read: there is no such"),
        "{complaint}"
    );
    let worker = said(&["worker", "--drain", "--server", &address, "--ca-file", "/nowhere"], &[]);
    assert_eq!(worker.code, Some(2), "{}", worker.complaint);
    assert!(worker.complaint.contains("--ca-file: /nowhere can't"), "{}", worker.complaint);
    // It is trusted, and isn't of floodgauge: what answers is told.
    let (_, complaint) = list(&["--ca-file", authority.file.to_str().unwrap()]);
    assert!(complaint.contains("404 Not Found came from nginx/"), "{complaint}");
    // A server without TLS.
    let plain = address.replace("https", "http");
    let said = said(&["list", "--server", &plain], &[]);
    assert!(said.complaint.contains("400 Bad Request came from nginx/"), "{}", said.complaint);
}

#[tokio::test]
async fn a_certificate_that_a_server_made_for_itself_is_trusted_unless_it_is_an_authoritys() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let proxied = format!("proxy_pass {};", server.address);
    let list = |shown: &Shown| {
        let nginx = with_tls(shown, &proxied);
        let file = shown.certificate.to_str().unwrap();
        said(&["list", "--server", &address(&nginx), "--ca-file", file], &[])
    };
    let own = list(&Shown::self_made(folder.path(), "localhost", false));
    assert_eq!(own.code, Some(0), "{}", own.complaint);
    let authoritys = list(&Shown::self_made(folder.path(), "localhost", true));
    assert_eq!(authoritys.code, Some(4), "{}", authoritys.complaint);
    let words = "the server presents a CA certificate as its own";
    assert!(authoritys.complaint.contains(words), "{}", authoritys.complaint);
}

/// A file as it would lie at a mirror.
const KNOWN: Known = Known {
    name: "numbers.gz",
    base: "",
    bytes: 3,
    sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
};

#[tokio::test]
async fn a_mirror_is_trusted_by_the_authority_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(KNOWN.name), "abc").unwrap();
    let authority = Authority::new(folder.path(), "ours");
    let shown = authority.sign(folder.path(), "localhost");
    let nginx = with_tls(&shown, &format!("root {};", folder.path().display()));
    let url = format!("{}/{}", address(&nginx), KNOWN.name);
    let download = async |authorities: Authorities, to: &Path| {
        let (retries, delay) = (0, Duration::ZERO);
        let downloads = Downloads { retries, delay, authorities, mirror: None };
        file_from(&KNOWN, url.parse().unwrap(), to, &downloads, &mut |_| {}).await
    };
    let to = tempfile::tempdir().unwrap();
    let refused = download(Authorities::default(), to.path()).await.unwrap_err().to_string();
    assert!(refused.contains("--ca-file"), "{refused}");
    let authorities = Authorities::read(&authority.file).unwrap();
    download(authorities, to.path()).await.unwrap();
    assert_eq!(std::fs::read(to.path().join(KNOWN.name)).unwrap(), b"abc");
    let flag = said(&["dataset", "download", "mnist", "--ca-file", "/nowhere"], &[]);
    assert_eq!(flag.code, Some(2), "{}", flag.complaint);
}
