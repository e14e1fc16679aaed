//! Glances: what a command looked at that found nothing to do, so that the same command again need not make its plan.
//!
//! `inputs/KEY.seen`, where the key is of the command alone: the program, the text of the configuration and the changes to
//! it. Whatever else decided the plan is listed with what it was: environment variables, files by their stamps, paths where
//! no file was. While all of that is as it was, the plan is the same, and so is the key of the completion that it led to.

use super::{
    Digest, SourceDigest, Store, StoreError,
    completion::ALONE,
    document, failpoint, folder,
    os::Stamp,
    stat_cache::{FOLDER, USE_DAYS, today},
};
use crate::several::all;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Version of the glance's format.
const FORMAT: u32 = 1;

/// What a command looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glance {
    format: u32,
    /// The key of the completion that it found.
    completion: Digest,
    /// The day on which it looked, in days since 1970.
    day: u32,
    /// Digests of the values of environment variables; none of one that was not set.
    variables: BTreeMap<String, Option<Digest>>,
    files: Vec<Seen>,
    /// Folders of which all files are in the list.
    folders: Vec<PathBuf>,
    /// Paths at which there was no regular file.
    no_files: BTreeSet<PathBuf>,
}

/// What a file looked like; nothing where there was none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    path: PathBuf,
    stamp: Option<Stamp>,
}

impl Glance {
    /// What led to a completion: these variables, the files of these sources, and paths at which there was no file. Nothing
    /// where a file could have changed since it was read without a sign of it.
    pub fn of<'a>(
        completion: Digest,
        variables: impl IntoIterator<Item = &'a str>,
        sources: impl IntoIterator<Item = &'a SourceDigest>,
        no_files: impl IntoIterator<Item = &'a Path>,
    ) -> Option<Self> {
        let mut glance = Self {
            format: FORMAT,
            completion,
            day: today(),
            variables: variables.into_iter().map(|name| (name.to_owned(), value(name))).collect(),
            files: Vec::new(),
            folders: Vec::new(),
            no_files: no_files.into_iter().map(Path::to_owned).collect(),
        };
        for source in sources {
            glance.folders.extend(source.folder().map(Path::to_owned));
            for (path, stamp) in source.stamps() {
                glance.files.push(Seen { path: path.to_owned(), stamp: stamp? });
            }
        }
        Some(glance)
    }

    /// Whether all is as it was.
    fn still_holds(&self) -> bool {
        // What is known of the files is forgotten when nobody asks for it, so that is done from time to time.
        let is_fresh = (self.day..self.day.saturating_add(USE_DAYS)).contains(&today());
        is_fresh
            && self.variables.iter().all(|(name, known)| value(name) == *known)
            && all(&self.files, ALONE, |Seen { path, stamp }| {
                Stamp::of(path).is_ok_and(|found| found == *stamp)
            })
            && all(&self.no_files.iter().collect::<Vec<_>>(), ALONE, |path| !path.is_file())
            && self.folders.iter().all(|folder| self.knows_all_of(folder))
    }

    fn knows_all_of(&self, folder: &Path) -> bool {
        let known: BTreeSet<&Path> = self.files.iter().map(|seen| seen.path.as_path()).collect();
        folder::files_below(folder)
            .is_ok_and(|found| found.values().all(|path| known.contains(path.as_path())))
    }
}

/// The digest of a variable's value, which may be a secret.
fn value(variable: &str) -> Option<Digest> {
    env::var_os(variable).map(|value| Digest::of(value.as_bytes()))
}

impl Store {
    /// The key of the completion that a command found, if all that it looked at is as it was.
    #[must_use]
    pub fn glance(&self, command: &Digest) -> Option<Digest> {
        let glance: Glance = document::unseal(&fs::read(self.seen(command)).ok()?).ok()?;
        (glance.format == FORMAT && glance.still_holds()).then_some(glance.completion)
    }

    /// Remembers what a command looked at.
    ///
    /// # Errors
    /// When the store cannot be written, or a path is no text.
    pub fn save_glance(&self, command: &Digest, glance: &Glance) -> Result<(), StoreError> {
        self.prepare_stat_cache()?;
        self.replace(
            &self.seen(command),
            document::seal(glance)?.as_bytes(),
            || failpoint::hit("cache::glance_before_rename"),
            || (),
        )
    }

    fn seen(&self, command: &Digest) -> PathBuf {
        self.named(FOLDER, command, ".seen")
    }
}

/// What tells this program from another one, also from itself built anew; nothing where that cannot be told.
#[must_use]
pub fn this_program() -> Option<Digest> {
    let stamp = Stamp::of(Path::new("/proc/self/exe")).ok().flatten()?;
    Digest::of_value(&stamp).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StatCache;
    use contract::{ArtifactKind, Source, SourceContent};
    use std::time::Duration;

    /// A folder with a store and `data/a.csv` in it, and what is known of that folder.
    struct World {
        root: tempfile::TempDir,
        store: Store,
        data: SourceDigest,
    }

    fn world() -> World {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Some(root.path().join("store"))).unwrap();
        let folder = root.path().join("data");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a.csv"), "1").unwrap();
        let source = Source {
            kind: ArtifactKind::File,
            label: "data".to_owned(),
            key: "stages.a.inputs".to_owned(),
            content: SourceContent::Folder(folder),
            findings: Vec::new(),
        };
        let data = StatCache::settling(&store, Duration::ZERO).source(&source).unwrap();
        World { root, store, data }
    }

    impl World {
        fn path(&self, name: &str) -> PathBuf {
            self.root.path().join(name)
        }

        fn glance(&self) -> Glance {
            let absent = self.path("script.sh");
            Glance::of(Digest::of(b"done"), ["PATH", "NO_SUCH_VARIABLE"], [&self.data], [absent.as_path()])
                .unwrap()
        }

        /// Whether the glance that was saved is believed.
        fn is_believed(&self) -> bool {
            self.store.glance(&Digest::of(b"command")) == Some(Digest::of(b"done"))
        }
    }

    #[test]
    fn a_glance_is_believed_while_all_that_was_looked_at_is_as_it_was() {
        let world = world();
        assert!(!world.is_believed(), "there is none yet");
        world.store.save_glance(&Digest::of(b"command"), &world.glance()).unwrap();
        assert!(world.is_believed());
        assert_eq!(world.store.glance(&Digest::of(b"other")), None);

        fs::create_dir(world.path("script.sh")).unwrap();
        assert!(world.is_believed(), "a folder is no file");
        fs::remove_dir(world.path("script.sh")).unwrap();
        for appears in ["script.sh", "data/b.csv"] {
            fs::write(world.path(appears), "new").unwrap();
            assert!(!world.is_believed(), "{appears}");
            fs::remove_file(world.path(appears)).unwrap();
            assert!(world.is_believed());
        }
        fs::write(world.path("data/a.csv"), "2").unwrap();
        assert!(!world.is_believed(), "another content");
        fs::remove_file(world.path("data/a.csv")).unwrap();
        assert!(!world.is_believed(), "none at all");
    }

    #[test]
    fn a_glance_at_another_value_of_a_variable_of_another_week_or_that_is_damaged_is_not_believed() {
        let world = world();
        let glance = world.glance();
        let saved = |glance: &Glance| {
            world.store.save_glance(&Digest::of(b"command"), glance).unwrap();
            world.is_believed()
        };
        let with = |name: &str, value| {
            let mut glance = glance.clone();
            glance.variables.insert(name.to_owned(), value);
            glance
        };
        assert!(saved(&glance));
        assert!(!saved(&with("PATH", Some(Digest::of(b"/elsewhere")))));
        assert!(!saved(&with("PATH", None)));
        assert!(!saved(&with("NO_SUCH_VARIABLE", Some(Digest::of(b"")))));
        for days in [USE_DAYS - 1, USE_DAYS] {
            assert_eq!(saved(&Glance { day: today() - days, ..glance.clone() }), days < USE_DAYS);
        }
        assert!(!saved(&Glance { day: today() + 1, ..glance.clone() }), "of a day to come");
        assert!(!saved(&Glance { format: FORMAT + 1, ..glance.clone() }));
        assert!(saved(&glance));
        let path = world.store.seen(&Digest::of(b"command"));
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("a.csv", "b.csv")).unwrap();
        assert!(!world.is_believed());
    }

    #[test]
    fn a_file_that_had_not_settled_when_it_was_read_lets_no_glance_be_made() {
        let world = world();
        let source = Source {
            kind: ArtifactKind::File,
            label: "data".to_owned(),
            key: "stages.a.inputs".to_owned(),
            content: SourceContent::File(world.path("data/a.csv")),
            findings: Vec::new(),
        };
        let fresh = StatCache::settling(&world.store, Duration::from_secs(3600)).source(&source).unwrap();
        assert_eq!(Glance::of(Digest::of(b"done"), [], [&fresh], []), None);
    }

    #[test]
    fn this_program_is_the_same_each_time() {
        assert!(this_program().is_some());
        assert_eq!(this_program(), this_program());
    }
}
