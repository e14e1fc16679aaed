//! From values to variants.

use crate::config::{Base, ConfigErrors, Parameter, Setting};
use contract::{Random, config::SweepMethod};

/// The changes of each variant, in order: the keys of the section first, those of the command line behind them, the last
/// one changing fastest.
///
/// # Errors
/// Mistakes in the section, and values that do not go together.
pub fn combine(base: &Base) -> Result<Vec<Vec<Setting>>, ConfigErrors> {
    let section = base.section()?;
    let spec = &section.spec;
    let all: Vec<Parameter> = section.parameters.iter().chain(base.swept()).cloned().collect();
    let limit = usize::try_from(spec.limit).unwrap_or(usize::MAX);
    let is_list = spec.method == SweepMethod::List;
    if !is_list && (!spec.variants.is_empty() || spec.file.is_some()) {
        let key = if spec.file.is_some() { "file" } else { "variants" };
        let message =
            format!("`sweep.{key}` is for `method: list`, and the method is `{}`", word(spec.method));
        return Err(base.refuse(key, message, "write `method: list`, or take it out"));
    }
    if spec.count.is_some() && spec.method != SweepMethod::Random {
        let message =
            format!("`sweep.count` is for `method: random`, and the method is `{}`", word(spec.method));
        return Err(base.refuse("count", message, "write `method: random`, or take it out"));
    }
    if all.is_empty() && !is_list {
        let help = "give a key several values: `pipeline sweep FILE training.epochs=10,20,40`, or write a section \
                    `sweep: {parameters: {training.epochs: [10, 20, 40]}}`";
        return Err(base.refuse("parameters", "there is nothing to sweep: no key has several values", help));
    }
    match spec.method {
        SweepMethod::Grid => grid(base, &all, limit, Vec::new()),
        SweepMethod::Zip => zip(base, &all, limit),
        SweepMethod::Random => {
            let Some(count) = spec.count else {
                let help = "say how many variants are drawn: `count: 20`, or sweep.count=20";
                return Err(base.refuse("method", "`method: random` needs `sweep.count`", help));
            };
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            within(base, count, limit, "")?;
            random(spec.seed, &all, count)
        }
        SweepMethod::List => {
            if !section.parameters.is_empty() {
                let help = "write them out in `variants`, or take `method: list` out";
                let message = "`sweep.parameters` are values to combine, and `method: list` combines nothing";
                return Err(base.refuse("parameters", message, help));
            }
            if section.variants.is_empty() {
                let help =
                    "write `variants: [{training.epochs: 1}, {training.epochs: 2}]`, or `file: variants.csv`";
                return Err(base.refuse("method", "`method: list` has no variants", help));
            }
            grid(base, base.swept(), limit, section.variants)
        }
    }
}

fn word(method: SweepMethod) -> &'static str {
    match method {
        SweepMethod::Grid => "grid",
        SweepMethod::Random => "random",
        SweepMethod::Zip => "zip",
        SweepMethod::List => "list",
    }
}

/// Each value of each key with each of the others, for each of the variants that there are already.
fn grid(
    base: &Base,
    parameters: &[Parameter],
    limit: usize,
    variants: Vec<Vec<Setting>>,
) -> Result<Vec<Vec<Setting>>, ConfigErrors> {
    let mut counts = Vec::new();
    for parameter in parameters {
        counts.push(count(parameter)?);
    }
    let mut variants = if variants.is_empty() { vec![Vec::new()] } else { variants };
    let factors = std::iter::once(variants.len()).filter(|count| *count > 1).chain(counts.iter().copied());
    let factors: Vec<usize> = factors.collect();
    let total = factors.iter().fold(1usize, |total, count| total.saturating_mul(*count));
    let product = factors.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ");
    within(base, total, limit, &if factors.len() > 1 { format!(" ({product})") } else { String::new() })?;
    for (parameter, count) in parameters.iter().zip(counts) {
        variants = variants
            .into_iter()
            .flat_map(|settings| {
                let choices = (0..count).filter_map(|index| parameter.space.get(index));
                choices
                    .map(|choice| {
                        let mut settings = settings.clone();
                        settings.push(Setting { key: parameter.key.clone(), choice });
                        settings
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    Ok(variants)
}

/// The first values together, then the second ones.
fn zip(base: &Base, parameters: &[Parameter], limit: usize) -> Result<Vec<Vec<Setting>>, ConfigErrors> {
    let mut counts = Vec::new();
    for parameter in parameters {
        counts.push(count(parameter)?);
    }
    let total = counts.first().copied().unwrap_or_default();
    if counts.iter().any(|count| *count != total) {
        let lengths = parameters.iter().zip(&counts);
        let lengths: Vec<String> =
            lengths.map(|(parameter, count)| format!("`{}` has {count}", parameter.key.name())).collect();
        let message = format!("`method: zip` needs as many values of each key: {}", lengths.join(", "));
        return Err(base.refuse(
            "method",
            message,
            "make them equal, or combine each with each: `method: grid`",
        ));
    }
    within(base, total, limit, "")?;
    let variant = |index| {
        let settings = parameters.iter().filter_map(|parameter| {
            Some(Setting { key: parameter.key.clone(), choice: parameter.space.get(index)? })
        });
        settings.collect()
    };
    Ok((0..total).map(variant).collect())
}

/// A draw depends on the seed, the key and the variant's number, so that neither more variants nor more keys change it.
fn random(seed: u64, parameters: &[Parameter], count: usize) -> Result<Vec<Vec<Setting>>, ConfigErrors> {
    let variant = |number: usize| {
        let settings = parameters.iter().filter_map(|parameter| {
            let purpose = format!("sweep {}", parameter.key.name());
            let mut random = Random::new(seed, &purpose, number as u64, 0);
            Some(Setting { key: parameter.key.clone(), choice: parameter.space.draw(&mut random)? })
        });
        settings.collect()
    };
    Ok((0..count).map(variant).collect())
}

fn count(parameter: &Parameter) -> Result<usize, ConfigErrors> {
    parameter.space.count().ok_or_else(|| {
        let message = format!("`{}` is to be drawn from `{}`", parameter.key.name(), parameter.written());
        let help =
            "draw variants with `sweep.method=random sweep.count=20`, or write values: `a,b,c`, `range(1,4)`";
        parameter.refuse(message, "no values to combine", help)
    })
}

fn within(base: &Base, total: usize, limit: usize, how: &str) -> Result<(), ConfigErrors> {
    match total {
        0 => Err(base.refuse("count", "a sweep has at least one variant", "write `count: 20`")),
        total if total <= limit => Ok(()),
        total => {
            let message = format!("this sweep has {total} variants{how}, and {limit} is the limit");
            let help = format!(
                "raise it with sweep.limit={total}, or draw some: `sweep.method=random sweep.count=100`"
            );
            Err(base.refuse("limit", message, &help))
        }
    }
}
