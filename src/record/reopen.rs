//! Going on in the folder of a run that was started before.

use super::{EVENTS, LOG, RecordError, RunFolder};
use contract::Event;
use fs_err::{self as fs, OpenOptions};
use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

/// The files that are being written, whose writer may have been killed, begin like this.
const HALF_WRITTEN: [&str; 2] = [".writing-", ".restoring-"];

impl RunFolder {
    /// Takes away what a killed engine left half written: files without their names yet, the last line of the events and
    /// of the log. Gives the number of the next event. Only who holds the lease may do this.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub fn mend(&self) -> Result<u64, RecordError> {
        remove_half_written(self.path())?;
        end_last_line(&self.path().join(LOG), |_| true)?;
        end_last_line(&self.path().join(EVENTS), |line| serde_json::from_slice::<Event>(line).is_ok())?;
        let last = super::history(self.path())?.events.last().map(|event| event.seq);
        Ok(last.map_or(0, |seq| seq + 1))
    }
}

/// Removes them from a folder and all below it; links are not followed.
fn remove_half_written(folder: &Path) -> Result<(), RecordError> {
    let failed = |error| RecordError::io("read the folder", folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let name = entry.file_name();
        let is_half = HALF_WRITTEN.iter().any(|start| name.to_string_lossy().starts_with(start));
        if kind.is_dir() {
            remove_half_written(&entry.path())?;
        } else if kind.is_file() && is_half {
            let path = entry.path();
            fs::remove_file(&path).map_err(|error| RecordError::io("remove", path, error))?;
        }
    }
    Ok(())
}

/// Ends the last line of a file where it has no end: with it the line, if that is whole, else without it.
fn end_last_line(path: &Path, is_whole: fn(&[u8]) -> bool) -> Result<(), RecordError> {
    let failed = |error| RecordError::io("mend", PathBuf::from(path), error);
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let start = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let last = &bytes[start..];
    if last.is_empty() {
        return Ok(());
    }
    if is_whole(last) {
        let mut file = OpenOptions::new().append(true).open(path).map_err(failed)?;
        return file.write_all(b"\n").map_err(failed);
    }
    let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
    file.set_len(start as u64).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"seq":6,"at":"2026-11-22T14:45:00Z","event":"note","message":"m"}"#;

    #[test]
    fn half_written_lines_and_files_are_taken_away_and_numbers_go_on() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(root.path().join("run").to_str().unwrap()).unwrap();
        assert_eq!(run.mend().unwrap(), 0, "nothing is there");
        let models = run.path().join("saved_models");
        fs::create_dir(&models).unwrap();
        for name in [".restoring-a8Gh2k", "model.h5"] {
            fs::write(models.join(name), "x").unwrap();
        }
        let whole = format!("{EVENT}\n");
        for (events, mended) in [
            (whole.clone(), &whole),
            (EVENT.to_owned(), &whole),
            (format!("{whole}{}", &EVENT[..20]), &whole),
        ] {
            fs::write(run.path().join(EVENTS), events).unwrap();
            fs::write(run.path().join(LOG), "half an ent").unwrap();
            assert_eq!(run.mend().unwrap(), 7);
            assert_eq!(&fs::read_to_string(run.path().join(EVENTS)).unwrap(), mended);
            assert_eq!(fs::read_to_string(run.path().join(LOG)).unwrap(), "half an ent\n");
        }
        let left: Vec<_> = fs::read_dir(models).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["model.h5"]);
    }
}
