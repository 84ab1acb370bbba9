//! Finding FFmpeg, and running it where its whole answer is text.

use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};

use crate::MediaError;

/// Oldest FFmpeg that has every option used here (`-fps_mode`, `showinfo=checksum`).
const NEEDED: (u32, u32) = (5, 1);
/// Longest line of text accepted from ffprobe, in bytes.
const MAX_LINE_BYTES: usize = 64 * 1024;
/// How much of what FFmpeg complains about is kept, in lines.
const KEPT_ERROR_LINES: usize = 8;

/// Where FFmpeg is and how patient we are with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// The `ffmpeg` program.
    pub ffmpeg: PathBuf,
    /// The `ffprobe` program.
    pub ffprobe: PathBuf,
    /// A program that gives no byte (or takes none) for this long is stopped.
    pub stall_timeout: Duration,
}

impl Tools {
    /// `ffmpeg` and `ffprobe` of the search path, or those that the environment variables
    /// `BIFRONS_FFMPEG` and `BIFRONS_FFPROBE` name; a minute of patience.
    #[must_use]
    pub fn from_env() -> Self {
        let find = |variable: &str, name: &str| {
            std::env::var_os(variable)
                .filter(|v| !v.is_empty())
                .map_or_else(|| PathBuf::from(name), PathBuf::from)
        };
        Self {
            ffmpeg: find("BIFRONS_FFMPEG", "ffmpeg"),
            ffprobe: find("BIFRONS_FFPROBE", "ffprobe"),
            stall_timeout: Duration::from_secs(60),
        }
    }

    /// The version of FFmpeg.
    ///
    /// # Errors
    /// [`MediaError::ToolMissing`], [`MediaError::ToolTooOld`], or [`MediaError::ToolGarbled`]
    /// when the answer is not FFmpeg's.
    pub fn version(&self) -> Result<Version, MediaError> {
        let mut text = String::new();
        let mut command = Command::new(&self.ffmpeg);
        command.arg("-version");
        run_lines(command, &self.ffmpeg, Some(self.stall_timeout), &self.ffmpeg, |line| {
            if text.len() < MAX_LINE_BYTES {
                text.push_str(line);
                text.push('\n');
            }
            Ok(())
        })?;
        let version = Version::parse(&text).ok_or_else(|| MediaError::ToolGarbled {
            tool: self.ffmpeg.clone(),
            detail: format!(
                "expected `ffmpeg version …`, found `{}`",
                text.lines().next().unwrap_or_default()
            ),
        })?;
        if (version.major, version.minor) < NEEDED {
            return Err(MediaError::ToolTooOld {
                found: version.text,
                needed: format!("{}.{}", NEEDED.0, NEEDED.1),
            });
        }
        Ok(version)
    }
}

/// The version of the FFmpeg that [`Tools::from_env`] finds.
///
/// # Errors
/// As [`Tools::version`].
pub fn ffmpeg_version() -> Result<Version, MediaError> {
    Tools::from_env().version()
}

/// A version of FFmpeg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// First number of the release.
    pub major: u32,
    /// Second number of the release.
    pub minor: u32,
    /// The version as FFmpeg prints it.
    pub text: String,
}

impl Version {
    /// Reads the output of `ffmpeg -version`. Builds from the repository have no release number;
    /// theirs is told from the version of libavutil.
    fn parse(output: &str) -> Option<Self> {
        let text =
            output.lines().next()?.strip_prefix("ffmpeg version ")?.split_whitespace().next()?.to_owned();
        let mut numbers =
            text.trim_start_matches('n').split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
        if let Some(Ok(major)) = numbers.next() {
            let minor = numbers.next().and_then(Result::ok).unwrap_or(0);
            // Dates such as 2024-05-01-git-… are no release numbers.
            if major < 1000 {
                return Some(Self { major, minor, text });
            }
        }
        let avutil = output.lines().find_map(|l| l.trim_start().strip_prefix("libavutil"))?;
        let mut parts = avutil.split('/').next()?.split('.').map(|p| p.trim().parse::<u32>());
        let (avutil_major, avutil_minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
        // libavutil 57 came with FFmpeg 5; 57.28 with 5.1.
        let major = avutil_major.checked_sub(52)?;
        let minor = u32::from(major > 5 || avutil_minor >= 28);
        Some(Self { major, minor, text })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A path as FFmpeg takes it: never an option, never another protocol.
pub(crate) fn file_argument(path: &Path) -> OsString {
    let mut argument = OsString::from("file:");
    argument.push(path);
    argument
}

/// A child that is killed and reaped when dropped.
#[derive(Debug)]
pub(crate) struct ChildGuard(pub(crate) Child);

impl ChildGuard {
    /// Starts a child.
    ///
    /// It gets a process group of its own: Ctrl-C in a terminal is for this program, which then stops in its own
    /// way, and must not end a decoder in the middle of a film.
    pub(crate) fn spawn(command: &mut Command, tool: &Path) -> Result<Self, MediaError> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        command.spawn().map(Self).map_err(|source| MediaError::ToolMissing { tool: tool.to_owned(), source })
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        // Both fail only when the child has been reaped already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The last lines a child complained with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Complaints(Arc<Mutex<Vec<String>>>);

impl Complaints {
    pub(crate) fn push(&self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let mut lines = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if lines.len() == KEPT_ERROR_LINES {
            lines.remove(0);
        }
        lines.push(line.trim().chars().take(300).collect());
    }

    pub(crate) fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if lines.is_empty() { "no message".to_owned() } else { lines.join("; ") }
    }
}

/// Reads lines of bounded length and gives each to `each`; what is too long is cut.
pub(crate) fn for_each_line(source: impl Read, mut each: impl FnMut(&str)) {
    let mut reader = BufReader::new(source);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = (&mut reader).take(MAX_LINE_BYTES as u64);
        match limited.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => each(String::from_utf8_lossy(&line).trim_end()),
        }
    }
}

/// Collects a child's complaints on a thread of its own, so that its pipe never fills.
pub(crate) fn collect_complaints(
    source: impl Read + Send + 'static,
    complaints: Complaints,
) -> JoinHandle<()> {
    std::thread::spawn(move || for_each_line(source, |line| complaints.push(line)))
}

/// How a child that printed text ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) success: bool,
    pub(crate) complaints: String,
}

/// Runs a child, gives every line it prints to `each` and waits for it. `path` is named in errors.
/// With a `stall_timeout`, a child that prints nothing for so long is killed.
pub(crate) fn run_lines(
    mut command: Command,
    tool: &Path,
    stall_timeout: Option<Duration>,
    path: &Path,
    mut each: impl FnMut(&str) -> Result<(), MediaError>,
) -> Result<Outcome, MediaError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut guard = ChildGuard::spawn(&mut command, tool)?;
    let complaints = Complaints::default();
    let stderr = guard.0.stderr.take().map(|s| collect_complaints(s, complaints.clone()));
    let (sender, receiver) = bounded::<String>(4096);
    let stdout = guard.0.stdout.take().map(|s| {
        std::thread::spawn(move || {
            for_each_line(s, |line| {
                // The receiver is gone only when the run was given up; then the child is killed.
                let _ = sender.send(line.to_owned());
            });
        })
    });
    let patience = stall_timeout.unwrap_or(Duration::from_secs(24 * 3600));
    loop {
        match receiver.recv_timeout(patience) {
            Ok(line) => each(&line)?,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                return Err(MediaError::Stalled { path: path.to_owned(), secs: patience.as_secs() });
            }
        }
    }
    let status = guard.0.wait().map_err(|e| MediaError::io(path, e))?;
    for thread in [stdout, stderr].into_iter().flatten() {
        // A panicked reader thread only means fewer lines.
        let _ = thread.join();
    }
    Ok(Outcome { success: status.success(), complaints: complaints.text() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(u32, u32)> {
        Version::parse(text).map(|v| (v.major, v.minor))
    }

    #[test]
    fn versions_of_releases_and_builds_are_read() {
        assert_eq!(parsed("ffmpeg version 5.1.9-0+deb12u1 Copyright"), Some((5, 1)));
        assert_eq!(parsed("ffmpeg version n7.0 Copyright"), Some((7, 0)));
        assert_eq!(parsed("ffmpeg version 4.4.2-0ubuntu Copyright"), Some((4, 4)));
        let git = "ffmpeg version N-109000-gabc Copyright\nlibavutil      58. 14.100 / 58. 14.100\n";
        assert_eq!(parsed(git), Some((6, 1)));
        let date = "ffmpeg version 2022-01-01-git-abc Copyright\nlibavutil 57. 17.100 / 57. 17.100\n";
        assert_eq!(parsed(date), Some((5, 0)));
        assert_eq!(parsed("hello"), None);
        assert_eq!(parsed(""), None);
    }

    #[test]
    fn a_missing_program_is_told_with_a_hint() {
        let tools = Tools { ffmpeg: PathBuf::from("no-such-ffmpeg-here"), ..Tools::from_env() };
        let error = tools.version().unwrap_err();
        assert!(matches!(error, MediaError::ToolMissing { .. }));
        assert!(error.hint().unwrap().contains("BIFRONS_FFMPEG"));
        assert!(error.is_environment());
    }
}
