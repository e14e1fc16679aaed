//! The folder itself.

use super::{EventLog, Layout, RecordError, RunLog, RunRecord};
use crate::store::failpoint;
use fs_err as fs;
use std::{
    io::{ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// The folder of one run, which no other run shares.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
    id: String,
}

impl RunFolder {
    /// Makes the folder `hydra.run.dir` names, its interpolations resolved, relative to the working directory. When it
    /// exists, as for two runs in one second, `-2`, `-3` and so on is added to the name.
    ///
    /// # Errors
    /// [`RecordError::BadFolder`] when the path has no name to make (`.`, `..`, `/`), or that it cannot be made.
    pub fn create(dir: &str) -> Result<Self, RecordError> {
        let wanted = PathBuf::from(dir);
        let Some(name) = wanted.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
            return Err(RecordError::BadFolder {
                key: "hydra.run.dir",
                value: dir.to_owned(),
                problem: "does not end in the name of a folder",
                help: "name a folder for this run, such as ./experiments_outputs/${now:%Y_%m_%d_%H_%M_%S}",
            });
        };
        let failed = |error| RecordError::io("make the run folder", &wanted, error);
        if let Some(parent) = wanted.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut id = name.clone();
        let mut next = 2;
        loop {
            // Making a folder is atomic: of two runs one gets this name and the other the next.
            let path = wanted.with_file_name(&id);
            match fs::create_dir(&path) {
                Ok(()) => {
                    failpoint::hit("record::folder_created");
                    return Ok(Self { path, id });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    id = format!("{name}-{next}");
                    next += 1;
                }
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// The folder of a run that was started before.
    ///
    /// # Errors
    /// When the working directory, to which the path may be relative, is gone.
    pub fn open(path: &Path) -> Result<Self, RecordError> {
        let path = std::path::absolute(path).map_err(|error| RecordError::io("find", path, error))?;
        let id = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { path, id })
    }

    /// Its path, relative where the configuration's is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name, which is the run's.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Writes `.hydra/config.yaml`: the resolved configuration.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_config(&self, yaml: &str) -> Result<(), RecordError> {
        self.replace(&self.path.join(Self::CONFIG), yaml.as_bytes())
    }

    /// Where [`RunFolder::write_config`] writes, below the run folder.
    pub const CONFIG: &str = ".hydra/config.yaml";

    /// Writes all that says with which configuration the run was started: the resolved one, the changes, and the one with
    /// its secrets where that is another.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn keep_configuration(
        &self,
        resolved: &str,
        overrides: &[String],
        secrets: Option<&str>,
    ) -> Result<(), RecordError> {
        self.write_config(resolved)?;
        self.write_overrides(overrides)?;
        secrets.map_or(Ok(()), |secrets| self.write_secrets(secrets))
    }

    /// Where [`RunFolder::write_secrets`] writes, below the run folder.
    pub const SECRETS: &str = ".hydra/.secrets.yaml";

    /// Writes the configuration with its secrets, for who resumes the run: nobody else than its owner can ever read it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_secrets(&self, yaml: &str) -> Result<(), RecordError> {
        self.replace_with(&self.path.join(Self::SECRETS), yaml.as_bytes(), OWNER_ONLY)
    }

    /// Writes `.hydra/overrides.yaml`: the command line's changes to the configuration, a list.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_overrides(&self, overrides: &[String]) -> Result<(), RecordError> {
        let path = self.path.join(".hydra/overrides.yaml");
        let yaml = serde_yaml::to_string(overrides)
            .map_err(|error| RecordError::NotWritable { path: path.clone(), what: error.to_string() })?;
        self.replace(&path, yaml.as_bytes())
    }

    /// Replaces `run.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, record: &RunRecord) -> Result<(), RecordError> {
        let path = self.path.join(super::RECORD);
        let mut json = serde_json::to_string_pretty(record)
            .map_err(|error| RecordError::NotWritable { path: path.clone(), what: error.to_string() })?;
        json.push('\n');
        self.replace(&path, json.as_bytes())
    }

    /// Opens `events.jsonl`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn events(&self) -> Result<EventLog, RecordError> {
        EventLog::open(self.path.join(super::EVENTS))
    }

    /// Opens `stm32ai_main.log`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn log(&self) -> Result<RunLog, RecordError> {
        RunLog::open(self.path.join(super::LOG))
    }

    /// Makes the folder `link` such that a stage that writes its files there ([`contract::StageContext::live`]) writes
    /// them to their places in the run folder: its top folders are links to those.
    ///
    /// # Errors
    /// When a folder or link cannot be made.
    pub fn link_live(
        &self,
        layout: &Layout,
        node: &str,
        several: bool,
        link: &Path,
    ) -> Result<(), RecordError> {
        let failed = |path: &Path, error| RecordError::io("make the folder", path, error);
        fs::create_dir_all(link).map_err(|e| failed(link, e))?;
        for (root, place) in layout.roots(node, several) {
            let target = self.path.join(place);
            fs::create_dir_all(&target).map_err(|e| failed(&target, e))?;
            let target = std::path::absolute(&target).map_err(|e| failed(&target, e))?;
            let from = link.join(root);
            std::os::unix::fs::symlink(&target, &from).map_err(|e| failed(&from, e))?;
        }
        Ok(())
    }

    /// Writes a file such that a reader sees the old one or the new one, whole.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
        self.replace_with(path, bytes, 0o644)
    }

    pub(super) fn replace_with(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), RecordError> {
        let failed = |error| RecordError::io("write", path, error);
        let folder = path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder).map_err(failed)?;
        let mut file = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder).map_err(failed)?;
        // A temporary file is its owner's alone from the start.
        write(&mut file, bytes, mode).map_err(failed)?;
        failpoint::hit("record::run_before_rename");
        file.persist(path).map_err(|e| failed(e.error))?;
        failpoint::hit("record::run_after_rename");
        Ok(())
    }
}

/// Reads `.hydra/overrides.yaml` of the run in `folder`; without one there are no changes.
///
/// # Errors
/// When it is there and cannot be read or is no list of texts.
pub fn read_overrides(folder: &Path) -> Result<Vec<String>, RecordError> {
    let path = folder.join(".hydra/overrides.yaml");
    match fs::read_to_string(&path) {
        Ok(yaml) => serde_yaml::from_str(&yaml)
            .map_err(|error| RecordError::NotReadable { path, what: error.to_string() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(RecordError::io("read", path, error)),
    }
}

/// Read and written by the owner, by nobody else.
pub(super) const OWNER_ONLY: u32 = 0o600;

fn write(file: &mut NamedTempFile, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    file.write_all(bytes)?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Outcome;

    #[test]
    fn runs_of_the_same_second_get_folders_of_their_own() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("outputs/2026_11_22_14_45_00");
        let ids: Vec<String> = std::thread::scope(|scope| {
            let make = || RunFolder::create(dir.to_str().unwrap()).unwrap();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().id().to_owned()).collect()
        });
        let mut sorted = ids.clone();
        sorted.sort();
        let name = "2026_11_22_14_45_00";
        assert_eq!(sorted, [name.to_owned(), format!("{name}-2"), format!("{name}-3"), format!("{name}-4")]);
    }

    #[test]
    fn a_run_folder_without_a_name_is_refused_with_its_key() {
        for dir in ["", ".", "..", "/", "outputs/.."] {
            let error = RunFolder::create(dir).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`hydra.run.dir: {dir}` does not end in the name of a folder")
            );
        }
    }

    #[test]
    fn a_run_folder_below_a_file_is_an_error_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        let dir = file.join("run");
        let error = RunFolder::create(dir.to_str().unwrap()).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot make the run folder `{}`", dir.display()));
    }

    #[test]
    fn the_files_of_the_folder_read_back_and_nothing_else_lies_beside_them() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(root.path().join("run").to_str().unwrap()).unwrap();
        run.write_config("general:\n  project_name: x\n").unwrap();
        run.write_overrides(&["training.epochs=3".to_owned(), "~mlflow".to_owned()]).unwrap();
        let mut record = RunRecord::start(run.id(), "training", "a.yaml");
        run.save(&record).unwrap();
        record.finish(Outcome::Done);
        run.save(&record).unwrap();

        let overrides = fs::read_to_string(run.path().join(".hydra/overrides.yaml")).unwrap();
        assert_eq!(overrides, "- training.epochs=3\n- ~mlflow\n");
        let text = fs::read_to_string(run.path().join("run.json")).unwrap();
        assert_eq!(serde_json::from_str::<RunRecord>(&text).unwrap(), record);
        let mut names: Vec<_> =
            fs::read_dir(run.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".hydra", "run.json"]);
    }

    #[test]
    fn the_file_of_secrets_is_its_owners_alone() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(root.path().join("run").to_str().unwrap()).unwrap();
        run.write_secrets("general: {project_name: s3cret}\n").unwrap();
        run.write_config("general: {project_name: x}\n").unwrap();
        let mode = |name: &str| fs::metadata(run.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(RunFolder::SECRETS), mode(".hydra/config.yaml")), (0o600, 0o644));
    }

    #[test]
    fn a_stage_that_writes_to_its_live_folder_writes_into_the_run_folder() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(root.path().join("run").to_str().unwrap()).unwrap();
        let live = root.path().join("live");
        run.link_live(&Layout::new("models", "logs", "int8").unwrap(), "train", false, &live).unwrap();
        fs::write(live.join("saved_models/.new"), "weights").unwrap();
        fs::rename(live.join("saved_models/.new"), live.join("saved_models/last_model.h5")).unwrap();
        assert_eq!(fs::read_to_string(run.path().join("models/last_model.h5")).unwrap(), "weights");
    }
}
