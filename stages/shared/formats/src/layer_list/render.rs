//! From the template to YAML.

use super::{Arguments, LayerList, LayerListError, error::Mistake};
use contract::suggest;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, OutputSpan, OutputSpanKind, UndefinedBehavior, Value,
    syntax::SyntaxConfig, value::Serde,
};
use std::{collections::BTreeMap, ops::Range};

/// What a rendering may cost: an instruction is one, and so are 64 bytes of data.
const FUEL: u64 = 1_000_000;

/// Deepest nesting of statements and calls.
const RECURSION: usize = 50;

/// Most bytes of YAML.
const MAX_BYTES: usize = 4 << 20;

const CODE: &str = "layers::template";

/// What a template renders to.
pub(super) struct Rendered {
    pub(super) text: String,
    /// What of the template made what of the text, in the order of the text.
    spans: Vec<OutputSpan>,
    /// Arguments that the template does not use.
    pub(super) unused: Vec<String>,
}

impl Rendered {
    /// The part of the template that a part of the text comes from.
    pub(super) fn source(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.source_of(range.start).map_or(0, |source| source.start);
        let last = range.end.saturating_sub(1).max(range.start);
        let end = self.source_of(last).map_or(start, |source| source.end);
        start..end.max(start)
    }

    /// The part of the template that a byte of the text comes from: a byte as it stands there, or the expression that
    /// wrote it.
    fn source_of(&self, byte: usize) -> Option<Range<usize>> {
        let after = self.spans.partition_point(|span| span.output_range().start <= byte);
        let span = self.spans.get(after.checked_sub(1)?)?;
        let (output, source) = (span.output_range(), span.source_range());
        match span.kind() {
            OutputSpanKind::Expression => Some(source),
            _ => {
                let at = source.start + (byte - output.start).min(source.len());
                Some(at..(at + 1).min(source.end).max(at))
            }
        }
    }
}

/// Renders a layer list. Whatever is not defined is an error unless the template gives it a `default`.
pub(super) fn render(list: &LayerList<'_>, arguments: &Arguments<'_>) -> Result<Rendered, LayerListError> {
    let variables = variables(arguments);
    let mut jinja = Environment::new();
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    jinja.set_auto_escape_callback(|_| AutoEscape::None);
    jinja.set_fuel(Some(FUEL));
    jinja.set_recursion_limit(RECURSION);
    jinja.set_debug(true);
    let mut syntax = SyntaxConfig::builder();
    syntax.keep_trailing_newline(true);
    let rendered = syntax.build().and_then(|syntax| {
        jinja.set_syntax(syntax);
        let template = jinja.template_from_named_str(list.name, list.text)?;
        let used = template.undeclared_variables(false);
        let unused = variables.keys().filter(|name| is_own(name) && !used.contains(name.as_str()));
        let unused = unused.cloned().collect();
        let (text, spans) = template.render_with_spans(Value::from_pairs(variables.clone()))?;
        Ok(Rendered { text, spans, unused })
    });
    let rendered = rendered.map_err(|error| mistake(list.text, &error, &variables).in_template(list))?;
    if rendered.text.len() > MAX_BYTES {
        let message = format!("it renders to more than {} MiB", MAX_BYTES >> 20);
        return Err(Mistake::whole(CODE, message).in_template(list));
    }
    Ok(rendered)
}

/// Whether an argument is there for the template alone; the network is checked against the others.
fn is_own(name: &str) -> bool {
    !["num_classes", "input_shape"].contains(&name)
}

fn variables(arguments: &Arguments<'_>) -> BTreeMap<String, Value> {
    let (height, width, channels) = arguments.input_shape;
    let others = arguments.others.iter();
    let mut variables: BTreeMap<String, Value> =
        others.map(|(name, value)| (name.clone(), Value::from(Serde(value)))).collect();
    variables.insert("num_classes".to_owned(), arguments.classes.into());
    variables.insert("input_shape".to_owned(), Value::from(vec![height, width, channels]));
    if let Some(dropout) = arguments.dropout {
        variables.insert("dropout".to_owned(), dropout.into());
    }
    variables
}

fn mistake(template: &str, error: &Error, variables: &BTreeMap<String, Value>) -> Mistake {
    let range = range(template, error);
    let expression = range.clone().and_then(|range| template.get(range)).unwrap_or_default();
    let new = |message: String| Mistake { code: CODE, message, help: None, range: range.clone() };
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    match error.kind() {
        ErrorKind::UndefinedError => {
            new(format!("`{expression}` is not defined")).help(known(expression, variables))
        }
        // A function or filter that is given what is not defined.
        _ if detail.contains("undefined") => new(detail).help(known(expression, variables)),
        ErrorKind::OutOfFuel => new("the template does more work than a network can need".to_owned())
            .help("make its loops shorter"),
        kind @ (ErrorKind::UnknownFilter | ErrorKind::UnknownFunction | ErrorKind::UnknownTest) => {
            new(format!("{kind} `{expression}`"))
        }
        _ => new(detail),
    }
}

/// What a template may name.
fn known(expression: &str, variables: &BTreeMap<String, Value>) -> String {
    if expression == "dropout" {
        return "set `training.dropout`".to_owned();
    }
    let names: Vec<&str> = variables.keys().map(String::as_str).collect();
    suggest::help(expression, "the template's arguments are", &names)
        + "; others are keys of `training.model`"
}

/// Where a template's error is: its expression, or at least its line.
fn range(template: &str, error: &Error) -> Option<Range<usize>> {
    if let Some(range) = error.range().filter(|range| !range.is_empty()) {
        return Some(range);
    }
    let line = template.split_inclusive('\n').nth(error.line()?.checked_sub(1)?)?;
    let start = line.as_ptr() as usize - template.as_ptr() as usize;
    let indent = line.len() - line.trim_start().len();
    Some(start + indent..start + line.trim_end().len())
}
