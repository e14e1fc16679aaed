use super::*;
use crate::store::{InputKey, RecipeDocument};

fn with_input(digest: Digest) -> KeyDocument {
    let input = InputKey { kind: ArtifactKind::FloatModel, digest };
    KeyDocument { inputs: BTreeMap::from([("model".to_owned(), input)]), ..key(1) }
}

#[test]
fn every_part_of_a_key_changes_the_fingerprint() {
    let base = with_input(Digest::of(b"model"));
    let others = [
        KeyDocument { stage: "quantize".to_owned(), ..base.clone() },
        KeyDocument { version: 2, ..base.clone() },
        KeyDocument { settings: key(2).settings, ..base.clone() },
        KeyDocument { device: Some("cpu".to_owned()), ..base.clone() },
        with_input(Digest::of(b"other model")),
        KeyDocument {
            inputs: base.inputs.values().map(|input| ("reference".to_owned(), input.clone())).collect(),
            ..base.clone()
        },
        key(1),
    ];
    let mut fingerprints: Vec<Digest> = others.iter().map(|key| key.fingerprint().unwrap()).collect();
    fingerprints.push(base.fingerprint().unwrap());
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), others.len() + 1);
}

#[test]
fn a_key_has_the_same_fingerprint_after_being_saved_and_whatever_the_order_of_its_settings() {
    let settings = |text: &str| serde_json::from_str::<Settings>(text).unwrap();
    let one = KeyDocument { settings: settings(r#"{"a": 0.1, "b": {"c": -0.0, "d": [1e-7, 3]}}"#), ..key(1) };
    let two = KeyDocument { settings: settings(r#"{"b": {"d": [1e-7, 3], "c": 0.0}, "a": 0.1}"#), ..key(1) };
    let saved = serde_json::to_string(&one).unwrap();
    let read: KeyDocument = serde_json::from_str(&saved).unwrap();
    assert_eq!(one.fingerprint().unwrap(), two.fingerprint().unwrap());
    assert_eq!(one.fingerprint().unwrap(), read.fingerprint().unwrap());
}

#[test]
fn fingerprints_do_not_drift() {
    // The canonical JSON is spelled out, so that a change of it, which would make every store cold, does not pass
    // unseen.
    let text = r#"["fingerprint",{"inputs":{"model":{"digest":"INPUT","kind":"float_model"}},"settings":{"seed":1},"stage":"train","version":1}]"#;
    let text = text.replace("INPUT", &Digest::of(b"model").to_string());
    assert_eq!(with_input(Digest::of(b"model")).fingerprint().unwrap(), Digest::of(text.as_bytes()));
}

#[test]
fn a_recipe_is_never_a_fingerprint() {
    let key = with_input(Digest::of(b"model"));
    let recipe = RecipeDocument {
        stage: key.stage.clone(),
        version: key.version,
        settings: key.settings.clone(),
        inputs: key.inputs.clone(),
        device: None,
    };
    assert_eq!(serde_json::to_value(&recipe).unwrap(), serde_json::to_value(&key).unwrap());
    assert_ne!(recipe.recipe().unwrap(), key.fingerprint().unwrap());
}
