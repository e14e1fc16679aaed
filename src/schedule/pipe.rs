//! The output of a process, line by line, without a thread that waits for it.

use rustix::{
    fs::{OFlags, fcntl_setfl},
    io::Errno,
};
use std::{io, os::fd::OwnedFd};

/// A longer line is cut into several, so that no program can fill the engine's memory.
const LONGEST_LINE: usize = 1 << 20;
/// Bytes read at a time.
const CHUNK: usize = 16 * 1024;

/// The read end of a pipe.
pub(super) struct Pipe {
    /// None once it has ended.
    end: Option<OwnedFd>,
    /// The line that has not come to its end yet.
    rest: Vec<u8>,
    bytes: u64,
}

impl Pipe {
    /// Reads from `end` from now on; it must not be read elsewhere.
    pub(super) fn new(end: OwnedFd) -> io::Result<Self> {
        fcntl_setfl(&end, OFlags::NONBLOCK)?;
        Ok(Self { end: Some(end), rest: Vec::new(), bytes: 0 })
    }

    /// What to wait for; nothing once it has ended.
    pub(super) fn end(&self) -> Option<&OwnedFd> {
        self.end.as_ref()
    }

    /// Bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads what is there, at most one piece, so that nobody else is kept waiting. Gives the lines in it, as text whatever
    /// bytes there are.
    pub(super) fn read(&mut self) -> Vec<String> {
        let Some(end) = &self.end else { return Vec::new() };
        let mut bytes = [0; CHUNK];
        match rustix::io::read(end, &mut bytes) {
            Ok(count @ 1..) => {
                self.bytes += count as u64;
                self.rest.extend_from_slice(bytes.get(..count).unwrap_or_default());
            }
            Err(Errno::AGAIN | Errno::INTR) => return Vec::new(),
            // Ended. A pipe that cannot be read will not be readable later either.
            Ok(0) | Err(_) => self.end = None,
        }
        self.lines()
    }

    fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut from = 0;
        while let Some(length) = self.rest[from..].iter().position(|byte| *byte == b'\n') {
            lines.push(text(&self.rest[from..from + length]));
            from += length + 1;
        }
        self.rest.drain(..from);
        if self.rest.len() >= LONGEST_LINE || (self.end.is_none() && !self.rest.is_empty()) {
            lines.push(text(&std::mem::take(&mut self.rest)));
        }
        lines
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn pipe() -> (Pipe, io::PipeWriter) {
        let (reader, writer) = io::pipe().expect("a pipe");
        (Pipe::new(reader.into()).expect("no block"), writer)
    }

    #[test]
    fn lines_come_when_they_are_whole_and_the_last_one_at_the_end() {
        let (mut pipe, mut writer) = pipe();
        assert!(pipe.read().is_empty(), "nothing there yet");
        writer.write_all(b"one\ntw").expect("written");
        assert_eq!(pipe.read(), ["one"]);
        writer.write_all(b"o\r\n\nthr\xffee").expect("written");
        assert_eq!(pipe.read(), ["two", ""]);
        drop(writer);
        assert_eq!(pipe.read(), ["thr\u{fffd}ee"]);
        assert!(pipe.end().is_none());
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let (mut pipe, mut writer) = pipe();
        let mut told = 0;
        for _ in 0..=LONGEST_LINE / CHUNK {
            writer.write_all(&[b'x'; CHUNK]).expect("written");
            told += pipe.read().len();
            assert!(pipe.rest.len() < LONGEST_LINE);
        }
        assert_eq!(told, 1);
    }
}
