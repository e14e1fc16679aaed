//! How long a step takes: `cargo test --release -p train speed -- --ignored --nocapture`.

use super::support::{batch, trainer};
use crate::{network::FrozenLayers, state::State};
use model::{AsppVersion, Backbone, DeeplabV3};
use std::time::Instant;

#[test]
#[ignore = "a measurement"]
fn speed_of_a_step() {
    for (side, size, alpha, classes, aspp, frozen) in [
        (96, 16, 0.35, 4, AsppVersion::V2, None),
        (128, 8, 0.35, 3, AsppVersion::V2, None),
        (128, 8, 0.35, 3, AsppVersion::V2, Some("(0:119)")),
        (128, 16, 0.35, 12, AsppVersion::V1, None),
    ] {
        let network = DeeplabV3 {
            backbone: Backbone::MobilenetV2 { alpha },
            input: (side, side, 3),
            classes,
            output_stride: 16,
            aspp,
            dropout: 0.2,
        };
        let mut graph = network.build().expect("a network");
        model::initialize(&mut graph, 1);
        let mut trainer = trainer(&graph);
        trainer.freeze(&FrozenLayers::resolve(frozen, &graph).expect("layers"));
        let mut state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
        let batch = batch(size, (side, side, 3), classes as u32);
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let (step, cpu, judge) = pool.install(|| {
                trainer.step(&mut state, &batch).expect("a step");
                let before = cpu_seconds();
                let mut times: Vec<f64> = (0..9)
                    .map(|_| {
                        let start = Instant::now();
                        trainer.step(&mut state, &batch).expect("a step");
                        start.elapsed().as_secs_f64()
                    })
                    .collect();
                let cpu = (cpu_seconds() - before) / times.len() as f64;
                times.sort_by(f64::total_cmp);
                let ready = trainer.ready(&state, true);
                let start = Instant::now();
                trainer.judge(&ready, &batch);
                (times[4], cpu, start.elapsed().as_secs_f64())
            });
            println!(
                "{side} batch {size} alpha {alpha} {aspp:?} frozen {frozen:?} {threads} threads: {step:.3} s a step ({cpu:.3} s of CPU), \
                 {judge:.3} s a validation batch"
            );
        }
    }
}

/// CPU time of this process, on Linux.
fn cpu_seconds() -> f64 {
    let stat = fs_err::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
