//! Certificates that are trusted, as a file has them.

use std::fs;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::TlsError;
use crate::limits::TLS_ROOTS_BYTES;

/// The certificates in a PEM file, at least one.
pub(super) fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let refused = |reason: String| TlsError::Roots {
        path: path.to_owned(),
        reason,
    };
    let metadata = fs::metadata(path).map_err(|error| refused(error.to_string()))?;
    if metadata.len() > TLS_ROOTS_BYTES {
        let bytes = metadata.len();
        return Err(refused(format!(
            "it has {bytes} bytes, and {TLS_ROOTS_BYTES} are read at most"
        )));
    }
    let text = fs::read(path).map_err(|error| refused(error.to_string()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| refused(error.to_string()))?;
    match found.is_empty() {
        true => Err(refused("it holds no certificate".into())),
        false => Ok(found),
    }
}
