//! Whom TLS trusts, and what to do where it fails.
//!
//! *Invariants*: no problem has a `; ` in it: what stands behind one is read as the remedy.
//! *Not here*: connections (`http`, `target`).

use std::fs;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, RootCertStore};

use super::error::{StreamLoadError, causes};

/// The certificates of `ca_file`, each of which can be trusted.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StreamLoadError> {
    let unfit = |problem: String| StreamLoadError::Halted {
        message: format!(
            "`ca_file`, {}, cannot be used: {problem}; name the PEM file with the certificate of \
             the authority that signed the servers' certificates",
            path.display()
        ),
    };
    let text = fs::read(path).map_err(|error| unfit(error.to_string()))?;
    let certificates = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unfit(causes(&error)))?;
    if certificates.is_empty() {
        return Err(unfit("there is no certificate in it".to_owned()));
    }
    // Each is tried here, since those that cannot be read are left out or misread later.
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        store.add(certificate.clone()).map_err(|error| unfit(causes(&error)))?;
    }
    Ok(certificates)
}

/// What a handshake with `endpoint` fails of. `without` says what to do if there is no TLS at all.
pub(super) fn failed(endpoint: String, error: &rustls::Error, without: &str) -> StreamLoadError {
    let (problem, remedy) = match error {
        rustls::Error::InvalidCertificate(problem) => distrust(problem),
        rustls::Error::InvalidMessage(_) => ("what it answers is no TLS".to_owned(), without),
        other => (other.to_string(), "check what TLS this port speaks: 1.2 or 1.3 is needed"),
    };
    let problem = problem.replace("; ", ", ");
    StreamLoadError::Tls { endpoint, problem, remedy: remedy.to_owned() }
}

/// Why a certificate is not trusted, and what to do.
fn distrust(problem: &CertificateError) -> (String, &'static str) {
    match problem {
        // The latter where another authority has the name of one that is trusted.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "no authority that is trusted here has signed its certificate".to_owned(),
            "name the PEM file of the authority that did with `ca_file`",
        ),
        CertificateError::NotValidForName => other_names("others"),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            other_names(if names.is_empty() { "none".to_owned() } else { names.join(", ") })
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("its certificate has expired".to_owned(), "renew it, and check this machine's clock")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "its certificate is not valid yet".to_owned(),
            "check this machine's clock, and that of the machine that made it",
        ),
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => (
            "its certificate is that of an authority, which no server may use".to_owned(),
            "sign a certificate without CA:TRUE for the server, and name the authority's with \
             `ca_file`",
        ),
        other => (
            rustls::Error::InvalidCertificate(other.clone()).to_string(),
            "mend the server's certificate",
        ),
    }
}

fn other_names(names: impl std::fmt::Display) -> (String, &'static str) {
    (
        format!("its certificate is not for this name (it has: {names})"),
        "call it by a name that the certificate has, in `load_url`, `mysql_url` or `map` under \
         `backends`, or give it a certificate for this one",
    )
}

/// A name out of `DnsName("fe1")` or `IpAddress(10.0.0.1)`.
fn bare(presented: &str) -> &str {
    let inner = presented.split_once('(').map_or(presented, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"')
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;

    use super::*;

    fn told(error: rustls::Error) -> String {
        failed("https://fe1:8030".to_owned(), &error, "say http://").to_string()
    }

    #[test]
    fn a_problem_and_its_remedy_are_two_halves() {
        let expected = ServerName::try_from("fe1").expect("a name");
        let presented = vec!["DnsName(\"fe2\")".to_owned(), "IpAddress(10.0.0.1)".to_owned()];
        let names = CertificateError::NotValidForNameContext { expected, presented };
        for (error, problem, remedy) in [
            (names.into(), "(it has: fe2, 10.0.0.1)", "call it by a name"),
            (CertificateError::UnknownIssuer.into(), "no authority that is trusted", "`ca_file`"),
            (CertificateError::BadSignature.into(), "no authority that is trusted", "`ca_file`"),
            (CertificateError::Expired.into(), "has expired", "renew it"),
            (CertificateError::Revoked.into(), "Revoked", "mend the server's certificate"),
            (rustls::InvalidMessage::InvalidContentType.into(), "no TLS", "say http://"),
            (rustls::Error::HandshakeNotComplete, "handshake", "1.2 or 1.3"),
        ] {
            let text = told(error);
            let (what, to_do) = text.split_once("; ").expect("two halves");
            assert!(what.starts_with("TLS with https://fe1:8030 fails: "), "{text}");
            assert!(what.contains(problem) && to_do.contains(remedy), "{text}");
        }
    }
}
