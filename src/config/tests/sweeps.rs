//! Values that stand for several, and variants.

use super::{CHAIN, started};
use crate::config::{Base, Setting, space::texts, text::Text};
use insta::assert_snapshot;

/// What Hydra's users know: <https://hydra.cc/docs/advanced/override_grammar/extended/>.
#[test]
fn values_stand_for_several_as_they_do_for_hydra() {
    let several: &[(&str, &[&str])] = &[
        ("a,b,c", &["a", "b", "c"]),
        ("10, 20 ,30", &["10", "20", "30"]),
        ("'a,b',\"c,d\"", &["'a,b'", "\"c,d\""]),
        ("[1,2],[3,4]", &["[1,2]", "[3,4]"]),
        ("{a: 1, b: 2},{c: 3}", &["{a: 1, b: 2}", "{c: 3}"]),
        ("(64,64,3),(96,96,3)", &["(64,64,3)", "(96,96,3)"]),
        ("(0:-1),None", &["(0:-1)", "None"]),
        ("${a.b},${oc.env:X,1}", &["${a.b}", "${oc.env:X,1}"]),
        ("it's,isn't", &["it's", "isn't"]),
        ("choice(a,b)", &["a", "b"]),
        ("choice(a)", &["a"]),
        ("choice( (1,2) , [3] )", &["(1,2)", "[3]"]),
        ("range(1,4)", &["1", "2", "3"]),
        ("range(3)", &["0", "1", "2"]),
        ("range(1,10,2)", &["1", "3", "5", "7", "9"]),
        ("range(1,10,3)", &["1", "4", "7"]),
        ("range(start=1, stop=7, step=3)", &["1", "4"]),
        ("range(stop=2)", &["0", "1"]),
        ("range(3,0,-1)", &["3", "2", "1"]),
        ("range(-2,1)", &["-2", "-1", "0"]),
        ("range(0.1,0.5,0.1)", &["0.1", "0.2", "0.3", "0.4"]),
        ("range(0,1,0.25)", &["0.0", "0.25", "0.5", "0.75"]),
        ("range(1.0,4)", &["1.0", "2.0", "3.0"]),
        ("range(1e-3,4e-3,1e-3)", &["0.001", "0.002", "0.003"]),
        ("range(-.1,.1,.1)", &["-0.1", "0.0"]),
        ("range(1,4),None", &["1", "2", "3", "None"]),
    ];
    for (text, values) in several {
        let found = texts(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            found.as_deref(),
            Some(&values.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
            "{text}"
        );
    }
    let single = [
        "a",
        "1/127.5",
        "'a,b'",
        "[1,2]",
        "{a: 1, b: 2}",
        "(64, 64, 3)",
        "(8, 110:121, -1)",
        "${oc.env:X,1}",
        "a(b",
        "",
        "lambda epoch, lr: lr",
        "ranges",
        "range",
        "arrange(1,2)",
        "it's",
        "${now:%Y},".trim_end_matches(','),
    ];
    for text in single {
        assert_eq!(texts(text), Ok(None), "{text}");
    }
}

#[test]
fn a_tenth_is_never_three_tenths_and_a_bit() {
    let found = texts("range(0,100,0.1)").unwrap().unwrap();
    assert_eq!(found.len(), 1000);
    for (index, text) in found.iter().enumerate() {
        let expected = format!("{}.{}", index / 10, index % 10);
        assert_eq!(*text, expected);
    }
}

fn base(yaml: &str, overrides: &[&str]) -> Result<Base, String> {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    Base::read_text(&Text::new("chain.yaml", yaml), &overrides, &started())
        .map_err(|errors| errors.render(false))
}

/// The mistakes of the section or of what the command line sweeps.
fn report(yaml: &str, overrides: &[&str]) -> String {
    match base(yaml, overrides) {
        Err(report) => report,
        Ok(base) => base.section().map(|_| ()).expect_err("a mistake").render(false),
    }
}

#[test]
fn mistakes_in_values_are_shown_where_they_are() {
    let all = [
        "training.epochs=1,,2",
        "training.epochs=1,",
        "training.epochs=1,(2,3",
        "training.epochs=1,'2",
        "training.epochs=a\\,b,c",
        "training.epochs=choice()",
        "training.epochs=range(4,1)",
        "training.epochs=range(1,4,0)",
        "training.epochs=range(1,b)",
        "training.epochs=range(1,2,3,4)",
        "training.epochs=range()",
        "training.epochs=range(0,1,1e-9)",
        "training.epochs=uniform(1)",
        "training.epochs=uniform(2,1)",
        "training.epochs=loguniform(0,1)",
        "training.epochs=tag(sqrt, interval(1,2))",
        "training.epochs=1,uniform(1,2)",
        "training.epochs=glob(*)",
        "sweep.count=1,2",
        "hydra.run.dir=a,b",
        "training..epochs=1,2",
    ];
    assert_snapshot!("values", all.map(|change| report(CHAIN, &[change])).join("\n"));
    assert_snapshot!("values_twice", report(CHAIN, &["training.epochs=1,2", "training.epochs=3,4"]));
}

#[test]
fn a_mistake_in_a_file_stands_beside_those_of_the_values() {
    let file = CHAIN.replace("epochs: 10", "epochz: 10");
    assert_snapshot!("values_and_file", report(&file, &["training.batch_size=1,,2"]));
}

#[test]
fn mistakes_in_the_section_are_shown_where_they_are() {
    let sections = [
        "sweep: {method: gird}",
        "sweep:\n  parameter: {}",
        "sweep:\n  parameters:\n    training.epochs: {a: 1}\n    training.batch_size: []",
        "sweep:\n  parameters:\n    training.epochs: range(4,1)\n    training[0]: [1]",
        "sweep:\n  parameters:\n    training.epochs: 1,,2\n    sweep.seed: [1, 2]\n    ~training.batch_size: [1]",
        "sweep:\n  method: list\n  variants:\n    - 3\n    - {training.epochs: 3}",
        "sweep:\n  method: list\n  file: no.csv",
        "sweep:\n  method: list\n  file: no.txt",
    ];
    let folder = std::env::current_dir().unwrap();
    let reports = sections.map(|section| report(&format!("{CHAIN}{section}\n"), &[])).join("\n");
    assert_snapshot!("sections", reports.replace(folder.to_str().unwrap(), "FOLDER"));
    let base = base(CHAIN, &["hydra.sweep.dir=[a]"]).unwrap();
    assert_snapshot!("sweep_dir", base.sweep_dir().unwrap_err().render(false));
}

#[test]
fn the_folder_of_a_sweep_is_hydras() {
    let dir = |overrides: &[&str]| base(CHAIN, overrides).unwrap().sweep_dir().unwrap();
    assert_eq!(dir(&[]), None);
    assert_eq!(dir(&["hydra.sweep.dir=sweeps/${now:%Y}"]).as_deref(), Some("sweeps/2026"));
}

#[test]
fn a_variant_is_the_file_with_its_changes_and_without_the_section() {
    let yaml = format!(
        "{CHAIN}sweep:\n  parameters:\n    training.epochs: [3, 4]\n    +training.dropout: range(0.1,0.3,0.1)\n"
    );
    let base = base(&yaml, &["general.project_name=other"]).unwrap();
    let section = base.section().unwrap();
    let settings: Vec<Setting> = section
        .parameters
        .iter()
        .map(|parameter| Setting { key: parameter.key.clone(), choice: parameter.space.get(1).unwrap() })
        .collect();
    let loaded = base.load(&settings).unwrap();
    let training = loaded.config.training.as_ref().unwrap();
    assert_eq!((training.epochs, training.dropout), (Some(4), Some(0.2)));
    assert_eq!(loaded.config.sweep, None);
    assert!(!loaded.resolved_yaml().contains("sweep"), "{}", loaded.resolved_yaml());
    assert_eq!(
        loaded.overrides(),
        ["general.project_name=other", "training.epochs=4", "+training.dropout=0.2"]
    );
}

#[test]
fn the_command_line_replaces_values_of_the_section_by_key() {
    let yaml =
        format!("{CHAIN}sweep:\n  parameters:\n    training.epochs: [3, 4]\n    training.batch_size: 2,4\n");
    let keys = |overrides: &[&str]| {
        let base = base(&yaml, overrides).unwrap();
        let section = base.section().unwrap();
        let keys = section.parameters.iter().chain(base.swept()).map(|parameter| parameter.key.name());
        keys.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(keys(&[]), "training.epochs training.batch_size");
    assert_eq!(keys(&["training.epochs=5"]), "training.batch_size");
    assert_eq!(keys(&["training.epochs=5,6"]), "training.batch_size training.epochs");
}

#[test]
fn values_of_all_kinds_in_the_section_are_changes_that_the_command_line_could_have_made() {
    let yaml = format!(
        "{CHAIN}sweep:\n  parameters:\n    training.optimizer:\n      - Adam: {{learning_rate: 0.5}}\n      - SGD\n      \
         - \"SGD\"\n    dataset.class_names: [[a, 'b,c'], None]\n    training.model.input_shape: (64, 64, 3),(96, 96, 3)\n"
    );
    let base = base(&yaml, &[]).unwrap();
    let section = base.section().unwrap();
    let mut texts = Vec::new();
    for parameter in &section.parameters {
        for index in 0..parameter.space.count().unwrap() {
            let choice = parameter.space.get(index).unwrap();
            let setting = Setting { key: parameter.key.clone(), choice };
            let loaded =
                base.load(std::slice::from_ref(&setting)).map_err(|errors| errors.render(false)).unwrap();
            // The same from the command line.
            let again = self::base(CHAIN, &[&setting.text()]).unwrap().load(&[]).unwrap();
            assert_eq!(loaded.config, again.config, "{}", setting.text());
            texts.push(setting.text());
        }
    }
    assert_snapshot!(texts.join("\n"), @r#"
    training.optimizer={Adam: {learning_rate: 0.5}}
    training.optimizer=SGD
    training.optimizer="SGD"
    dataset.class_names=[a, "b,c"]
    dataset.class_names=None
    training.model.input_shape=(64, 64, 3)
    training.model.input_shape=(96, 96, 3)
    "#);
}

#[test]
fn tables_of_variants_are_read_whatever_their_format() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs_err::write(&path, text).unwrap();
        let yaml = format!("{CHAIN}sweep: {{method: list, file: {}}}\n", path.display());
        let base = base(&yaml, &[]).unwrap();
        let rows = base.section().map_err(|errors| errors.render(false))?.variants;
        Ok::<_, String>(
            rows.iter()
                .map(|row| row.iter().map(Setting::text).collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>(),
        )
    };
    let expected = Ok(vec![
        "training.epochs=3 training.model.input_shape=(64, 64, 3)".to_owned(),
        "training.epochs=4".to_owned(),
    ]);
    let csv = "training.epochs , training.model.input_shape\r\n3,\"(64, 64, 3)\"\n\n4,\n";
    assert_eq!(rows("a.csv", csv), expected);
    assert_eq!(rows("b.csv", csv.trim_end()), expected);
    let yaml = "- {training.epochs: 3, training.model.input_shape: '(64, 64, 3)'}\n- training.epochs: 4\n";
    let quoted = Ok(vec![
        "training.epochs=3 training.model.input_shape=\"(64, 64, 3)\"".to_owned(),
        "training.epochs=4".to_owned(),
    ]);
    assert_eq!(rows("a.yaml", yaml), quoted);
    let lines = "{\"training.epochs\": 3, \"training.model.input_shape\": \"(64, 64, 3)\"}\n\n{\"training.epochs\": 4}\n";
    assert_eq!(rows("a.jsonl", lines), quoted);
    let wrong = [
        ("empty.csv", ""),
        ("headings.csv", "training.epochs,\n1,2\n"),
        ("short.csv", "training.epochs,training.batch_size\n1\n"),
        ("quote.csv", "training.epochs\n\"1\n"),
        ("behind.csv", "training.epochs\n\"1\" 2\n"),
        ("key.csv", "training..epochs\n1\n"),
        ("map.yaml", "a: 1\n"),
        ("row.yaml", "- {training.epochs: 1}\n- 3\n"),
        ("row.jsonl", "{\"training.epochs\": 1}\n[]\n"),
    ];
    let reports = wrong.map(|(name, text)| rows(name, text).expect_err(name));
    assert_snapshot!("tables", reports.join("\n").replace(folder.path().to_str().unwrap(), "FOLDER"));
}
