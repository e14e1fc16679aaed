//! Changes of a configuration: some that keep most of its structure, some that keep nothing.

/// Draws of SplitMix64 (Steele, Lea, Flood 2014).
pub(super) struct Draws(pub(super) u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// One of 0..n.
    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// Pieces that YAML, literals, references, templates and the command line are made of.
pub(super) const PIECES: &[&str] = &[
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    "\t",
    "\r\n",
    "\r",
    "\0",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\u{a0}",
    "\u{1b}[31m",
    ": ",
    ":",
    "- ",
    "? ",
    "| ",
    "|-\n",
    ">+2\n",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "# ",
    "&a ",
    "*a",
    "<<: *a",
    "<<: [*a, *a]",
    "!x ",
    "!!int ",
    "!!binary ",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ",",
    "'",
    "\"",
    "\\",
    "\\u",
    "\\xff",
    "\\ud800",
    "`",
    "@",
    "%",
    "~",
    "=",
    "${",
    "}",
    "${now:%Y}",
    "${now:%!}",
    "${oc.env:HOME}",
    "${oc.env:NO,${oc.env:HOME}}",
    "${PATH}",
    "${training.epochs}",
    "${general}",
    "${a.b[0].c}",
    "\\${",
    "{{ env.HOME }}",
    "{% for i in range(9) %}",
    "{% endfor %}",
    "{% if 1 %}",
    "{{ ",
    "{#",
    "None",
    "null",
    "True",
    "yes",
    "off",
    "1/127.5",
    "1e999",
    "-1e-999",
    ".inf",
    ".nan",
    "0x_",
    "0o17",
    "017",
    "1_000",
    "1:30",
    "9**9**9",
    "(1, 2",
    "((((((((",
    "1/0",
    "lambda epoch, lr: lr/2",
    "\"lambda epoch, lr: lr if epoch < 5 else lr*math.exp(-0.1)\"",
    "(8, 110:121, -1)",
    "18446744073709551616",
    "-170141183460469231731687303715884105728",
    "http://me:secret@host/x",
    "C:\\train",
    "\"C:\\train\"",
    "é",
    "漢字",
    "🦀",
    "e\u{301}",
];

const CHANGES: &[&str] = &["", "+", "++", "~", "+++"];

/// A text that came from `text` by some mutations; `other` is where foreign lines come from.
pub(super) fn mutate(text: &str, other: &str, draws: &mut Draws) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let more = if draws.one_in(2) { 0 } else { draws.below(6) };
    for _ in 0..=more {
        bytes = match draws.below(3) {
            0 => bytewise(bytes, draws),
            _ => linewise(&String::from_utf8_lossy(&bytes), other, draws).into_bytes(),
        };
        bytes.truncate(64 * 1024);
    }
    bytes
}

fn bytewise(mut bytes: Vec<u8>, draws: &mut Draws) -> Vec<u8> {
    let (from, length) = (draws.below(bytes.len() + 1), 1 + draws.below(12));
    let to = (from + length).min(bytes.len());
    match draws.below(7) {
        0 => drop(bytes.drain(from..to)),
        1 => drop(bytes.splice(from..from, draws.pick(PIECES).bytes())),
        2 => drop(bytes.splice(from..to, draws.pick(PIECES).bytes())),
        3 => bytes[from..to].iter_mut().for_each(|byte| *byte ^= 1 << draws.below(8)),
        4 => {
            let part = bytes[from..to].repeat(1 + draws.below(60));
            drop(bytes.splice(from..from, part));
        }
        5 => bytes.truncate(from),
        _ => bytes.insert(from, draws.below(256) as u8),
    }
    bytes
}

fn linewise(text: &str, other: &str, draws: &mut Draws) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let at = draws.below(lines.len());
    let foreign: Vec<&str> = other.split('\n').collect();
    match draws.below(10) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => {
            let with = draws.below(lines.len());
            lines.swap(at, with);
        }
        3 => lines[at].insert_str(0, &" ".repeat(1 + draws.below(5))),
        4 => lines[at] = lines[at].trim_start().to_owned(),
        5 => {
            let from = draws.below(foreign.len());
            let to = (from + 1 + draws.below(8)).min(foreign.len());
            lines.splice(at..at, foreign[from..to].iter().map(|line| (*line).to_owned()));
        }
        6 => {
            let piece = if draws.one_in(3) {
                draws.pick(&foreign).trim().to_owned()
            } else {
                draws.pick(PIECES).to_owned()
            };
            lines[at] = match lines[at].split_once(':') {
                Some((key, _)) => format!("{key}: {piece}"),
                None => piece,
            };
        }
        7 => {
            let (open, close) = draws.pick(&[
                &("[", "]"),
                &("{a: ", "}"),
                &("\"", "\""),
                &("'", "'"),
                &("(", ")"),
                &("&a ", ""),
            ]);
            lines[at] = match lines[at].split_once(": ") {
                Some((key, value)) => format!("{key}: {open}{value}{close}"),
                None => format!("{open}{}{close}", lines[at]),
            };
        }
        8 => {
            lines[at] = lines[at].replacen(
                draws.pick(&["a", "e", "_", ":", " ", "1"]),
                draws.pick(PIECES),
                1 + draws.below(3),
            )
        }
        // An empty value, or a key of its own for what was a value.
        _ => match lines[at].split_once(": ") {
            Some((key, value)) => {
                let indent = " ".repeat(2 + key.len() - key.trim_start().len());
                lines[at] = format!("{key}:\n{indent}{value}: {}", draws.pick(PIECES));
            }
            None => lines[at].clear(),
        },
    }
    lines.join("\n")
}

/// An argument that changes a key of the text, or something like it.
pub(super) fn change(text: &str, draws: &mut Draws) -> String {
    let keys: Vec<&str> =
        text.lines().filter_map(|line| line.split_once(':')).map(|(key, _)| key.trim()).collect();
    let mut path = Vec::new();
    for _ in 0..=draws.below(3) {
        path.push(if keys.is_empty() || draws.one_in(6) { draws.pick(PIECES) } else { draws.pick(&keys) });
    }
    let value: String = (0..draws.below(4)).map(|_| draws.pick(PIECES)).collect();
    let equals = if draws.one_in(9) { "" } else { "=" };
    format!("{}{}{equals}{value}", draws.pick(CHANGES), path.join("."))
}
