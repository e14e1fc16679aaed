//! Checkpoints: a training's [`State`] on disk.
//!
//! A checkpoint is one file, the bytes of [`State::encode`]. A commit writes a temporary file, flushes it to the disk,
//! renames it to `checkpoint-<number>` and flushes the folder, so a checkpoint is there whole or not at all. The last two
//! are kept: if the newest is damaged nevertheless, the one before it serves.

use crate::{
    TrainError,
    codec::StateError,
    failpoint::{AFTER_CHECKPOINT, BEFORE_CHECKPOINT_RENAME},
    state::State,
};
use contract::failpoint;
use fs_err as fs;
use std::{
    io::Write,
    path::{Path, PathBuf},
};

const PREFIX: &str = "checkpoint-";
const KEPT: usize = 2;

/// The checkpoints of one training.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    folder: PathBuf,
    next: u64,
}

/// What was found of an interrupted training.
#[derive(Debug)]
pub(crate) struct Found {
    /// The newest state that can be read.
    pub(crate) state: Option<State>,
    /// What is wrong with newer ones.
    pub(crate) damaged: Vec<TrainError>,
}

impl Checkpoints {
    /// Opens the folder and reads the newest checkpoint that is whole and fits a training that starts from `fresh`.
    ///
    /// # Errors
    /// The folder cannot be made or listed.
    pub(crate) fn open(folder: &Path, fresh: &State) -> Result<(Self, Found), TrainError> {
        fs::create_dir_all(folder)?;
        let mut files = list(folder)?;
        let next = files.last().map_or(1, |(number, _)| number + 1);
        let mut found = Found { state: None, damaged: Vec::new() };
        while let (None, Some((_, path))) = (&found.state, files.pop()) {
            match read(&path, fresh) {
                Ok(state) => found.state = Some(state),
                Err(error) => found.damaged.push(error),
            }
        }
        Ok((Self { folder: folder.to_owned(), next }, found))
    }

    /// Writes a checkpoint and lets go of all but the last two.
    ///
    /// # Errors
    /// The disk is full, or the folder cannot be written.
    pub(crate) fn commit(&mut self, state: &State) -> Result<(), TrainError> {
        let temporary = self.folder.join("checkpoint.tmp");
        let mut file = fs::File::create(&temporary)?;
        file.write_all(&state.encode())?;
        file.sync_all()?;
        drop(file);
        failpoint::hit(BEFORE_CHECKPOINT_RENAME);
        fs::rename(&temporary, self.folder.join(format!("{PREFIX}{:08}", self.next)))?;
        sync_folder(&self.folder)?;
        self.next += 1;
        let files = list(&self.folder)?;
        for (_, path) in files.iter().take(files.len().saturating_sub(KEPT)) {
            fs::remove_file(path)?;
        }
        failpoint::hit(AFTER_CHECKPOINT);
        Ok(())
    }
}

/// Makes renames in a folder last.
fn sync_folder(folder: &Path) -> Result<(), TrainError> {
    if cfg!(unix) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Size in bytes of a checkpoint of a network with `parameters` numbers, moving statistics included, each of which it has
/// in `copies`, nearly.
pub(crate) fn size(parameters: u64, copies: u64) -> u64 {
    // All in f32: statistics, in f64, are the smaller part.
    parameters.saturating_mul(4).saturating_mul(copies).saturating_add(1 << 16)
}

/// Numbers and paths of the checkpoints in a folder, the oldest first.
fn list(folder: &Path) -> Result<Vec<(u64, PathBuf)>, TrainError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let number =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|text| text.parse().ok());
        if let Some(number) = number {
            files.push((number, entry.path()));
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path, fresh: &State) -> Result<State, TrainError> {
    let damaged =
        |error: StateError| TrainError::Checkpoint { path: path.to_owned(), message: error.to_string() };
    State::decode(&fs::read(path)?, fresh).map_err(damaged)
}
