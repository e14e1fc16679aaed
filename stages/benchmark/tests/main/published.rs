//! Figures that ST publishes for its model zoo: DeepLabV3 on MobileNetV2, alpha 0.5, stride 16, ASPP v2, 2 classes, int8, by
//! STEdgeAI 2.0.0 for the STM32N6. Its compiler pads weights and plans other layouts for the neural accelerator, so an
//! estimate for a plain processor is near the weights and below the RAM; these tests say how near.

use crate::bench::{Bench, deeplab, quantized};
use benchmark::{Estimate, EstimateSettings};
use contract::Settings;
use model::passes::Border;

fn estimate(side: usize) -> Bench {
    let graph = quantized(&deeplab(side, 0.5, 2), Border::Int8, Border::Int8);
    let bench = Bench::new("quantized_model.tflite", &graph);
    bench.run(&Estimate, &Settings::of(&EstimateSettings { board: None })).expect("an estimate");
    bench
}

#[test]
fn weights_are_within_a_tenth_of_the_published() {
    let found = estimate(256).metric("Flash weights KiB");
    let share = found / 1001.25;
    println!("weights: {found:.2} KiB, {:.1} % of the published", share * 100.0);
    assert!((0.9..1.0).contains(&share), "{share}");
}

#[test]
fn ram_is_what_the_largest_two_maps_take_together() {
    // 48 channels at half the side and, with stride 2, at a quarter.
    for (side, published) in [(256usize, 2253.5), (320, 2446.0), (416, 2743.5 + 2028.0)] {
        let half = side / 2;
        let expected = (half * half * 48 + half / 2 * (half / 2) * 48) as f64 / 1024.0;
        let found = estimate(side).metric("RAM Activations KiB");
        println!("{side}x{side}: {found:.1} KiB of RAM, {:.1} % of the published", found / published * 100.0);
        assert_eq!(found, expected, "{side}");
        assert!(found < published, "the accelerator's layouts take more");
    }
}
