//! Trainings of models from files.

use super::support::{Story, file_at, inputs, run_from, settings};
use crate::{ModelSettings, Train, TrainSettings};
use contract::{Finding, Input, Preflight, Settings, Stage, StageError};
use model::{Activation, Conv2d, Graph, GraphBuilder, Initializer, Interpolation, LayerId, Op, Padding};
use std::collections::BTreeMap;

/// A small model of a user's own: 32x32 images, 4 classes.
struct Own {
    channels: usize,
    classes: usize,
    upsampling: usize,
    dropout: bool,
    rescaling: bool,
    /// Where there is a function for probabilities: a layer of its own, in the classifier, or under the upsampling.
    softmax: Option<&'static str>,
}

impl Default for Own {
    fn default() -> Self {
        Self { channels: 3, classes: 4, upsampling: 2, dropout: false, rescaling: false, softmax: None }
    }
}

impl Own {
    fn graph(&self) -> Graph {
        let mut net = GraphBuilder::new("own");
        let mut last = net.input("image", &[32, 32, self.channels]).expect("an input");
        let mut add = |name: &str, op: Op| {
            last = net.layer(name, op, &[last], Initializer::HeNormal).expect("a layer");
        };
        if self.rescaling {
            add("to_unit", Op::Rescale { scale: 1.0 / 255.0, offset: 0.0 });
        }
        let conv = |filters, kernel, stride, activation| {
            let (kernel, strides, dilation) = ((kernel, kernel), (stride, stride), (1, 1));
            let padding = Padding::Same;
            Op::Conv2d(Conv2d { filters, kernel, strides, dilation, padding, bias: true, activation })
        };
        add("stem", conv(8, 3, 2, Activation::Linear));
        add("norm", Op::BatchNorm { momentum: 0.9, epsilon: 1e-3, center: true, scale: true });
        add("relu", Op::Relu { max_value: None });
        if self.dropout {
            add("drop", Op::Dropout { rate: 0.9 });
        }
        let inside = if self.softmax == Some("inside") { Activation::Softmax } else { Activation::Linear };
        if self.softmax == Some("classifier") {
            let factor = (self.upsampling, self.upsampling);
            add("up", Op::Upsample { factor, interpolation: Interpolation::Bilinear });
            add("classes", conv(self.classes, 1, 1, Activation::Softmax));
        } else {
            add("classes", conv(self.classes, 1, 1, inside));
            let factor = (self.upsampling, self.upsampling);
            add("up", Op::Upsample { factor, interpolation: Interpolation::Bilinear });
        }
        match self.softmax {
            Some("layer") => add("softmax", Op::Activation(Activation::Softmax)),
            Some("class") => add("softmax", Op::Softmax),
            Some("sigmoid") => add("sigmoid", Op::Activation(Activation::Sigmoid)),
            _ => {}
        }
        let mut graph = net.finish(last).expect("a graph");
        model::initialize(&mut graph, 7);
        graph
    }

    /// The model as a file at the port, and the folder that it lies in.
    fn file(&self) -> (tempfile::TempDir, BTreeMap<String, Input>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("own.h5");
        formats::keras::write_h5(&self.graph(), &path).expect("a file");
        (folder, file_at("model", &path))
    }
}

/// Settings of a training of a model file.
fn of_file(dropout: Option<f64>) -> TrainSettings {
    TrainSettings { model: ModelSettings::File, dropout, ..settings() }
}

pub(crate) fn preflight(settings: &TrainSettings, files: BTreeMap<String, Input>) -> Vec<Finding> {
    let inputs = inputs().into_iter().chain(files).collect();
    Train.preflight(&Preflight { settings: Settings::of(settings), inputs, threads: 2, list_all: false })
}

/// Findings as text.
pub(crate) fn told(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let help = finding.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
        format!("{:?} {}: {}{help}", finding.severity, finding.code, finding.message)
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub(crate) fn trained(story: &Story) -> Graph {
    assert!(story.result.is_ok(), "{:?}", story.result);
    formats::keras::read_bytes(story.files["saved_models/best_model.h5"].clone()).expect("a model")
}

fn weights<'a>(graph: &'a Graph, layer: &str) -> &'a [f32] {
    let id: LayerId = graph.find(layer).expect("a layer");
    graph.layer(id).weights[0].as_f32().expect("floats")
}

#[test]
fn a_model_file_is_trained_and_keeps_its_architecture() {
    let own = Own { dropout: true, ..Own::default() };
    let (folder, file) = own.file();
    let settings = of_file(Some(0.25));
    assert_eq!(told(&preflight(&settings, file.clone())), "");
    let story = run_from(file, &settings, folder.path(), 2, None);
    let after = trained(&story);
    let before = own.graph();
    let names = |graph: &Graph| graph.layers.iter().map(|layer| layer.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before));
    for layer in ["stem", "classes"] {
        assert_ne!(weights(&after, layer), weights(&before, layer), "{layer} was not trained");
    }
    let drop = after.layer(after.find("drop").expect("a layer"));
    assert_eq!(drop.op, Op::Dropout { rate: 0.25 }, "the rate of the file is replaced");
}

#[test]
fn a_model_starts_with_the_weights_of_its_file() {
    // A step so small that the weights stay where they are.
    let adam = contract::config::Adam { learning_rate: 1e-30, ..contract::config::Adam::default() };
    let settings = TrainSettings { optimizer: crate::OptimizerSettings::Adam(adam), ..of_file(None) };
    let (folder, file) = Own::default().file();
    let after = trained(&run_from(file, &settings, folder.path(), 2, None));
    assert_eq!(weights(&after, "stem"), weights(&Own::default().graph(), "stem"));
}

#[test]
fn what_does_not_fit_is_told_before_the_run() {
    let cases = [
        ("channels", Own { channels: 1, ..Own::default() }, None),
        ("size", Own { upsampling: 1, ..Own::default() }, None),
        ("classes", Own { classes: 3, ..Own::default() }, None),
        ("rescaled_twice", Own { rescaling: true, ..Own::default() }, None),
        ("no_dropout", Own::default(), Some(0.5)),
        ("dropout_unset", Own { dropout: true, ..Own::default() }, None),
        ("early_softmax", Own { softmax: Some("inside"), ..Own::default() }, None),
        ("sigmoid", Own { softmax: Some("sigmoid"), ..Own::default() }, None),
        (
            "everything",
            Own { channels: 1, classes: 3, rescaling: true, dropout: true, ..Own::default() },
            None,
        ),
    ];
    for (name, own, dropout) in cases {
        let (folder, file) = own.file();
        let findings = preflight(&of_file(dropout), file.clone());
        insta::assert_snapshot!(name, told(&findings));
        // The same is found where the file was not there before the run.
        let story = run_from(file, &of_file(dropout), folder.path(), 2, None);
        let Err(StageError::Failed { code, .. }) = story.result else { panic!("{name}: {:?}", story.result) };
        assert_eq!(code, findings[0].code, "{name}");
    }
}

#[test]
fn a_model_that_rescales_pixels_itself_is_trained_on_pixels() {
    let (folder, file) = Own { rescaling: true, ..Own::default() }.file();
    let mut settings = of_file(None);
    (settings.preprocessing.scale, settings.preprocessing.offset) = (1.0, 0.0);
    assert_eq!(told(&preflight(&settings, file.clone())), "");
    trained(&run_from(file, &settings, folder.path(), 2, None));
}

/// The loss is that of a softmax over logits, so a model with a softmax at its end must move as the one without it.
#[test]
fn a_softmax_at_the_end_changes_nothing_but_the_output() {
    let run = |own: &Own| {
        let (folder, file) = own.file();
        assert_eq!(told(&preflight(&of_file(None), file.clone())), "");
        run_from(file, &of_file(None), folder.path(), 2, None)
    };
    let plain = run(&Own::default());
    for (kind, saved) in [("layer", Op::Activation(Activation::Softmax)), ("class", Op::Softmax)] {
        let ended = run(&Own { softmax: Some(kind), ..Own::default() });
        assert_eq!(plain.lasting, ended.lasting, "{kind}");
        let (plain, ended) = (trained(&plain), trained(&ended));
        assert_eq!(weights(&plain, "classes"), weights(&ended, "classes"), "{kind}");
        assert_eq!(ended.layer(ended.output).op, saved, "the softmax is saved");
    }

    let joined = trained(&run(&Own { softmax: Some("classifier"), ..Own::default() }));
    let Op::Conv2d(conv) = &joined.layer(joined.output).op else { panic!("the classifier is last") };
    assert_eq!(conv.activation, Activation::Softmax, "the softmax is saved");
}

#[test]
fn what_is_no_model_or_cannot_be_trained_is_told_before_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.h5");
    fs_err::write(&path, "no model").expect("a file");
    let findings = preflight(&of_file(None), file_at("model", &path));
    assert_eq!(findings.len(), 1);
    assert!(findings[0].message.contains("notes.h5"), "{}", findings[0].message);
}

#[test]
fn a_file_at_a_port_that_settings_leave_no_room_for_is_refused() {
    let (folder, file) = Own::default().file();
    insta::assert_snapshot!("superfluous_model", told(&preflight(&settings(), file.clone())));
    let story = run_from(file, &settings(), folder.path(), 2, None);
    assert!(matches!(story.result, Err(StageError::Failed { code, .. }) if code == "train::inputs"));
}

#[test]
fn a_model_that_another_stage_is_yet_to_make_is_not_looked_at() {
    assert_eq!(told(&preflight(&of_file(None), BTreeMap::new())), "");
    let machine = contract::Machine { memory: 8 << 30 };
    let question =
        Preflight { settings: Settings::of(&of_file(None)), inputs: inputs(), threads: 2, list_all: false };
    assert_eq!(Train.demand(&question, &machine), contract::Demand::default());
}
