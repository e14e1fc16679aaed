//! Frozen layers.

use super::support::{Run, batch, settings, small_graph, trainer};
use crate::{TrainError, TrainSettings, network::FrozenLayers, state::State, trainer::Trainer};
use contract::Problem;
use model::Graph;

fn frozen(graph: &Graph, slices: &str) -> FrozenLayers {
    FrozenLayers::resolve(Some(slices), graph).expect("layers")
}

/// A trainer and a state whose layers up to and without this one are frozen.
fn frozen_before(graph: &Graph, layer: &str) -> (Trainer, State) {
    let mut trainer = trainer(graph);
    let first = graph.find(layer).expect("a layer").0;
    trainer.freeze(&frozen(graph, &format!("(0:{first})")));
    let state = State::new(trainer.network.read(graph).expect("weights"), &trainer.optimizer);
    (trainer, state)
}

#[test]
fn frozen_parameters_and_statistics_stay_to_the_bit_and_all_others_move() {
    let graph = small_graph(0.2);
    let (trainer, mut state) = frozen_before(&graph, "point");
    let before = state.weights.clone();
    for _ in 0..3 {
        trainer.step(&mut state, &batch(4, (8, 6, 2), 3)).expect("a finite step");
    }
    let trainable = trainer.network.trainable();
    assert!(trainable.contains(&true) && trainable.contains(&false));
    for ((now, then), trainable) in state.weights.parameters.iter().zip(&before.parameters).zip(trainable) {
        assert_eq!(now != then, trainable);
    }
    // The last of the three normalisations comes behind `point`, in Keras' order of the layers.
    assert_eq!(state.weights.statistics[..2], before.statistics[..2]);
    assert_ne!(state.weights.statistics[2], before.statistics[2]);
}

#[test]
fn frozen_parameters_get_no_gradient() {
    let graph = small_graph(0.2);
    let (trainer, state) = frozen_before(&graph, "point");
    let slopes = trainer.slopes(&state.weights, 0, &batch(4, (8, 6, 2), 3));
    let gradients = slopes.expect("a finite loss").1.gradients;
    for (gradient, trainable) in gradients.iter().zip(trainer.network.trainable()) {
        assert_eq!(!gradient.is_empty(), trainable);
    }
}

/// Everything is frozen but the first convolution: its gradient comes through all that is frozen.
#[test]
fn gradients_flow_through_frozen_layers() {
    let graph = small_graph(0.0);
    let mut trainer = trainer(&graph);
    let stem = graph.find("stem").expect("a layer").0;
    trainer.freeze(&frozen(&graph, &format!("(0:{stem}, {}:)", stem + 1)));
    let state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    let batch = batch(4, (8, 6, 2), 3);
    let slopes = trainer.slopes(&state.weights, 0, &batch);
    let gradients = slopes.expect("a finite loss").1.gradients;
    let trained: Vec<usize> = (0..gradients.len()).filter(|index| !gradients[*index].is_empty()).collect();
    let [kernel] = trained[..] else { panic!("{trained:?} have gradients") };
    let gradient = &gradients[kernel];
    let slope = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
    let step = 2e-3 / slope.sqrt();
    let loss_at = |factor: f64| {
        let mut moved = state.weights.clone();
        for (value, gradient) in moved.parameters[kernel].iter_mut().zip(gradient) {
            *value += (factor * step * f64::from(*gradient)) as f32;
        }
        trainer.slopes(&moved, 0, &batch).expect("a finite loss").0.loss
    };
    let found = (loss_at(1.0) - loss_at(-1.0)) / (2.0 * step);
    assert!((found / slope - 1.0).abs() < 0.02, "slope {found} where {slope} is expected");
}

#[test]
fn slices_that_do_not_fit_are_errors_with_the_number_of_layers_and_what_to_do() {
    let graph = settings().graph().expect("a network").expect("of the zoo");
    let refused = |slices: &str| FrozenLayers::resolve(Some(slices), &graph).expect_err("refused");
    let beyond = refused("(3, 153)");
    assert_eq!(
        (beyond.code(), beyond.to_string()),
        (
            "train::frozen_layers",
            "frozen_layers: there is no layer 153: the model has 153 layers, so an index is -153 to 152"
                .to_owned()
        )
    );
    assert!(beyond.help().is_some_and(|help| help.contains("(10:)")), "{:?}", beyond.help());
    // The last layer of all resamples: the slice that means "all but the last" leaves nothing.
    for slices in ["(0:-1)", "(0:153)", ":"] {
        let nothing = refused(slices);
        assert!(matches!(nothing, TrainError::NothingTrained { layers: 153, last: 151, .. }), "{nothing:?}");
        assert!(nothing.to_string().contains("nothing would be trained"), "{nothing}");
        assert!(nothing.help().is_some());
    }
    assert!(frozen(&graph, "(200:)").is_empty());
    assert!(FrozenLayers::resolve(None, &graph).expect("layers").is_empty());
    assert!(frozen(&graph, "(0:119)").contains(118) && !frozen(&graph, "(0:119)").contains(119));
}

#[test]
fn a_training_with_a_frozen_backbone_leaves_it_as_it_was_drawn() {
    let run = Run::new();
    let frozen = TrainSettings { frozen_layers: Some("(0:119)".to_owned()), ..settings() };
    assert!(run.go_with(&frozen).result.is_ok());
    let path = run.folder.path().join("out/saved_models/last_model.h5");
    let after = formats::keras::read_h5(&path).expect("a model");
    let mut before = settings().graph().expect("a network").expect("of the zoo");
    model::initialize(&mut before, settings().seed);
    for (index, (now, then)) in after.layers.iter().zip(&before.layers).enumerate() {
        assert_eq!(now.name, then.name);
        if !then.weights.is_empty() {
            assert_eq!(now.weights == then.weights, index < 119, "layer {index} `{}`", now.name);
        }
    }
}
