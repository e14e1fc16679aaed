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
        let frame = self.frame(bytes, columns());
        send(&frame);
    }

    /// Shows these lines at the bottom from now on; none takes them all away. Each must fit into the terminal's width.
    pub(crate) fn show(&mut self, bars: Vec<String>) {
        let fewer = bars.len() < self.bars.len();
        self.bars = bars;
        // A bar that is gone must not be left on the screen; another percent can wait.
        if fewer || self.at.is_none_or(|at| at.elapsed() >= FRAME) {
            let frame = self.frame(b"", columns());
            send(&frame);
        }
    }

    /// What takes away the old bars, then the lines that stay, then the bars again.
    fn frame(&mut self, lines: &[u8], columns: usize) -> Vec<u8> {
        let mut frame = Vec::new();
        if !self.drawn.is_empty() {
            // A window that was made narrower has broken them into several lines each.
            let drawn: usize = self.drawn.iter().map(|width| width.div_ceil(columns).max(1)).sum();
            // To the start of the first, and everything from there on erased.
            frame.extend_from_slice(format!("\r\x1b[{drawn}A\x1b[J").as_bytes());
        }
        frame.extend_from_slice(lines);
        for bar in &self.bars {
            frame.extend_from_slice(bar.as_bytes());
            frame.push(b'\n');
        }
        self.drawn = self.bars.iter().map(|bar| width(bar)).collect();
        self.at = (!self.bars.is_empty()).then(Instant::now);
        frame
    }
}

/// In one call, so that nothing of another process comes between.
fn send(frame: &[u8]) {
    // Nobody may be looking; the run goes on all the same.
    io::stderr().lock().write_all(frame).ok();
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

/// Columns of what standard output goes to: those of the terminal, else of `COLUMNS`; none where nobody counts them, as in
/// a file.
#[must_use]
pub(crate) fn page_columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    size.filter(|columns| *columns > 0).or_else(told).filter(|columns| *columns > 0)
}

/// Whether standard output shows bold letters.
#[must_use]
pub(crate) fn page_is_bold() -> bool {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    io::stdout().is_terminal() && wanted && !dumb()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As much of a terminal as frames make use of.
    #[derive(Default)]
    struct Glass {
        lines: Vec<String>,
        row: usize,
    }

    impl Glass {
        fn feed(&mut self, text: &str) {
            let mut rest = text;
            while let Some(c) = rest.chars().next() {
                rest = &rest[c.len_utf8()..];
                match c {
                    '\n' => self.row += 1,
                    '\r' => {}
                    '\x1b' => {
                        let end = rest.find(char::is_alphabetic).unwrap();
                        match &rest[end..=end] {
                            "A" => self.row -= rest[1..end].parse::<usize>().unwrap(),
                            "J" => self.lines.truncate(self.row),
                            other => panic!("{other}"),
                        }
                        rest = &rest[end + 1..];
                    }
                    c => {
                        self.lines.resize(self.lines.len().max(self.row + 1), String::new());
                        self.lines[self.row].push(c);
                    }
                }
            }
        }
    }

    fn shown(screen: &mut Screen, glass: &mut Glass, lines: &str, bars: &[&str]) -> String {
        screen.bars = bars.iter().map(|bar| (*bar).to_owned()).collect();
        glass.feed(&String::from_utf8(screen.frame(lines.as_bytes(), 80)).unwrap());
        glass.lines.join("\n")
    }

    #[test]
    fn nothing_is_left_of_the_bars_of_a_cancelled_run_nor_of_the_terminals_own_echo() {
        let (mut screen, mut glass) =
            (Screen { bars: Vec::new(), drawn: Vec::new(), at: None }, Glass::default());
        assert_eq!(shown(&mut screen, &mut glass, "train starts\n", &["train 1%"]), "train starts\ntrain 1%");
        let two = ["train 2%", "evaluate 1%"];
        assert_eq!(shown(&mut screen, &mut glass, "", &two), "train starts\ntrain 2%\nevaluate 1%");
        glass.feed("^C");
        assert_eq!(glass.lines.last().unwrap(), "^C", "on a line of its own");
        let said = shown(&mut screen, &mut glass, "train cancelled\n", &["evaluate 1%"]);
        assert_eq!(said, "train starts\ntrain cancelled\nevaluate 1%");
        assert_eq!(shown(&mut screen, &mut glass, "", &[]), "train starts\ntrain cancelled");
    }

    #[test]
    fn bars_that_a_narrower_window_has_broken_are_taken_away_whole() {
        let mut screen = Screen { bars: vec!["x".repeat(79)], drawn: Vec::new(), at: None };
        screen.frame(b"", 80);
        screen.bars.clear();
        assert_eq!(screen.frame(b"", 40), b"\r\x1b[2A\x1b[J");
    }
}
