//! Where things lie in a project folder.

use std::path::{Component, Path, PathBuf};

use crate::error::{ProjectError, Result};
use crate::hash::ContentHash;
use crate::index::ClipId;

/// Paths of a project; knows names, touches nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Layout of the project in `root`, which should be absolute.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The project folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `bifrons.toml`.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.join("bifrons.toml")
    }

    /// `bifrons.db`.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.root.join("bifrons.db")
    }

    /// `bifrons.lock`, held while a process works in the project.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join("bifrons.lock")
    }

    /// `faces/`.
    #[must_use]
    pub fn faces(&self) -> PathBuf {
        self.root.join("faces")
    }

    /// `faces/<person>/`.
    #[must_use]
    pub fn faces_of(&self, person: &str) -> PathBuf {
        self.faces().join(person)
    }

    /// Name of a crop: `clip-frame-track.jpg`, padded so that names sort like the film.
    #[must_use]
    pub fn crop_name(clip: ClipId, frame: usize, track: u32) -> String {
        format!("{:04}-{frame:07}-{track:03}.jpg", clip.0)
    }

    /// `faces/<person>/<crop name>`.
    #[must_use]
    pub fn crop(&self, person: &str, crop_name: &str) -> PathBuf {
        self.faces_of(person).join(crop_name)
    }

    /// `model/`, the folder of checkpoints.
    #[must_use]
    pub fn model(&self) -> PathBuf {
        self.root.join("model")
    }

    /// The newest training preview, `model/preview.png`.
    #[must_use]
    pub fn preview(&self) -> PathBuf {
        self.model().join("preview.png")
    }

    /// `model/history/`, earlier previews.
    #[must_use]
    pub fn history(&self) -> PathBuf {
        self.model().join("history")
    }

    /// `out/`, where films go when no other place is named.
    #[must_use]
    pub fn out(&self) -> PathBuf {
        self.root.join("out")
    }

    /// Folder for the finished chunks of a film until they are joined: `out/<name>.work/`. A film
    /// outside of the project gets a few hash digits of its path into the name, so that films of
    /// one name in two folders do not share chunks.
    #[must_use]
    pub fn work(&self, film: &Path) -> PathBuf {
        // Without a current folder a relative path stays as it is: still a name of its own.
        let film = without_dots(&std::path::absolute(film).unwrap_or_else(|_| film.to_owned()));
        let name = film.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if film.parent() == Some(&self.out()) {
            return self.out().join(format!("{name}.work"));
        }
        let hash = ContentHash::of_bytes(film.as_os_str().as_encoded_bytes()).to_string();
        self.out().join(format!("{name}-{}.work", &hash[..8]))
    }

    /// A path as it is kept in `bifrons.toml` and the index: relative to the project when inside
    /// it (so that the folder can be moved), else absolute; always with `/`.
    ///
    /// # Errors
    /// [`ProjectError::NonUtf8Path`]; [`ProjectError::Io`] when the current folder is needed and
    /// cannot be told.
    pub fn to_stored(&self, path: &Path) -> Result<String> {
        let absolute =
            std::path::absolute(path).map_err(|source| ProjectError::io("resolve", path, source))?;
        let absolute = without_dots(&absolute);
        let stored = absolute.strip_prefix(&self.root).unwrap_or(&absolute);
        let text = stored.to_str().ok_or_else(|| ProjectError::NonUtf8Path { path: path.to_owned() })?;
        Ok(if cfg!(windows) { text.replace('\\', "/") } else { text.to_owned() })
    }

    /// The reverse of [`Layout::to_stored`].
    #[must_use]
    pub fn from_stored(&self, stored: &str) -> PathBuf {
        // Joining an absolute path gives that path.
        self.root.join(stored)
    }
}

/// Removes `.` and `..` by name alone: symbolic links stay as the user wrote them.
pub(crate) fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

/// Checks that a name can be a folder on every system and stands out in messages: 1 to 64
/// letters, digits, `-`, `_`, `.` or spaces, beginning and ending with a letter or digit.
///
/// # Errors
/// [`ProjectError::Name`] with the rule it breaks.
pub fn check_person_name(name: &str) -> Result<()> {
    let refuse = |reason| Err(ProjectError::Name { name: name.to_owned(), reason });
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.chars().count() > 64 {
        return refuse("it is longer than 64 characters");
    }
    if !name.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c)) {
        return refuse("it holds something other than letters, digits, `-`, `_`, `.` and spaces");
    }
    let ends_well = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    if !ends_well(name.chars().next()) || !ends_well(name.chars().next_back()) {
        return refuse("it does not begin and end with a letter or a digit");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_like_the_film() {
        assert_eq!(Layout::crop_name(ClipId(3), 1234, 2), "0003-0001234-002.jpg");
    }

    #[test]
    fn paths_inside_are_relative_and_outside_absolute() {
        let layout = Layout::new("/films/my-film");
        let stored = |path: &str| layout.to_stored(Path::new(path)).unwrap();
        assert_eq!(stored("/films/my-film/in/a.mp4"), "in/a.mp4");
        assert_eq!(stored("/films/my-film/../b.mp4"), "/films/b.mp4");
        assert_eq!(stored("/films/my-film-2/a.mp4"), "/films/my-film-2/a.mp4");
        assert_eq!(layout.from_stored("in/a.mp4"), Path::new("/films/my-film/in/a.mp4"));
        assert_eq!(layout.from_stored("/films/b.mp4"), Path::new("/films/b.mp4"));
    }

    #[test]
    fn films_of_one_name_in_two_folders_do_not_share_chunks() {
        let layout = Layout::new("/p");
        assert_eq!(layout.work(Path::new("/p/out/film.mp4")), Path::new("/p/out/film.mp4.work"));
        let (one, two) = (layout.work(Path::new("/a/film.mp4")), layout.work(Path::new("/b/film.mp4")));
        assert_ne!(one, two);
        assert!(one.starts_with("/p/out"));
        let here = std::env::current_dir().unwrap();
        assert_eq!(layout.work(Path::new("film.mp4")), layout.work(&here.join("x/../film.mp4")));
        let inside = Layout::new(&here).work(Path::new("out/film.mp4"));
        assert_eq!(inside, here.join("out/film.mp4.work"));
    }

    #[test]
    fn names_of_people_are_folder_names() {
        for good in ["alice", "Zoë", "b", "Mary-Ann 2", "王"] {
            check_person_name(good).unwrap();
        }
        for bad in ["", ".", "..", "a/b", "a\\b", ".a", "a ", "a\0", "nul:", &"x".repeat(65)] {
            assert!(matches!(check_person_name(bad), Err(ProjectError::Name { .. })), "{bad:?}");
        }
    }
}
