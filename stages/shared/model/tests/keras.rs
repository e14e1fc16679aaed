//! The architectures against Keras: `golden/*.tsv`, made by `golden/keras_models.py`.

use model::{AsppVersion, Backbone, DeeplabV3, Graph, GraphBuilder, GraphError, MobilenetV2, Op, Resnet50};

/// A row of a table: its cells, by tabs.
fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().filter(|line| !line.starts_with(['#', 'm'])).map(|line| line.split('\t').collect())
}

fn number(cell: &str) -> usize {
    cell.parse().expect("a number")
}

/// The graph that a row's first seven cells ask for.
fn graph(cells: &[&str]) -> Result<Graph, GraphError> {
    let backbone = match cells[1] {
        "-" => Backbone::Resnet50,
        alpha => Backbone::MobilenetV2 { alpha: alpha.parse().expect("a number") },
    };
    let (height, width) = (number(cells[2]), number(cells[3]));
    if cells[0] == "backbone" {
        let mut builder = GraphBuilder::new("backbone");
        let image = builder.input("image", &[height, width, 3])?;
        let cut = number(cells[4]);
        let last = match backbone {
            Backbone::MobilenetV2 { alpha } => MobilenetV2 { alpha, cut }.add_to(&mut builder, image)?,
            Backbone::Resnet50 => Resnet50 { stages: cut }.add_to(&mut builder, image)?,
        };
        return builder.finish(last);
    }
    DeeplabV3 {
        backbone,
        input: (height, width, 3),
        classes: number(cells[6]),
        output_stride: number(cells[4]),
        aspp: if cells[5] == "v1" { AsppVersion::V1 } else { AsppVersion::V2 },
        dropout: 0.3,
    }
    .build()
}

#[test]
fn every_network_has_as_many_layers_and_parameters_as_in_keras() {
    let mut seen = 0;
    for cells in rows(include_str!("golden/keras_counts.tsv")) {
        let graph = graph(&cells).expect("Keras builds it");
        assert_eq!(graph.check(), Ok(()), "{cells:?}");
        assert_eq!(
            (graph.layers.len(), graph.parameters()),
            (number(cells[7]), number(cells[8])),
            "{cells:?}"
        );
        seen += 1;
    }
    assert_eq!(seen, 37);
}

#[test]
fn layers_have_the_names_order_classes_shapes_and_parameters_of_keras() {
    let table = include_str!("golden/keras_layers.tsv");
    let mut seen = 0;
    for section in table.split("> ").skip(1) {
        let mut lines = section.lines();
        let title: Vec<&str> = lines.next().expect("a title").split('\t').collect();
        let wanted: Vec<&str> = lines.collect();
        let mut title = title;
        title.resize(7, "0");
        let all = listing(&graph(&title).expect("Keras builds it"));
        let listed: Vec<&String> = all
            .iter()
            .filter(|line| {
                title[0] == "deeplab"
                    || ["ZeroPadding2D", "DepthwiseConv2D", "MaxPooling2D", "Add"]
                        .contains(&line.split('\t').nth(1).unwrap_or_default())
            })
            .collect();
        assert_eq!(listed, wanted, "{title:?}");
        seen += 1;
    }
    assert_eq!(seen, 18);
}

fn listing(graph: &Graph) -> Vec<String> {
    let line = |layer: &model::Layer| {
        let shape: Vec<String> = layer.output.shape.iter().map(ToString::to_string).collect();
        let parameters: usize = layer.weights.iter().map(|weight| weight.data.len()).sum();
        format!("{}\t{}\t{}\t{parameters}", layer.name, layer.op.class(), shape.join("x"))
    };
    graph.layers.iter().map(line).collect()
}

#[test]
fn the_layer_that_frozen_layers_counts_to_is_where_keras_has_it() {
    for (aspp, count) in [(AsppVersion::V1, 144), (AsppVersion::V2, 153)] {
        let graph = usual(aspp).build().expect("a usual network");
        assert_eq!(graph.layers.len(), count);
        assert_eq!(graph.layers[0].name, "image");
        assert_eq!(graph.layers[118].name, "block_13_expand_relu");
    }
}

#[test]
fn dilations_are_multiples_of_a_fifth_of_the_rows_and_at_least_1() {
    for aspp in [AsppVersion::V1, AsppVersion::V2] {
        for (height, wanted) in [(64, [1, 1, 1]), (80, [1, 2, 3]), (128, [1, 2, 3]), (160, [2, 4, 6])] {
            let graph = DeeplabV3 { input: (height, 128, 3), ..usual(aspp) }.build().expect("a network");
            let rates: Vec<usize> = graph
                .layers
                .iter()
                .filter(|layer| layer.name.starts_with("aspp_conv") || layer.name.starts_with("aspp_dw"))
                .filter_map(|layer| match &layer.op {
                    Op::Conv2d(conv) => Some(conv.dilation.0),
                    Op::DepthwiseConv2d(conv) => Some(conv.dilation.0),
                    _ => None,
                })
                .collect();
            assert_eq!(rates, wanted, "{aspp:?} on {height} rows");
        }
    }
}

/// Figures of the `macs` function in `../shared/peers/train/flops.py`, which counts the same network for 3 classes
/// independently.
#[test]
fn multiply_accumulates_are_those_of_the_convolutions() {
    for (alpha, macs) in [(0.35, 48_179_200), (0.5, 63_569_920), (1.0, 131_977_216)] {
        let backbone = Backbone::MobilenetV2 { alpha };
        let net = DeeplabV3 { backbone, classes: 3, ..usual(AsppVersion::V2) };
        assert_eq!(net.build().expect("a usual network").macs(), macs);
    }
}

fn usual(aspp: AsppVersion) -> DeeplabV3 {
    DeeplabV3 {
        backbone: Backbone::MobilenetV2 { alpha: 0.5 },
        input: (128, 128, 3),
        classes: 21,
        output_stride: 16,
        aspp,
        dropout: 0.3,
    }
}

#[test]
fn arguments_of_no_network_are_errors_that_say_what_to_use() {
    let message = |change: fn(&mut DeeplabV3)| {
        let mut wrong = usual(AsppVersion::V1);
        change(&mut wrong);
        wrong.build().expect_err("an error").to_string()
    };
    assert_eq!(
        message(|net| net.input.1 = 100),
        "the input's width is 100, not a multiple of the output stride 16; use 96 or 112"
    );
    assert_eq!(
        message(|net| net.input.0 = 8),
        "the input's height is 8, not a multiple of the output stride 16; use 16"
    );
    assert!(message(|net| net.output_stride = 32).contains("8 or 16"));
    assert!(message(|net| net.backbone = Backbone::MobilenetV2 { alpha: 0.0 }).contains("alpha is 0"));
    assert!(message(|net| net.backbone = Backbone::MobilenetV2 { alpha: f64::NAN }).contains("alpha is NaN"));
    assert!(message(|net| net.dropout = 1.0).contains("dropout is 1"));
    assert!(message(|net| net.classes = 0).contains("0 classes"));
    assert!(message(|net| net.classes = 1 << 40).contains("logits"));
}
