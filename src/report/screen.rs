//! The bottom of the terminal: lines that are drawn again and again, below those that stay.
//!
//! All that this process writes to standard error while bars are there goes through [`Screen`]: it takes the bars away,
//! writes, and draws them again. After drawing, the cursor is at the start of the line below the bars, so that what the
//! terminal itself writes, such as `^C`, is on a line of its own and goes with the bars at the next drawing.

use super::cells::width;
use std::{
    io::{self, IsTerminal, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a drawing stays at least: more often than this nobody can read.
const FRAME: Duration = Duration::from_millis(100);

static SCREEN: Mutex<Screen> = Mutex::new(Screen { bars: Vec::new(), drawn: Vec::new(), at: None });

/// What is drawn now.
#[derive(Debug)]
pub(crate) struct Screen {
    bars: Vec<String>,
    /// Widths of the lines that are taken away at the next drawing.
    drawn: Vec<usize>,
    at: Option<Instant>,
}

/// The one screen that this process has.
pub(crate) fn screen() -> MutexGuard<'static, Screen> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Screen {
    /// Writes lines that stay, above the bars.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let mut frame = self.erased();
        frame.extend_from_slice(bytes);
        self.draw(frame);
    }

    /// Shows these lines at the bottom from now on; none takes them all away. Each must fit into the terminal's width.
    pub(crate) fn show(&mut self, bars: Vec<String>) {
        let fewer = bars.len() < self.bars.len();
        self.bars = bars;
        // A bar that is gone must not be left on the screen; another percent can wait.
        if fewer || self.at.is_none_or(|at| at.elapsed() >= FRAME) {
            let frame = self.erased();
            self.draw(frame);
        }
    }

    /// What takes the bars away: the cursor to the start of the first, and everything from there on erased.
    fn erased(&mut self) -> Vec<u8> {
        if self.drawn.is_empty() {
            return Vec::new();
        }
        // A window that was made narrower has broken them into several lines each.
        let columns = columns();
        let lines: usize = self.drawn.drain(..).map(|width| width.div_ceil(columns).max(1)).sum();
        format!("\r\x1b[{lines}A\x1b[J").into_bytes()
    }

    /// Writes a frame in one call, so that nothing of another process comes between.
    fn draw(&mut self, mut frame: Vec<u8>) {
        for bar in &self.bars {
            frame.extend_from_slice(bar.as_bytes());
            frame.push(b'\n');
        }
        self.drawn = self.bars.iter().map(|bar| width(bar)).collect();
        self.at = (!self.bars.is_empty()).then(Instant::now);
        // Nobody may be looking; the run goes on all the same.
        io::stderr().lock().write_all(&frame).ok();
    }
}

/// Standard error above the bars, for what developers see.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AboveBars;

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        screen().write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Whether standard error is looked at by eyes on a terminal that can move its cursor. `CI` is set where logs are kept.
#[must_use]
pub(crate) fn moves() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !dumb() && !set("CI")
}

/// Whether the terminal calls itself dumb: it shows letters and nothing else.
#[must_use]
pub(crate) fn dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty())
}

/// Columns of the terminal behind standard error.
#[must_use]
pub(crate) fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(80)
}
