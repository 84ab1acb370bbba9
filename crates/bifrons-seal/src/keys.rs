//! With what a film is signed: a key and certificates of this computer's user.
//!
//! Made here, they prove one thing: that two films come from the same place. They name nobody. Whoever wants their name in
//! a film gets a certificate for signing content from an authority and gives it to [`Keys::adopt`].

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bifrons_project::atomic;
use c2pa::{BoxedSigner, SigningAlg, create_signer};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use crate::SealError;

/// Certificates, the signer's first, then who vouches for it.
const CHAIN: &str = "certificates.pem";
/// The signer's private key, PKCS#8.
const KEY: &str = "private-key.pem";
/// How long a certificate made here holds.
const DAYS: i64 = 3650;
/// What certificates made here say of their owner.
pub(crate) const OWN_NAME: &str = "This computer (made by Bifrons, names nobody)";

/// The keys of a user.
pub struct Keys {
    folder: PathBuf,
    chain: Vec<u8>,
    key: Vec<u8>,
    algorithm: SigningAlg,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // the key stays where it is
        out.debug_struct("Keys").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Keys {
    /// The keys in `folder`; made there when there are none.
    ///
    /// # Errors
    /// [`SealError::Keys`], [`SealError::Io`], [`SealError::Project`].
    pub fn open_or_make(folder: &Path) -> Result<Self, SealError> {
        if !folder.is_dir() {
            match Self::make(folder) {
                Err(SealError::KeysThere { .. }) => {}
                other => return other,
            }
        }
        Self::open(folder)
    }

    /// Makes keys in `folder`: a root that vouches for one signer. The root's own key is thrown away, so nobody can ever
    /// make a second signer under it.
    ///
    /// # Errors
    /// [`SealError::KeysThere`]; as [`Self::open_or_make`].
    pub fn make(folder: &Path) -> Result<Self, SealError> {
        let failed =
            |error: rcgen::Error| SealError::Keys { path: folder.to_owned(), reason: error.to_string() };
        let today = OffsetDateTime::from(SystemTime::now());
        let named = |part: &str| {
            let mut params = CertificateParams::default();
            // a clock that is a little slow must not find the certificate too young
            params.not_before = today - Duration::days(1);
            params.not_after = today + Duration::days(DAYS);
            params.distinguished_name.push(DnType::CommonName, format!("{OWN_NAME}{part}"));
            params.distinguished_name.push(DnType::OrganizationName, OWN_NAME);
            params.use_authority_key_identifier_extension = true;
            params
        };
        let mut root = named(", root");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let root_key = KeyPair::generate().map_err(failed)?;
        let root_certificate = root.self_signed(&root_key).map_err(failed)?;
        let mut leaf = named("");
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = leaf.signed_by(&key, &Issuer::new(root, root_key)).map_err(failed)?;
        let chain = certificate.pem() + &root_certificate.pem();
        Self::store(folder, chain.as_bytes(), key.serialize_pem().as_bytes())
    }

    /// Takes over a certificate (PEM, the signer's first, then the rest of the chain) and its key (PEM, PKCS#8) of the user's
    /// own.
    ///
    /// # Errors
    /// [`SealError::KeysThere`]; [`SealError::Keys`] when they do not fit or are not for signing content.
    pub fn adopt(folder: &Path, certificates: &Path, key: &Path) -> Result<Self, SealError> {
        let read = |path: &Path| fs::read(path).map_err(|source| SealError::io("read", path, source));
        let (chain, key) = (read(certificates)?, read(key)?);
        // nothing is kept before it has signed
        Self::fitting(certificates, &chain, &key)?;
        Self::store(folder, &chain, &key)
    }

    fn open(folder: &Path) -> Result<Self, SealError> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|source| SealError::io("read", &path, source))
        };
        Self::fitting(folder, &read(CHAIN)?, &read(KEY)?)
    }

    fn store(folder: &Path, chain: &[u8], key: &[u8]) -> Result<Self, SealError> {
        let there = || SealError::KeysThere { path: folder.to_owned() };
        if folder.is_dir() {
            return Err(there());
        }
        if let Some(parent) = folder.parent() {
            atomic::create_dir_all(parent)?;
        }
        let part = atomic::part_path(folder);
        private_folder(&part).map_err(|source| SealError::io("make the folder", &part, source))?;
        atomic::write(&part.join(CHAIN), chain)?;
        let key_path = part.join(KEY);
        atomic::write(&key_path, key)?;
        private_file(&key_path).map_err(|source| SealError::io("protect", &key_path, source))?;
        if folder.is_dir() {
            // another process was faster: its keys count. Ours were never used.
            fs::remove_dir_all(&part).map_err(|source| SealError::io("remove", &part, source))?;
            return Err(there());
        }
        atomic::publish_dir(&part, folder)?;
        Self::open(folder)
    }

    /// Tries which algorithm the key is for.
    fn fitting(path: &Path, chain: &[u8], key: &[u8]) -> Result<Self, SealError> {
        use SigningAlg::{Ed25519, Es256, Es384, Es512, Ps256};
        let refuse = |reason: String| SealError::Keys { path: path.to_owned(), reason };
        let mut reason = String::new();
        for algorithm in [Es256, Es384, Es512, Ed25519, Ps256] {
            let signed = create_signer::from_keys(chain, key, algorithm, None)
                .and_then(|signer| signer.sign(b"a trial"));
            match signed {
                Ok(_) => {
                    let (folder, chain, key) = (path.to_owned(), chain.to_vec(), key.to_vec());
                    return Ok(Self { folder, chain, key, algorithm });
                }
                Err(error) if reason.is_empty() => reason = error.to_string(),
                Err(_) => {}
            }
        }
        Err(refuse(reason))
    }

    pub(crate) fn signer(&self) -> Result<BoxedSigner, SealError> {
        create_signer::from_keys(&self.chain, &self.key, self.algorithm, None)
            .map_err(|error| SealError::Keys { path: self.folder.clone(), reason: error.to_string() })
    }

    /// The certificates as PEM: what others need to recognise films of this user.
    #[must_use]
    pub fn certificates(&self) -> String {
        String::from_utf8_lossy(&self.chain).into_owned()
    }

    /// Where they lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The certificates in `folder`, where there are keys; what was signed with them is then recognised.
///
/// # Errors
/// [`SealError::Io`].
pub fn known_certificates(folder: &Path) -> Result<Option<String>, SealError> {
    let path = folder.join(CHAIN);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SealError::io("read", &path, source)),
    }
}

#[cfg(unix)]
fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn private_folder(path: &Path) -> std::io::Result<()> {
    fs::create_dir(path)
}

#[cfg(unix)]
fn private_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn private_file(_path: &Path) -> std::io::Result<()> {
    Ok(())
}
