use super::*;
use proptest::prelude::*;

fn positions(text: &str, layers: usize) -> Vec<usize> {
    let slices = LayerSlices::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    slices.resolve(layers).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(text: &str) -> (Option<usize>, String) {
    let error = LayerSlices::parse(text).expect_err(text);
    (error.at(), error.to_string())
}

#[test]
fn slices_are_read_as_the_users_manual_writes_them() {
    assert_eq!(positions("(0:-1)", 4), [0, 1, 2]);
    assert_eq!(positions("(150:)", 152), [150, 151]);
    assert_eq!(positions("(8, 110:112, -1)", 144), [8, 110, 111, 143]);
    assert_eq!(positions("(0, -1)", 4), [0, 3]);
    assert_eq!(positions("(0)", 4), [0]);
    assert_eq!(positions("-1", 4), [3]);
    for nothing in ["None", " none ", "NONE"] {
        assert_eq!(positions(nothing, 4), [0; 0]);
    }
}

#[test]
fn an_index_without_a_layer_is_named_with_the_number_of_layers() {
    let slices = LayerSlices::parse("(0:-1, 144)").expect("legal");
    let error = slices.resolve(144).expect_err("there is no layer 144");
    assert_eq!(
        error.to_string(),
        "there is no layer 144: the model has 144 layers, so an index is -144 to 143"
    );
    assert_eq!(error, SlicesError::OutOfRange { index: 144, layers: 144 });
    assert!(LayerSlices::parse("(0)").expect("legal").resolve(0).is_err());
}

#[test]
fn refusals_say_what_stands_where() {
    let at = |at: usize, message: &str| (Some(at), message.to_owned());
    assert_eq!(refusal("(0:-1"), at(5, "found the end where `:`, `,` or `)` should be"));
    assert_eq!(refusal("()"), at(1, "found `)` where an index or a slice should be"));
    assert_eq!(refusal("(a)"), at(1, "found `a` where an index or a slice should be"));
    assert_eq!(refusal("(0 1)"), at(3, "found `1` where `:`, `,` or `)` should be"));
    assert_eq!(refusal("(0:1) 2"), at(6, "found `2` where the end should be"));
    assert_eq!(refusal("[0:1]"), at(0, "found `[` where an index or a slice should be"));
    assert_eq!(refusal("(0:-)"), at(4, "found `)` where a whole number should be"));
    assert_eq!(refusal("(1.5)"), at(1, "`1.5` is not an index: it is not a whole number"));
    assert_eq!(refusal("(07)"), at(1, "`07` is not an index: a whole number has no leading zeros"));
    assert_eq!(refusal("(0:9: 0)"), at(6, "the step of a slice cannot be 0"));
    assert_eq!(refusal(&"0,".repeat(40_000)).1, "80000 bytes are too long for layer slices (at most 65536)");
}

/// Made by `tests/golden/layer_slices.py` with CPython 3.
#[test]
fn positions_equal_cpythons() {
    let golden = include_str!("../../../tests/golden/layer_slices.tsv");
    let mut lines = 0;
    for line in golden.lines().filter(|line| !line.starts_with('#')) {
        let [text, layers, expected] =
            line.split('\t').collect::<Vec<_>>().try_into().expect("three columns");
        let got =
            LayerSlices::parse(text).and_then(|slices| slices.resolve(layers.parse().expect("a number")));
        let got = match got {
            Ok(positions) if positions.is_empty() => "-".to_owned(),
            Ok(positions) => positions.iter().map(usize::to_string).collect::<Vec<_>>().join(" "),
            Err(SlicesError::OutOfRange { .. }) => "IndexError".to_owned(),
            Err(_) => "error".to_owned(),
        };
        assert_eq!(got, expected, "{text} of {layers} layers");
        lines += 1;
    }
    assert!(lines >= 500, "{lines} lines");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}|[-+0-9:, ()xNone_.]{0,40}", layers in 0usize..200) {
        match LayerSlices::parse(&text) {
            Ok(slices) => {
                let positions = slices.resolve(layers).unwrap_or_default();
                prop_assert!(positions.is_sorted_by(|a, b| a < b) && positions.iter().all(|&at| at < layers));
            }
            Err(error) => prop_assert!(error.at().is_none_or(|at| text.is_char_boundary(at)), "{error:?}"),
        }
    }

    #[test]
    fn what_is_written_is_read_back(text in "\\((-?[0-9]{1,3}|-?[0-9]{0,3}:-?[0-9]{1,3}(:-?[1-9]|:)?)(, ?:(1|-2)?)?\\)") {
        let slices = LayerSlices::parse(&text);
        prop_assume!(slices.is_ok());
        prop_assert_eq!(LayerSlices::parse(&slices.clone().expect("just read").to_string()), slices);
    }
}
