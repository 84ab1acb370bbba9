//! `bifrons consent`: what people agreed to.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::time::SystemTime;

use bifrons_extraction::gate;
use bifrons_project::{Basis, Consent, ContentHash, Day, Event, Judgement, Project, Purpose};

use super::Context;
use crate::arguments::{BasisName, ConsentCommand, PurposeName};
use crate::failure::{Finished, Usage};

pub(super) fn run(what: &ConsentCommand, context: &Context) -> anyhow::Result<Finished> {
    match what {
        ConsentCommand::Add { name, basis, release, purpose, until, note, project } => {
            let project = Project::open(&project.project)?;
            if release.is_some() && *basis != BasisName::Release {
                return Err(Usage("--release goes with `--basis release`".to_owned()).into());
            }
            let stored = release.as_deref().map(|path| project.layout().to_stored(path)).transpose()?;
            let hash = release.as_deref().map(ContentHash::of_file).transpose()?;
            let consent = Consent {
                basis: basis_of(*basis),
                purpose: purpose_of(*purpose),
                until: *until,
                release: stored,
                release_blake3: hash,
                note: note.clone(),
            };
            project.set_consent(name, Some(consent.clone()))?;
            context.reporter.report(&Event::message(format!("{name}: {}", described(&consent))));
            Ok(Finished::default())
        }
        ConsentCommand::Withdraw { name, project } => {
            withdraw(&Project::open(&project.project)?, name, context)
        }
        ConsentCommand::List { project } => list(&Project::open(&project.project)?, context),
        ConsentCommand::Check { project } => check(&Project::open(&project.project)?, context),
    }
}

fn withdraw(project: &Project, name: &str, context: &Context) -> anyhow::Result<Finished> {
    if project.consent_of(name)?.is_none_or(|entry| entry.consent.is_none()) {
        return Err(Usage(format!("there is no consent of `{name}` to withdraw")).into());
    }
    project.set_consent(name, None)?;
    let text =
        format!("{name}: withdrawn; no model is trained on and no film is made with this face any more");
    context.reporter.report(&Event::message(text));
    let made = !project.checkpoints().steps()?.is_empty();
    if made {
        let text = format!("the trained model can still draw {name}");
        let hint = Some(format!("delete `{}` to be rid of it", project.layout().model().display()));
        context.reporter.report(&Event::Warning { text, hint });
    }
    Ok(Finished::default())
}

fn list(project: &Project, context: &Context) -> anyhow::Result<Finished> {
    for person in project.config()?.people {
        let text = match project.consent_of(&person.name)? {
            None => "no record".to_owned(),
            Some(entry) => match entry.consent {
                Some(consent) => {
                    format!("{}, written down on {}", described(&consent), Day::of(entry.added_at))
                }
                None => format!("withdrawn on {}", Day::of(entry.added_at)),
            },
        };
        context.reporter.report(&Event::message(format!("{}: {text}", person.name)));
    }
    for clip in project.index().clips()? {
        let text = match project.index().judgement_of(clip.info.fingerprint, gate::METHOD)? {
            None => "not looked at yet".to_owned(),
            Some(Judgement { frames, explicit, refused, .. }) => {
                let then = if refused { ": it is not worked on" } else { "" };
                format!("{explicit} of the {frames} frames looked at seem sexual{then}")
            }
        };
        context.reporter.report(&Event::message(format!("{}: {text}", clip.path.display())));
    }
    Ok(Finished::default())
}

fn check(project: &Project, context: &Context) -> anyhow::Result<Finished> {
    let mut finished = Finished::default();
    let mut complain = |text: String| {
        finished.failures += 1;
        context.reporter.report(&Event::warning(text));
    };
    let mut records = 0;
    for person in project.config()?.people {
        let name = &person.name;
        match project.checked_consent(name, None) {
            Ok(None) => complain(format!("{name}: no record")),
            Ok(Some(entry)) => {
                records += 1;
                let release = entry.consent.as_ref().and_then(|c| c.release.as_ref().zip(c.release_blake3));
                if let Some((stored, hash)) = release {
                    let path = project.layout().from_stored(stored);
                    match ContentHash::of_file(&path) {
                        Ok(found) if found == hash => {}
                        Ok(_) => complain(format!("{name}: {} is not the release it was", path.display())),
                        Err(_) => complain(format!("{name}: the release {} is not there", path.display())),
                    }
                }
            }
            Err(error @ bifrons_project::ProjectError::NoConsent { .. }) => complain(error.to_string()),
            Err(other) => return Err(other.into()),
        }
    }
    // reading it checked it
    let lines = project.index().consent_log()?.len();
    finished.measured.insert("records".to_owned(), f64::from(records));
    finished.measured.insert("lines_of_the_log".to_owned(), lines as f64);
    let judged = project.index().judgements()?.len();
    finished.measured.insert("clips_judged".to_owned(), judged as f64);
    Ok(finished)
}

/// Asks a person at a terminal, once, before the first training; scripts are never kept waiting.
pub(super) fn ask(project: &Project, people: &[impl AsRef<str>], context: &Context) -> anyhow::Result<()> {
    let somebody_is_there = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if context.json || !somebody_is_there || !project.checkpoints().steps()?.is_empty() {
        return Ok(());
    }
    for person in people.iter().map(AsRef::as_ref) {
        if project.consent_of(person)?.is_some() {
            continue;
        }
        write!(
            std::io::stderr(),
            "Whose face is {person}'s?  1 my own   2 synthetic   3 of a published research set\n\
             (a signed release: `bifrons consent add --of {person} --basis release --release FILE`)\n\
             Enter: no record; the film then says so in its corner. > "
        )?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        let basis = match answer.trim() {
            "1" => Basis::Own,
            "2" => Basis::Synthetic,
            "3" => Basis::Research,
            _ => continue,
        };
        project.set_consent(person, Some(Consent::new(basis)))?;
    }
    Ok(())
}

fn described(consent: &Consent) -> String {
    let purpose = match consent.purpose {
        Purpose::Identity => "to be put onto others",
        Purpose::Footage => "to be replaced in footage",
        Purpose::Both => "to be put onto others and to be replaced",
    };
    let until = match consent.until {
        Some(day) if day < Day::of(SystemTime::now()) => format!(", ended on {day}"),
        Some(day) => format!(", until {day}"),
        None => String::new(),
    };
    let note = consent.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{}, {purpose}{until}{note}", consent.basis.words())
}

fn basis_of(name: BasisName) -> Basis {
    match name {
        BasisName::Own => Basis::Own,
        BasisName::Release => Basis::Release,
        BasisName::Synthetic => Basis::Synthetic,
        BasisName::Research => Basis::Research,
    }
}

fn purpose_of(name: PurposeName) -> Purpose {
    match name {
        PurposeName::Identity => Purpose::Identity,
        PurposeName::Footage => Purpose::Footage,
        PurposeName::Both => Purpose::Both,
    }
}
