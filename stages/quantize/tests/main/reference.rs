//! Against TensorFlow's own converter: the reference network of `../shared/models`, the calibration images that its int8
//! files were made with, and 64 labelled images.

use crate::{
    bench::{Bench, config},
    npz,
    real::{real_output, sqnr},
};
use contract::{ImageEntry, SourceContent, Stage, config::Granularity, config::TensorType};
use model::{Data, Graph, Layer, Op, passes::for_deployment};
use quantize::Quantize;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

const SIDE: usize = 128;
const CLASSES: usize = 3;

/// The folder of reference models; none, with a message, where it is absent.
fn models() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/models");
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var("PIPELINE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
    assert!(!required, "PIPELINE_REQUIRE_PEERS=1, but {} is not there", folder.display());
    println!("skipped: comparison with the reference converter (no ../shared)");
    None
}

/// The stage's int8 graph of the reference network, calibrated on the reference images.
fn quantized(models: &Path, granularity: Granularity, input: TensorType, output: TensorType) -> Graph {
    let mut bench = Bench::new("deeplab_128.h5", SourceContent::Images(Vec::new()));
    fs_err::copy(models.join("deeplab_128.h5"), &bench.model).expect("a copy");
    let images = npz::read(&models.join("calib_128.npz")).remove("X").expect("images");
    let entries = images.iter().enumerate().map(|(index, pixels)| {
        let image = bench.folder.path().join(format!("{index}.png"));
        write_png(&image, pixels);
        ImageEntry { id: index.to_string(), image, mask: None }
    });
    bench.images = SourceContent::Images(entries.collect());
    bench.threads = 2;
    let mut config = config(input, output);
    config.quantization.as_mut().expect("a section").granularity = granularity;
    let settings = Quantize.settings(&config).expect("legal settings");
    formats::tflite::read(&bench.file(&settings)).expect("the file just written")
}

fn write_png(path: &Path, pixels: &[u8]) {
    let file = fs_err::File::create(path).expect("a file");
    let mut encoder = png::Encoder::new(file, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels)).expect("a picture");
}

fn reference(models: &Path, file: &str) -> Graph {
    formats::tflite::read(&fs_err::read(models.join(file)).expect("a file")).expect("a reference model")
}

/// The layer of the converter's file that does the work of our layer: its name is made of the names of all that was fused.
fn counterpart<'a>(theirs: &'a Graph, name: &str) -> &'a Layer {
    let part = format!("/{name}_1/");
    let found: Vec<&Layer> = theirs.layers.iter().filter(|layer| layer.name.contains(&part)).collect();
    assert_eq!(found.len(), 1, "layers whose name contains {part}");
    found[0]
}

fn scale(layer: &Layer) -> (f32, i32) {
    let quant = layer.output.quant.as_ref().expect("an int8 tensor");
    (quant.scales[0], quant.zero_points[0])
}

/// The sum that reads this convolution as its second operand, and that the converter computes in place: there it gives
/// the convolution the range of the sum.
fn summed_in_place<'a>(ours: &'a Graph, layer: &Layer) -> Option<&'a Layer> {
    ours.layers.iter().find(|sum| {
        matches!(sum.op, Op::Add { .. })
            && sum.inputs.get(1).is_some_and(|id| ours.layer(*id).name == layer.name)
    })
}

#[test]
fn scales_and_zero_points_are_those_of_the_reference_converter() {
    let Some(models) = models() else { return };
    let ours = quantized(&models, Granularity::PerChannel, TensorType::Int8, TensorType::Int8);
    let theirs = reference(&models, "deeplab_128_int8_b1_i8in_i8out.tflite");
    assert_eq!(ours.layers.len(), theirs.layers.len());
    let (mut compared, mut summed, mut worst) = (0, 0, 0.0_f32);
    for layer in ours.layers.iter().filter(|layer| !matches!(layer.op, Op::Input | Op::Upsample { .. })) {
        let other = counterpart(&theirs, &layer.name);
        worst = worst.max(kernel_scales_differ(layer, other));
        let ((mine, zero_point), (their, their_zero_point)) = (scale(layer), scale(other));
        if let Some(sum) = summed_in_place(&ours, layer) {
            assert_eq!((their, their_zero_point), scale(counterpart(&theirs, &sum.name)), "{}", layer.name);
            assert!(mine < their, "{}: its own range is the finer one", layer.name);
            summed += 1;
            continue;
        }
        worst = worst.max((mine / their - 1.0).abs());
        assert_eq!(zero_point, their_zero_point, "{}", layer.name);
        compared += 1;
    }
    for (mine, their) in
        [(&ours.layers[0], &theirs.layers[0]), (ours.layer(ours.output), theirs.layer(theirs.output))]
    {
        worst = worst.max((scale(mine).0 / scale(their).0 - 1.0).abs());
        assert_eq!(scale(mine).1, scale(their).1, "zero point at a border");
    }
    println!(
        "{compared} scales differ by at most {worst:.1e} of themselves, {summed} are of layers summed in place"
    );
    assert!(worst < 1e-5, "a scale differs by {worst:.1e}");
    assert_eq!((compared, summed), (52, 8));
}

#[test]
fn stored_weights_are_those_of_the_reference_converter() {
    let Some(models) = models() else { return };
    let ours = quantized(&models, Granularity::PerChannel, TensorType::Int8, TensorType::Int8);
    let theirs = reference(&models, "deeplab_128_int8_b1_i8in_i8out.tflite");
    let (mut elements, mut other_elements, mut largest) = (0, 0, 0);
    for layer in ours.layers.iter().filter(|layer| !layer.weights.is_empty()) {
        let other = counterpart(&theirs, &layer.name);
        for (mine, their) in layer.weights.iter().zip(&other.weights) {
            let (mine, their) = (integers(&mine.data), integers(&their.data));
            assert_eq!(mine.len(), their.len(), "{}", layer.name);
            for (mine, their) in mine.iter().zip(&their) {
                elements += 1;
                other_elements += usize::from(mine != their);
                largest = largest.max((mine - their).abs());
            }
        }
    }
    println!("{other_elements} of {elements} stored weights differ, by {largest} at most");
    assert!(largest <= 1 && other_elements * 1000 < elements, "{other_elements} of {elements}, by {largest}");
}

fn integers(data: &Data) -> Vec<i64> {
    match data {
        Data::I8(values) => values.iter().map(|&v| i64::from(v)).collect(),
        Data::I32(values) => values.iter().map(|&v| i64::from(v)).collect(),
        other => panic!("{:?} weights in an int8 network", other.data_type()),
    }
}

/// Scales as TensorFlow 2.21's converter wrote them into deeplab_128_int8pt_u8in_f32out.tflite, read with ai-edge-litert 2.3
/// (the file's open batch is not for our reader).
#[test]
fn kernels_with_one_scale_have_that_of_the_reference_converter() {
    let Some(models) = models() else { return };
    let ours = quantized(&models, Granularity::PerTensor, TensorType::Uint8, TensorType::Float);
    for (name, wanted) in [
        ("Conv1", 0.013_812_808),
        ("expanded_conv_depthwise", 0.025_243_673),
        ("expanded_conv_project", 0.005_899_319),
        ("block_1_depthwise", 0.013_001_443),
        ("block_2_expand", 0.006_894_838),
        ("aspp_proj", 0.000_663_057_4),
        ("logits", 0.001_373_447_7),
    ] {
        let layer = ours.layers.iter().find(|layer| layer.name == name).expect("a layer of that name");
        let quant = layer.weights[0].quant.as_ref().expect("an int8 kernel");
        assert_eq!((quant.axis, quant.scales.len()), (None, 1), "{name}");
        assert!(
            (quant.scales[0] / wanted - 1.0_f32).abs() < 1e-5,
            "{name}: {} for {wanted}",
            quant.scales[0]
        );
    }
}

/// The largest difference between kernel scales, as a share of the scale.
fn kernel_scales_differ(ours: &Layer, theirs: &Layer) -> f32 {
    let [Some(ours), Some(theirs)] =
        [ours, theirs].map(|layer| layer.weights.first().and_then(|w| w.quant.as_ref()))
    else {
        return 0.0;
    };
    assert_eq!((ours.axis, ours.scales.len()), (theirs.axis, theirs.scales.len()));
    ours.scales
        .iter()
        .zip(&theirs.scales)
        .map(|(ours, theirs)| (ours / theirs - 1.0).abs())
        .fold(0.0, f32::max)
}

#[test]
fn the_int8_network_decides_as_the_float_network_on_99_percent_of_pixels() {
    let Some(models) = models() else { return };
    let float = for_deployment(&formats::keras::read_h5(&models.join("deeplab_128.h5")).expect("a model"));
    let float = float.expect("a network");
    let int8 = quantized(&models, Granularity::PerChannel, TensorType::Int8, TensorType::Int8);
    let theirs = reference(&models, "deeplab_128_int8_b1_i8in_i8out.tflite");
    let arrays = npz::read(&models.join("val_128.npz"));
    let (images, labels) = (&arrays["X"], &arrays["Y"]);
    let outputs: Vec<[Vec<f32>; 3]> = images
        .par_iter()
        .map(|pixels| {
            let image: Vec<f32> = pixels.iter().map(|&p| f32::from(p) / 127.5 - 1.0).collect();
            [&float, &int8, &theirs].map(|graph| real_output(graph, &image))
        })
        .collect();
    let all =
        |which: usize| outputs.iter().flat_map(|output| output[which].iter().copied()).collect::<Vec<f32>>();
    let logits = [all(0), all(1), all(2)];
    let decisions = logits.each_ref().map(|logits| classes(logits));
    let labels: Vec<usize> = labels.iter().flatten().map(|&label| usize::from(label)).collect();
    let [float_miou, int8_miou, their_miou] = decisions.each_ref().map(|decided| miou(&labels, decided));
    let (agreement, theirs) = (same(&decisions[0], &decisions[1]), same(&decisions[0], &decisions[2]));
    let noise = sqnr(&logits[0], &logits[1]);
    println!("mIoU: float {float_miou:.4}, int8 {int8_miou:.4}, the converter's int8 {their_miou:.4}");
    println!("agreement with float: {agreement:.4}, the converter's {theirs:.4}");
    println!("SQNR: {noise:.2} dB, the converter's {:.2} dB", sqnr(&logits[0], &logits[2]));
    assert!(agreement >= 0.99, "int8 decides as float on {agreement:.4} of all pixels");
    assert!((float_miou - 0.7539).abs() < 5e-4, "float mIoU {float_miou:.4} for 0.7539 by TensorFlow");
    assert!(int8_miou > float_miou - 0.01, "int8 mIoU {int8_miou:.4}, float {float_miou:.4}");
}

fn classes(logits: &[f32]) -> Vec<usize> {
    let largest =
        |pixel: &[f32]| (0..CLASSES).fold(0, |best, c| if pixel[c] > pixel[best] { c } else { best });
    logits.chunks_exact(CLASSES).map(largest).collect()
}

fn same(left: &[usize], right: &[usize]) -> f64 {
    left.iter().zip(right).filter(|(l, r)| l == r).count() as f64 / left.len() as f64
}

/// Mean over the classes of intersection by union, over all pixels together.
fn miou(labels: &[usize], decided: &[usize]) -> f64 {
    let pairs = || labels.iter().zip(decided);
    let iou = |class: usize| {
        let both = pairs().filter(|(l, d)| **l == class && **d == class).count();
        let any = pairs().filter(|(l, d)| **l == class || **d == class).count();
        both as f64 / any as f64
    };
    (0..CLASSES).map(iou).sum::<f64>() / CLASSES as f64
}
