//! Long names made short, and short names understood.

use super::error::CompareError;
use contract::suggest;
use std::collections::BTreeMap;

/// The words of a name, small: `quantized_miou`, `RAM Activations KiB` and `training.batch_size` are words with something
/// between them.
pub(super) fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The shortest end of each name, from a dot on, that no other name has. Of a metric, what says on which images it was
/// taken goes as well where nothing else tells it from another.
pub(super) fn shortened(names: &[String]) -> Vec<String> {
    let all = count(names.iter().flat_map(|name| ends(name)));
    let shortest = |name: &String| ends(name).find(|end| all.get(end) == Some(&1)).unwrap_or(name).to_owned();
    let short: Vec<String> = names.iter().map(shortest).collect();
    let taken = count(short.iter().map(String::as_str));
    let bare = count(short.iter().map(|name| without_set(name)));
    let shown = |name: &String| {
        let end = without_set(name);
        let alone = bare.get(end) == Some(&1) && (end == name || !taken.contains_key(end));
        if alone { end.to_owned() } else { name.clone() }
    };
    short.iter().map(shown).collect()
}

/// The ends of a dotted name, the shortest first.
fn ends(name: &str) -> impl Iterator<Item = &str> {
    name.rmatch_indices('.')
        .map(|(at, _)| at + 1)
        .chain([0])
        .map(|at| &name[at..])
        .filter(|end| !end.is_empty())
}

fn count<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    texts.for_each(|text| *counts.entry(text).or_default() += 1);
    counts
}

/// `quantized_miou` of `quantized_miou_validation_set`.
fn without_set(name: &str) -> &str {
    let Some((before, set)) = name.strip_suffix("_set").and_then(|name| name.rsplit_once('_')) else {
        return name;
    };
    if matches!(set, "validation" | "test" | "training" | "evaluation") { before } else { name }
}

/// The position of the name that is meant. In this order: the name itself; its end from a dot on; its end from any word on;
/// a name that has all the words in this order. What fits several names is none of them.
pub(super) fn meant(wanted: &str, what: &'static str, names: &[String]) -> Result<usize, CompareError> {
    let asked = words(wanted);
    let asked = |fits: fn(&[String], &[String]) -> bool| {
        let asked = &asked;
        move |name: &String| {
            !asked.is_empty() && (fits(&words(name), asked) || fits(&words(without_set(name)), asked))
        }
    };
    let (at_its_end, in_order) = (asked(<[String]>::ends_with), asked(in_order));
    let tiers: [&dyn Fn(&String) -> bool; 4] = [
        &|name| name == wanted,
        &|name| name.strip_suffix(wanted).is_some_and(|before| before.ends_with('.')),
        &at_its_end,
        &in_order,
    ];
    for fits in tiers {
        let found: Vec<usize> = (0..names.len()).filter(|index| fits(&names[*index])).collect();
        match found.as_slice() {
            [] => {}
            [index] => return Ok(*index),
            several => {
                let candidates =
                    several.iter().map(|index| names[*index].as_str()).collect::<Vec<_>>().join("\n");
                return Err(CompareError::AmbiguousName { wanted: wanted.to_owned(), what, candidates });
            }
        }
    }
    Err(CompareError::UnknownName { wanted: wanted.to_owned(), what, help: help(wanted, names) })
}

fn in_order(name: &[String], asked: &[String]) -> bool {
    let mut left = name.iter();
    asked.iter().all(|word| left.any(|other| other == word))
}

/// The nearest name, by the whole or by its end.
fn help(wanted: &str, names: &[String]) -> String {
    let short = shortened(names);
    let all: Vec<&str> = short.iter().map(String::as_str).collect();
    if names.is_empty() {
        return "these runs have none".to_owned();
    }
    let whole = suggest::nearest(wanted, names.iter().map(String::as_str));
    match whole.or_else(|| suggest::nearest(wanted, all.iter().copied())) {
        Some(near) => format!("did you mean `{near}`? there are: {}", suggest::list(&all)),
        None => format!("there are: {}", suggest::list(&all)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_name_is_as_short_as_it_can_be_told_from_all_others() {
        let all = names(&[
            "dataset.name",
            "training.model.name",
            "training.epochs",
            "stages.a.params.x",
            "stages.b.params.x",
            "evaluate.quantized_miou_validation_set",
            "evaluate.float_miou_validation_set",
            "evaluate.float_miou_test_set",
            "operation_mode",
            "estimate-1.RAM KiB",
            "estimate-2.RAM KiB",
        ]);
        assert_eq!(
            shortened(&all),
            [
                "dataset.name",
                "model.name",
                "epochs",
                "a.params.x",
                "b.params.x",
                "quantized_miou",
                "float_miou_validation_set",
                "float_miou_test_set",
                "operation_mode",
                "estimate-1.RAM KiB",
                "estimate-2.RAM KiB",
            ]
        );
    }

    #[test]
    fn a_name_is_meant_by_its_end_or_its_words_and_what_fits_several_is_refused() {
        let all = names(&[
            "train.best_val_miou",
            "evaluate.quantized_miou_validation_set",
            "evaluate.float_miou_validation_set",
            "estimate-1.Flash weights KiB",
            "estimate-2.Flash weights KiB",
            "quantize.quantized_model_kib",
        ]);
        let found = |wanted: &str| meant(wanted, "metric", &all).map(|index| all[index].as_str()).ok();
        assert_eq!(found("best_val_miou"), Some("train.best_val_miou"));
        assert_eq!(found("quantized_miou"), Some("evaluate.quantized_miou_validation_set"));
        assert_eq!(found("estimate-2.flash"), Some("estimate-2.Flash weights KiB"));
        assert_eq!(found("model_kib"), Some("quantize.quantized_model_kib"));
        assert_eq!(found("float"), Some("evaluate.float_miou_validation_set"));
        let refusal =
            |wanted: &str| crate::report::diagnostic(&meant(wanted, "metric", &all).unwrap_err(), false);
        insta::assert_snapshot!("ambiguous_metric", refusal("flash"));
        insta::assert_snapshot!("ambiguous_end", refusal("miou"));
        insta::assert_snapshot!("mistyped_metric", refusal("best_val_moiu"));
        insta::assert_snapshot!("unknown_metric", refusal("temperature"));
    }
}
