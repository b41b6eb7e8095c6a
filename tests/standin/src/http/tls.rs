//! The frontends' certificate, for clients that ask for https.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotACertificate {
    /// It is not PEM, or has no certificate or key.
    #[error("the certificate or its key is not PEM: {0}")]
    Pem(#[from] pem::Error),
    /// Certificate and key do not fit, or are of an unknown kind.
    #[error("the certificate cannot be used: {0}")]
    Rustls(#[from] rustls::Error),
}

/// A server's configuration with this certificate chain and key, both PEM.
pub fn server_config(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, NotACertificate> {
    let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(key)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}
