//! `pipeline validate`: everything about a configuration that needs no data.

use super::{
    Exit, Refusal,
    format::print,
    prepare::{named, plan_of, with_rules},
};
use crate::{
    config::{self, Base, Code, Gathered, Loaded},
    report::{colour, count},
    sweep::combine,
};
use clap::{ValueEnum, ValueHint};
use contract::{Registry, config::SweepMethod};
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Check configurations: keys, values, the rules of the planned stages, the plan. Needs no images, no models
#[derive(Debug, clap::Args)]
pub(crate) struct ValidateArgs {
    /// Configuration files; and changes to each, as for `run`: section.key=value
    #[arg(value_name = "FILE | KEY=VALUE", required_unless_present = "config_name", value_hint = ValueHint::FilePath)]
    arguments: Vec<String>,
    /// Folder of the configuration file, instead of FILE
    #[arg(long, value_name = "DIR", requires = "config_name")]
    config_path: Option<PathBuf>,
    /// Name of the configuration file, instead of FILE; .yaml may be left out
    #[arg(long, value_name = "NAME")]
    config_name: Option<String>,
    /// For people, or for editors and programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(crate) fn validate(args: &ValidateArgs, registry: &Registry) -> Result<Exit, Refusal> {
    let (changes, files): (Vec<String>, Vec<String>) =
        args.arguments.iter().cloned().partition(|argument| is_change(argument));
    let mut files: Vec<PathBuf> = files.into_iter().map(PathBuf::from).collect();
    if let Some(name) = &args.config_name {
        files.push(named(args.config_path.as_deref(), name));
    }
    if files.is_empty() {
        eprintln!("no file to check: `{}` are changes; name a file before them", changes.join(" "));
        return Ok(Exit::Usage);
    }
    let checked: Vec<Checked> = files.iter().map(|file| check(file, &changes, registry)).collect();
    match args.format {
        Format::Text => checked.iter().try_for_each(Checked::tell)?,
        Format::Json => {
            let all = Value::Array(checked.iter().map(Checked::to_json).collect());
            print(&format!("{all:#}\n"))?;
        }
    }
    // One code for many files: a configuration that is none weighs more than a plan that is none.
    let worst = |exit| checked.iter().any(|checked| checked.exit() == exit).then_some(exit);
    Ok(worst(Exit::InvalidConfig).or(worst(Exit::InvalidPlan)).unwrap_or(Exit::Done))
}

/// Whether an argument changes a key, as `section.key=value`, rather than names a file, as `runs/lr=0.1/config.yaml`.
fn is_change(argument: &str) -> bool {
    argument.starts_with(['+', '~'])
        || argument.split_once('=').is_some_and(|(key, _)| !key.contains(['/', '\\']))
}

/// A file, and what there is to say about it.
struct Checked {
    file: String,
    result: Result<Valid, Refusal>,
}

struct Valid {
    operation_mode: String,
    /// Names of the stages in the order of the mode; empty where files are missing that say what they read.
    stages: Vec<String>,
    notes: Vec<String>,
    /// How many variants its `sweep` section makes; none where it has no such section, or leaves the values to the command
    /// line.
    variants: Option<usize>,
}

impl Valid {
    /// The same with what a sweep of the file would find in its `sweep` section and in the keys of the variants.
    fn swept(
        mut self,
        request: &config::Request,
        loaded: &Loaded,
        registry: &Registry,
    ) -> Result<Self, Refusal> {
        let base = Base::read(request)?;
        if !base.has_section() {
            return Ok(self);
        }
        // Here it has an effect.
        let without = base.load(&[])?.notes;
        self.notes.retain(|note| !loaded.notes.contains(note) || without.contains(note));
        let section = base.section()?;
        if section.parameters.is_empty()
            && section.variants.is_empty()
            && section.spec.method != SweepMethod::List
        {
            return Ok(self);
        }
        let variants = combine(&base)?;
        let mut gathered = Gathered::default();
        for (number, settings) in variants.iter().enumerate() {
            match base.load(settings).map_err(Refusal::from).and_then(|loaded| plan_of(&loaded, registry)) {
                Err(Refusal::Config(errors)) => {
                    // As of the file itself, what is not there may be there when it is run.
                    let (_, errors) = errors.split(Code::Path);
                    if !errors.is_empty() {
                        gathered.add(number, errors);
                    }
                }
                Err(refusal) => return Err(refusal.hidden(loaded)),
                Ok(_) => {}
            }
        }
        if !gathered.is_empty() {
            let describe = |number: usize| {
                let texts: Vec<String> = variants[number].iter().map(config::Setting::text).collect();
                format!("{number} ({})", texts.join(" "))
            };
            return Err(Refusal::from(gathered.report(variants.len(), describe)).hidden(loaded));
        }
        self.variants = Some(variants.len());
        Ok(self)
    }
}

fn check(file: &Path, changes: &[String], registry: &Registry) -> Checked {
    let request =
        config::Request { file: file.to_owned(), overrides: changes.to_vec(), started: jiff::Zoned::now() };
    let loaded = config::load(&request).map_err(|errors| with_rules(errors, registry));
    let result = loaded.and_then(|loaded| valid(&loaded, registry)?.swept(&request, &loaded, registry));
    Checked { file: file.display().to_string(), result }
}

fn valid(loaded: &Loaded, registry: &Registry) -> Result<Valid, Refusal> {
    let operation_mode = loaded.config.operation_mode.clone().unwrap_or_default();
    let mut notes = loaded.notes.clone();
    let stages = match plan_of(loaded, registry) {
        Ok(plan) => plan.stages().map(|(_, stage)| stage.name.clone()).collect(),
        Err(Refusal::Config(errors)) => {
            // What is not there may be there when it is run, and elsewhere.
            let (paths, errors) = errors.split(Code::Path);
            if !errors.is_empty() {
                return Err(Refusal::from(errors).hidden(loaded));
            }
            notes.extend(paths.iter().map(|error| {
                let key = error.key_name().map(|key| format!("{key}: ")).unwrap_or_default();
                format!("{key}{error}; a run needs it")
            }));
            Vec::new()
        }
        Err(refusal) => return Err(refusal.hidden(loaded)),
    };
    Ok(Valid { operation_mode, stages, notes, variants: None })
}

impl Checked {
    fn exit(&self) -> Exit {
        self.result.as_ref().map_or_else(Refusal::exit, |_| Exit::Done)
    }

    fn tell(&self) -> Result<(), Refusal> {
        match &self.result {
            Ok(valid) => {
                let stages = match valid.stages.as_slice() {
                    [] => String::new(),
                    stages => format!(": {}", stages.join(" -> ")),
                };
                let variants = valid.variants.map(|number| format!("; {}", count(number, "variant")));
                let variants = variants.unwrap_or_default();
                print(&format!("{} is valid: {}{stages}{variants}\n", self.file, valid.operation_mode))?;
                for note in &valid.notes {
                    eprintln!("note: {note}");
                }
            }
            Err(refusal) => {
                io::stderr().lock().write_all(refusal.render(colour()).as_bytes()).ok();
            }
        }
        Ok(())
    }

    /// `{"file", "valid", "operation_mode", "stages", "variants", "notes", "errors"}`, see [`Refusal::to_json`] for the errors.
    fn to_json(&self) -> Value {
        let (mode, stages, notes, variants) = match &self.result {
            Ok(valid) => (Some(&valid.operation_mode), &valid.stages[..], &valid.notes[..], valid.variants),
            Err(_) => (None, &[][..], &[][..], None),
        };
        let errors = self.result.as_ref().err().map(Refusal::to_json).unwrap_or_default();
        json!({
            "file": self.file,
            "valid": self.result.is_ok(),
            "operation_mode": mode,
            "stages": stages,
            "variants": variants,
            "notes": notes,
            "errors": errors,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_with_an_equals_sign_is_a_change_but_in_a_path() {
        for change in ["a=1", "a.b=x/y", "+a=1", "++a=1", "~a", "~a=1"] {
            assert!(is_change(change), "{change}");
        }
        for file in ["a.yaml", "./a.yaml", "runs/lr=0.1/a.yaml", "/x=y/z.yaml"] {
            assert!(!is_change(file), "{file}");
        }
    }
}
