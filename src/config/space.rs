//! Values that stand for several: `a,b,c`, `choice(a,b)`, `range(1,10,2)`, and what is drawn from.
//!
//! The grammar is Hydra's: a comma outside of all quotes, brackets, braces and parentheses parts values; `range` leaves
//! out its end; `interval(a,b)` is a stretch to draw from, `tag(log, interval(a,b))` one to draw from by magnitude.
//! `uniform(a,b)` and `loguniform(a,b)` say the same. Steps of a range are decimal fractions and reckoned as such, so
//! `range(0.1,0.5,0.1)` is 0.1, 0.2, 0.3, 0.4.

use super::{
    error::ConfigError,
    written::{Choice, Written},
};
use contract::Random;

/// More values than this in one list are an accident.
const MOST: u64 = 1_000_000;

/// The values that a key may get.
#[derive(Debug, Clone)]
pub struct Space {
    written: Written,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// These.
    List(Vec<Choice>),
    /// Numbers in even steps.
    Steps(Steps),
    /// All numbers between two.
    Stretch { low: f64, high: f64, by_magnitude: bool },
}

impl Space {
    /// What a text stands for; none where it stands for one value.
    pub(super) fn read(written: &Written) -> Result<Option<Self>, ConfigError> {
        let space = |kind| Ok(Some(Self { written: written.clone(), kind }));
        if written.text.trim_start().starts_with("lambda") {
            return Ok(None);
        }
        let parts = parts(written)?;
        if let [one] = parts.as_slice() {
            return match function(one)? {
                None => Ok(None),
                Some(kind) => space(kind),
            };
        }
        let mut list = Vec::new();
        for part in &parts {
            if part.text.is_empty() {
                return Err(empty(written, &parts));
            }
            match function(part)? {
                None => list.push(Choice::read(part)?),
                Some(Kind::List(choices)) => list.extend(choices),
                Some(Kind::Steps(steps)) => {
                    list.extend(steps.texts().map(|text| Choice::reckoned(text, part)))
                }
                Some(Kind::Stretch { .. }) => {
                    return Err(
                        part.mistake(format!("`{}` has no place in a list of values", part.text), "draws")
                    );
                }
            }
        }
        space(Kind::List(list))
    }

    /// These values, as they stand in a file.
    pub(super) fn of(written: Written, choices: Vec<Choice>) -> Self {
        Self { written, kind: Kind::List(choices) }
    }

    /// One value.
    pub(super) fn single(written: &Written) -> Result<Self, ConfigError> {
        Ok(Self { written: written.clone(), kind: Kind::List(vec![Choice::read(written)?]) })
    }

    /// How many values there are; none where there is no end of them.
    #[must_use]
    pub fn count(&self) -> Option<usize> {
        match &self.kind {
            Kind::List(choices) => Some(choices.len()),
            Kind::Steps(steps) => usize::try_from(steps.count).ok(),
            Kind::Stretch { .. } => None,
        }
    }

    /// One of the values, in their order.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Choice> {
        match &self.kind {
            Kind::List(choices) => choices.get(index).cloned(),
            Kind::Steps(steps) => {
                let index = u64::try_from(index).ok().filter(|index| *index < steps.count)?;
                Some(Choice::reckoned(steps.text(index), &self.written))
            }
            Kind::Stretch { .. } => None,
        }
    }

    /// A value by chance.
    #[must_use]
    pub fn draw(&self, random: &mut Random) -> Option<Choice> {
        let Kind::Stretch { low, high, by_magnitude } = self.kind else {
            let count = u32::try_from(self.count()?).ok()?;
            return self.get(random.below(count) as usize);
        };
        let value = match by_magnitude {
            false => random.uniform_in(low, high),
            true => random.uniform_in(low.ln(), high.ln()).exp(),
        };
        // Six digits are more than anybody can tell apart, and can be read.
        let short = format!("{value:.5e}").parse().unwrap_or(value).clamp(low, high);
        Some(Choice::reckoned(number(short), &self.written))
    }

    /// The mistake that it is in a place where all values must be known.
    pub(super) fn mistake(&self, message: impl Into<String>, label: &str) -> ConfigError {
        self.written.mistake(message, label)
    }

    pub(super) fn text(&self) -> &str {
        &self.written.text
    }
}

/// With a point or an exponent, so that it reads back as no whole number.
fn number(value: f64) -> String {
    let text = value.to_string();
    let magnitude = value.abs();
    if value != 0.0 && !(1e-4..1e15).contains(&magnitude) {
        return format!("{value:e}");
    }
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// The parts of a text between commas outside of everything.
fn parts(written: &Written) -> Result<Vec<Written>, ConfigError> {
    let text = &written.text;
    let (mut parts, mut start) = (Vec::new(), 0);
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut quote: Option<(usize, char)> = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some((_, mark)), c) if c == mark && before != '\\' => quote = None,
            (Some(_), _) => {}
            // An apostrophe inside of a word is none.
            (None, '"' | '\'') if !before.is_alphanumeric() => quote = Some((at, c)),
            (None, '(') => open.push((at, ')')),
            (None, '[') => open.push((at, ']')),
            (None, '{') => open.push((at, '}')),
            (None, ')' | ']' | '}') if open.last().is_some_and(|(_, close)| *close == c) => drop(open.pop()),
            // `${` is closed like a brace; all else that closes nothing is the value's own affair.
            (None, ',') if open.is_empty() && before == '\\' => {
                return Err(written
                    .mistake_at(at - 1..at + 1, "a comma with a backslash before it", "no value and no comma")
                    .help("a text with a comma in it has quotes: 'key=\"a,b\"'".to_owned()));
            }
            (None, ',') if open.is_empty() => {
                parts.push(written.part(start..at));
                start = at + 1;
            }
            _ => {}
        }
        before = c;
    }
    parts.push(written.part(start..text.len()));
    let unclosed = quote.or(open.first().map(|(at, _)| (*at, text[*at..].chars().next().unwrap_or('('))));
    if let Some((at, mark)) = unclosed
        && (parts.len() > 1 || called(text).is_some())
    {
        return Err(written.mistake_at(at..at + 1, format!("`{mark}` is never closed"), "opened here"));
    }
    Ok(parts)
}

fn empty(written: &Written, parts: &[Written]) -> ConfigError {
    let position = parts.iter().position(|part| part.text.is_empty()).unwrap_or_default() + 1;
    let message = format!("value {position} of `{}` is empty", written.text);
    written
        .mistake(message, "a comma parts two values")
        .help("leave the comma out; nothing at all is written `None`, an empty text `\"\"`".to_owned())
}

/// Functions that stand for several values, and those that Hydra has beside them.
const FUNCTIONS: [&str; 6] = ["choice", "range", "uniform", "loguniform", "interval", "tag"];
const FOREIGN: [&str; 4] = ["glob", "shuffle", "sort", "extend_list"];

/// The name of the function that a text calls, one of those that stand for several values.
fn called(text: &str) -> Option<&str> {
    let name = text.split_once('(')?.0;
    FUNCTIONS.iter().chain(&FOREIGN).find(|function| **function == name.trim()).copied()
}

fn function(written: &Written) -> Result<Option<Kind>, ConfigError> {
    let text = &written.text;
    let Some(name) = called(text).filter(|_| text.ends_with(')')) else { return Ok(None) };
    let open = text.find('(').unwrap_or_default();
    let inside = written.part(open + 1..text.len() - 1);
    let arguments = if inside.text.is_empty() { Vec::new() } else { parts(&inside)? };
    let call = Call { name, written, arguments };
    match name {
        "choice" => call.choice().map(Some),
        "range" => call.range().map(Some),
        "uniform" | "interval" => call.stretch(false).map(Some),
        "loguniform" => call.stretch(true).map(Some),
        "tag" => call.tag().map(Some),
        name => Err(written
            .mistake(format!("`{name}(...)` is not available"), "not available")
            .help("write the values in their order: `a,b,c`, `choice(a,b,c)` or `range(1,10,2)`".to_owned())),
    }
}

/// A function with its arguments.
struct Call<'a> {
    name: &'a str,
    written: &'a Written,
    arguments: Vec<Written>,
}

impl Call<'_> {
    fn choice(&self) -> Result<Kind, ConfigError> {
        if self.arguments.is_empty() {
            return Err(self.wrong("`choice` has nothing to choose from", "write `choice(a,b,c)`"));
        }
        if self.arguments.iter().any(|argument| argument.text.is_empty()) {
            return Err(empty(self.written, &self.arguments));
        }
        self.arguments.iter().map(Choice::read).collect::<Result<_, _>>().map(Kind::List)
    }

    fn range(&self) -> Result<Kind, ConfigError> {
        let help = "write `range(START,END)` or `range(START,END,STEP)`; the end is left out, and `range(END)` starts at 0";
        let [start, end, step] = self.named(["start", "stop", "step"])?;
        let (start, end) = match (start, end) {
            (Some(end), None) => (None, end),
            (start, Some(end)) => (start, end),
            (None, None) => return Err(self.wrong("`range` has no end", help)),
        };
        let decimal = |written: &Option<Written>, default: i128| match written {
            None => Ok(Decimal { digits: default, places: 0, is_whole: true }),
            Some(written) => Decimal::read(&written.text).ok_or_else(|| {
                written.mistake(format!("`{}` is no number", written.text), "no number").help(help.to_owned())
            }),
        };
        let (first, last, width) = (decimal(&start, 0)?, decimal(&Some(end), 0)?, decimal(&step, 1)?);
        if width.digits == 0 {
            return Err(self.wrong("a step of 0 never comes to an end", help));
        }
        let too_fine = || self.wrong("these numbers have too many digits", help);
        let steps = Steps::of(first, last, width).ok_or_else(too_fine)?;
        match steps.count {
            0 => Err(self.wrong(
                "there is no number in this range",
                "the end is left out: `range(1,4)` is 1, 2, 3; downwards the step is negative: `range(3,0,-1)`",
            )),
            count if count > MOST => {
                Err(self.wrong(&format!("this range has {count} values"), "make the step larger"))
            }
            _ => Ok(Kind::Steps(steps)),
        }
    }

    fn stretch(&self, by_magnitude: bool) -> Result<Kind, ConfigError> {
        let name = self.name;
        let help = format!("write `{name}(LOW,HIGH)`");
        let [low, high] = self.named(["start", "end"])?;
        let (Some(low), Some(high)) = (low, high) else {
            return Err(self.wrong(&format!("`{name}` has a low and a high end"), &help));
        };
        let number = |written: &Written| {
            let value = contract::value::number(&written.text).ok();
            value.filter(|value| value.is_finite()).ok_or_else(|| {
                written.mistake(format!("`{}` is no number", written.text), "no number").help(help.clone())
            })
        };
        let (from, to) = (number(&low)?, number(&high)?);
        if by_magnitude && from <= 0.0 {
            return Err(low
                .mistake(format!("`{name}` draws magnitudes, and {from} has none"), "must be above 0")
                .help(help));
        }
        if from >= to {
            return Err(self.wrong(&format!("{from} is not below {to}"), &help));
        }
        Ok(Kind::Stretch { low: from, high: to, by_magnitude })
    }

    /// `tag(log, interval(a,b))`, as Hydra's optimizers have it.
    fn tag(&self) -> Result<Kind, ConfigError> {
        if let [tag, interval] = self.arguments.as_slice()
            && tag.text == "log"
            && let Some(Kind::Stretch { .. }) = function(interval)?
        {
            let open = interval.text.find('(').unwrap_or_default();
            let inside = interval.part(open + 1..interval.text.len() - 1);
            let call = Call { name: "interval", written: interval, arguments: parts(&inside)? };
            return call.stretch(true);
        }
        Err(self.wrong(
            "this tag is not available",
            "write `tag(log, interval(LOW,HIGH))` or `loguniform(LOW,HIGH)`",
        ))
    }

    /// The arguments by their names, which stand before an `=` or follow from their order.
    fn named<const N: usize>(&self, names: [&str; N]) -> Result<[Option<Written>; N], ConfigError> {
        let mut found: [Option<Written>; N] = std::array::from_fn(|_| None);
        for (position, argument) in self.arguments.iter().enumerate() {
            let equals = argument.text.find('=');
            let name = equals.map(|equals| argument.text[..equals].trim());
            let slot = match name {
                None => Some(position),
                Some(name) => names.iter().position(|known| *known == name),
            };
            let slot = slot.and_then(|slot| found.get_mut(slot)).filter(|slot| slot.is_none());
            let Some(slot) = slot else {
                let message = format!("`{}` takes {N} numbers at most: {}", self.name, names.join(", "));
                return Err(argument.mistake(message, "one too many"));
            };
            *slot = Some(argument.part(equals.map_or(0, |equals| equals + 1)..argument.text.len()));
        }
        Ok(found)
    }

    fn wrong(&self, message: &str, help: &str) -> ConfigError {
        self.written.mistake(format!("`{}`: {message}", self.written.text), "here").help(help.to_owned())
    }
}

/// Numbers in even steps, all with the same count of decimal places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Steps {
    first: i128,
    width: i128,
    count: u64,
    places: u32,
    is_whole: bool,
}

impl Steps {
    /// From `start` on, without `end`; none where the numbers cannot be reckoned with.
    fn of(start: Decimal, end: Decimal, width: Decimal) -> Option<Self> {
        let places = start.places.max(end.places).max(width.places);
        let scaled = |number: Decimal| 10i128.checked_pow(places - number.places)?.checked_mul(number.digits);
        let (first, last, width_) = (scaled(start)?, scaled(end)?, scaled(width)?);
        let length = last.checked_sub(first)?;
        let count = if (length > 0) == (width_ > 0) && length != 0 {
            length.unsigned_abs().div_ceil(width_.unsigned_abs())
        } else {
            0
        };
        Some(Self {
            first,
            width: width_,
            count: u64::try_from(count).ok()?,
            places,
            is_whole: start.is_whole && end.is_whole && width.is_whole,
        })
    }

    fn text(&self, index: u64) -> String {
        let value = self.first + i128::from(index) * self.width;
        if self.is_whole {
            return value.to_string();
        }
        let places = self.places.max(1) as usize;
        let digits = if self.places == 0 { value.unsigned_abs() * 10 } else { value.unsigned_abs() };
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        let fraction = fraction.trim_end_matches('0');
        let sign = if value < 0 { "-" } else { "" };
        format!("{sign}{whole}.{}", if fraction.is_empty() { "0" } else { fraction })
    }

    fn texts(self) -> impl Iterator<Item = String> {
        (0..self.count).map(move |index| self.text(index))
    }
}

/// A decimal fraction: `digits` times ten to the minus `places`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Decimal {
    digits: i128,
    places: u32,
    /// Written without point and exponent.
    is_whole: bool,
}

impl Decimal {
    /// Reads `12`, `-0.5`, `.5`, `1e-3`, `1_000`.
    fn read(text: &str) -> Option<Self> {
        let text = text.trim().replace('_', "");
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text.as_str(), 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let signless = whole.strip_prefix(['-', '+']).unwrap_or(whole);
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(signless) || !is_number(fraction) || (signless.is_empty() && fraction.is_empty()) {
            return None;
        }
        let digits: i128 = format!("{signless}{fraction}").parse().ok()?;
        let digits = if whole.starts_with('-') { -digits } else { digits };
        let places = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        let is_whole = !text.contains(['.', 'e', 'E']);
        if places < 0 {
            let digits = 10i128.checked_pow(places.unsigned_abs())?.checked_mul(digits)?;
            return Some(Self { digits, places: 0, is_whole });
        }
        Some(Self { digits, places: places.unsigned_abs(), is_whole }).filter(|number| number.places <= 30)
    }
}

/// The values that a text stands for.
#[cfg(test)]
pub(super) fn texts(text: &str) -> Result<Option<Vec<String>>, String> {
    let text = super::text::Text::new("command line", text);
    let written = super::written::argument(&text, 0..text.content.len());
    let space = Space::read(&written).map_err(|error| error.to_string())?;
    Ok(space.map(|space| {
        let count = space.count().unwrap_or(0);
        (0..count).filter_map(|index| space.get(index)).map(|choice| choice.text()).collect()
    }))
}
