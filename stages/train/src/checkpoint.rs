//! Checkpoints: a training's [`State`] on disk.
//!
//! A checkpoint is one file: the line `pipeline training checkpoint 1`, the length of the body (u64), the BLAKE3 digest
//! of the body (32 bytes), the body. All numbers are little endian; a list is its length (u64) and its elements. The body
//! holds the fields of [`State`] in order.
//!
//! A commit writes a temporary file, flushes it to the disk, renames it to `checkpoint-<number>` and flushes the folder,
//! so a checkpoint is there whole or not at all. The last two are kept: if the newest is damaged nevertheless, the one
//! before it serves.

use crate::{
    TrainError,
    adam::Moments,
    failpoint::{AFTER_CHECKPOINT, BEFORE_CHECKPOINT_RENAME},
    network::{Statistics, Weights},
    state::{Best, EpochFigures, Position, State},
};
use contract::failpoint;
use fs_err as fs;
use std::{
    io::Write,
    path::{Path, PathBuf},
};

const MAGIC: &[u8] = b"pipeline training checkpoint 1\n";
const HEADER: usize = MAGIC.len() + 8 + 32;
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
        let body = encode(state);
        let temporary = self.folder.join("checkpoint.tmp");
        let mut file = fs::File::create(&temporary)?;
        file.write_all(MAGIC)?;
        file.write_all(&(body.len() as u64).to_le_bytes())?;
        file.write_all(blake3::hash(&body).as_bytes())?;
        file.write_all(&body)?;
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

/// Size in bytes of a checkpoint of a network with `parameters` numbers, moving statistics included, nearly.
pub(crate) fn size(parameters: u64) -> u64 {
    // Weights and two moments in f32; the best weights; statistics in f64 are the smaller part.
    parameters.saturating_mul(4 * 4).saturating_add(1 << 16)
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
        |message: &str| TrainError::Checkpoint { path: path.to_owned(), message: message.to_owned() };
    let bytes = fs::read(path)?;
    if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
        return Err(damaged("not a checkpoint of this version"));
    }
    let (header, body) = bytes.split_at(HEADER);
    let (length, digest) = header[MAGIC.len()..].split_at(8);
    if length != (body.len() as u64).to_le_bytes() {
        return Err(damaged("the file is cut short"));
    }
    if digest != blake3::hash(body).as_bytes() {
        return Err(damaged("the file is damaged: its digest is wrong"));
    }
    let mut reader = Reader(body);
    match reader.state() {
        Some(state) if reader.0.is_empty() && fits(&state, fresh) => Ok(state),
        _ => Err(damaged("the checkpoint belongs to another network")),
    }
}

/// Whether a state has the shape of one that starts from `fresh`.
fn fits(state: &State, fresh: &State) -> bool {
    let lengths = |lists: &[Vec<f32>]| lists.iter().map(Vec::len).collect::<Vec<_>>();
    let parameters = lengths(&fresh.weights.parameters);
    let channels = |weights: &Weights| {
        weights.statistics.iter().map(|norm| (norm.mean.len(), norm.variance.len())).collect::<Vec<_>>()
    };
    let same = |weights: &Weights| {
        lengths(&weights.parameters) == parameters && channels(weights) == channels(&fresh.weights)
    };
    same(&state.weights)
        && lengths(&state.moments.first) == parameters
        && lengths(&state.moments.second) == parameters
        && state.best.as_ref().is_none_or(|best| same(&best.weights) && best.epoch < state.history.len())
        && state.position.epoch == state.history.len()
}

fn encode(state: &State) -> Vec<u8> {
    let mut writer = Writer(Vec::new());
    writer.weights(&state.weights);
    writer.lists(&state.moments.first);
    writer.lists(&state.moments.second);
    writer.number(state.moments.steps);
    let Position { epoch, batch, loss, correct, counted } = state.position;
    writer.number(epoch as u64);
    writer.number(batch as u64);
    writer.real(loss);
    writer.number(correct);
    writer.number(counted);
    writer.number(u64::from(state.best.is_some()));
    if let Some(best) = &state.best {
        writer.number(best.epoch as u64);
        writer.weights(&best.weights);
    }
    writer.number(state.history.len() as u64);
    for figures in &state.history {
        figures.named().iter().for_each(|(_, value)| writer.real(*value));
    }
    writer.0
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    fn real(&mut self, value: f64) {
        self.0.extend(value.to_le_bytes());
    }

    fn lists(&mut self, lists: &[Vec<f32>]) {
        self.number(lists.len() as u64);
        for list in lists {
            self.number(list.len() as u64);
            self.0.extend(list.iter().flat_map(|value| value.to_le_bytes()));
        }
    }

    fn reals(&mut self, values: &[f64]) {
        self.number(values.len() as u64);
        values.iter().for_each(|value| self.real(*value));
    }

    fn weights(&mut self, weights: &Weights) {
        self.lists(&weights.parameters);
        self.number(weights.statistics.len() as u64);
        for Statistics { mean, variance, updates } in &weights.statistics {
            self.reals(mean);
            self.reals(variance);
            self.number(*updates);
        }
    }
}

/// Reads what [`Writer`] wrote; none where the bytes do not last.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn state(&mut self) -> Option<State> {
        Some(State {
            weights: self.weights()?,
            moments: Moments { first: self.lists()?, second: self.lists()?, steps: self.number()? },
            position: Position {
                epoch: self.size()?,
                batch: self.size()?,
                loss: self.real()?,
                correct: self.number()?,
                counted: self.number()?,
            },
            best: match self.number()? {
                0 => None,
                _ => Some(Best { epoch: self.size()?, weights: self.weights()? }),
            },
            history: self.many(|reader| {
                Some(EpochFigures {
                    loss: reader.real()?,
                    accuracy: reader.real()?,
                    val_loss: reader.real()?,
                    val_accuracy: reader.real()?,
                    val_miou: reader.real()?,
                    lr: reader.real()?,
                })
            })?,
        })
    }

    fn weights(&mut self) -> Option<Weights> {
        Some(Weights {
            parameters: self.lists()?,
            statistics: self.many(|reader| {
                Some(Statistics {
                    mean: reader.many(Self::real)?,
                    variance: reader.many(Self::real)?,
                    updates: reader.number()?,
                })
            })?,
        })
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn real(&mut self) -> Option<f64> {
        Some(f64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn many<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.size()?;
        (0..count).map(|_| one(self)).collect()
    }

    fn lists(&mut self) -> Option<Vec<Vec<f32>>> {
        self.many(|reader| {
            let length = reader.size()?.checked_mul(4)?;
            let (values, _) = reader.take(length)?.as_chunks::<4>();
            Some(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        })
    }
}
