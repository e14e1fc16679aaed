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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Request;
    use proptest::prelude::*;

    fn base(overrides: &[String]) -> Base {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.yaml");
        fs_err::write(&file, "operation_mode: training\n").expect("a file");
        let request = Request { file, overrides: overrides.to_vec(), started: jiff::Zoned::now() };
        Base::read(&request).map_err(|errors| errors.render(false)).expect("a file without mistakes")
    }

    fn texts(overrides: &[String]) -> Vec<String> {
        let variants = combine(&base(overrides)).map_err(|errors| errors.render(false)).expect("variants");
        let text = |settings: &Vec<Setting>| settings.iter().map(Setting::text).collect::<Vec<_>>().join(" ");
        variants.iter().map(text).collect()
    }

    fn of(overrides: &[&str]) -> Vec<String> {
        texts(&overrides.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_grid_is_in_the_order_of_its_keys_the_last_one_fastest() {
        let expected = [
            "training.epochs=1 general.global_seed=a",
            "training.epochs=1 general.global_seed=b",
            "training.epochs=2 general.global_seed=a",
            "training.epochs=2 general.global_seed=b",
        ];
        assert_eq!(of(&["training.epochs=range(1,3)", "x.y=1", "general.global_seed=a,b"]), expected);
    }

    #[test]
    fn a_zip_takes_first_values_together() {
        let expected = ["training.epochs=1 general.global_seed=a", "training.epochs=2 general.global_seed=b"];
        assert_eq!(of(&["sweep.method=zip", "training.epochs=1,2", "general.global_seed=a,b"]), expected);
    }

    #[test]
    fn a_list_is_combined_with_what_the_command_line_sweeps() {
        let listed = "sweep.variants=[{training.epochs: 1}, {training.epochs: 2, training.dropout: 0.5}]";
        assert_eq!(
            of(&["sweep.method=list", listed]),
            ["training.epochs=1", "training.epochs=2 training.dropout=0.5"]
        );
        let combined = of(&["sweep.method=list", listed, "general.global_seed=7,8"]);
        assert_eq!(combined.len(), 4);
        assert_eq!(combined[3], "training.epochs=2 training.dropout=0.5 general.global_seed=8");
    }

    const RANDOM: [&str; 4] =
        ["sweep.method=random", "sweep.seed=7", "a.rate=loguniform(1e-4,1e-1)", "a.epochs=range(1,100)"];

    #[test]
    fn draws_never_change_and_depend_neither_on_their_number_nor_on_other_keys() {
        let few = of(&[&RANDOM[..], &["sweep.count=4"]].concat());
        insta::assert_snapshot!(few.join("\n"), @"
        a.rate=0.000188495 a.epochs=62
        a.rate=0.000545178 a.epochs=12
        a.rate=0.0350208 a.epochs=98
        a.rate=0.0413075 a.epochs=16
        ");
        let many = of(&[&RANDOM[..], &["sweep.count=50"]].concat());
        assert_eq!(many[..4], few);
        let fewer = of(&["sweep.method=random", "sweep.seed=7", "a.epochs=range(1,100)", "sweep.count=4"]);
        let alone = |text: &String| text.split(' ').nth(1).map(str::to_owned);
        assert_eq!(few.iter().filter_map(alone).collect::<Vec<_>>(), fewer);
    }

    proptest! {
        #[test]
        fn a_grid_has_as_many_variants_as_the_product_of_its_lengths_all_different(
            lengths in proptest::collection::vec(1usize..6, 1..5),
        ) {
            let overrides: Vec<String> =
                lengths.iter().enumerate().map(|(key, length)| format!("a.k{key}=range({length})")).collect();
            let variants = texts(&overrides);
            prop_assert_eq!(variants.len(), lengths.iter().product::<usize>());
            let distinct: std::collections::BTreeSet<&String> = variants.iter().collect();
            prop_assert_eq!(distinct.len(), variants.len());
        }

        #[test]
        fn draws_are_within_their_bounds_and_the_same_each_time(
            seed in 0u32..1000,
            low in 1e-6f64..1.0,
            width in 1e-6f64..100.0,
        ) {
            let high = low + width;
            for function in ["uniform", "loguniform"] {
                let overrides = [
                    "sweep.method=random".to_owned(),
                    format!("sweep.seed={seed}"),
                    "sweep.count=8".to_owned(),
                    format!("a.x={function}({low},{high})"),
                ];
                let drawn = texts(&overrides);
                prop_assert_eq!(&drawn, &texts(&overrides));
                for text in &drawn {
                    let value: f64 = text.trim_start_matches("a.x=").parse().expect("a number");
                    prop_assert!((low..=high).contains(&value), "{value} in {low}..{high}");
                }
            }
        }
    }
}
