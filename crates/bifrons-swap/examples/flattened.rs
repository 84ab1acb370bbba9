//! The flattened faces of a project, for training the occlusion network (`tools/occlusion/`).
//!
//! ```sh
//! cargo run --release -p bifrons-swap --example flattened -- PROJECT.bifrons FOLDER
//! ```
//!
//! For each track of a clip a file `CLIP-TRACK.rgbs` in FOLDER: for each face `128 * 128` pixels of red, green, blue and
//! how well it was seen, a byte each; and beside it `CLIP-TRACK.tsv` with frame, yaw and pitch of each.

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use bifrons_media::RgbImage;
use bifrons_project::{Project, atomic};
use bifrons_vision::Mesh;
use bifrons_vision::align::{FlatMask, crop_from_canonical, crop_from_frame, flatten};

const SIZE_PX: usize = 128;
/// Tracks shorter than this show too little of what somebody usually looks like.
const LEAST_FACES: usize = 12;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [project, folder] = arguments.as_slice() else {
        return Err("usage: flattened PROJECT.bifrons FOLDER".into());
    };
    let (project, folder) = (Project::open_shared(Path::new(project))?, Path::new(folder));
    std::fs::create_dir_all(folder)?;
    let inside = FlatMask::new(SIZE_PX, 1.0);
    let crops = project.index().crop_folders()?;
    for clip in project.index().clips()? {
        let name = clip.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let Some(crops) = crops.get(&clip.id) else { continue };
        for track in project.index().tracks(clip.id)? {
            let (mut pixels, mut list, mut count) = (Vec::new(), String::new(), 0);
            for face in project.index().faces_in(clip.id, 0..clip.info.frames)? {
                let record = face.record;
                let Some(crop) = record.crop.filter(|_| record.track == track.track) else { continue };
                let crop = RgbImage::decode(&std::fs::read(crops.join(crop))?)?;
                let mesh = Mesh::try_from(record.points)?;
                let points = mesh.points_in(&crop_from_frame(&mesh));
                let (face, seen) = flatten(&crop, &points, crop_from_canonical().scale(), SIZE_PX, 1.0);
                let seen = seen.iter().zip(inside.inside()).map(|(seen, inside)| seen * inside);
                for (rgb, seen) in face.data.chunks_exact(3).zip(seen) {
                    let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
                    pixels.extend([byte(rgb[0]), byte(rgb[1]), byte(rgb[2]), byte(seen)]);
                }
                writeln!(list, "{}\t{}\t{}", record.frame, record.yaw_deg, record.pitch_deg)?;
                count += 1;
            }
            if count < LEAST_FACES {
                continue;
            }
            let file = |ending: &str| folder.join(format!("{name}-{}.{ending}", track.track));
            atomic::write(&file("rgbs"), &pixels)?;
            atomic::write(&file("tsv"), list.as_bytes())?;
            println!("{name}, track {}: {count} faces", track.track);
        }
    }
    Ok(())
}
