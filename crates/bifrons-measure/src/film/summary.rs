//! From moments to the figures of a film.

use std::collections::{BTreeMap, BTreeSet};

use bifrons_media::Clip;

use super::moment::Moment;
use super::{
    BlinkCount, Channel, Check, Coverage, FIGURES, Figure, FigureKind, FilmInfo, FrameRow, Ideal, Over,
    Reference, SCHEMA, SwapReport, VERSION,
};
use crate::face::{Likeness, READOUT, blinks};
use crate::motion::{drift, flicker, jitter};
use crate::statistics::{amplitude_ratio, bootstrap, mean, mean_interval, pearson, percentile};

/// What is known of a frame whatever faces are in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameFacts {
    pub(super) cut: bool,
    pub(super) changed_elsewhere: bool,
}

/// Everything about the film, from the moments of all accepted tracks.
pub(super) fn summarise(
    footage: &Clip,
    result: &Clip,
    reference: &Reference,
    moments: &[Moment],
    frames: &[FrameFacts],
    person: &BTreeSet<u32>,
    integrity: Vec<Check>,
) -> SwapReport {
    let info = |clip: &Clip| FilmInfo {
        name: clip.path().file_name().unwrap_or_default().to_string_lossy().into_owned(),
        frames: clip.frame_count(),
        width_px: clip.width_px(),
        height_px: clip.height_px(),
        frames_per_sec: clip.average_fps(),
    };
    let mut own: Vec<Moment> =
        moments.iter().filter(|moment| person.contains(&moment.track)).cloned().collect();
    add_likeness(&mut own, reference);
    add_expression(&mut own);
    add_change(&mut own);
    let coverage = coverage(&own, frames);
    let main = largest_of_each_frame(&own);
    let block = (footage.average_fps().round() as usize).max(1);
    let rows = rows(footage, frames, &main);
    SwapReport {
        schema: SCHEMA.to_owned(),
        version: VERSION,
        footage: info(footage),
        result: info(result),
        identity: reference.info.clone(),
        figures: figures(&main, reference, block),
        channels: channels(&main),
        blinks: blink_count(&main, frames.len()),
        integrity,
        coverage,
        frames: rows,
    }
}

/// Likeness to the identity and to the person filmed.
fn add_likeness(moments: &mut [Moment], reference: &Reference) {
    let filmed: Vec<Likeness> = moments.iter().filter_map(|moment| moment.likeness_footage.clone()).collect();
    let Some(filmed) = Likeness::mean(&filmed) else { return };
    for moment in moments {
        if let Some(likeness) = &moment.likeness_footage {
            moment.values.insert("unswapped_likeness", likeness.cosine(&reference.mean));
        }
        if let Some(likeness) = &moment.likeness_result {
            let (to_identity, to_footage) = (likeness.cosine(&reference.mean), likeness.cosine(&filmed));
            moment.values.insert("likeness_identity", to_identity);
            moment.values.insert("likeness_footage", to_footage);
            moment.values.insert("margin", to_identity - to_footage);
        }
    }
}

fn add_expression(moments: &mut [Moment]) {
    for moment in moments {
        if let Some(result) = &moment.result {
            let apart: Vec<f64> =
                moment.footage.readout.iter().zip(result.readout).map(|(a, b)| (a - b).abs()).collect();
            moment.values.insert("lids_error", f64::midpoint(apart[0], apart[1]));
            moment.values.insert("mouth_error", apart[2]);
        }
    }
}

/// What needs the frames before and after. A track never reaches across a cut, so neither does this.
fn add_change(moments: &mut [Moment]) {
    let mut places: BTreeMap<(u32, usize), usize> = BTreeMap::new();
    for (i, moment) in moments.iter().enumerate() {
        places.insert((moment.track, moment.frame), i);
    }
    let mut found = Vec::new();
    for (i, now) in moments.iter().enumerate().filter(|(_, now)| now.frame > 0) {
        let near = |frame: usize| places.get(&(now.track, frame)).map(|&i| &moments[i]);
        let (Some(before), Some(after)) = (near(now.frame - 1), near(now.frame + 1)) else { continue };
        let three = [before, now, after];
        if let [Some(a), Some(b), Some(c)] = three.map(|moment| moment.colour) {
            found.push((i, "flicker", flicker([a, b, c])));
        }
        let [a, b, c] = three.map(|moment| &moment.footage.points[..]);
        let filmed = jitter(a, b, c, now.footage.eyes_px);
        if let ([Some(a), Some(b), Some(c)], Some(filmed)) =
            (three.map(|moment| moment.result.as_ref()), filmed)
            && let Some(shown) = jitter(&a.points, &b.points, &c.points, now.footage.eyes_px)
        {
            found.push((i, "jitter_footage", filmed));
            found.push((i, "jitter_result", shown));
        }
    }
    for (i, name, value) in found {
        moments[i].values.insert(name, value);
    }
}

fn coverage(own: &[Moment], frames: &[FrameFacts]) -> Coverage {
    let of = |which: &dyn Fn(&Moment) -> bool| {
        let set: BTreeSet<usize> =
            own.iter().filter(|moment| which(moment)).map(|moment| moment.frame).collect();
        set.into_iter().collect::<Vec<_>>()
    };
    let changed = frames.iter().enumerate().filter(|(_, facts)| facts.changed_elsewhere);
    Coverage {
        frames: frames.len(),
        frames_with_person: of(&|_| true).len(),
        not_replaced: of(&|moment| !moment.replaced),
        changed_elsewhere: changed.map(|(frame, _)| frame).collect(),
        face_lost: of(&|moment| moment.replaced && moment.result.is_none()),
    }
}

fn largest_of_each_frame(own: &[Moment]) -> Vec<&Moment> {
    let mut largest: BTreeMap<usize, &Moment> = BTreeMap::new();
    for moment in own {
        let best = largest.entry(moment.frame).or_insert(moment);
        if moment.size_px > best.size_px {
            *best = moment;
        }
    }
    largest.into_values().collect()
}

/// A moment's value of a figure.
fn value(moment: &Moment, kind: &FigureKind) -> Option<f64> {
    let get = |name: &str| moment.values.get(name).copied();
    match kind.over {
        Over::Mean => get(kind.name),
        Over::Ratio(over, under) => {
            get(over).zip(get(under)).filter(|(_, under)| *under > 1e-9).map(|(o, u)| o / u)
        }
    }
}

fn rows(footage: &Clip, frames: &[FrameFacts], main: &[&Moment]) -> Vec<FrameRow> {
    let by_frame: BTreeMap<usize, &Moment> = main.iter().map(|moment| (moment.frame, *moment)).collect();
    let start = footage.frame_start_secs(0).unwrap_or(0.0);
    let row = |(frame, facts): (usize, &FrameFacts)| {
        let moment = by_frame.get(&frame);
        let named = |kind: &FigureKind| Some((kind.name.to_owned(), value(moment?, kind)?));
        FrameRow {
            frame,
            time_secs: footage.frame_start_secs(frame).unwrap_or(start) - start,
            cut: facts.cut,
            person: moment.is_some(),
            replaced: moment.is_some_and(|moment| moment.replaced),
            values: FIGURES.iter().filter_map(named).collect(),
        }
    };
    frames.iter().enumerate().map(row).collect()
}

fn figures(main: &[&Moment], reference: &Reference, block: usize) -> Vec<Figure> {
    let mut figures = transfer(main, reference, block);
    figures.extend(FIGURES.iter().map(|kind| over_frames(main, kind, block)));
    let colours: Vec<_> = main.iter().filter_map(|moment| moment.colour).collect();
    figures.push(Figure {
        value: drift(&colours),
        frames: colours.len(),
        ..named(
            "drift",
            "Colour drift",
            "Lab",
            Ideal::Zero,
            "how much the added colour changes over the film",
        )
    });
    figures
}

fn named(name: &str, title: &str, unit: &str, ideal: Ideal, meaning: &str) -> Figure {
    Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        unit: unit.to_owned(),
        ideal,
        value: None,
        interval: None,
        worst_twentieth: None,
        frames: 0,
        meaning: meaning.to_owned(),
    }
}

/// `T_id = (s(y) - s(x)) / (s(a) - s(x))` and the share of frames with a positive margin.
fn transfer(main: &[&Moment], reference: &Reference, block: usize) -> Vec<Figure> {
    let pairs: Vec<(f64, f64)> = main
        .iter()
        .filter_map(|moment| {
            Some((*moment.values.get("likeness_identity")?, *moment.values.get("unswapped_likeness")?))
        })
        .collect();
    let of = |drawn: &[usize]| {
        let shown = mean(&drawn.iter().map(|&i| pairs[i].0).collect::<Vec<_>>())?;
        let filmed = mean(&drawn.iter().map(|&i| pairs[i].1).collect::<Vec<_>>())?;
        let span = reference.info.likeness_to_itself? - filmed;
        (span.abs() > 1e-6).then(|| (shown - filmed) / span)
    };
    let all: Vec<usize> = (0..pairs.len()).collect();
    let (value, interval) = (of(&all), bootstrap(pairs.len(), block, of));
    let transferred = Figure {
        value,
        interval,
        frames: pairs.len(),
        ..named(
            "transfer",
            "Identity transferred",
            "",
            Ideal::High,
            "T_id: 0 as before the swap, 1 as alike as the identity is to itself (dlib-128)",
        )
    };
    let turned = |interval: crate::statistics::Interval| crate::statistics::Interval {
        low: 1.0 - interval.high,
        high: 1.0 - interval.low,
    };
    let bleed = Figure {
        value: value.map(|value| 1.0 - value),
        interval: interval.map(turned),
        frames: pairs.len(),
        ..named("bleed", "Identity bleed", "", Ideal::Zero, "1 - T_id: how much of the person filmed is left")
    };
    let ahead: Vec<f64> = main
        .iter()
        .filter_map(|moment| moment.values.get("margin"))
        .map(|margin| f64::from(u8::from(*margin > 0.0)))
        .collect();
    let share = Figure {
        value: mean(&ahead),
        interval: mean_interval(&ahead, block),
        frames: ahead.len(),
        ..named(
            "margin_share",
            "Frames that look like the identity",
            "",
            Ideal::High,
            "share of frames whose face is more like the identity than like the person filmed",
        )
    };
    vec![transferred, bleed, share]
}

fn over_frames(main: &[&Moment], kind: &FigureKind, block: usize) -> Figure {
    let measured: Vec<&&Moment> = main.iter().filter(|moment| value(moment, kind).is_some()).collect();
    let values: Vec<f64> = measured.iter().filter_map(|moment| value(moment, kind)).collect();
    let (whole, interval) = match kind.over {
        Over::Mean => (mean(&values), mean_interval(&values, block)),
        Over::Ratio(over, under) => {
            let of = |drawn: &[usize]| {
                let sum =
                    |name: &str| drawn.iter().filter_map(|&i| measured[i].values.get(name)).sum::<f64>();
                (sum(under) > 0.0).then(|| sum(over) / sum(under))
            };
            let all: Vec<usize> = (0..measured.len()).collect();
            (of(&all), bootstrap(measured.len(), block, of))
        }
    };
    Figure {
        value: whole,
        interval,
        worst_twentieth: worst_twentieth(&values, kind.ideal),
        frames: values.len(),
        ..named(kind.name, kind.title, kind.unit, kind.ideal, kind.meaning)
    }
}

/// The value that a twentieth of the frames is as bad as, or worse.
fn worst_twentieth(values: &[f64], ideal: Ideal) -> Option<f64> {
    match ideal {
        Ideal::High => percentile(values, 0.05),
        Ideal::Low => percentile(values, 0.95),
        Ideal::Zero => percentile(&values.iter().map(|v| v.abs()).collect::<Vec<_>>(), 0.95),
        Ideal::One => {
            let mut sorted = values.to_vec();
            sorted.sort_by(|a, b| ideal.badness(*a).total_cmp(&ideal.badness(*b)));
            sorted.get(((sorted.len() as f64 - 1.0) * 0.95).round() as usize).copied()
        }
    }
}

fn channels(main: &[&Moment]) -> Vec<Channel> {
    let seen: Vec<_> = main
        .iter()
        .filter_map(|moment| Some((moment.footage.readout, moment.result.as_ref()?.readout)))
        .collect();
    READOUT
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let filmed: Vec<f64> = seen.iter().map(|pair| pair.0[i]).collect();
            let shown: Vec<f64> = seen.iter().map(|pair| pair.1[i]).collect();
            Channel {
                name: (*name).to_owned(),
                correlation: pearson(&shown, &filmed),
                amplitude: amplitude_ratio(&shown, &filmed),
            }
        })
        .collect()
}

fn blink_count(main: &[&Moment], frames: usize) -> BlinkCount {
    let (mut filmed, mut shown) = (vec![None; frames], vec![None; frames]);
    let open = |readout: &crate::face::Readout| f64::midpoint(readout[0], readout[1]);
    for moment in main {
        filmed[moment.frame] = Some(open(&moment.footage.readout));
        shown[moment.frame] = moment.result.as_ref().map(|result| open(&result.readout));
    }
    let counted = blinks(&filmed, &shown);
    BlinkCount { filmed: counted.filmed, kept: counted.kept }
}
