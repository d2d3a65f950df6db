//! Proxies to the world, which the environment names.

use super::{
    forward_proxy::{Does, ForwardProxy},
    nginx::Nginx,
    quick, said,
    tls::Authority,
};
use crate::process::{
    follow,
    programs::{Server, run, worker_within},
};

const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nServer: squid/5.7\r\nContent-Type: text/html\r\n\
                    Content-Length: 13\r\nConnection: close\r\n\r\n<h1>503</h1>\n";
const WHO: &str = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\
                   Connection: close\r\n\r\n";

/// Proxies that are named in every way that there is.
fn all(proxy: &ForwardProxy) -> [(&'static str, &str); 3] {
    ["http_proxy", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, proxy.address.as_str()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_machine_is_asked_directly_whatever_proxy_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), None);
    let proxy = ForwardProxy::start(Does::Answers(BUSY)).await;
    let by_name = server.address.replace("127.0.0.1", "localhost");
    let sweep = server.client.submit(&quick(), None).await.unwrap().value.summary.id;
    let _worker = worker_within(&by_name, "near", &[], &all(&proxy));
    follow(&server, sweep).await;
    let list = said(&["list", "--server", &server.address], &all(&proxy));
    assert_eq!(list.code, Some(0), "{}", list.complaint);
    // What sends traces asks a collector here, which there is none of, and not the proxy.
    let traced =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:9"), ("OTEL_BSP_SCHEDULE_DELAY", "1")];
    let drained = ["worker", "--drain", "--server", &server.address];
    let drained = said(&drained, &[&all(&proxy)[..], &traced].concat());
    assert_eq!(drained.code, Some(0), "{}", drained.complaint);
    assert_eq!(proxy.asked(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_answers_instead_of_the_server_is_named_with_the_way_around_it() {
    let server = "http://gauge.invalid:7878";
    for (answer, words) in [
        (BUSY, "503 Service Unavailable came from squid/5.7, or the proxy "),
        (WHO, "it asks for a user name and a password"),
    ] {
        let proxy = ForwardProxy::start(Does::Answers(answer)).await;
        let list = said(&["list", "--server", server], &all(&proxy));
        assert_eq!(list.code, Some(4), "{}", list.complaint);
        for words in [words, &proxy.address, "list gauge.invalid in NO_PROXY"] {
            assert!(list.complaint.contains(words), "{words}: {}", list.complaint);
        }
        assert_eq!(proxy.asked(), [format!("GET {server}/v1/sweeps?limit=20 HTTP/1.1")]);
        // Whoever is told to does without it.
        let direct = [&all(&proxy)[..], &[("NO_PROXY", "10.0.0.0/8,gauge.invalid")]].concat();
        let list = said(&["list", "--server", server], &direct);
        assert_eq!(list.code, Some(4), "{}", list.complaint);
        assert!(!list.complaint.contains("proxy"), "{}", list.complaint);
        assert_eq!(proxy.asked().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_is_not_there_or_refuses_a_tunnel_is_named() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = format!("http://user:secret@{gone}");
    let list = said(&["list", "--server", "http://gauge.invalid"], &[("http_proxy", &gone)]);
    assert!(list.complaint.contains("the connection was refused"), "{}", list.complaint);
    assert!(list.complaint.contains("list gauge.invalid in NO_PROXY"), "{}", list.complaint);
    assert!(!list.complaint.contains("secret"), "{}", list.complaint);
    let proxy = ForwardProxy::start(Does::Answers(WHO)).await;
    let list = said(&["list", "--server", "https://gauge.invalid"], &all(&proxy));
    for words in ["proxy authorization required", &proxy.address, "NO_PROXY"] {
        assert!(list.complaint.contains(words), "{words}: {}", list.complaint);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_only_a_proxy_reaches_is_worked_for_through_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    // Without a token it would answer to no such name.
    let token = run(&["token", "create", "all", "--scope", "admin", "--data-dir", data]);
    let server = Server::start(folder.path(), None);
    let client = server.client.clone().with_token(token.trim());
    let place = server.address.trim_start_matches("http://").to_owned();
    let proxy = ForwardProxy::start(Does::HandsOn(place)).await;
    let variables = [&all(&proxy)[..], &[("FLOODGAUGE_TOKEN", token.trim())]].concat();
    let sweep = client.submit(&quick(), None).await.unwrap().value.summary.id;
    let _worker = worker_within("http://gauge.invalid:7878", "far", &[], &variables);
    let server = Server { client, ..server };
    follow(&server, sweep).await;
    assert!(
        proxy
            .asked()
            .iter()
            .any(|line| line.starts_with("POST http://gauge.invalid:7878/v1/work/"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_goes_through_a_tunnel_of_the_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let token = run(&["token", "create", "all", "--scope", "admin", "--data-dir", data]);
    let server = Server::start(folder.path(), None);
    let authority = Authority::new(folder.path(), "ours");
    let shown = authority.sign(folder.path(), "gauge.invalid");
    let nginx = Nginx::start(|[port, _]| {
        format!(
            "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {}; ssl_certificate_key {}; \
             location / {{ proxy_pass {}; }} }}",
            shown.certificate.display(),
            shown.key.display(),
            server.address
        )
    });
    let proxy = ForwardProxy::start(Does::HandsOn(format!("127.0.0.1:{}", nginx.ports[0]))).await;
    let file = authority.file.to_str().unwrap();
    let list = ["list", "--server", "https://gauge.invalid", "--ca-file", file];
    let variables = [&all(&proxy)[..], &[("FLOODGAUGE_TOKEN", token.trim())]].concat();
    let list = said(&list, &variables);
    assert_eq!(list.code, Some(0), "{}", list.complaint);
    assert_eq!(proxy.asked(), ["CONNECT gauge.invalid:443 HTTP/1.1"]);
}
