//! What a training leaves behind.

use super::support::{Run, batch, settings};
use crate::{
    TrainSettings,
    batches::{Batch, Set},
    state::State,
    trainer::Trainer,
};
use contract::{
    CancelToken, EventKind, Runtime, StageContext, StageError,
    config::{Adam, Flip, FlipMode},
};
use dataset::{Samples, Shapes, Size, augmentation::Augmentation};
use std::{collections::BTreeMap, path::PathBuf};

const SIZE: Size = Size { height: 32, width: 32 };

fn metric(lasting: &[EventKind], wanted: &str) -> f64 {
    let mut values = lasting.iter().filter_map(|event| match event {
        EventKind::Metric { name, step: None, value } if name == wanted => Some(*value),
        _ => None,
    });
    values.next().expect("a metric")
}

/// The file holds the weights and debiased statistics that the best epoch was validated with, to the last bit.
#[test]
fn the_best_model_has_the_validation_loss_that_was_told() {
    let run = Run::new();
    let story = run.go(2, None);
    let path = run.folder.path().join("out/saved_models/best_model.h5");
    let graph = formats::keras::read_h5(&path).expect("a model");
    let settings = settings();
    let trainer = Trainer::new(&graph, vec![1.0; 4], &settings.optimizer, 0).expect("a trainer");
    let state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    let folders = (PathBuf::new(), PathBuf::new(), None);
    let runtime = Runtime { threads: 1, attempt: 1 };
    let context = StageContext::new(BTreeMap::new(), folders, runtime, CancelToken::default(), |_| {});
    let content = Shapes::new(2).first(6).content();
    let samples = Samples::open(&content, &settings.preprocessing, SIZE, &settings.numbered_classes());
    let set = Set::open("validation set", samples.expect("a set"), (32, 32, 3), 4, u64::MAX, &context);
    let set = set.expect("a set");
    let ready = trainer.ready(&state, true);
    let losses = [[0, 1, 2, 3].as_slice(), &[4, 5]]
        .map(|samples| trainer.judge(&ready, &set.batch(samples).expect("a batch")).loss);
    assert_eq!((losses[0] + losses[1]) / 2.0, metric(&story.lasting, "best_val_loss"));
}

#[test]
fn the_table_has_a_line_an_epoch_and_the_numbers_that_were_told() {
    let story = Run::new().go(2, None);
    let table = String::from_utf8(story.files["logs/metrics/train_metrics.csv"].clone()).expect("text");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "epoch,accuracy,loss,lr,val_accuracy,val_loss,val_miou");
    assert_eq!(lines.len(), 1 + settings().epochs);
    for (epoch, line) in lines[1..].iter().enumerate() {
        let mut told: Vec<(&str, f64)> = vec![("epoch", epoch as f64)];
        told.extend(story.lasting.iter().filter_map(|event| match event {
            EventKind::Metric { name, step: Some(step), value } if *step == epoch as u64 => {
                Some((name.as_str(), *value))
            }
            _ => None,
        }));
        told[1..].sort_by_key(|(name, _)| *name);
        let values = line.split(',').map(|value| value.parse().expect("a number"));
        let written: Vec<(&str, f64)> = lines[0].split(',').zip(values).collect();
        assert_eq!(written, told);
    }
}

#[test]
fn the_best_epoch_is_counted_from_one() {
    let story = Run::new().go(2, None);
    let losses: Vec<f64> = story
        .lasting
        .iter()
        .filter_map(|event| match event {
            EventKind::Metric { name, step: Some(_), value } if name == "val_loss" => Some(*value),
            _ => None,
        })
        .collect();
    let best = metric(&story.lasting, "best_epoch") as usize;
    assert_eq!(losses[best - 1], losses.iter().copied().fold(f64::INFINITY, f64::min));
    assert_eq!(losses[best - 1], metric(&story.lasting, "best_val_loss"));
}

#[test]
fn a_set_without_room_in_memory_gives_the_same_batches() {
    let settings = settings();
    let content = Shapes::new(2).first(6).content();
    let folders = (PathBuf::new(), PathBuf::new(), None);
    let runtime = Runtime { threads: 1, attempt: 1 };
    let context = StageContext::new(BTreeMap::new(), folders, runtime, CancelToken::default(), |_| {});
    let size = 6 * 32 * 32 * (3 * 4 + 1);
    let [kept, loaded] = [size, size - 1].map(|room| {
        let samples = Samples::open(&content, &settings.preprocessing, SIZE, &settings.numbered_classes());
        let samples = samples.expect("a set");
        Set::open("training set", samples, (32, 32, 3), 4, room, &context).expect("a set")
    });
    assert_eq!((kept.kept(), loaded.kept()), (size, 0));
    let order = [4, 0, 5];
    assert_eq!(kept.batch(&order).expect("a batch"), loaded.batch(&order).expect("a batch"));
}

#[test]
fn augmentation_changes_what_a_training_learns_and_not_what_it_is_validated_on() {
    let plain = TrainSettings { augmentation: Vec::new(), epochs: 1, ..settings() };
    let augmented = TrainSettings { epochs: 1, ..settings() };
    let never = TrainSettings {
        augmentation: vec![Augmentation::RandomFlip(Flip { mode: FlipMode::Vertical, change_rate: 0.0 })],
        ..plain.clone()
    };
    let [plain, augmented, never] = [plain, augmented, never].map(|settings| Run::new().go_with(&settings));
    assert!(plain == never, "a function that never applies changed something");
    assert_ne!(plain.files["saved_models/last_model.h5"], augmented.files["saved_models/last_model.h5"]);
}

#[test]
fn a_sample_is_augmented_alike_in_any_batch_and_otherwise_in_another_epoch() {
    let whole = batch(6, (8, 8, 3), 3);
    let pixels = 8 * 8 * 3;
    let mut alone = Batch {
        images: whole.images[4 * pixels..5 * pixels].to_vec(),
        masks: whole.masks[4 * 64..5 * 64].to_vec(),
        shape: [1, 3, 8, 8],
        samples: vec![4],
    };
    let (mut later, mut whole) = (alone.clone(), whole);
    let functions = settings().augmentation;
    for (batch, epoch) in [(&mut whole, 1), (&mut alone, 1), (&mut later, 2)] {
        batch.augment(&functions, (-9.0, 9.0), 120, epoch);
    }
    assert_eq!(whole.images[4 * pixels..5 * pixels], alone.images);
    assert_eq!(whole.masks[4 * 64..5 * 64], alone.masks);
    assert_ne!(alone.images, later.images);
}

#[test]
fn a_loss_that_is_no_number_ends_the_training_with_its_place_and_a_remedy() {
    let adam = Adam { learning_rate: 1e25, ..Adam::default() };
    let diverging = TrainSettings { optimizer: crate::OptimizerSettings::Adam(adam), ..settings() };
    let Err(StageError::Failed { code, message, help }) = Run::new().go_with(&diverging).result else {
        panic!("a training with such a learning rate must diverge");
    };
    assert_eq!(code, "train::nan_loss");
    assert!(message.contains("epoch 1"), "{message}");
    assert!(help.is_some_and(|help| help.contains("learning rate")));
}

#[test]
fn the_run_folder_has_the_models_while_the_training_goes_on() {
    let run = Run::new();
    run.go(2, Some(7));
    let live = run.folder.path().join("live");
    let names = [
        "saved_models/last_model.h5",
        "saved_models/best_model.h5",
        "logs/metrics/train_metrics.csv",
        "logs/train/events.out.tfevents.0.pipeline.v2",
        "logs/validation/events.out.tfevents.0.pipeline.v2",
    ];
    for name in names {
        assert!(live.join(name).exists(), "{name}");
    }
}

/// What TensorBoard follows while the training goes on is the file that it opened, and nothing in it twice.
#[test]
fn event_files_in_the_run_folder_grow_in_place_and_a_damaged_one_is_written_anew() {
    let run = Run::new();
    let live = run.folder.path().join("live/logs/train/events.out.tfevents.0.pipeline.v2");
    assert_eq!(run.go(2, Some(7)).result, Err(StageError::Cancelled));
    let (first, file) = (fs_err::read(&live).expect("a file"), fs_err::File::open(&live).expect("a file"));
    // As if it had been killed while it appended.
    let cut = first.len() - 5;
    fs_err::OpenOptions::new().write(true).open(&live).expect("a file").set_len(cut as u64).expect("a file");
    let story = run.go(2, None);
    let whole = &story.files["logs/train/events.out.tfevents.0.pipeline.v2"];
    assert!(whole.starts_with(&first) && whole.len() > first.len());
    let mut followed = Vec::new();
    std::io::Read::read_to_end(&mut { file }, &mut followed).expect("bytes");
    assert_eq!(&followed, whole);

    fs_err::write(&live, "no event file").expect("a file");
    run.go(2, None);
    assert_eq!(&fs_err::read(&live).expect("a file"), whole);
}

#[test]
fn a_line_an_epoch_has_all_figures_and_the_speed_and_is_no_part_of_the_result() {
    let lines = Run::new().lines(&settings());
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("epoch 1/2: loss ") && lines[1].contains(", lr 0.001, "), "{lines:?}");
    assert!(lines.iter().all(|line| line.ends_with(" images/s")), "{lines:?}");
}

#[test]
fn statistics_are_exported_raw_where_debiasing_is_off() {
    let models = [true, false].map(|batchnorm_debias| {
        let run = Run::new();
        run.go_with(&TrainSettings { batchnorm_debias, ..settings() });
        formats::keras::read_h5(&run.folder.path().join("out/saved_models/last_model.h5")).expect("a model")
    });
    let variance = |graph: &model::Graph| -> f32 {
        let norm = graph.find("bn_Conv1").expect("a normalisation");
        let values = graph.layer(norm).weights[3].as_f32().expect("floats");
        values.iter().sum::<f32>() / values.len() as f32
    };
    // Six updates with momentum 0.999 leave the raw variance near its initial 1.
    assert!((variance(&models[1]) - 1.0).abs() < 0.01, "{}", variance(&models[1]));
    assert!((variance(&models[0]) - 1.0).abs() > 0.1, "{}", variance(&models[0]));
}
