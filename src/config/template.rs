//! `*.yaml.j2`: a template that is rendered before it is read as YAML.
//!
//! The language is Jinja's as in minijinja, in one file: no inclusion, no macros, and whatever is not defined is an error
//! unless the template gives it a `default`. The one name a template knows is `env`, with the environment's variables.
//! Times and values of other keys are not the
//! template's business: `${now:...}` and `${section.key}` are resolved afterwards, as in any other file.
//!
//! What `{{ env.NAME }}` writes is not the value but a mark with the name, which becomes `${oc.env:NAME}` in the tree, so
//! that values from the environment stay hidden everywhere, and none can end a quote or start a key. What is computed
//! from a value (`env.NAME ~ "x"`, a filter, a choice) is text of the file like any other and is written out.

use super::{
    error::{Code, ConfigError},
    node::{Content, Node},
    source,
    text::{MARK_END, MARK_START, Place, Text},
};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, syntax::SyntaxConfig,
    value::Object,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Looks up an environment variable; an error is one that is not text.
pub(super) type Variable = fn(&str) -> Result<Option<String>, String>;

/// What a rendering may cost: an instruction is one, and so are 64 bytes of data.
const FUEL: u64 = 200_000;

/// Deepest nesting of statements and calls.
const RECURSION: usize = 50;

/// Whether a file of this name is a template.
pub(super) fn is_template(name: &str) -> bool {
    name.ends_with(".yaml.j2") || name.ends_with(".yml.j2")
}

/// The text that a template stands for.
pub(super) fn render(template: &Arc<Text>, variable: Variable) -> Result<Arc<Text>, ConfigError> {
    let lookups = Arc::new(Lookups { variable, found: Mutex::default(), missing: Mutex::default() });
    let mut jinja = Environment::new();
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    jinja.set_auto_escape_callback(|_| AutoEscape::None);
    jinja.set_fuel(Some(FUEL));
    jinja.set_recursion_limit(RECURSION);
    jinja.set_debug(true);
    let mut syntax = SyntaxConfig::builder();
    syntax.keep_trailing_newline(true);
    // Text that is marked as safe is how a value from the environment is known; nothing else may be.
    jinja.remove_filter("safe");
    let formatter = Arc::clone(&lookups);
    jinja.set_formatter(move |output, state, value| formatter.write(output, state, value));
    jinja.add_global("env", Value::from_dyn_object(Arc::clone(&lookups)));
    let rendered = syntax
        .build()
        .and_then(|syntax| {
            jinja.set_syntax(syntax);
            jinja.template_from_named_str(&template.name, &template.content)?.render(())
        })
        .map_err(|error| mistake(template, &error, &lookups))?;
    if rendered.len() > source::MAX_BYTES {
        let message = format!("`{}` renders to more than {} MiB", template.name, source::MAX_BYTES >> 20);
        return Err(ConfigError::new(Code::Template, message));
    }
    Ok(Text::rendered(&template.name, rendered))
}

/// The environment as a template sees it.
#[derive(Debug)]
struct Lookups {
    variable: Variable,
    /// Names and values that were asked for, and names that are not set, the newest last.
    found: Mutex<Vec<(String, String)>>,
    missing: Mutex<Vec<String>>,
}

impl Object for Lookups {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        match (self.variable)(name) {
            Ok(Some(value)) => {
                held(&self.found).push((name.to_owned(), value.clone()));
                Some(Value::from_safe_string(value))
            }
            // Undefined, so that `default` and `is defined` work.
            Ok(None) => {
                held(&self.missing).push(name.to_owned());
                None
            }
            Err(problem) => Some(Value::from(Error::new(ErrorKind::InvalidOperation, problem))),
        }
    }
}

impl Lookups {
    /// Writes a value; one that comes from the environment as it is, by its name.
    fn write(&self, output: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
        let text = value.as_str().filter(|_| value.is_safe());
        let found = held(&self.found);
        // Of variables with one value, the one that was asked for last is the one that is written.
        match text.and_then(|text| found.iter().rev().find(|(_, value)| value == text)) {
            Some((name, _)) => Ok(write!(output, "{MARK_START}env.{name}{MARK_END}")?),
            None => minijinja::escape_formatter(output, state, value),
        }
    }

    /// A message without values from the environment; one of a few letters is no secret and may be part of any word.
    fn without_values(&self, message: String) -> String {
        let found = held(&self.found);
        let secret = found.iter().filter(|(_, value)| value.len() > 3);
        secret
            .fold(message, |message, (name, value)| message.replace(value, &format!("{{{{ env.{name} }}}}")))
    }

    /// The variable that is not set, if that is what is wrong with an expression.
    fn missing_in(&self, expression: &str) -> Option<String> {
        held(&self.missing).iter().rev().find(|name| expression.contains(name.as_str())).cloned()
    }
}

/// A value is whole at any time, so that a panic elsewhere is no reason to stop.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The error of a template, with what is underlined.
fn mistake(template: &Arc<Text>, error: &Error, lookups: &Lookups) -> ConfigError {
    let place = place(template, error);
    let expression = place.as_ref().map_or("", Place::slice);
    let detail =
        lookups.without_values(error.detail().map_or_else(|| error.kind().to_string(), str::to_owned));
    let new = |message: String| ConfigError::new(Code::Template, message);
    match error.kind() {
        ErrorKind::UndefinedError => match lookups.missing_in(expression) {
            Some(name) => new(format!("the environment variable `{name}` is not set"))
                .at(place.as_ref(), "not set")
                .help(format!(
                    "set it (export {name}=...), or give a default: {{{{ env.{name} | default(\"...\") }}}}"
                )),
            None => new(format!("`{expression}` is not defined")).at(place.as_ref(), "not defined").help(
                "a template knows the environment's variables, as in {{ env.HOME }}, and what it sets itself"
                    .to_owned(),
            ),
        },
        ErrorKind::OutOfFuel => new("the template does more work than a configuration can need".to_owned())
            .at(place.as_ref(), "stopped here")
            .help("make its loops shorter".to_owned()),
        ErrorKind::SyntaxError if detail.starts_with("unknown statement") => {
            new(detail).at(place.as_ref(), "unknown").help(
                "a template is one file, with for, if, set, with and filter; nothing can be included"
                    .to_owned(),
            )
        }
        kind @ ErrorKind::UnknownFilter => {
            new(format!("{kind} `{expression}`")).at(place.as_ref(), "unknown")
        }
        kind @ ErrorKind::UnknownFunction => {
            new(format!("{kind} `{expression}`")).at(place.as_ref(), "unknown").help(
                "for the start of the run write ${now:%Y_%m_%d}, for the value of a key ${section.key}"
                    .to_owned(),
            )
        }
        _ => new(detail).at(place.as_ref(), "here"),
    }
}

/// Where a template's error is: its expression, or at least its line.
fn place(template: &Arc<Text>, error: &Error) -> Option<Place> {
    if let Some(range) = error.range().filter(|range| !range.is_empty()) {
        return Some(Place::new(template, range));
    }
    let content = template.content.as_str();
    let line = content.split_inclusive('\n').nth(error.line()?.checked_sub(1)?)?;
    let start = line.as_ptr() as usize - content.as_ptr() as usize;
    let indent = line.len() - line.trim_start().len();
    Some(Place::new(template, start + indent..start + line.trim_end().len()))
}

/// Puts `${oc.env:NAME}` in place of the marks that a rendering left.
pub(super) fn name_variables(node: &mut Node) -> Vec<ConfigError> {
    let mut mistakes = Vec::new();
    name_in(node, &mut mistakes);
    mistakes
}

fn name_in(node: &mut Node, mistakes: &mut Vec<ConfigError>) {
    match &mut node.content {
        Content::Map(entries) => {
            for entry in entries {
                if entry.key.contains(MARK_START) {
                    mistakes.push(no_key(entry.place.as_ref()));
                }
                name_in(&mut entry.value, mistakes);
            }
        }
        Content::List(items) => items.iter_mut().for_each(|item| name_in(item, mistakes)),
        Content::Scalar(scalar) if scalar.text.contains(MARK_START) => {
            if scalar.text.contains(&format!("\\{MARK_START}")) {
                mistakes.push(behind_a_backslash(node.place.as_ref()));
            }
            let named = scalar.text.replace(&format!("{MARK_START}env."), "${oc.env:");
            scalar.text = named.replace(MARK_END, "}");
        }
        Content::Scalar(_) | Content::Hole => {}
    }
}

fn no_key(place: Option<&Place>) -> ConfigError {
    ConfigError::new(Code::Template, "a key cannot come from the environment")
        .at(place, "not a key")
        .help("choose among keys with {% if env.NAME == \"...\" %}".to_owned())
}

fn behind_a_backslash(place: Option<&Place>) -> ConfigError {
    ConfigError::new(Code::Template, "a value from the environment cannot stand behind a backslash")
        .at(place, "here")
        .help("write `/` in paths".to_owned())
}
