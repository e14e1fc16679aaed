//! Layer lists: the shipped example, every class, every mistake.

use formats::layer_list::{Arguments, LayerList, LayerListError, Listed};
use model::{Activation, Graph, Initializer, Op, Padding};
use serde_json::{Value, json};

const EXAMPLE: &str = include_str!("../../../../pipelines/models/custom.yaml");
const UNET: &str = include_str!("../../../../examples/custom_model/unet.yaml");

/// The network of a list for 3 classes and an image of 32x32 pixels.
fn network(text: &str, dropout: Option<f64>, others: &Value) -> Result<Listed, LayerListError> {
    let others = others.as_object().cloned().unwrap_or_default();
    let arguments = Arguments { classes: 3, input_shape: (32, 32, 3), dropout, others: &others };
    LayerList { name: "nets/mine.yaml", text }.network(&arguments)
}

fn listing(graph: &Graph) -> String {
    let line = |layer: &model::Layer| {
        let shape: Vec<String> = layer.output.shape.iter().map(ToString::to_string).collect();
        let inputs: Vec<&str> = layer.inputs.iter().map(|id| graph.layer(*id).name.as_str()).collect();
        let parameters: usize = layer.weights.iter().map(|weight| weight.data.len()).sum();
        format!(
            "{} {} {} {parameters} <- {}\n",
            layer.name,
            layer.op.class(),
            shape.join("x"),
            inputs.join(", ")
        )
    };
    graph.layers.iter().map(line).collect()
}

#[test]
fn the_shipped_example_is_the_network_of_the_original() {
    let Listed { graph, unused } = network(EXAMPLE, Some(0.2), &json!({})).expect("a network");
    insta::assert_snapshot!("shipped", listing(&graph));
    assert_eq!((graph.name.as_str(), unused), ("custom", vec![]));
    assert_eq!(graph.check(), Ok(()));
    // Kernels without bias, two statistics and two factors a channel, a classifier with bias.
    let convs = 27 * 16 + 144 * 32 + 288 * 64 + 576 * 256 + 256 * 256 + 256 * 3 + 3;
    assert_eq!(graph.parameters(), convs + 4 * (16 + 32 + 64 + 256 + 256));
}

#[test]
fn arguments_change_the_network_and_those_without_effect_are_named() {
    let listed = network(EXAMPLE, None, &json!({"alpha": 0.5, "depth": 3})).expect("a network");
    let layer = listed.graph.find("conv2d").expect("a layer");
    assert_eq!(listed.graph.layer(layer).output.shape, [16, 16, 8]);
    assert!(listed.graph.layers.iter().all(|layer| !matches!(layer.op, Op::Dropout { .. })));
    assert_eq!(listed.unused, ["depth"]);
}

#[test]
fn the_example_with_branches_reads_what_it_says() {
    let listed = network(UNET, Some(0.1), &json!({"width": 4, "depth": 2})).expect("a network");
    insta::assert_snapshot!("unet", listing(&listed.graph));
    assert_eq!(listed.graph.check(), Ok(()));
    assert_eq!(listed.unused, [""; 0]);
}

/// What is written for each class: its arguments, and the operation they make.
#[test]
fn arguments_are_those_of_keras() {
    let text = "\
- InputLayer: {name: photo}
- Conv2D: {filters: 2**3, kernel_size: [3, 1], strides: 2, padding: same, activation: relu6, kernel_initializer: he_normal}
- DepthwiseConv2D: {kernel_size: 3, padding: same, dilation_rate: 2, depth_multiplier: 2, use_bias: False}
- ReLU: {max_value: 6}
- ZeroPadding2D: {padding: [[0, 1], [2, 3]], name: pad}
- Conv2D: {filters: 4, kernel_size: [2, 6]}
- UpSampling2D: {size: 2, interpolation: bilinear, name: up}
- Rescaling: {scale: 1/2, offset: -0.25, inputs: photo}
- Concatenate: {inputs: [up, rescaling]}
- Conv2D: {filters: 3, kernel_size: 1, name: null}
";
    let graph = network(text, None, &json!({})).expect("a network").graph;
    insta::assert_snapshot!("arguments", listing(&graph));
    let op = |name: &str| graph.layer(graph.find(name).expect("a layer")).op.clone();
    let Op::Conv2d(conv) = op("conv2d") else { panic!("a convolution") };
    assert_eq!((conv.filters, conv.kernel, conv.strides), (8, (3, 1), (2, 2)));
    assert_eq!((conv.padding, conv.activation, conv.bias), (Padding::Same, Activation::Relu6, true));
    let Op::DepthwiseConv2d(conv) = op("depthwise_conv2d") else { panic!("a depthwise convolution") };
    assert_eq!((conv.multiplier, conv.dilation, conv.bias), (2, (2, 2), false));
    assert_eq!(op("rescaling"), Op::Rescale { scale: 0.5, offset: -0.25 });
    let first = graph.find("conv2d").map(|id| graph.layer(id).initializer);
    assert_eq!(first, Some(Initializer::HeNormal));
    let second = graph.find("conv2d_1").map(|id| graph.layer(id).initializer);
    assert_eq!(second, Some(Initializer::GlorotUniform));
}

/// The message and the help of a list that is no network.
fn told(text: &str) -> String {
    told_with(text, None, &json!({}))
}

fn told_with(text: &str, dropout: Option<f64>, others: &Value) -> String {
    match network(text, dropout, others) {
        Ok(listed) => format!("no mistake:\n{}", listing(&listed.graph)),
        Err(LayerListError { code, message, help }) => {
            format!("{code}\n{message}\nhelp: {}\n", help.unwrap_or_default())
        }
    }
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_remedy() {
    let cases = [
        ("class", "- Conv2D: {filters: 3, kernel_size: 1}\n- Relu\n"),
        ("argument", "- Conv2D: {filter: 3, kernel_size: 1}\n"),
        ("missing argument", "- Conv2D: {filters: 3}\n"),
        ("value", "- Conv2D:\n    filters: 3\n    kernel_size: 1\n    padding: smae\n"),
        ("type of value", "- Conv2D: {filters: many, kernel_size: 1}\n"),
        ("initialiser", "- Conv2D: {filters: 3, kernel_size: 1, kernel_initializer: he_norm}\n"),
        ("input", "- Conv2D: {filters: 3, kernel_size: 1, name: head}\n- Add: {inputs: [head, imag]}\n"),
        ("no inputs", "- Conv2D: {filters: 3, kernel_size: 1, inputs: []}\n"),
        (
            "shapes",
            "- Conv2D: {filters: 5, kernel_size: 1, name: head}\n- Concatenate: {inputs: [head, image]}\n- Reshape: {target_shape: [3, 3]}\n",
        ),
        ("name twice", "- ReLU: {name: a}\n- ReLU: {name: a}\n"),
        ("name", "- ReLU: {name: a/b}\n"),
        ("second input", "- ReLU\n- InputLayer: {name: other}\n"),
        ("input with a shape", "- InputLayer: {shape: [32, 32, 3]}\n- ReLU\n"),
        (
            "unread",
            "- Conv2D: {filters: 5, kernel_size: 1, name: lost}\n- Conv2D: {filters: 3, kernel_size: 1, inputs: image}\n",
        ),
        ("output", "- Conv2D: {filters: 4, kernel_size: 1, strides: 2}\n"),
        ("dropout without a rate in the configuration", "- Dropout: {rate: 0.5}\n"),
        ("indentation", "- Conv2D:\n  filters: 3\n  kernel_size: 1\n"),
        ("arguments in a list", "- Conv2D: [3, 1]\n"),
        ("no list", "layers:\n- ReLU\n"),
        ("empty", "# nothing\n"),
        ("no YAML", "- Conv2D: {filters: 3\n- ReLU\n"),
        ("key twice", "- Conv2D: {filters: 3, filters: 4, kernel_size: 1}\n"),
        ("two documents", "- ReLU\n---\n- ReLU\n"),
        ("endless alias", "- &a [*a]\n"),
        (
            "long line",
            &format!(
                "- ReLU # {}\n- Conv2D: {{filters: 3, kernel_size: 1, activation: linear, use_bias: true, strides: 1, dilation_rate: 1, padding: walid}}\n",
                "x".repeat(200)
            ),
        ),
    ];
    let all: String = cases.iter().map(|(what, text)| format!("== {what}\n{}\n", told(text))).collect();
    insta::assert_snapshot!("mistakes", all);
}

#[test]
fn mistakes_in_templates_are_told_in_the_template_and_others_in_what_it_renders_to() {
    let dropout = Some(0.2);
    let all = [
        ("undefined", told("- Conv2D: {filters: {{ num_clases }}, kernel_size: 1}\n")),
        ("no dropout", told("- Dropout: {rate: {{ dropout }}}\n")),
        (
            "dropout without a layer",
            told_with("- Conv2D: {filters: 3, kernel_size: 1}\n", dropout, &json!({})),
        ),
        ("syntax", told("{% for i in range(3) %}\n- ReLU\n")),
        ("statement", told("{% include 'other.yaml' %}\n")),
        ("filter", told("- Conv2D: {filters: {{ num_classes | double }}, kernel_size: 1}\n")),
        (
            "endless",
            told("{% for i in range(9000) %}{% for j in range(9000) %}{{ i * j }}{% endfor %}{% endfor %}\n"),
        ),
        ("behind a loop", told("{% for i in range(3) %}\n- ReLU\n{% endfor %}\n- Conv2D: {filters: 3}\n")),
    ];
    let all: String = all.iter().map(|(what, told)| format!("== {what}\n{told}\n")).collect();
    insta::assert_snapshot!("template_mistakes", all);
}

#[test]
fn hostile_texts_are_errors_and_not_panics() {
    let bomb = "- &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned()
        + &('b'..'k').fold(String::new(), |text, name| {
            let before = (name as u8 - 1) as char;
            text + &format!("- &{name} [{}]\n", vec![format!("*{before}"); 10].join(", "))
        });
    for text in [
        bomb,
        "[".repeat(10_000),
        "- {".repeat(5_000),
        "- Conv2D: {filters: 99999999999999999999, kernel_size: 1}\n".to_owned(),
        "- Conv2D: {filters: 1000000000, kernel_size: 1000000000}\n".to_owned(),
        "- Conv2D: {filters: -1, kernel_size: 1}\n".to_owned(),
        "- UpSampling2D: {size: 4611686018427387904}\n".to_owned(),
        "- Reshape: {target_shape: [-1, -1, 0]}\n".to_owned(),
        "- Rescaling: {scale: 1/0}\n".to_owned(),
        "- \u{1b}[2J: {name: \"\u{0}\"}\n".to_owned(),
        "- ? [a]\n  : b\n".to_owned(),
        "- ReLU: {name: é, é: 1}\r\n".to_owned(),
        "{{ 'x' * 100000000 }}".to_owned(),
        String::new(),
    ] {
        let error = network(&text, None, &json!({})).expect_err("no network");
        assert!(error.message.starts_with("nets/mine.yaml:"), "{}", error.message);
        assert!(!error.message.contains('\u{1b}'), "{}", error.message.escape_debug());
    }
}

/// Whether an operation can be listed. A new one must be put here, and into the list below.
fn can_be_listed(op: &Op) -> bool {
    match op {
        Op::Quantize | Op::Dequantize => false,
        Op::Input
        | Op::Conv2d(_)
        | Op::DepthwiseConv2d(_)
        | Op::SeparableConv2d(_)
        | Op::Conv2dTranspose(_)
        | Op::Dense(_)
        | Op::BatchNorm { .. }
        | Op::Relu { .. }
        | Op::SlopedRelu { .. }
        | Op::LeakyRelu { .. }
        | Op::Prelu { .. }
        | Op::Activation(_)
        | Op::Softmax
        | Op::Add { .. }
        | Op::Multiply
        | Op::Concat
        | Op::ZeroPad2d { .. }
        | Op::Crop2d { .. }
        | Op::MaxPool2d(_)
        | Op::AveragePool2d(_)
        | Op::GlobalAveragePool { .. }
        | Op::Reshape { .. }
        | Op::Flatten
        | Op::Upsample { .. }
        | Op::Resize { .. }
        | Op::Dropout { .. }
        | Op::SpatialDropout2d { .. }
        | Op::Rescale { .. } => true,
    }
}

const OPERATIONS: usize = 28;

#[test]
fn every_operation_but_those_of_integers_can_be_listed_with_all_arguments() {
    let text = "\
- Rescaling: {scale: 1/127.5, offset: -1}
- Conv2D: {filters: 8, kernel_size: [3, 3], strides: [1, 1], padding: same, dilation_rate: 2, use_bias: true, activation: gelu, kernel_initializer: HeNormal}
- DepthwiseConv2D: {kernel_size: 3, strides: 1, padding: same, depth_multiplier: 1, dilation_rate: 1, use_bias: true, activation: relu, depthwise_initializer: he_normal}
- SeparableConv2D: {filters: 8, kernel_size: 3, strides: 1, padding: same, dilation_rate: 1, depth_multiplier: 2, use_bias: false, activation: tanh, depthwise_initializer: he_normal}
- Dense: {units: 8, use_bias: false, activation: linear, kernel_initializer: glorot_uniform}
- BatchNormalization: {momentum: 0.9, epsilon: 1e-5, center: true, scale: false}
- ReLU: {max_value: 6, negative_slope: 0, threshold: 0}
- ReLU: {max_value: 6, negative_slope: 0.1, threshold: 1}
- LeakyReLU: {negative_slope: 0.2}
- PReLU: {shared_axes: [1, 2]}
- Activation: {activation: hard_silu, name: wide}
- MaxPooling2D: {pool_size: 2, strides: 2, padding: valid}
- AveragePooling2D: {pool_size: 3, strides: 1, padding: same}
- SpatialDropout2D: {rate: 0.25}
- Conv2DTranspose: {filters: 8, kernel_size: 3, strides: 2, padding: same, output_padding: 1, dilation_rate: 1, use_bias: true, activation: relu6, kernel_initializer: he_normal, name: up}
- GlobalAveragePooling2D: {keepdims: true, inputs: wide}
- Reshape: {target_shape: [1, -1]}
- Flatten
- Reshape: {target_shape: [1, 1, 8], name: gate}
- Multiply: {inputs: [up, gate]}
- ZeroPadding2D: {padding: 1}
- Cropping2D: {cropping: [[1, 1], [1, 1]], name: cut}
- Add: {inputs: [cut, wide]}
- UpSampling2D: {size: [2, 2], interpolation: nearest}
- Resizing: {height: 32, width: 32, interpolation: bilinear, name: back}
- Concatenate: {inputs: [back, image]}
- Dropout: {rate: {{ dropout }}}
- Conv2D: {filters: {{ num_classes }}, kernel_size: 1}
- Softmax
";
    let graph = network(text, Some(0.5), &json!({})).expect("a network").graph;
    let mut kinds: Vec<_> = graph.layers.iter().map(|layer| std::mem::discriminant(&layer.op)).collect();
    assert!(graph.layers.iter().all(|layer| can_be_listed(&layer.op)));
    kinds.sort_by_key(|kind| format!("{kind:?}"));
    kinds.dedup();
    assert_eq!(kinds.len(), OPERATIONS);
    insta::assert_snapshot!("every_operation", listing(&graph));
}
