//! What a file says about where it comes from, and whether that can be believed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use c2pa::{Manifest, Reader, ValidationState};
use serde::Serialize;

use crate::SealError;
use crate::facts::{LABEL, Making};
use crate::sign::{beside, context};

/// Whether a file is as it was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing has changed since.
    Intact,
    /// Something has changed since, or the signature is not one.
    Changed,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Changed => "changed",
        }
    }
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signer {
    /// What the certificate says.
    pub name: String,
    /// Whether the certificate is vouched for by one that is known here: this user's own.
    pub known: bool,
    /// When, by the signer's own clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// The Content Credentials of a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Credentials {
    /// Whether the file is as it was signed.
    pub state: State,
    /// What does not fit, as codes of the C2PA specification.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// The program that made it, by its own account.
    pub generator: String,
    /// Who signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<Signer>,
    /// How it came to be, when Bifrons made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub making: Option<Making>,
    /// Titles of what went in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
}

/// A file that went in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Its name.
    pub title: String,
    /// Whether the file is an edit of it.
    pub is_parent: bool,
    /// Whether it came with credentials of its own.
    pub has_credentials: bool,
}

/// Credentials beside a file are read up to this size, in bytes.
const MAX_BESIDE_BYTES: u64 = 64 << 20;

/// Reads the Content Credentials of a file, or those [`beside`](crate::beside) it; `None` when it has none. `anchors` are
/// certificates (PEM) that are known here.
///
/// # Errors
/// [`SealError::Io`]; [`SealError::Unreadable`] when something lies there that is not understood.
pub fn credentials(
    path: &Path,
    format: &str,
    anchors: Option<&str>,
) -> Result<Option<Credentials>, SealError> {
    let Some(apart) = beside(path) else { return read(path, format, None, anchors) };
    let file = match File::open(&apart) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(SealError::io("open", &apart, source)),
    };
    let mut manifest = Vec::new();
    file.take(MAX_BESIDE_BYTES)
        .read_to_end(&mut manifest)
        .map_err(|source| SealError::io("read", &apart, source))?;
    read(path, format, Some(&manifest), anchors).map_err(|error| match error {
        SealError::Unreadable { reason, .. } => SealError::Unreadable { path: apart, reason },
        other => other,
    })
}

/// As [`credentials`], which are `apart` from the file or inside of it.
pub(crate) fn read(
    path: &Path,
    format: &str,
    apart: Option<&[u8]>,
    anchors: Option<&str>,
) -> Result<Option<Credentials>, SealError> {
    let unreadable =
        |error: c2pa::Error| SealError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    let context = context(anchors).map_err(unreadable)?;
    let file = File::open(path).map_err(|source| SealError::io("open", path, source))?;
    let reader = Reader::from_shared_context(&context);
    let reader = match apart {
        None => reader.with_stream(format, file),
        Some(manifest) => reader.with_manifest_data_and_stream(manifest, format, file),
    };
    let reader = match reader {
        Ok(reader) => reader,
        Err(c2pa::Error::JumbfNotFound | c2pa::Error::ProvenanceMissing | c2pa::Error::UnsupportedType)
            if apart.is_none() =>
        {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error)),
    };
    let Some(manifest) = reader.active_manifest() else { return Ok(None) };
    let trusted = "signingCredential.untrusted";
    let failures = reader
        .validation_results()
        .and_then(|results| results.active_manifest())
        .map(|codes| codes.failure().iter().map(|status| status.code().to_owned()).collect::<Vec<_>>())
        .unwrap_or_default();
    let is_untrusted = failures.iter().any(|code| code == trusted);
    let problems: Vec<String> = failures.into_iter().filter(|code| code != trusted).collect();
    let state = match reader.validation_state() {
        ValidationState::Valid | ValidationState::Trusted if problems.is_empty() => State::Intact,
        _ => State::Changed,
    };
    Ok(Some(Credentials {
        state,
        problems,
        generator: generator(manifest),
        signer: signer(manifest, anchors.is_some() && !is_untrusted),
        making: manifest.find_assertion(LABEL).ok(),
        inputs: manifest
            .ingredients()
            .iter()
            .map(|input| Input {
                title: input.title().unwrap_or("a file without a name").to_owned(),
                is_parent: input.is_parent(),
                has_credentials: input.active_manifest().is_some(),
            })
            .collect(),
    }))
}

fn generator(manifest: &Manifest) -> String {
    let info = manifest.claim_generator_info.as_ref().and_then(|list| list.first());
    match info {
        Some(info) => match &info.version {
            Some(version) => format!("{} {version}", info.name),
            None => info.name.clone(),
        },
        None => manifest.claim_generator().unwrap_or("an unnamed program").to_owned(),
    }
}

fn signer(manifest: &Manifest, known: bool) -> Option<Signer> {
    let info = manifest.signature_info()?;
    let name = info.common_name.clone().or_else(|| info.issuer.clone());
    Some(Signer {
        name: name.unwrap_or_else(|| "a certificate without a name".to_owned()),
        known,
        at: info.time.clone(),
    })
}
