//! Why stages run, for people and for programs.

use super::{cells::plain, duration, run_list::local, table};
use crate::{
    config::ValueOrigin,
    plan::{Against, Difference, Explanation, Happening, Made, Reason, What, arrow},
    record::StageState,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The version of the JSON object.
const FORMAT: u32 = 1;

/// How many keys are named for one difference.
const NAMED: usize = 4;

/// What is explained.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainView {
    /// The configuration file or the run.
    pub subject: String,
    /// The folder of a run, which tells of what happened and not of what would.
    pub path: Option<String>,
    /// The stages, or the one that was asked for.
    pub stages: Vec<StageView>,
    /// What the user should know, a sentence each.
    pub notes: Vec<String>,
}

/// A stage with the causes of its differences.
#[derive(Debug, Clone, PartialEq)]
pub struct StageView {
    /// Why it runs.
    pub explanation: Explanation,
    /// For each difference what it comes from.
    pub causes: Vec<CauseView>,
}

/// What a difference comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum CauseView {
    /// These values of the configuration, each.
    Values(Vec<KeyView>),
    /// Some of these values of the configuration.
    Together(Vec<KeyView>),
    /// This program, which reads the same configuration in another way.
    Program,
    /// Nothing in the configuration, or nothing that is known.
    None,
}

/// A value of the configuration, before and now.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyView {
    /// Its key.
    pub key: String,
    /// Before, in one line.
    pub old: Option<String>,
    /// Now.
    pub new: Option<String>,
    /// Where it stood; none where that is not known.
    pub was: Option<ValueOrigin>,
    /// Where it stands.
    pub from: ValueOrigin,
}

impl ExplainView {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let is_hit = |stage: &StageView| matches!(stage.explanation.happening, Happening::Hit(_));
        let common = self.common();
        let mut text = self.head(common.as_ref());
        for note in &self.notes {
            text.push_str(&format!("note: {note}\n"));
        }
        if self.is_run() && self.stages.len() > 1 && self.stages.iter().all(is_hit) {
            return plain(&text);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let width = self.stages.iter().map(|stage| super::cells::width(&stage.explanation.name)).max();
        for stage in &self.stages {
            let name = super::cells::fit(&stage.explanation.name, width.unwrap_or(0));
            text.push_str(&format!("{name}  {}\n", self.says(&stage.explanation, common.as_ref())));
            text.push_str(&rows(stage));
        }
        plain(&text)
    }

    /// Takes secrets out of all that comes from a configuration.
    pub fn hide(&mut self, hide: &dyn Fn(&str) -> String) {
        let hide_all = |value: &mut Option<Value>| {
            if let Some(value) = value {
                hide_in(value, hide);
            }
        };
        for StageView { explanation, causes } in &mut self.stages {
            for difference in &mut explanation.differences {
                hide_all(&mut difference.old);
                hide_all(&mut difference.new);
                difference.details.iter_mut().for_each(|text| *text = hide(text));
            }
            for cause in causes {
                let (CauseView::Values(keys) | CauseView::Together(keys)) = cause else { continue };
                for key in keys {
                    key.old.iter_mut().chain(&mut key.new).for_each(|text| *text = hide(text));
                }
            }
        }
    }

    fn is_run(&self) -> bool {
        self.path.is_some()
    }

    /// What all stages that were compared with something were compared with.
    fn common(&self) -> Option<Against> {
        let mut compared = self
            .stages
            .iter()
            .filter(|stage| told(&stage.explanation))
            .filter_map(|stage| stage.explanation.against.as_ref());
        let first = compared.next()?;
        compared.all(|other| same_place(first, other)).then(|| first.clone())
    }

    fn head(&self, common: Option<&Against>) -> String {
        let count = |wanted: fn(&Happening) -> bool| {
            self.stages.iter().filter(|stage| wanted(&stage.explanation.happening)).count()
        };
        let all = self.stages.len();
        let hits = count(|happening| matches!(happening, Happening::Hit(_)));
        let runs = count(|happening| matches!(happening, Happening::Runs(_)));
        let after = count(|happening| matches!(happening, Happening::After(_)));
        let idle = count(|happening| *happening == Happening::NotStarted);
        let subject = &self.subject;
        if hits == all {
            let by = self.maker().map(|by| format!(", made by {by}")).unwrap_or_default();
            let (tense, are) = if self.is_run() { ("ran", "were") } else { ("would run", "are") };
            return match all {
                // Its own line says it.
                1 => String::new(),
                _ => format!("{subject}: nothing {tense}, all {all} results {are} stored{by}\n"),
            };
        }
        let noun = if all == 1 { "1 stage".to_owned() } else { format!("{all} stages") };
        let mut parts = vec![noun];
        let mut add = |count: usize, what: &str| {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        };
        add(hits, "stored");
        add(runs, if self.is_run() { "ran" } else { "to run" });
        add(after, "depending on others");
        add(idle, "not started");
        let common = common.map(|against| format!("; compared with {}", place(against))).unwrap_or_default();
        format!("{subject}: {}{common}\n", parts.join(", "))
    }

    /// The run that made all results.
    fn maker(&self) -> Option<&str> {
        let by = |stage: &StageView| match &stage.explanation.happening {
            Happening::Hit(Some(Made { by: Some(by), .. })) => Some(by.clone()),
            _ => None,
        };
        let first = self.stages.first().and_then(by)?;
        let all = self.stages.iter().all(|stage| by(stage).as_ref() == Some(&first));
        self.stages.first().filter(|_| all).and_then(|stage| match &stage.explanation.happening {
            Happening::Hit(Some(Made { by: Some(by), .. })) => Some(by.as_str()),
            _ => None,
        })
    }

    /// What becomes of a stage, and why.
    fn says(&self, stage: &Explanation, common: Option<&Against>) -> String {
        let because = stage.reason.as_ref().map(|reason| because(stage, reason, common));
        match (&stage.happening, &stage.reason) {
            (Happening::Hit(made), _) => hit(made.as_ref(), &stage.same_from),
            (Happening::NotStarted, _) => "did not start".to_owned(),
            (Happening::After(stages), Some(Reason::Upstream(_))) => {
                let them = if stages.len() == 1 { "that makes" } else { "these make" };
                format!("depends on {}: runs unless {them} the same as before", stages.join(", "))
            }
            (Happening::After(stages), _) => {
                format!("would run after {}: {}", stages.join(", "), because.unwrap_or_default())
            }
            (Happening::Runs(state), _) => {
                let verb = match state {
                    None => "would run",
                    Some(StageState::Failed) => "ran and failed",
                    Some(StageState::Cancelled) => "ran and was stopped",
                    Some(StageState::Running) => "started",
                    Some(_) => "ran",
                };
                format!("{verb}: {}", because.unwrap_or_default())
            }
        }
    }

    /// The view as JSON, a line at its end.
    ///
    /// `{"format": 1, "file" or "run": .., "path", "notes": [..], "stages": [{"name", "stage", "outcome", "reason", "why", "after",
    /// "fingerprint", "made", "same_from", "against", "differences": [{"field", "path", "old", "new", "details", "cause",
    /// "keys": [{"key", "old", "new", "from", "was"}]}]}]}`. Keys are only added.
    #[must_use]
    pub fn json(&self) -> Value {
        let subject = if self.is_run() { "run" } else { "file" };
        let stages: Vec<Value> = self.stages.iter().map(|stage| self.stage(stage)).collect();
        json!({
            "format": FORMAT,
            subject: self.subject,
            "path": self.path,
            "notes": self.notes,
            "stages": stages,
        })
    }

    fn stage(&self, view: &StageView) -> Value {
        let stage = &view.explanation;
        let (outcome, after) = match &stage.happening {
            Happening::Hit(_) => ("hit", &[][..]),
            Happening::Runs(None) => ("run", &[][..]),
            Happening::Runs(Some(StageState::Failed)) => ("failed", &[][..]),
            Happening::Runs(Some(StageState::Cancelled)) => ("cancelled", &[][..]),
            Happening::Runs(Some(StageState::Running)) => ("started", &[][..]),
            Happening::Runs(Some(_)) => ("ran", &[][..]),
            Happening::After(stages) => ("after", stages.as_slice()),
            Happening::NotStarted => ("not_started", &[][..]),
        };
        let reason = stage.reason.as_ref().map(|reason| match reason {
            Reason::FirstTime => "first_time",
            Reason::Changed => "changed",
            Reason::Shared => "shared",
            Reason::Removed => "removed",
            Reason::Damaged(_) => "damaged",
            Reason::Unfinished(_) => "unfinished",
            Reason::Upstream(_) => "upstream",
        });
        let made = match &stage.happening {
            Happening::Hit(Some(made)) => {
                json!({"at": made.at.map(|at| at.to_string()), "seconds": made.seconds, "by": made.by})
            }
            _ => Value::Null,
        };
        let differences: Vec<Value> = stage
            .differences
            .iter()
            .zip(&view.causes)
            .map(|(difference, cause)| in_json(difference, cause))
            .collect();
        json!({
            "name": stage.name,
            "stage": stage.stage,
            "outcome": outcome,
            "reason": reason,
            "why": self.says(stage, None),
            "after": after,
            "fingerprint": stage.fingerprint.map(|digest| digest.to_string()),
            "made": made,
            "same_from": stage.same_from,
            "against": stage.against.as_ref().map(against_json),
            "differences": differences,
        })
    }
}

impl StageView {
    /// Why it runs in a few words, for a table; none where it does not.
    #[must_use]
    pub fn short(&self) -> Option<String> {
        let reason = self.explanation.reason.as_ref()?;
        if *reason != Reason::Changed {
            return Some(match reason {
                Reason::FirstTime => "first time".to_owned(),
                Reason::Shared => "shared with other variants".to_owned(),
                Reason::Removed => "its stored result is gone".to_owned(),
                Reason::Damaged(_) => "its stored result is damaged".to_owned(),
                Reason::Unfinished(word) => format!("it {word} before"),
                Reason::Upstream(stages) => {
                    let make = if stages.len() == 1 { "makes" } else { "make" };
                    format!("if {} {make} something else than before", stages.join(", "))
                }
                Reason::Changed => String::new(),
            });
        }
        let named = self.explanation.differences.iter().zip(&self.causes).map(|(difference, cause)| {
            match (cause, &difference.what) {
                (CauseView::Values(keys), What::Setting(_)) => {
                    keys.iter().map(|key| key.key.as_str()).collect::<Vec<_>>().join(", ")
                }
                _ => label(&difference.what),
            }
        });
        let mut named: Vec<String> = named.collect();
        named.dedup();
        let more = named.len().saturating_sub(2);
        let shown = named.into_iter().take(2).collect::<Vec<_>>().join(", ");
        Some(if more > 0 { format!("{shown} and {more} more changed") } else { format!("{shown} changed") })
    }
}

fn hide_in(value: &mut Value, hide: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = hide(text),
        Value::Array(items) => items.iter_mut().for_each(|item| hide_in(item, hide)),
        Value::Object(fields) => fields.values_mut().for_each(|field| hide_in(field, hide)),
        _ => {}
    }
}

/// Whether what a stage was compared with is worth telling.
fn told(stage: &Explanation) -> bool {
    stage.reason.as_ref().is_some_and(|reason| *reason != Reason::FirstTime)
}

fn same_place(one: &Against, other: &Against) -> bool {
    match (one, other) {
        (Against::Run { path: one, .. }, Against::Run { path: other, .. }) => one == other,
        _ => false,
    }
}

fn place(against: &Against) -> String {
    match against {
        Against::Run { id, started, .. } => match started {
            Some(started) => format!("{id} ({})", local(*started)),
            None => id.clone(),
        },
        Against::Stored { at: Some(at) } => format!("the stored result of {}", local(*at)),
        Against::Stored { at: None } => "a stored result".to_owned(),
    }
}

fn hit(made: Option<&Made>, same_from: &[String]) -> String {
    let mut text = "hit".to_owned();
    if let Some(Made { at, seconds, by }) = made {
        let at = at.map(|at: Timestamp| format!(" {}", local(at))).unwrap_or_default();
        let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        text = format!("hit: made{at} in {}{by}", duration(*seconds));
    }
    match same_from {
        [] => text,
        [one] => format!("{text}; {one} came out the same as before"),
        several => format!("{text}; {} came out the same as before", several.join(" and ")),
    }
}

fn because(stage: &Explanation, reason: &Reason, common: Option<&Against>) -> String {
    let since = || match &stage.against {
        Some(Against::Run { id, .. }) => format!("since {id}"),
        _ => "since its result was stored".to_owned(),
    };
    let text = match reason {
        Reason::FirstTime => {
            return "it is the first time, nothing earlier can be compared with it".to_owned();
        }
        Reason::Changed => summary(&stage.differences),
        Reason::Shared => {
            let among = match &stage.against {
                Some(Against::Run { id, .. }) => format!(", {id} among them"),
                _ => String::new(),
            };
            return format!("it ran once for all variants that share it{among}");
        }
        Reason::Removed => {
            return format!("nothing changed {}, but its result is not in the store any more", since());
        }
        Reason::Damaged(why) => return why.clone(),
        Reason::Unfinished(word) => return format!("nothing changed {}, where it {word}", since()),
        Reason::Upstream(stages) => return format!("it depends on {}", stages.join(", ")),
    };
    match (&stage.against, common) {
        (Some(against), None) => format!("{text}; compared with {}", place(against)),
        _ => text,
    }
}

/// `a setting changed`, `2 settings and an input changed`.
fn summary(differences: &[Difference]) -> String {
    let count = |wanted: fn(&What) -> bool| differences.iter().filter(|known| wanted(&known.what)).count();
    let some = |count: usize, one: &str, several: &str| match count {
        0 => None,
        1 => Some(one.to_owned()),
        count => Some(format!("{count} {several}")),
    };
    let parts = [
        some(count(|what| matches!(what, What::Setting(_))), "a setting", "settings"),
        some(count(|what| *what == What::Version), "its version", "versions"),
        some(
            count(|what| matches!(what, What::Device(_))),
            "the machine or program",
            "parts of the machine or program",
        ),
        some(count(|what| matches!(what, What::Input(_))), "an input", "inputs"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.split_last() {
        Some((last, [])) => format!("{last} changed"),
        Some((last, before)) => format!("{} and {last} changed", before.join(", ")),
        None => String::new(),
    }
}

/// A line for each difference: which, from what to what, and where that stands.
fn rows(stage: &StageView) -> String {
    if stage.explanation.reason != Some(Reason::Changed) {
        return String::new();
    }
    let mut rows: Vec<[String; 4]> = Vec::new();
    for (difference, cause) in stage.explanation.differences.iter().zip(&stage.causes) {
        let mut changes = match (&difference.what, difference.details.is_empty()) {
            (What::Input(_), _) | (_, false) => difference.details.clone(),
            _ => vec![arrow(&difference.old, &difference.new)],
        };
        changes.resize(changes.len().max(1), String::new());
        let mut origins = origins(cause, matches!(difference.what, What::Input(_)));
        let lines = changes.len().max(origins.len());
        changes.resize(lines, String::new());
        origins.resize(lines, String::new());
        let labels = std::iter::once(label(&difference.what)).chain(std::iter::repeat(String::new()));
        let all = labels.zip(changes).zip(origins);
        rows.extend(all.map(|((label, change), origin)| [" ".to_owned(), label, change, origin]));
    }
    let table = table(["", "", "", ""], &rows, &[]);
    // Its header is an empty line.
    table.split_once('\n').map(|(_, rows)| rows.to_owned()).unwrap_or_default()
}

fn label(what: &What) -> String {
    match what {
        What::Setting(path) => path.clone(),
        What::Version => "version".to_owned(),
        What::Device(part) => (*part).to_owned(),
        What::Input(port) => format!("input {port}"),
    }
}

/// Where a difference comes from, a line for each key.
fn origins(cause: &CauseView, is_input: bool) -> Vec<String> {
    let shown = |keys: &[KeyView]| {
        let shown = keys.iter().take(NAMED).map(|key| origin(key, is_input));
        let mut lines: Vec<String> = shown.collect();
        if keys.len() > NAMED {
            lines.push(format!("and {} more", keys.len() - NAMED));
        }
        lines
    };
    match cause {
        CauseView::Values(keys) => shown(keys),
        CauseView::Together(keys) => {
            std::iter::once("by some of these:".to_owned()).chain(shown(keys)).collect()
        }
        CauseView::Program => vec!["this program makes it of the same configuration".to_owned()],
        CauseView::None => Vec::new(),
    }
}

fn origin(key: &KeyView, is_input: bool) -> String {
    let was = match &key.was {
        Some(_) if is_input && key.old.is_some() && key.old != key.new => {
            format!(" (was {})", key.old.as_deref().unwrap_or_default())
        }
        Some(ValueOrigin::Default) if key.from != ValueOrigin::Default => " (was the default)".to_owned(),
        Some(ValueOrigin::CommandLine(_)) => " (was on the command line)".to_owned(),
        _ => String::new(),
    };
    let from = match &key.from {
        ValueOrigin::Line { file, line, rendered } => {
            format!("{file}:{line}{}", if *rendered { " as rendered" } else { "" })
        }
        ValueOrigin::CommandLine(_) => "command line".to_owned(),
        ValueOrigin::Default => "not set, so the default".to_owned(),
        ValueOrigin::Chosen => "chosen by this program".to_owned(),
    };
    format!("{}, {from}{was}", key.key)
}

fn in_json(difference: &Difference, cause: &CauseView) -> Value {
    let (field, path) = match &difference.what {
        What::Setting(path) => ("setting", path.as_str()),
        What::Version => ("version", ""),
        What::Device(part) => ("device", *part),
        What::Input(port) => ("input", port.as_str()),
    };
    let (cause, keys) = match cause {
        CauseView::Values(keys) => (Some("values"), keys.as_slice()),
        CauseView::Together(keys) => (Some("together"), keys.as_slice()),
        CauseView::Program => (Some("program"), &[][..]),
        CauseView::None => (None, &[][..]),
    };
    let keys: Vec<Value> = keys
        .iter()
        .map(|key| {
            json!({
                "key": key.key,
                "old": key.old,
                "new": key.new,
                "from": origin_json(&key.from),
                "was": key.was.as_ref().map(origin_json),
            })
        })
        .collect();
    json!({
        "field": field,
        "path": path,
        "old": difference.old,
        "new": difference.new,
        "details": difference.details,
        "cause": cause,
        "keys": keys,
    })
}

fn origin_json(origin: &ValueOrigin) -> Value {
    let mut fields = Map::new();
    let kind = match origin {
        ValueOrigin::Line { file, line, rendered } => {
            fields.insert("file".to_owned(), file.as_str().into());
            fields.insert("line".to_owned(), (*line).into());
            fields.insert("rendered".to_owned(), (*rendered).into());
            "line"
        }
        ValueOrigin::CommandLine(argument) => {
            fields.insert("argument".to_owned(), argument.as_str().into());
            "command_line"
        }
        ValueOrigin::Default => "default",
        ValueOrigin::Chosen => "chosen",
    };
    fields.insert("kind".to_owned(), kind.into());
    fields.into()
}

fn against_json(against: &Against) -> Value {
    match against {
        Against::Run { id, path, started, state, standing } => json!({
            "run": id,
            "path": path,
            "started": started.map(|at| at.to_string()),
            "state": state,
            "outcome": standing,
        }),
        Against::Stored { at } => json!({"stored": at.map(|at| at.to_string())}),
    }
}
