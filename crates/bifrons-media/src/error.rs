//! What can go wrong with a film, and what to do about it.

use std::path::{Path, PathBuf};

use crate::ImageError;

/// Why a clip could not be read, written or joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// FFmpeg or ffprobe cannot be started.
    #[error("cannot start {}: {source}", tool.display())]
    ToolMissing {
        /// The program that was asked for.
        tool: PathBuf,
        /// Why the system refused.
        source: std::io::Error,
    },
    /// FFmpeg is older than this program needs.
    #[error("FFmpeg {found} is too old; {needed} or newer is needed")]
    ToolTooOld {
        /// Version found, as FFmpeg prints it.
        found: String,
        /// Oldest version that works.
        needed: String,
    },
    /// FFmpeg or ffprobe printed something this program does not understand.
    #[error("{} printed something unexpected: {detail}", tool.display())]
    ToolGarbled {
        /// The program.
        tool: PathBuf,
        /// What was expected and what came.
        detail: String,
    },
    /// FFmpeg or ffprobe made no progress and was stopped.
    #[error("{}: no progress for {secs} s, FFmpeg was stopped", path.display())]
    Stalled {
        /// File that was being read or written.
        path: PathBuf,
        /// How long nothing came, in seconds.
        secs: u64,
    },
    /// There is nothing at the path.
    #[error("{}: no such file or folder", path.display())]
    NotFound {
        /// The path asked for.
        path: PathBuf,
    },
    /// The system refuses to read or write a file or folder.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why the system refused.
        source: std::io::Error,
    },
    /// The file holds no byte.
    #[error("{}: the file is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// FFmpeg does not recognise the file.
    #[error("{}: not a video or picture ({detail})", path.display())]
    NotVideo {
        /// The file.
        path: PathBuf,
        /// What FFmpeg said.
        detail: String,
    },
    /// The file has sound but no picture.
    #[error("{}: only sound in this file, no picture", path.display())]
    AudioOnly {
        /// The file.
        path: PathBuf,
    },
    /// There is a video stream, but not one frame in it.
    #[error("{}: the video stream holds no frame", path.display())]
    NoFrames {
        /// The file.
        path: PathBuf,
    },
    /// Frames are missing: the file is cut off or damaged. All good frames were delivered before.
    #[error("{}: {decoded} of {expected} frames decoded, the file is cut off or damaged", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Frames that could be decoded (of the whole clip).
        decoded: usize,
        /// Frames the file says it has.
        expected: usize,
    },
    /// FFmpeg could not decode the file.
    #[error("{}: FFmpeg could not decode it: {detail}", path.display())]
    DecoderFailed {
        /// The file.
        path: PathBuf,
        /// What FFmpeg said.
        detail: String,
    },
    /// High dynamic range footage, which would come out wrong.
    #[error("{}: high dynamic range footage (transfer {transfer}) is not supported", path.display())]
    HighDynamicRange {
        /// The file.
        path: PathBuf,
        /// The transfer tag as ffprobe names it.
        transfer: String,
    },
    /// A property of the stream this program would get wrong.
    #[error("{}: {what} is not supported (found {found})", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The property.
        what: &'static str,
        /// Its value.
        found: String,
        /// What the user can do.
        hint: Option<String>,
    },
    /// The picture size changes inside the video stream.
    #[error("{}: the picture size changes from {expected} to {found} at frame {frame}", path.display())]
    SizeChanges {
        /// The file.
        path: PathBuf,
        /// Frame where it changes.
        frame: usize,
        /// Size so far, as `WxH`.
        expected: String,
        /// New size, as `WxH`.
        found: String,
    },
    /// A folder without a picture in it.
    #[error("{}: no picture in this folder (png, exr, jpg, webp, bmp, tif)", path.display())]
    NoPictures {
        /// The folder.
        path: PathBuf,
    },
    /// The pictures of a folder are not all of one size.
    #[error("{}: {found} pixels, but {} has {expected}; a folder must hold pictures of one size", path.display(), first.display())]
    SizesDiffer {
        /// The picture that differs.
        path: PathBuf,
        /// Its size, as `WxH`.
        found: String,
        /// First picture of the folder.
        first: PathBuf,
        /// Size of the first picture, as `WxH`.
        expected: String,
    },
    /// A picture file that cannot be read or made.
    #[error("{}: {source}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ImageError,
    },
    /// A frame number past the end of the clip.
    #[error("{}: frame {frame} asked for, the clip has {count}", path.display())]
    FrameOutOfRange {
        /// The clip.
        path: PathBuf,
        /// Frame number asked for.
        frame: usize,
        /// Number of frames in the clip.
        count: usize,
    },
    /// A frame was written out of turn.
    #[error("{}: frame {found} given, frame {expected} is next", path.display())]
    OutOfOrder {
        /// The part file.
        path: PathBuf,
        /// Frame that is next; the end of the range when all were written.
        expected: usize,
        /// Frame that was given.
        found: usize,
    },
    /// A patch does not fit the frame or its own alpha.
    #[error("patch does not fit: {detail}")]
    PatchMismatch {
        /// What was expected and what came.
        detail: String,
    },
    /// FFmpeg could not write the file.
    #[error("{}: FFmpeg could not write it: {detail}", path.display())]
    EncoderFailed {
        /// The part file.
        path: PathBuf,
        /// What FFmpeg said.
        detail: String,
    },
    /// No space left for the file.
    #[error("{}: no space left on this disk", path.display())]
    DiskFull {
        /// The part file.
        path: PathBuf,
    },
    /// The file written does not hold what went into it.
    #[error("{}: {what}: expected {expected}, found {found}", path.display())]
    WrongResult {
        /// The part file.
        path: PathBuf,
        /// What was checked.
        what: &'static str,
        /// What should be in the file.
        expected: String,
        /// What is in the file.
        found: String,
    },
    /// The finished film cannot have this file name extension.
    #[error("{name}: cannot write this kind of file (extension {extension:?})")]
    UnknownContainer {
        /// The final file name.
        name: String,
        /// Its extension.
        extension: String,
        /// Extensions that would work.
        possible: &'static str,
    },
    /// The container cannot hold the footage's sound unchanged.
    #[error("{name}: this kind of file cannot hold the footage's sound ({codec}) unchanged")]
    SoundNotHeld {
        /// The final file name.
        name: String,
        /// Codec of the sound.
        codec: String,
        /// An extension that would work, without the dot.
        works: Option<&'static str>,
    },
}

impl MediaError {
    /// What the user can do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::ToolMissing { .. } => install_hint(),
            Self::ToolTooOld { .. } => format!("update FFmpeg; {}", install_hint()),
            Self::ToolGarbled { tool, .. } => format!(
                "check what `{} -version` prints; BIFRONS_FFMPEG and BIFRONS_FFPROBE name the programs to use",
                tool.display()
            ),
            Self::Stalled { .. } => {
                "check that the disk answers and that the file plays, then run the same command again"
                    .to_owned()
            }
            Self::NotFound { .. } => "check the spelling of the path".to_owned(),
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                "check the permissions of the file or folder".to_owned()
            }
            Self::Io { .. } => return None,
            Self::Empty { .. } => "copy the file again from where it came".to_owned(),
            Self::NotVideo { .. } => {
                "give a video, a picture, or a folder of pictures".to_owned()
            }
            Self::AudioOnly { .. } => "give the file that holds the picture".to_owned(),
            Self::NoFrames { .. } | Self::Truncated { .. } | Self::DecoderFailed { .. } => {
                "copy the file again from where it came; frames that cannot be decoded cannot be used"
                    .to_owned()
            }
            Self::HighDynamicRange { .. } => "convert the footage to BT.709 first, for example: ffmpeg -i FILM -vf zscale=t=linear:npl=100,tonemap=hable,zscale=p=bt709:t=bt709:m=bt709,format=yuv420p -c:a copy sdr.mp4".to_owned(),
            Self::Unsupported { hint, .. } => return hint.clone(),
            Self::SizeChanges { .. } => {
                "make it one size first: ffmpeg -i FILM -vf scale=WIDTH:HEIGHT -c:a copy one-size.mp4"
                    .to_owned()
            }
            Self::NoPictures { .. } => "put pictures in the folder, or give a video".to_owned(),
            Self::SizesDiffer { .. } => {
                "put pictures of another size in a folder of their own".to_owned()
            }
            Self::Picture { source, .. } => return source.hint(),
            Self::FrameOutOfRange { .. }
            | Self::OutOfOrder { .. }
            | Self::PatchMismatch { .. } => return None,
            Self::EncoderFailed { .. } => {
                "check free disk space and that `ffmpeg -encoders` lists libx264".to_owned()
            }
            Self::DiskFull { .. } => "free some space, then run the same command again".to_owned(),
            Self::WrongResult { .. } => "nothing was replaced; run the same command again, and report it if it happens twice".to_owned(),
            Self::UnknownContainer { possible, .. } => format!("use one of: {possible}"),
            Self::SoundNotHeld { works, .. } => match works {
                Some(extension) => format!("give the film a name that ends in .{extension}"),
                None => "convert the footage's sound first: ffmpeg -i FILM -c:v copy -c:a aac new.mp4"
                    .to_owned(),
            },
        };
        Some(text)
    }

    /// Whether the machine is at fault (FFmpeg missing, disk full, ...) rather than the input.
    #[must_use]
    pub fn is_environment(&self) -> bool {
        match self {
            Self::ToolMissing { .. }
            | Self::ToolTooOld { .. }
            | Self::ToolGarbled { .. }
            | Self::Stalled { .. }
            | Self::EncoderFailed { .. }
            | Self::DiskFull { .. }
            | Self::WrongResult { .. } => true,
            Self::Io { source, .. } => {
                !matches!(source.kind(), std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::NotFound)
            }
            _ => false,
        }
    }

    /// Turns a failed system call on `path` into an error, telling a full disk apart.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound { path },
            std::io::ErrorKind::StorageFull => Self::DiskFull { path },
            _ => Self::Io { path, source },
        }
    }

    /// Turns what FFmpeg said while writing `path` into an error, telling a full disk apart.
    pub(crate) fn encoder(path: &Path, detail: String) -> Self {
        let path = path.to_owned();
        if detail.contains("No space left on device") {
            Self::DiskFull { path }
        } else {
            Self::EncoderFailed { path, detail }
        }
    }
}

fn install_hint() -> String {
    let how = if cfg!(target_os = "macos") {
        "brew install ffmpeg"
    } else if cfg!(target_os = "windows") {
        "winget install ffmpeg"
    } else {
        "apt install ffmpeg (or your system's package manager)"
    };
    format!("install FFmpeg 5.1 or newer: {how}; or set BIFRONS_FFMPEG and BIFRONS_FFPROBE")
}
