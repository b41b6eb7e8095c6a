//! Requests over TLS, against servers whose certificates are made here.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use super::server::{Act, Server};
use super::{DONE, PATH, at, config, put, refusal};
use crate::sink::stream_load::config::{Address, Endpoint, System};
use crate::sink::stream_load::http::{Client, Lost};

/// An authority, and the file that names it.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::new(Vec::<String>::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { issuer: Issuer::new(parameters, key), folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A server with a certificate for this name.
    fn server(&self, name: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Arc::new(server)
    }

    /// A client that trusts this authority alone.
    fn client(&self, frontend: Endpoint) -> Client {
        let mut config = config(System::StarRocks, vec![frontend]);
        config.ca_file = Some(self.file());
        Client::new("ods", &config).unwrap()
    }
}

#[test]
fn a_load_goes_over_tls_from_frontend_to_backend() {
    let authority = Authority::new("ours");
    let tls = authority.server("127.0.0.1");
    let backend = Server::secured(vec![Act::take(DONE)], Arc::clone(&tls));
    let frontend = Server::secured(vec![Act::to(&at(&backend, PATH))], tls);
    assert!(at(&backend, PATH).starts_with("https://"));
    let answer = put(&authority.client(frontend.endpoint())).unwrap();
    assert_eq!((answer.status, answer.body), (200, DONE.as_bytes().to_vec()));
    assert_eq!(backend.requests()[0].body, b"[{\"id\":1}]");
}

#[test]
fn an_answer_that_comes_before_the_whole_body_is_heard_through_tls() {
    let authority = Authority::new("ours");
    let tls = authority.server("127.0.0.1");
    let refusal = r#"{"Status": "Fail", "Message": "too many filtered rows"}"#;
    // More than any socket holds.
    let body = vec![b' '; 64 << 20];
    let backend = Server::secured(vec![Act::Interrupt(refusal.to_owned())], Arc::clone(&tls));
    let location = at(&backend, PATH);
    let frontend = Server::secured(vec![Act::to(&location), Act::to(&location)], tls);
    let client = authority.client(frontend.endpoint());
    let answer = client.put_load(PATH, &[("label", "mr_1".to_owned())], &body).unwrap();
    assert_eq!(answer.body, refusal.as_bytes());
    drop(backend.requests());
    // Nobody is there now, and the connection of before is not used again.
    let lost = put(&client).unwrap_err();
    assert!(matches!(lost, Lost::NotSent(_)), "{lost:?}");
}

#[test]
fn a_load_that_tls_loses_is_unknown() {
    let authority = Authority::new("ours");
    let tls = authority.server("127.0.0.1");
    for act in [Act::Drop, Act::TakeAndDrop, Act::Raw("HTTP/1.1 200 OK\r\nContent-Le")] {
        let backend = Server::secured(vec![act.clone()], Arc::clone(&tls));
        let location = at(&backend, PATH);
        let frontend = Server::secured(vec![Act::to(&location)], Arc::clone(&tls));
        let lost = put(&authority.client(frontend.endpoint())).unwrap_err();
        assert!(matches!(lost, Lost::Unknown(_)), "{act:?}: {lost:?}");
    }
}

#[test]
fn certificates_that_are_not_trusted_are_explained_and_get_nothing() {
    let ours = Authority::new("ours");
    let cases = [
        (Authority::new("theirs").server("127.0.0.1"), "no authority that is trusted here"),
        // Another key under the same name, as after an authority was made anew.
        (Authority::new("ours").server("127.0.0.1"), "no authority that is trusted here"),
        (ours.server("fe.shop.invalid"), "not for this name (it has: fe.shop.invalid)"),
    ];
    for (tls, words) in cases {
        let server = Server::secured(vec![Act::json(DONE)], tls);
        let error = refusal(put(&ours.client(server.endpoint()))).to_string();
        let endpoint = format!("TLS with https://127.0.0.1:{} fails: ", server.address().port);
        assert!(error.starts_with(&endpoint) && error.contains(words), "{error}");
        assert_eq!(error.matches("; ").count(), 1, "{error}");
        assert!(server.requests().is_empty());
    }
}

#[test]
fn a_port_that_hangs_up_on_tls_is_said_to_do_so() {
    let authority = Authority::new("ours");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || drop(listener.accept().unwrap()));
    let address = Address { host: "127.0.0.1".to_owned(), port };
    let lost = put(&authority.client(Endpoint { tls: true, address })).unwrap_err();
    server.join().unwrap();
    let Lost::NotSent(error) = lost else { panic!("{lost:?}") };
    assert!(error.to_string().contains("does this port speak TLS?"), "{error}");
}

#[test]
fn a_connection_with_tls_is_used_again() {
    const REQUESTS: usize = 3;
    let authority = Authority::new("ours");
    let tls = authority.server("127.0.0.1");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Takes one connection: on a second nobody would shake hands.
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = ServerConnection::new(tls).unwrap();
        let mut stream = BufReader::new(StreamOwned::new(connection, stream));
        for _ in 0..REQUESTS {
            let mut line = String::from("-");
            while !line.trim_end().is_empty() {
                line.clear();
                stream.read_line(&mut line).unwrap();
            }
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
            stream.get_mut().write_all(answer).unwrap();
        }
    });
    let address = Address { host: "127.0.0.1".to_owned(), port };
    let client = authority.client(Endpoint { tls: true, address });
    for _ in 0..REQUESTS {
        assert_eq!(client.get("/api/shop/get_load_state?label=x").unwrap().body, b"{}");
    }
    server.join().unwrap();
}
