//! `bifrons extract`, and the same step within `bifrons swap`.

use std::path::Path;

use bifrons_extraction::{ExtractOptions, assign_people, catch_up, catch_up_shots, extract_clip, gate};
use bifrons_project::{Event, Project};
use bifrons_vision::Vision;

use super::Context;
use super::project::add_clip;
use crate::failure::{Finished, Unusable};

pub(super) fn run(dir: &Path, options: &ExtractOptions, context: &Context) -> anyhow::Result<Finished> {
    let project = Project::open(dir)?;
    // people may have been written into bifrons.toml by hand
    for (person, clips) in project.listed_clips()? {
        for path in clips {
            add_clip(&project, &person, &path, context)?;
        }
    }
    let mut finished = Finished::default();
    for person in project.index().people()? {
        if !extract_person(&project, &person, options, context, &mut finished)? {
            finished.stopped = true;
            break;
        }
    }
    Ok(finished)
}

/// Finds one person's faces in all their clips. `false` when stopped before the end.
pub(super) fn extract_person(
    project: &Project,
    person: &str,
    options: &ExtractOptions,
    context: &Context,
    finished: &mut Finished,
) -> anyhow::Result<bool> {
    let clips = project.index().clips_of(person)?;
    let mut faces = 0;
    let mut vision = None;
    for clip in &clips {
        gate::admit(project.index(), clip, gate::network, context.reporter.as_ref())?;
        if !project.index().extraction(clip.id)?.done {
            let vision = match &vision {
                Some(vision) => vision,
                None => vision.insert(Vision::load()?),
            };
            let reporter = context.reporter.as_ref();
            let extracted = extract_clip(project, vision, clip, options, reporter, &context.stop)?;
            if extracted.stopped {
                return Ok(false);
            }
            if extracted.missing_frames > 0 {
                finished.failures += 1;
            }
            let secs = extracted.took.as_secs_f64();
            finished.measured.insert("frames_extracted_per_sec".to_owned(), extracted.frames as f64 / secs);
        }
        catch_up(project, clip, context.reporter.as_ref())?;
        catch_up_shots(project.index(), clip, context.reporter.as_ref())?;
        let assignment = assign_people(project.index(), clip.id, person)?;
        faces += assignment.faces;
        let others = match assignment.other_people {
            0 => String::new(),
            1 => "; somebody else is seen there too and stays as they are".to_owned(),
            n => format!("; {n} others are seen there too and stay as they are"),
        };
        context.reporter.report(&Event::message(format!(
            "{person}: {} faces in {} frames of {}{others}",
            assignment.faces,
            clip.info.frames,
            clip.path.display()
        )));
    }
    if faces == 0 {
        let clips = clips.iter().map(|clip| clip.path.display().to_string()).collect::<Vec<_>>().join(", ");
        let reason = format!("no face of {person} was found in {clips}");
        let hint =
            "use footage in which the face is at least 30 pixels high and seen from the front or half side";
        return Err(Unusable { reason, hint: Some(hint.to_owned()) }.into());
    }
    finished.measured.insert(format!("faces_of_{person}"), faces as f64);
    Ok(true)
}
