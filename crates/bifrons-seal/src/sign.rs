//! Content Credentials into a finished file.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bifrons_project::atomic;
use c2pa::{Builder, BuilderIntent, Context, DigitalSourceType, Ingredient, Settings};
use serde_json::json;

use crate::SealError;
use crate::facts::{Facts, Kind, LABEL};
use crate::keys::Keys;
use crate::verify::{self, State};

/// Where the model ends and the camera begins is told by this (IPTC).
const SOURCE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

/// A kind of file that has no place for Content Credentials.
const OPEN_EXR: &str = "image/x-exr";

/// Where the Content Credentials of a file lie that cannot hold them itself (OpenEXR): in a file of the same name with the
/// ending `c2pa`, as the specification has it. `None` for all others.
#[must_use]
pub fn beside(path: &Path) -> Option<PathBuf> {
    format_of(path).is_ok_and(|format| format == OPEN_EXR).then(|| path.with_extension("c2pa"))
}

/// What the library holds in memory: parts of films, never whole ones.
pub(crate) fn context(anchors: Option<&str>) -> Result<Arc<Context>, c2pa::Error> {
    let mut settings = json!({
        "core": { "merkle_tree_chunk_size_in_kb": 1024, "backing_store_memory_threshold_in_mb": 16 },
        "verify": { "verify_after_sign": false, "remote_manifest_fetch": false, "ocsp_fetch": false },
        "builder": { "thumbnail": { "enabled": false } },
    });
    if let Some(anchors) = anchors {
        settings["trust"] = json!({ "user_anchors": anchors });
    }
    Ok(Context::new().with_settings(Settings::new().with_json(&settings.to_string())?)?.into_shared())
}

/// The kind of file by its name, as a MIME type.
///
/// # Errors
/// [`SealError::Unsealable`] for one that can have no Content Credentials, neither inside nor ([`beside`]) beside it.
pub fn format_of(path: &Path) -> Result<&'static str, SealError> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "mp4" | "m4v" => Ok("video/mp4"),
        "mov" | "qt" => Ok("video/quicktime"),
        "png" => Ok("image/png"),
        "jpg" | "jpeg" => Ok("image/jpeg"),
        "exr" => Ok(OPEN_EXR),
        _ => Err(SealError::Unsealable { path: path.to_owned(), extension }),
    }
}

/// Seals `part`, a finished file that shall have the name `target`, and gives back the sealed file, beside it: to be
/// published under its name. `part` is removed. Checked before it is given back: what was signed can be read and is intact.
///
/// Credentials that lie [`beside`] the target are there, under their final name, when this returns: a picture never has its
/// name before it has them.
///
/// Takes a few MiB of memory, however large the file.
///
/// # Errors
/// [`SealError::Unsealable`], [`SealError::Sign`], [`SealError::Keys`], [`SealError::Io`]; nothing but `part` is left then.
pub fn seal(part: &Path, target: &Path, facts: &Facts, keys: &Keys) -> Result<PathBuf, SealError> {
    let format = format_of(target)?;
    let sealed = atomic::part_path(target);
    let outcome = sign(part, &sealed, target, format, facts, keys);
    if outcome.is_err() {
        // the first error is the one to tell
        let _ = fs::remove_file(&sealed);
        outcome?;
    }
    fs::remove_file(part).map_err(|source| SealError::io("remove", part, source))?;
    Ok(sealed)
}

fn sign(
    part: &Path,
    sealed: &Path,
    target: &Path,
    format: &'static str,
    facts: &Facts,
    keys: &Keys,
) -> Result<(), SealError> {
    let failed = |error: c2pa::Error| SealError::Sign { path: target.to_owned(), reason: error.to_string() };
    let signer = keys.signer()?;
    let mut builder = builder(target, facts).map_err(failed)?;
    let mut source = File::open(part).map_err(|source| SealError::io("open", part, source))?;
    let mut options = OpenOptions::new();
    let mut out = options
        .read(true)
        .write(true)
        .create_new(true)
        .open(sealed)
        .map_err(|source| SealError::io("make", sealed, source))?;
    let beside = beside(target);
    builder.set_no_embed(beside.is_some());
    let manifest = builder.sign(signer.as_ref(), format, &mut source, &mut out).map_err(failed)?;
    drop(out);
    let apart = beside.is_some().then_some(manifest.as_slice());
    let report = verify::read(sealed, format, apart, Some(&keys.certificates()))?;
    match report.map(|report| report.state) {
        Some(State::Intact) => {}
        other => {
            return Err(SealError::Sign {
                path: target.to_owned(),
                reason: format!("read back, it is {}", other.map_or("without credentials", State::word)),
            });
        }
    }
    Ok(beside.map_or(Ok(()), |beside| atomic::write(&beside, &manifest))?)
}

fn builder(target: &Path, facts: &Facts) -> Result<Builder, c2pa::Error> {
    let making = facts.making.clone().without_names();
    let veiled = making.kind == Kind::Veil;
    let title = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut assertions = vec![
        json!({ "label": LABEL, "data": making }),
        json!({ "label": "cawg.training-mining", "data": { "entries": {
            "cawg.ai_inference": { "use": "notAllowed" },
            "cawg.ai_generative_training": { "use": "notAllowed" },
            "cawg.ai_training": { "use": "notAllowed" },
            "cawg.data_mining": { "use": "notAllowed" },
        } } }),
    ];
    if let Some(mark) = &making.mark {
        assertions.push(json!({ "label": "c2pa.soft-binding", "data": {
            "alg": "org.bifrons.mark.1",
            "blocks": [{ "scope": {}, "value": mark }],
            "pad": [],
        } }));
    }
    let definition = json!({
        "claim_generator_info": [{ "name": "Bifrons", "version": making.bifrons }],
        "title": if veiled { "film".to_owned() } else { title(target) },
        "assertions": assertions,
    });
    let mut builder =
        Builder::from_shared_context(&context(None)?).with_definition(definition.to_string())?;
    match &facts.footage {
        Some(footage) => {
            builder.set_intent(BuilderIntent::Edit);
            add_input(&mut builder, footage, "parentOf", veiled.then_some("footage"))?;
        }
        None => {
            builder
                .set_intent(BuilderIntent::Create(DigitalSourceType::CompositeWithTrainedAlgorithmicMedia));
        }
    }
    for input in facts.inputs.iter().filter(|_| !veiled) {
        add_input(&mut builder, input, "inputTo", None)?;
    }
    if facts.footage.is_some() {
        let description = match making.kind {
            Kind::Veil => {
                "A face was replaced by another one, drawn by a trained network, to protect who was filmed."
            }
            _ => "A face was replaced by that of somebody else, drawn by a trained network.",
        };
        builder.add_action(json!({
            "action": "c2pa.edited",
            "digitalSourceType": SOURCE,
            "description": description,
        }))?;
    }
    Ok(builder)
}

/// Adds a file that went in, with its own credentials where it has some; with `anonymous`, under that name and without
/// them.
fn add_input(
    builder: &mut Builder,
    path: &Path,
    relationship: &str,
    anonymous: Option<&str>,
) -> Result<(), c2pa::Error> {
    let format = format_of(path).ok().filter(|_| beside(path).is_none());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let described = json!({ "title": anonymous.unwrap_or(&name), "relationship": relationship });
    let file = File::open(path).ok().filter(|_| path.is_file() && anonymous.is_none());
    if let (Some(format), Some(mut file)) = (format, file) {
        builder.add_ingredient_from_stream(described.to_string(), format, &mut file)?;
        return Ok(());
    }
    // a folder of pictures, or a kind of file that holds no credentials: of those beside it the library takes none over
    let ingredient = Ingredient::from_json(&described.to_string())?;
    builder.add_ingredient(ingredient);
    Ok(())
}
