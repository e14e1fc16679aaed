//! Whether a board has room for a model.

use crate::{
    board::{Board, Memory},
    network::Kind,
};
use model::Graph;
use serde::Serialize;

/// What a model would take of a board's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fit {
    pub(crate) board: &'static Board,
    /// Activations, with as little as possible of them in external RAM.
    pub(crate) ram: Share,
    /// Weights; none where they are a file.
    pub(crate) flash: Option<Share>,
}

/// What is taken of the memory there is, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Share {
    pub(crate) internal: u64,
    pub(crate) internal_size: u64,
    pub(crate) external: u64,
    pub(crate) external_size: u64,
}

impl Share {
    fn new(internal: u64, external: u64, memory: Memory) -> Self {
        let Memory { internal: internal_size, external: external_size } = memory;
        Self { internal, internal_size, external, external_size }
    }

    pub(crate) fn fits(&self) -> bool {
        self.internal <= self.internal_size && self.external <= self.external_size
    }

    /// `internal RAM 960.0 of 1056.0 KiB, external RAM 12.0 of 32768.0 KiB`, without memory that is neither there nor
    /// needed.
    fn describe(&self, what: &str) -> String {
        let part = |place: &str, taken: u64, size: u64| match (taken, size) {
            (0, _) => None,
            (_, 0) => Some(format!("{:.1} KiB of {place} {what}, of which there is none", kib(taken))),
            _ => Some(format!("{place} {what} {:.1} of {:.1} KiB", kib(taken), kib(size))),
        };
        let parts = [
            part("internal", self.internal, self.internal_size),
            part("external", self.external, self.external_size),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl Fit {
    /// Places the activations of `graph` and so many bytes of weights on `board`. Weights go to one flash as a whole: the
    /// internal one if it has room.
    pub(crate) fn of(graph: &Graph, weights: u64, board: &'static Board) -> Self {
        let plan = graph.memory_plan_within(board.ram.internal);
        let flash = board.flash.map(|flash| match weights <= flash.internal {
            true => Share::new(weights, 0, flash),
            false if flash.external == 0 => Share::new(weights, 0, flash),
            false => Share::new(0, weights, flash),
        });
        let ram = match board.ram.external {
            // There is nowhere to move anything: what it takes is what one arena takes.
            0 => Share::new(graph.memory_plan().bytes, 0, board.ram),
            _ => Share::new(plan.bytes, plan.external_bytes, board.ram),
        };
        Self { board, ram, flash }
    }

    pub(crate) fn fits(&self) -> bool {
        self.ram.fits() && self.flash.is_none_or(|flash| flash.fits())
    }

    /// The verdict on a model that fits, in one line.
    pub(crate) fn line(&self) -> String {
        // Where a device has no memory of its own, the external one is no surprise.
        let outside = |share: Share| share.external > 0 && share.internal_size > 0;
        let verdict = match outside(self.ram) || self.flash.is_some_and(outside) {
            true => "fits with external memory, which is slower",
            false => "fits",
        };
        format!("[INFO] : Board {} : {verdict}: {}", self.board(), self.memory())
    }

    /// What does not fit and what to do about it, where something does not fit.
    pub(crate) fn advice(&self, kind: Kind) -> Option<String> {
        if self.fits() {
            return None;
        }
        let smaller = "a smaller `input_shape` or `alpha`";
        let remedy = match kind {
            Kind::Float if self.would_fit_in_int8() => {
                "quantize it, which takes about a quarter of the memory".to_owned()
            }
            Kind::Float => {
                format!("quantize it, which takes about a quarter of the memory, and take {smaller}")
            }
            Kind::Int8 if self.ram.fits() => {
                "take a smaller `alpha`, `aspp: v2`, or a board with more flash".to_owned()
            }
            Kind::Int8 => format!("take {smaller}, or a board with more memory"),
        };
        let (kind, board, memory) = (kind.name(), self.board(), self.memory());
        Some(format!("the {kind} model does not fit the board {board}: {memory}; {remedy}"))
    }

    fn would_fit_in_int8(&self) -> bool {
        let quarter_fits = |share: &Share| {
            (share.internal + share.external) / 4 <= share.internal_size.max(share.external_size)
        };
        quarter_fits(&self.ram) && self.flash.as_ref().is_none_or(quarter_fits)
    }

    fn board(&self) -> String {
        let Board { name, core, clock_mhz, .. } = self.board;
        format!("{name} ({core}, {clock_mhz} MHz)")
    }

    fn memory(&self) -> String {
        match self.flash {
            Some(flash) => format!("{}, {}", self.ram.describe("RAM"), flash.describe("flash")),
            None => format!(
                "{:.1} KiB of {} MiB DDR, which Linux and the application share; weights are a file",
                kib(self.ram.external),
                self.ram.external_size >> 20
            ),
        }
    }
}

pub(crate) fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}
