//! Certificates, for clients that ask for TLS: given, or signed by an authority that is made here.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The names of this machine, for certificates.
pub const HERE: [&str; 3] = ["127.0.0.1", "::1", "localhost"];

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotACertificate {
    /// It is not PEM, or has no certificate or key.
    #[error("the certificate or its key is not PEM: {0}")]
    Pem(#[from] pem::Error),
    /// Certificate and key do not fit, or are of an unknown kind.
    #[error("the certificate cannot be used: {0}")]
    Rustls(#[from] rustls::Error),
    /// It cannot have such names.
    #[error("a certificate cannot be made: {0}")]
    Unmade(#[from] rcgen::Error),
}

/// A certificate chain and its key, both PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The chain, the server's own first.
    pub chain: Vec<u8>,
    /// The key.
    pub key: Vec<u8>,
}

impl Certificate {
    /// The configuration of a server with it.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, NotACertificate> {
        let chain = CertificateDer::pem_slice_iter(&self.chain).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Arc::new(config))
    }
}

/// An authority that signs certificates of servers. Each has a key of its own, whatever its name.
pub struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes an authority of this name.
    pub fn new(name: &str) -> Result<Self, NotACertificate> {
        let mut parameters = CertificateParams::new(Vec::<String>::new())?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.key_usages.push(KeyUsagePurpose::KeyCertSign);
        let key = KeyPair::generate()?;
        let certificate = parameters.self_signed(&key)?;
        Ok(Self { certificate, issuer: Issuer::new(parameters, key) })
    }

    /// Its certificate, PEM: what clients are told to trust.
    #[must_use]
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate of a server with these names, hosts or IP addresses.
    pub fn certificate(&self, names: &[impl AsRef<str>]) -> Result<Certificate, NotACertificate> {
        let names: Vec<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        let mut parameters = CertificateParams::new(names)?;
        parameters.distinguished_name.push(DnType::CommonName, "stand-in");
        parameters.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        let key = KeyPair::generate()?;
        let chain = parameters.signed_by(&key, &self.issuer)?.pem().into_bytes();
        Ok(Certificate { chain, key: key.serialize_pem().into_bytes() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_are_made_can_be_used_and_others_cannot() {
        let authority = Authority::new("test").unwrap();
        assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
        let ours = authority.certificate(&HERE).unwrap();
        ours.server_config().unwrap();
        let theirs = authority.certificate(&["fe.invalid"]).unwrap();
        let mixed = Certificate { key: theirs.key, ..ours };
        assert!(matches!(mixed.server_config(), Err(NotACertificate::Rustls(_))));
        let none = Certificate { chain: Vec::new(), key: b"key".to_vec() };
        assert!(matches!(none.server_config(), Err(NotACertificate::Pem(_))));
        let unmade = authority.certificate(&["f\u{e4}.invalid"]);
        assert!(matches!(unmade, Err(NotACertificate::Unmade(_))));
    }
}
