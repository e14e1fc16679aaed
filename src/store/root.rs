//! The store's folder.

use super::{
    Digest, StoreError,
    attempt::{self, Benches},
    lease::Leases,
    os,
};
use fs_err as fs;
use std::{
    ffi::OsString,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

/// Version of the store's layout.
const FORMAT: u32 = 1;

/// By this tag backup programs know a cache folder (the Cache Directory Tagging Specification).
const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # This folder holds results that `pipeline` can make again. See https://bford.info/cachedir/\n";

/// A file in `tmp/` that is older belongs to a writer that is dead: they live for milliseconds, and as long as a file takes
/// to be fetched.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// The store. Cheap to clone; any number of threads and processes may use the same folder at once.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    pub(super) benches: Benches,
    pub(super) leases: Leases,
    /// Bytes of objects that were stored through it.
    pub(super) added: Arc<AtomicU64>,
}

impl Store {
    /// Opens the store at `root`, else where the environment says: `$PIPELINE_CACHE_DIR`, else
    /// `$XDG_CACHE_HOME/pipeline`, else `~/.cache/pipeline`. The folder is made when it is not there; attempts that dead
    /// processes left in it are removed.
    ///
    /// # Errors
    /// When there is no place for it, it cannot be written, or was made by a program with another layout.
    pub fn open(root: Option<PathBuf>) -> Result<Self, StoreError> {
        let store = Self::at(root)?;
        store.prepare()?;
        attempt::sweep(&store);
        store.sweep_temporary();
        Ok(store)
    }

    /// The same only to look at: nothing is made, written or removed. One that is not there yet is empty.
    ///
    /// # Errors
    /// When there is no place for it, or it was made by a program with another layout.
    pub fn look(root: Option<PathBuf>) -> Result<Self, StoreError> {
        let store = Self::at(root)?;
        store.has_format()?;
        Ok(store)
    }

    fn at(root: Option<PathBuf>) -> Result<Self, StoreError> {
        let root = match root {
            Some(root) => root,
            None => default_root(|name| std::env::var_os(name))?,
        };
        // Stages run with the path in hand, perhaps in another working directory.
        let root = std::path::absolute(&root).map_err(|e| StoreError::io("find the store", &root, e))?;
        Ok(Self { root, benches: Benches::default(), leases: Leases::default(), added: Arc::default() })
    }

    /// Its folder, absolute.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn prepare(&self) -> Result<(), StoreError> {
        for folder in [
            "objects",
            "actions",
            "locks",
            "partial",
            "attempts",
            "downloads",
            "sources",
            "verdicts",
            "runs",
            "tmp",
        ] {
            let path = self.root.join(folder);
            let failed = |error| StoreError::io("make the store's folder", &path, error);
            if path.is_dir() {
                continue;
            }
            fs::create_dir_all(&path).map_err(failed)?;
            // Settings and requests may hold values that the environment keeps secret. Who shares a store opens it up.
            os::set_mode(&path, 0o700).map_err(failed)?;
        }
        if !self.has_format()? {
            let format = self.root.join("format");
            self.replace(&self.root.join("CACHEDIR.TAG"), CACHEDIR_TAG.as_bytes(), || (), || ())?;
            self.replace(&format, format!("{FORMAT}\n").as_bytes(), || (), || ())?;
            os::sync(&format).map_err(|e| StoreError::io("bring to the disk", &format, e))?;
        }
        Ok(())
    }

    /// Whether it says that it has the layout that this program knows. One that says another is refused.
    fn has_format(&self) -> Result<bool, StoreError> {
        let format = self.root.join("format");
        match fs::read_to_string(&format) {
            Ok(text) if text.trim() == FORMAT.to_string() => Ok(true),
            // What a power cut can leave of it.
            Ok(text) if text.trim().is_empty() => Ok(false),
            Ok(text) => Err(StoreError::Format {
                path: self.root.clone(),
                found: text.trim().to_owned(),
                expected: FORMAT,
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::Io { action: "read", path: format, source: error }),
        }
    }

    /// `folder/NAME.extension` for something addressed by a digest.
    pub(super) fn named(&self, folder: &str, digest: &Digest, extension: &str) -> PathBuf {
        self.root.join(folder).join(format!("{digest}{extension}"))
    }

    /// Writes a file of the store atomically: a reader sees the old one or the new one, whole. The two functions are the
    /// places of fail points.
    pub(super) fn replace(
        &self,
        path: &Path,
        bytes: &[u8],
        before_rename: fn(),
        after_rename: fn(),
    ) -> Result<(), StoreError> {
        let failed = |error| StoreError::io("write", path, error);
        let mut file = os::temporary(&self.root.join("tmp"), 0o644).map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        before_rename();
        os::make_way(path).and_then(|()| file.persist(path).map_err(|e| e.error)).map_err(failed)?;
        after_rename();
        Ok(())
    }

    /// Removes what killed writers left in `tmp/`. Nobody needs to know when that fails.
    fn sweep_temporary(&self) {
        let Ok(entries) = fs::read_dir(self.root.join("tmp")) else { return };
        for entry in entries.flatten() {
            let age =
                entry.metadata().and_then(|m| m.modified()).map(|at| SystemTime::now().duration_since(at));
            if matches!(age, Ok(Ok(age)) if age > STALE) {
                let removed = fs::remove_file(entry.path());
                tracing::debug!(path = %entry.path().display(), ?removed, "removed a stale temporary file");
            }
        }
    }
}

/// The store's place by the environment. An empty variable counts as unset, and so does a relative `XDG_CACHE_HOME`,
/// as its specification demands.
fn default_root(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, StoreError> {
    let folder = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let xdg = || folder("XDG_CACHE_HOME").filter(|path| path.is_absolute()).map(|path| path.join("pipeline"));
    let home = || folder("HOME").map(|path| path.join(".cache").join("pipeline"));
    folder("PIPELINE_CACHE_DIR").or_else(xdg).or_else(home).ok_or(StoreError::NoHome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root_with(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        default_root(|name| find(name).map(|(_, value)| OsString::from(value))).ok()
    }

    #[test]
    fn the_place_of_the_store_is_its_own_variable_then_the_xdg_cache_then_the_home_folder() {
        let all = [("PIPELINE_CACHE_DIR", "/own"), ("XDG_CACHE_HOME", "/xdg"), ("HOME", "/home/u")];
        assert_eq!(root_with(&all), Some("/own".into()));
        assert_eq!(root_with(&all[1..]), Some("/xdg/pipeline".into()));
        assert_eq!(root_with(&all[2..]), Some("/home/u/.cache/pipeline".into()));
        assert_eq!(root_with(&[]), None);
    }

    #[test]
    fn a_store_whose_format_file_was_emptied_by_a_power_cut_opens() -> Result<(), StoreError> {
        let folder = tempfile::tempdir().map_err(|e| StoreError::io("make", "folder", e))?;
        let open = || Store::open(Some(folder.path().to_owned()));
        let write = |text| fs::write(folder.path().join("format"), text).is_ok();
        open()?;
        assert!(write(""));
        open()?;
        assert_eq!(fs::read_to_string(folder.path().join("format")).ok().as_deref(), Some("1\n"));
        assert!(write("99\n"));
        assert!(matches!(open(), Err(StoreError::Format { .. })));
        Ok(())
    }

    #[test]
    fn looking_at_a_store_makes_nothing_and_refuses_another_layout() -> Result<(), StoreError> {
        let folder = tempfile::tempdir().map_err(|e| StoreError::io("make", "folder", e))?;
        let root = folder.path().join("store");
        let look = || Store::look(Some(root.clone()));
        assert!(look()?.usage()?.values().all(|amount| amount.count == 0));
        assert!(!root.exists());
        Store::open(Some(root.clone()))?;
        // As an older program has left it.
        assert!(fs::remove_dir(root.join("runs")).is_ok());
        look()?.usage()?;
        assert!(!root.join("runs").exists());
        assert!(fs::write(root.join("format"), "99\n").is_ok());
        assert!(matches!(look(), Err(StoreError::Format { .. })));
        Ok(())
    }

    #[test]
    fn empty_variables_and_a_relative_xdg_cache_count_as_unset() {
        let variables = [("PIPELINE_CACHE_DIR", ""), ("XDG_CACHE_HOME", "cache"), ("HOME", "/home/u")];
        assert_eq!(root_with(&variables), Some("/home/u/.cache/pipeline".into()));
    }
}
