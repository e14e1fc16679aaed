//! Trainings that start from the backbone of another model.

use super::{
    start::{preflight, told, trained},
    support::{file_at, run_from, settings},
};
use crate::{ModelSettings, OptimizerSettings, Train, TrainSettings, start::ports};
use contract::{
    Config, Input, IssueKind, SourceContent, Stage, StageError,
    config::{Adam, Aspp, ModelSpec},
};
use hdf5_pure::{AttrValue, FileBuilder};
use model::{Graph, Layer};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A network for 32x32 images with weights of its own.
fn network(alpha: f64, output_stride: usize) -> TrainSettings {
    let model = ModelSettings::DeeplabV3MobilenetV2 {
        input_shape: (32, 32, 3),
        alpha,
        output_stride,
        aspp: Aspp::V2,
    };
    TrainSettings { model, ..settings() }
}

fn graph(settings: &TrainSettings, seed: u64) -> Graph {
    let mut graph = settings.graph().expect("a network").expect("of the zoo");
    model::initialize(&mut graph, seed);
    // Statistics as after a training, unlike those that a network begins with.
    for layer in graph.layers.iter_mut().filter(|layer| layer.op.class() == "BatchNormalization") {
        let channels = layer.weights[2].data.len();
        layer.weights[2].data = model::Data::F32(vec![0.25; channels]);
        layer.weights[3].data = model::Data::F32(vec![4.0; channels]);
    }
    graph
}

/// A training that moves nothing but statistics.
fn still(settings: TrainSettings) -> TrainSettings {
    let adam = Adam { learning_rate: 1e-30, ..Adam::default() };
    TrainSettings { optimizer: OptimizerSettings::Adam(adam), epochs: 1, ..settings }
}

/// A model file at the port, and the folder that it lies in.
fn model_file(graph: &Graph) -> (tempfile::TempDir, BTreeMap<String, Input>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.h5");
    formats::keras::write_h5(graph, &path).expect("a file");
    (folder, file_at("backbone", &path))
}

fn layer<'a>(graph: &'a Graph, name: &str) -> &'a Layer {
    graph.layer(graph.find(name).expect("a layer"))
}

fn kernel<'a>(graph: &'a Graph, name: &str) -> &'a [f32] {
    layer(graph, name).weights[0].as_f32().expect("floats")
}

#[test]
fn the_backbone_comes_from_the_file_and_the_rest_is_drawn() {
    let settings = still(network(0.35, 16));
    let other = graph(&settings, 99);
    let (folder, file) = model_file(&other);
    assert_eq!(told(&preflight(&settings, file.clone())), "");
    let after = trained(&run_from(file, &settings, folder.path(), 2, None));
    for name in ["Conv1", "block_6_depthwise", "block_13_expand"] {
        assert_eq!(kernel(&after, name), kernel(&other, name), "{name} is not that of the file");
    }
    let drawn = graph(&settings, settings.seed);
    for name in ["aspp_1x1", "aspp_dw1", "logits"] {
        assert_eq!(kernel(&after, name), kernel(&drawn, name), "{name} is not that of the seed");
    }
}

#[test]
fn a_backbone_of_another_width_or_depth_is_refused_by_its_first_layer() {
    let cases = [
        ("other_alpha", network(0.5, 16), network(0.35, 16)),
        ("less_deep", network(0.35, 8), network(0.35, 16)),
    ];
    for (name, other, settings) in cases {
        let (folder, file) = model_file(&graph(&other, 1));
        insta::assert_snapshot!(name, told(&preflight(&settings, file.clone())));
        let story = run_from(file, &settings, folder.path(), 2, None);
        let Err(StageError::Failed { code, .. }) = story.result else { panic!("{name}: {:?}", story.result) };
        assert_eq!(code, "train::backbone", "{name}");
    }
    let (folder, file) = model_file(&graph(&network(0.35, 16), 1));
    let settings = still(network(0.35, 8));
    assert_eq!(told(&preflight(&settings, file.clone())), "", "a deeper one has all layers");
    trained(&run_from(file, &settings, folder.path(), 2, None));
}

/// Weights as `save_weights` of Keras 2 has them, and Keras' files of pretrained weights: layers at the root, names with an
/// output's number, no network, and no layers but those of the backbone.
/// `rename` gives what a layer is called there.
fn weights_file(graph: &Graph, path: &Path, rename: fn(usize, &str) -> String) {
    let text = |values: Vec<String>| AttrValue::VarLenAsciiStringArray(values);
    let mut file = FileBuilder::new();
    let mut names = Vec::new();
    for (position, layer) in graph.layers.iter().enumerate() {
        if layer.name.starts_with("aspp") || layer.name.starts_with("logits") {
            continue;
        }
        let own = rename(position, &layer.name);
        names.push(own.clone());
        let mut group = file.create_group(&own);
        let shapes = match layer.inputs.first() {
            Some(input) => layer.op.weight_shapes(&graph.layer(*input).output.shape),
            None => Vec::new(),
        };
        let name = |weight: &str| match layer.op.class() {
            "DepthwiseConv2D" => "depthwise_kernel:0".to_owned(),
            _ => format!("{weight}:0"),
        };
        let paths: Vec<String> = shapes.iter().map(|(weight, _)| format!("{own}/{}", name(weight))).collect();
        let mut inner = group.create_group(&own);
        for ((weight, shape), tensor) in shapes.iter().zip(&graph.layers[position].weights) {
            let shape: Vec<u64> = shape.iter().map(|size| *size as u64).collect();
            let values = tensor.as_f32().expect("floats");
            inner.create_dataset(&name(weight)).with_f32_data(values).with_shape(&shape);
        }
        group.add_group(inner.finish());
        group.set_attr(
            "weight_names",
            if paths.is_empty() { AttrValue::F64Array(Vec::new()) } else { text(paths) },
        );
        file.add_group(group.finish());
    }
    file.set_attr("layer_names", text(names));
    file.set_attr("backend", AttrValue::VarLenString("tensorflow".to_owned()));
    fs_err::write(path, file.finish().expect("a file")).expect("a file");
}

#[test]
fn weights_without_a_network_are_enough() {
    let settings = still(network(0.35, 16));
    let other = graph(&settings, 99);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5");
    let renames: [fn(usize, &str) -> String; 2] =
        [|_, name| name.to_owned(), |position, _| format!("features.{position}")];
    for rename in renames {
        weights_file(&other, &path, rename);
        let file = file_at("backbone", &path);
        assert_eq!(told(&preflight(&settings, file.clone())), "");
        let after = trained(&run_from(file, &settings, &folder.path().join("run"), 2, None));
        for name in ["Conv1", "block_6_depthwise", "block_13_expand"] {
            assert_eq!(kernel(&after, name), kernel(&other, name), "{name}");
        }
        fs_err::remove_dir_all(folder.path().join("run")).expect("a folder");
    }
    let wider = network(0.5, 16);
    insta::assert_snapshot!("weights_of_another_width", told(&preflight(&wider, file_at("backbone", &path))));
}

#[test]
fn what_holds_no_weights_by_layer_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("numbers.h5");
    let mut file = FileBuilder::new();
    file.create_dataset("numbers").with_f32_data(&[1.0]).with_shape(&[1]);
    fs_err::write(&path, file.finish().expect("a file")).expect("a file");
    insta::assert_snapshot!(
        "no_weights_by_layer",
        told(&preflight(&network(0.35, 16), file_at("backbone", &path)))
    );
}

fn spec(name: &str, alpha: Option<f64>, side: usize) -> ModelSpec {
    let spec = json!({"name": name, "alpha": alpha, "input_shape": [side, side, 3], "pretrained_weights": "imagenet"});
    serde_json::from_value(spec).expect("a model")
}

#[test]
fn imagenet_names_the_file_of_keras() {
    let folder = tempfile::tempdir().expect("a folder");
    let mobilenet = |alpha: &str, size: usize| {
        format!("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_{size}_no_top.h5")
    };
    let files = [
        (spec("mobilenet", Some(0.5), 96), mobilenet("0.5", 96)),
        (spec("mobilenet", Some(0.35), 192), mobilenet("0.35", 192)),
        (spec("mobilenet", Some(1.0), 224), mobilenet("1.0", 224)),
        (spec("mobilenet", Some(1.4), 512), mobilenet("1.4", 224)),
        (spec("resnet50", None, 96), "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5".to_owned()),
    ];
    for (spec, name) in files {
        let path = folder.path().join(&name);
        fs_err::write(&path, "never opened here").expect("a file");
        let folders = [PathBuf::from("/no/such/folder"), folder.path().to_owned()];
        let source = ports::imagenet(&spec, &folders).expect("a file");
        assert_eq!(source.content, SourceContent::File(path));
        assert_eq!(
            (source.label.as_str(), source.key.as_str()),
            ("pretrained_weights", "training.model.pretrained_weights")
        );
    }
    // A picture that is not square has the weights of 224.
    let mut wide = spec("mobilenet", Some(0.5), 96);
    wide.input_shape = (96, 192, 3);
    let source = ports::imagenet(&wide, &[folder.path().to_owned()]).expect("to be fetched");
    let place = Some(folder.path().join(mobilenet("0.5", 224)));
    assert!(matches!(source.content, SourceContent::Remote { place: there, .. } if there == place));
}

#[test]
fn imagenet_weights_that_are_not_there_are_fetched_from_where_keras_has_them_into_the_first_folder() {
    let folders = [PathBuf::from("/weights"), PathBuf::from("/home/me/.keras/models")];
    let keras = "https://storage.googleapis.com/tensorflow/keras-applications";
    let cases = [
        (
            spec("mobilenet", Some(0.35), 128),
            "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_128_no_top.h5",
        ),
        (spec("resnet50", None, 128), "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"),
    ];
    for (spec, path) in cases {
        let source = ports::imagenet(&spec, &folders).expect("to be fetched");
        let SourceContent::Remote { address, place } = source.content else { panic!("{:?}", source.content) };
        assert_eq!(address.as_str(), format!("{keras}/{path}"));
        let (_, name) = path.split_once('/').expect("a name");
        assert_eq!(place, Some(PathBuf::from("/weights").join(name)));
    }
    let issues = ports::imagenet(&spec("resnet50", None, 128), &[]).expect_err("no folder");
    assert_eq!((issues.len(), issues[0].kind), (1, IssueKind::Path));
}

/// The stage's source in an environment of its own, for [`the_folder_of_the_environment_comes_before_that_of_keras`].
#[test]
#[ignore = "run by another test"]
fn child() {
    if std::env::var_os("PIPELINE_TEST_CHILD").is_some() {
        let mut config = Config::default();
        let training = json!({"model": spec("mobilenet", Some(0.5), 96)});
        config.training = Some(serde_json::from_value(training).expect("a section"));
        println!(
            "found {:?}",
            Train.source("backbone", &config).map(|source| source.map(|source| source.content))
        );
    }
}

#[test]
fn the_folder_of_the_environment_comes_before_that_of_keras() {
    let home = tempfile::tempdir().expect("a folder");
    let own = home.path().join("own");
    let keras = home.path().join(".keras/models");
    let name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.5_96_no_top.h5";
    for folder in [&own, &keras] {
        fs_err::create_dir_all(folder).expect("a folder");
        fs_err::write(folder.join(name), "weights").expect("a file");
    }
    let found = || {
        let output = std::process::Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "tests::backbone::child", "--ignored", "--nocapture"])
            .env("PIPELINE_TEST_CHILD", "1")
            .env("PIPELINE_WEIGHTS_DIR", &own)
            .env("HOME", home.path())
            .output()
            .expect("a process");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(found().contains(&own.join(name).display().to_string()), "{}", found());
    fs_err::remove_file(own.join(name)).expect("a file");
    assert!(found().contains(&keras.join(name).display().to_string()), "{}", found());
}
