//! The secp256k1 key that makes a node's peer id.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use libp2p::identity::{Keypair, secp256k1};

use crate::limits::KEY_FILE_BYTES;

/// A fresh key.
#[must_use]
pub fn generate() -> Keypair {
    Keypair::generate_secp256k1()
}

/// The key of 64 hex digits (the secret scalar, big-endian), with or without `0x`.
///
/// # Errors
/// When the digits are too many or few, aren't hex, or aren't a key of the curve.
pub fn from_hex(digits: &str) -> Result<Keypair, KeyError> {
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let mut secret = [0; 32];
    hex::decode_to_slice(digits, &mut secret).map_err(|_| KeyError::Digits {
        length: digits.chars().count(),
    })?;
    let secret = secp256k1::SecretKey::try_from_bytes(secret).map_err(|_| KeyError::Curve)?;
    Ok(secp256k1::Keypair::from(secret).into())
}

/// The key in the file at `path`, as [`from_hex`] reads it; blanks around the digits are allowed.
/// A missing file is created, readable by its owner only, with a fresh key; an existing one is
/// never written to.
///
/// # Errors
/// When the file can't be read or created, or holds something else than a key.
pub fn load_or_create(path: &Path) -> Result<Keypair, IdentityError> {
    match load(path) {
        Err(IdentityError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create(path)
        }
        loaded => loaded,
    }
}

fn load(path: &Path) -> Result<Keypair, IdentityError> {
    let io_error = |source| IdentityError::Io {
        path: path.to_owned(),
        source,
    };
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(KEY_FILE_BYTES).read_to_end(&mut content))
        .map_err(io_error)?;
    let text = String::from_utf8_lossy(&content);
    from_hex(text.trim()).map_err(|source| IdentityError::Content {
        path: path.to_owned(),
        source,
    })
}

/// Writes the whole key to a file beside `path` first and links it there, so that no other process
/// ever sees half a key; whoever comes second takes the key of the first.
fn create(path: &Path) -> Result<Keypair, IdentityError> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.tmp", std::process::id()));
    let draft = PathBuf::from(draft);
    let linked = write_key(&draft).and_then(|()| fs::hard_link(&draft, path));
    // The draft may never have been made; the file at `path` is what counts.
    let _ = fs::remove_file(&draft);
    match linked {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => Err(IdentityError::Io {
            path: path.to_owned(),
            source,
        }),
        _ => load(path),
    }
}

fn write_key(draft: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(draft)?;
    let secret = secp256k1::Keypair::generate().secret().to_bytes();
    writeln!(file, "{}", hex::encode(secret))?;
    file.sync_all()
}

/// Why text isn't a key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not 64 hex digits.
    #[error("expected a secp256k1 key of 64 hex digits, got {length} characters that aren't that")]
    Digits {
        /// How many characters came.
        length: usize,
    },
    /// Zero, or not below the order of the curve.
    #[error("expected a secp256k1 key, got a number that is zero or beyond the curve's order")]
    Curve,
}

/// Why a key file gave no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The file can't be read or created.
    #[error("key file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("key file {}: {source}; it was left as it is, name another file or remove it", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        source: KeyError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0000000000000000000000000000000000000000000000000000000000000001";

    #[test]
    fn a_key_file_is_created_once_and_read_ever_after() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        let created = load_or_create(&path).unwrap();
        let content = fs::read(&path).unwrap();
        let loaded = load_or_create(&path).unwrap();
        assert_eq!(created.public(), loaded.public());
        assert_eq!(fs::read(&path).unwrap(), content);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_created_key_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        load_or_create(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_file_that_is_no_key_is_named_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        for content in [
            "",
            "abc",
            &ONE[1..],
            &format!("{ONE}{ONE}"),
            &"g".repeat(64),
        ] {
            fs::write(&path, content).unwrap();
            let error = load_or_create(&path).unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
            assert!(error.contains("64 hex digits"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn processes_that_start_together_agree_on_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.key");
        let first = create(&path).unwrap();
        let second = create(&path).unwrap();
        assert_eq!(first.public(), second.public());
    }

    #[test]
    fn hex_digits_are_the_secret_scalar() {
        let key = from_hex(ONE).unwrap();
        // The generator of secp256k1, compressed (SEC 2, section 2.4.1).
        let generator = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
        let public = key.public().try_into_secp256k1().unwrap();
        assert_eq!(hex::encode(public.to_bytes()), generator);
        assert_eq!(
            from_hex(&format!("0x{ONE}")).unwrap().public(),
            key.public()
        );
        assert_eq!(from_hex(&"0".repeat(64)).unwrap_err(), KeyError::Curve);
        assert_eq!(from_hex(&"f".repeat(64)).unwrap_err(), KeyError::Curve);
    }
}
