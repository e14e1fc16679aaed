use super::{Augmentation, Augmented, Moment, brightness, contrast, flip};
use contract::config::{Brightness, Contrast, Flip, FlipMode, Range};
use serde_json::json;

/// A case of `tests/golden/augmentation.txt`.
struct Case {
    function: String,
    argument: String,
    size: (usize, usize),
    range: (f32, f32),
    image: Vec<f32>,
    mask: Vec<u8>,
    wanted: (Vec<f32>, Vec<u8>),
}

impl Case {
    fn parse(line: &str) -> Self {
        let parts: Vec<&str> = line.split('|').collect();
        let head: Vec<&str> = parts[0].split_whitespace().collect();
        let [height, width, channels] = [2, 3, 4].map(|part| head[part].parse().expect("a size"));
        let image = |part: usize| -> Vec<f32> {
            let bits = parts[part].split_whitespace();
            let values: Vec<f32> =
                bits.map(|bits| f32::from_bits(u32::from_str_radix(bits, 16).expect("bits"))).collect();
            (0..channels).flat_map(|channel| values.iter().skip(channel).step_by(channels)).copied().collect()
        };
        let mask = |part: usize| -> Vec<u8> {
            parts[part].split_whitespace().map(|label| label.parse().expect("a label")).collect()
        };
        Self {
            function: head[0].to_owned(),
            argument: head[1].to_owned(),
            size: (height, width),
            range: (head[5].parse().expect("a pixel"), head[6].parse().expect("a pixel")),
            image: image(1),
            mask: mask(2),
            wanted: (image(3), mask(4)),
        }
    }
}

#[test]
fn functions_with_given_draws_equal_tensorflow() {
    for line in include_str!("../../tests/golden/augmentation.txt").lines() {
        let Case { function, argument, size, range, mut image, mut mask, wanted } = Case::parse(line);
        let mut sample = Augmented { image: &mut image, mask: &mut mask, size, range };
        let number = || argument.parse().expect("a number");
        match function.as_str() {
            "random_contrast" => contrast::scale(&mut sample, number()),
            "random_brightness" => brightness::shift(&mut sample, number()),
            _ => {
                let axes =
                    flip::Mirror { horizontal: argument.contains('h'), vertical: argument.contains('v') };
                flip::mirror(&mut sample, axes);
            }
        }
        // TensorFlow adds a channel up in single precision, so its mean may differ in the last place.
        let exact = function != "random_contrast";
        let span = range.1 - range.0;
        let worst = image.iter().zip(&wanted.0).map(|(found, wanted)| (found - wanted).abs() / span);
        let worst = worst.fold(0.0, f32::max);
        assert!(worst <= if exact { 0.0 } else { 2e-7 }, "{function} {argument} differs by {worst}");
        assert_eq!(mask, wanted.1, "{function} {argument}");
    }
}

fn applied(
    function: &Augmentation,
    image: &[f32],
    size: (usize, usize),
    sample: usize,
) -> (Vec<f32>, Vec<u8>) {
    let (mut image, mut mask) =
        (image.to_vec(), (0..size.0 * size.1).map(|label| label as u8).collect::<Vec<_>>());
    let mut augmented = Augmented { image: &mut image, mask: &mut mask, size, range: (-1.0, 1.0) };
    function.apply(&mut augmented, Moment { seed: 7, epoch: 3, sample });
    (image, mask)
}

fn flip_of(mode: FlipMode, change_rate: f64) -> Augmentation {
    Augmentation::RandomFlip(Flip { mode, change_rate })
}

#[test]
fn masks_move_with_images() {
    let size = (3, 4);
    let image: Vec<f32> = (0..12).map(|pixel| pixel as f32 / 16.0).collect();
    for mode in [FlipMode::Horizontal, FlipMode::Vertical, FlipMode::HorizontalAndVertical] {
        let mut moved = 0;
        for sample in 0..100 {
            let (image_then, mask) = applied(&flip_of(mode, 0.5), &image, size, sample);
            let beneath: Vec<f32> = mask.iter().map(|label| f32::from(*label) / 16.0).collect();
            assert_eq!(image_then, beneath, "{mode:?}");
            moved += usize::from(image_then != image);
        }
        assert!((25..75).contains(&moved), "{moved} of 100 are mirrored");
    }
}

#[test]
fn both_axes_allowed_gives_each_way_to_mirror_a_third() {
    let function = flip_of(FlipMode::HorizontalAndVertical, 1.0);
    let image = [0.1, 0.2, 0.3, 0.4];
    let ways = [[0.2, 0.1, 0.4, 0.3], [0.3, 0.4, 0.1, 0.2], [0.4, 0.3, 0.2, 0.1]];
    let mut counts = [0; 3];
    for sample in 0..3000 {
        let (found, _) = applied(&function, &image, (2, 2), sample);
        counts[ways.iter().position(|way| found == way).expect("one of the three")] += 1;
    }
    // Four standard deviations of a binomial around 1000.
    assert!(counts.iter().all(|count| (897..=1103).contains(count)), "{counts:?}");
}

/// Checks that draws fill the range evenly: its ends are nearly reached and each tenth has its share.
fn assert_uniform(draws: &[f64], (low, high): (f64, f64)) {
    let mut tenths = [0usize; 10];
    for draw in draws {
        let share = (draw - low) / (high - low);
        assert!((-1e-6..1.0 + 1e-6).contains(&share), "{draw} is outside {low}..{high}");
        tenths[((share * 10.0) as usize).min(9)] += 1;
    }
    let expected = draws.len() as f64 / 10.0;
    let chi_square: f64 = tenths.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum();
    // Nine degrees of freedom: exceeded once in a thousand.
    assert!(chi_square < 27.9, "{tenths:?}");
}

#[test]
fn factors_are_drawn_evenly_from_their_range() {
    let contrast = Augmentation::RandomContrast(Contrast { factor: Range::new(0.6, 1.4), change_rate: 1.0 });
    let draws: Vec<f64> = (0..5000)
        .map(|sample| f64::from(applied(&contrast, &[-0.5, 0.5], (1, 2), sample).0[1]) / 0.5)
        .collect();
    assert_uniform(&draws, (0.6, 1.4));
    let brightness =
        Augmentation::RandomBrightness(Brightness { factor: Range::new(-0.1, 0.3), change_rate: 1.0 });
    let draws: Vec<f64> =
        (0..5000).map(|sample| f64::from(applied(&brightness, &[0.0], (1, 1), sample).0[0])).collect();
    assert_uniform(&draws, (-0.1, 0.3));
}

#[test]
fn the_change_rate_is_the_share_of_samples_that_change() {
    for change_rate in [0.0, 0.25, 1.0] {
        let function =
            Augmentation::RandomBrightness(Brightness { factor: Range::new(0.1, 0.2), change_rate });
        let changed =
            (0..4000).filter(|sample| applied(&function, &[0.0], (1, 1), *sample).0[0] != 0.0).count();
        let (expected, deviation) =
            (4000.0 * change_rate, (4000.0 * change_rate * (1.0 - change_rate)).sqrt());
        assert!((changed as f64 - expected).abs() <= 4.0 * deviation, "{changed} for {change_rate}");
        assert_eq!(function.has_effect(), change_rate > 0.0);
    }
}

#[test]
fn each_function_epoch_and_sample_has_draws_of_its_own() {
    let function =
        Augmentation::RandomBrightness(Brightness { factor: Range::new(-0.5, 0.5), change_rate: 1.0 });
    let draw = |seed, epoch, sample| {
        let (mut image, mut mask) = ([0.0], [0]);
        let mut augmented =
            Augmented { image: &mut image, mask: &mut mask, size: (1, 1), range: (-1.0, 1.0) };
        function.apply(&mut augmented, Moment { seed, epoch, sample });
        image[0]
    };
    let draws = [draw(1, 0, 0), draw(2, 0, 0), draw(1, 1, 0), draw(1, 0, 1)];
    for (index, one) in draws.iter().enumerate() {
        assert!(draws[index + 1..].iter().all(|other| one != other), "{draws:?}");
    }
    assert_eq!(draw(1, 0, 0), draws[0]);
    let contrast = Augmentation::RandomContrast(Contrast { factor: Range::new(0.5, 1.5), change_rate: 1.0 });
    let (found, _) = applied(&contrast, &[-0.5, 0.5], (1, 2), 4);
    let (other, _) = applied(&function, &[0.0], (1, 1), 4);
    // The same stream would give the same place in both ranges, which are equally wide.
    assert!((found[1] / 0.5 - 1.0 - other[0]).abs() > 1e-3);
}

#[test]
fn functions_survive_the_wire_with_their_effective_values() {
    let read: contract::config::DataAugmentation = serde_json::from_value(json!([
        {"random_flip": {"mode": "horizontal"}},
        {"random_contrast": {"factor": 0.25}},
        {"random_brightness": {"factor": [-0.5, 0.75], "change_rate": 0.5}},
        {"random_gamma": {"gamma": [0.5, 2.0]}}
    ]))
    .expect("functions");
    let built: Vec<Augmentation> = read.iter().filter_map(Augmentation::new).collect();
    let wire = serde_json::to_value(&built).expect("JSON");
    let wanted = json!([
        {"random_flip": {"mode": "horizontal", "change_rate": 0.5}},
        {"random_contrast": {"factor": [0.75, 1.25], "change_rate": 1.0}},
        {"random_brightness": {"factor": [-0.5, 0.75], "change_rate": 0.5}}
    ]);
    assert_eq!(wire, wanted);
    assert_eq!(serde_json::from_value::<Vec<Augmentation>>(wire).expect("functions"), built);
}
