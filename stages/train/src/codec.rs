//! A training's [`State`] as bytes, for checkpoints and for what else carries one.
//!
//! The line `pipeline training state 2`, the length of the body (u64), the BLAKE3 digest of the body (32 bytes), the body.
//! The body holds the fields of [`State`] in order. All numbers are little endian, counts and truth values are u64, a list
//! is its length and its elements, an option is a list of one or none.

use crate::{
    callbacks::{CallbackState, Plateau, Stopping},
    network::{Statistics, Weights},
    optimizer::Memory,
    state::{Best, EpochFigures, Position, State},
};
use thiserror::Error;

const MAGIC: &[u8] = b"pipeline training state 2\n";
const HEADER: usize = MAGIC.len() + 8 + 32;

/// Why bytes are no state to go on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum StateError {
    /// Other bytes, or those of another version.
    #[error("this is no training state of this version")]
    Foreign,
    /// Fewer or more bytes than were written.
    #[error("it is cut short")]
    Short,
    /// Other bytes than were written.
    #[error("it is damaged: its digest is wrong")]
    Damaged,
    /// The state of another network or optimizer.
    #[error("it belongs to another training")]
    Other,
}

impl State {
    /// The state as bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.resize(HEADER, 0);
        self.write(&mut bytes);
        let (header, body) = bytes.split_at_mut(HEADER);
        let (length, digest) = header[MAGIC.len()..].split_at_mut(8);
        length.copy_from_slice(&(body.len() as u64).to_le_bytes());
        digest.copy_from_slice(blake3::hash(body).as_bytes());
        bytes
    }

    /// The state that [`State::encode`] wrote, for a training that starts from `fresh`.
    ///
    /// # Errors
    /// Bytes that are no such state.
    pub(crate) fn decode(bytes: &[u8], fresh: &State) -> Result<Self, StateError> {
        if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
            return Err(StateError::Foreign);
        }
        let (header, mut body) = bytes.split_at(HEADER);
        let (length, digest) = header[MAGIC.len()..].split_at(8);
        if length != (body.len() as u64).to_le_bytes() {
            return Err(StateError::Short);
        }
        if digest != blake3::hash(body).as_bytes() {
            return Err(StateError::Damaged);
        }
        let state = Self::read(&mut body).filter(|state| body.is_empty() && state.fits(fresh));
        state.ok_or(StateError::Other)
    }
}

/// Something with one way to be written.
trait Code: Sized {
    fn write(&self, bytes: &mut Vec<u8>);

    /// Takes it from the front; none where the bytes do not last or are something else.
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Code for $number {
            fn write(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                let (number, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_le_bytes(*number))
            }
        }
    )*};
}

/// Structs, and all of their fields: one that is left out does not compile.
macro_rules! records {
    ($($record:ident { $($field:ident),* })*) => {$(
        impl Code for $record {
            fn write(&self, bytes: &mut Vec<u8>) {
                $(self.$field.write(bytes);)*
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: Code::read(bytes)?),* })
            }
        }
    )*};
}

numbers!(u64 f32 f64);

records! {
    State { weights, memory, learning_rate, position, best, history, callbacks, stopped }
    Weights { parameters, statistics }
    Statistics { mean, variance, updates, fresh }
    Memory { batches, names, slots }
    Position { epoch, begun, batch, loss, correct, counted }
    Best { epoch, weights }
    EpochFigures { loss, accuracy, val_loss, val_accuracy, val_miou, lr }
    CallbackState { plateau, stopping, whole }
    Plateau { best, wait, cooldown }
    Stopping { best, wait, weights }
}

impl Code for usize {
    fn write(&self, bytes: &mut Vec<u8>) {
        (*self as u64).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Self::try_from(u64::read(bytes)?).ok()
    }
}

impl Code for bool {
    fn write(&self, bytes: &mut Vec<u8>) {
        u64::from(*self).write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        match u64::read(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Code for String {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.len().write(bytes);
        bytes.extend_from_slice(self.as_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let length = usize::read(bytes)?;
        let (text, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        Self::from_utf8(text.to_vec()).ok()
    }
}

impl<A: Code, B: Code> Code for (A, B) {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::read(bytes)?, B::read(bytes)?))
    }
}

impl<T: Code> Code for Vec<T> {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.len().write(bytes);
        self.iter().for_each(|element| element.write(bytes));
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        // The length is not trusted with memory: elements end where the bytes do.
        (0..usize::read(bytes)?).map(|_| T::read(bytes)).collect()
    }
}

impl<T: Code> Code for Option<T> {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.is_some().write(bytes);
        self.iter().for_each(|value| value.write(bytes));
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        if bool::read(bytes)? { T::read(bytes).map(Some) } else { Some(None) }
    }
}
