//! The built-in set: discs, squares and triangles on a noisy background.
//!
//! Each image is made from `(seed, version, index)` alone. A class has a typical colour, but a wide one, a fifth of the
//! shapes have any colour at all, and bars of shape-like colours belong to the background: colour is a hint, form decides.
//! Only operations that are exact on every machine are used (no sine, no logarithm).

use crate::{DatasetError, Mask, Picture, picture};
use contract::{Random, SourceContent};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A part of the built-in set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shapes {
    version: u32,
    seed: u64,
    height: usize,
    width: usize,
    /// Index of the first image.
    first: u64,
    /// Images.
    count: usize,
}

/// Index of the first validation image: far beyond any training image.
const VALIDATION: u64 = 1_000_000;
const SIDE: usize = 96;
/// Colours that the three shapes tend to.
const TYPICAL: [[f32; 3]; 3] = [[200.0, 90.0, 70.0], [80.0, 175.0, 90.0], [85.0, 105.0, 205.0]];

impl Shapes {
    /// Name of the generator in a [`SourceContent::Generated`].
    pub const GENERATOR: &'static str = "shapes";
    /// Grows when the same parameters give other images.
    const VERSION: u32 = 1;
    const TRAINING_IMAGES: usize = 320;
    const VALIDATION_IMAGES: usize = 64;

    /// The training images.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            version: Self::VERSION,
            seed,
            height: SIDE,
            width: SIDE,
            first: 0,
            count: Self::TRAINING_IMAGES,
        }
    }

    pub(crate) fn training(&self) -> Self {
        self.clone()
    }

    pub(crate) fn validation(&self) -> Self {
        Self { first: VALIDATION, count: Self::VALIDATION_IMAGES, ..self.clone() }
    }

    /// The first `count` images of the part.
    #[must_use]
    pub fn first(self, count: usize) -> Self {
        Self { count, ..self }
    }

    /// Images in the part.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// As the content of a source.
    #[must_use]
    pub fn content(&self) -> SourceContent {
        let parameters: [(&str, Value); 6] = [
            ("version", self.version.into()),
            ("seed", self.seed.into()),
            ("height", self.height.into()),
            ("width", self.width.into()),
            ("first", self.first.into()),
            ("count", self.count.into()),
        ];
        SourceContent::Generated {
            generator: Self::GENERATOR.to_owned(),
            parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
        }
    }

    pub(crate) fn parse(parameters: &Map<String, Value>) -> Result<Self, DatasetError> {
        let wrong =
            |message: String| DatasetError::Generator { generator: Self::GENERATOR.to_owned(), message };
        let shapes = Self::deserialize(parameters).map_err(|e| wrong(e.to_string()))?;
        if shapes.version != Self::VERSION {
            return Err(wrong(format!(
                "version {} is asked for, this program has version {}",
                shapes.version,
                Self::VERSION
            )));
        }
        if !(16..=4096).contains(&shapes.height) || !(16..=4096).contains(&shapes.width) {
            return Err(wrong(format!(
                "the size {}x{} is not between 16 and 4096",
                shapes.height, shapes.width
            )));
        }
        Ok(shapes)
    }

    pub(crate) fn id(&self, index: usize) -> String {
        format!("shapes_{:07}", self.first + index as u64)
    }

    /// The picture with 1 or 3 channels, and its mask.
    #[must_use]
    pub fn image(&self, index: usize, channels: usize) -> (Picture, Mask) {
        let index = self.first + index as u64;
        let mut random = Random::new(self.seed, Self::GENERATOR, u64::from(self.version), index);
        let mut canvas = Canvas::new(self.height, self.width, &mut random);
        for _ in 0..random.below(3) {
            canvas.bar(&mut random);
        }
        for _ in 0..=random.below(3) {
            canvas.shape(&mut random);
        }
        canvas.finish(channels, &mut random)
    }
}

/// An image in the making.
struct Canvas {
    height: usize,
    width: usize,
    colors: Vec<[f32; 3]>,
    labels: Vec<u8>,
    /// Centre and radius of what was drawn.
    taken: Vec<([f32; 2], f32)>,
}

impl Canvas {
    /// A gradient between two dull colours with stripes across.
    fn new(height: usize, width: usize, random: &mut Random) -> Self {
        let [from, to] = [dull(random), dull(random)];
        let [along, stripes] = [direction(random), direction(random)];
        let (period, strength) = (between(random, 5.0, 20.0), between(random, 0.0, 28.0));
        let side = height.min(width) as f32;
        let colors = positions(height, width)
            .map(|at| {
                let share = (dot(at, along) / side * 0.5 + 0.5).clamp(0.0, 1.0);
                let phase = dot(at, stripes) / period;
                let stripe = ((phase - phase.floor()) * 2.0 - 1.0).abs() * 2.0 - 1.0;
                std::array::from_fn(|c| from[c] + (to[c] - from[c]) * share + stripe * strength)
            })
            .collect();
        Self { height, width, colors, labels: vec![0; height * width], taken: Vec::new() }
    }

    /// A bar of a shape's colour that is background all the same.
    fn bar(&mut self, random: &mut Random) {
        let side = self.height.min(self.width) as f32;
        let class = random_class(random);
        let color = color(random, class);
        let (centre, along) = (self.anywhere(random, 0.0), direction(random));
        let (length, thickness) = (side * between(random, 0.2, 0.5), side * between(random, 0.015, 0.03));
        let inside = |at: [f32; 2]| {
            let at = [at[0] - centre[0], at[1] - centre[1]];
            dot(at, along).abs() <= length && dot(at, [-along[1], along[0]]).abs() <= thickness
        };
        self.paint(inside, color, color, centre, side, 0);
    }

    fn shape(&mut self, random: &mut Random) {
        let class = random_class(random);
        let side = self.height.min(self.width) as f32;
        let Some((centre, radius)) = self.free_place(random, side) else { return };
        let (from, shade) = (color(random, class), between(random, -35.0, 35.0));
        let to = from.map(|component| component + shade);
        let along = direction(random);
        let inside = |at: [f32; 2]| {
            let at = [at[0] - centre[0], at[1] - centre[1]];
            let turned = [dot(at, along), dot(at, [-along[1], along[0]])];
            // Square and triangle reach beyond the radius at their corners, so that the areas are not too far apart.
            match class {
                1 => dot(at, at) <= radius * radius,
                2 => turned[0].abs().max(turned[1].abs()) <= radius * 0.85,
                _ => in_triangle(turned, radius * 1.35),
            }
        };
        self.paint(inside, from, to, centre, radius, class);
        self.taken.push((centre, radius));
    }

    /// Where a shape overlaps the others little; none when there is no room.
    fn free_place(&self, random: &mut Random, side: f32) -> Option<([f32; 2], f32)> {
        (0..12).find_map(|_| {
            let radius = side * between(random, 0.16, 0.3);
            let centre = self.anywhere(random, radius * 0.7);
            let free = self.taken.iter().all(|(other, taken)| {
                let apart = [centre[0] - other[0], centre[1] - other[1]];
                let wanted = (radius + taken) * 0.95;
                dot(apart, apart) >= wanted * wanted
            });
            free.then_some((centre, radius))
        })
    }

    fn anywhere(&self, random: &mut Random, margin: f32) -> [f32; 2] {
        let along = |random: &mut Random, length: usize| {
            let half = length as f32 / 2.0 - margin;
            between(random, -half, half)
        };
        [along(random, self.height), along(random, self.width)]
    }

    /// Paints what is `inside`, shaded downwards between two colours over twice `reach`.
    fn paint(
        &mut self,
        inside: impl Fn([f32; 2]) -> bool,
        from: [f32; 3],
        to: [f32; 3],
        centre: [f32; 2],
        reach: f32,
        class: u8,
    ) {
        for (pixel, at) in positions(self.height, self.width).enumerate() {
            if inside(at) {
                let share = ((at[0] - centre[0]) / reach * 0.5 + 0.5).clamp(0.0, 1.0);
                self.colors[pixel] = std::array::from_fn(|c| from[c] + (to[c] - from[c]) * share);
                self.labels[pixel] = class;
            }
        }
    }

    /// Adds noise and rounds.
    fn finish(self, channels: usize, random: &mut Random) -> (Picture, Mask) {
        let noise = between(random, 4.0, 22.0);
        let rgb: Vec<u8> = self
            .colors
            .iter()
            .flat_map(|color| {
                let draws = random.next_u32().to_le_bytes();
                let noisy = |c: usize| color[c] + (f32::from(draws[c]) / 127.5 - 1.0) * noise;
                [0, 1, 2].map(|c| noisy(c).clamp(0.0, 255.0).round_ties_even() as u8)
            })
            .collect();
        let pixels = if channels == 1 { picture::luma(&rgb) } else { rgb };
        let (height, width) = (self.height, self.width);
        (
            Picture { height, width, channels, pixels },
            Mask { height, width, labels: self.labels, from_colors: false },
        )
    }
}

/// Pixel centres, row by row, down and right of the middle.
fn positions(height: usize, width: usize) -> impl Iterator<Item = [f32; 2]> {
    let middle = [height as f32 / 2.0, width as f32 / 2.0];
    (0..height)
        .flat_map(move |y| (0..width).map(move |x| [y as f32 + 0.5 - middle[0], x as f32 + 0.5 - middle[1]]))
}

/// An equilateral triangle with its corners `radius` from the origin, one of them to the right.
fn in_triangle(at: [f32; 2], radius: f32) -> bool {
    // The normals of the three sides: minus the direction of the opposite corner.
    let normals = [[-1.0, 0.0], [0.5, 0.866_025_4], [0.5, -0.866_025_4]];
    normals.iter().all(|&normal| dot(at, normal) <= radius * 0.5)
}

fn random_class(random: &mut Random) -> u8 {
    1 + random.below(3) as u8
}

/// A colour for a shape: near the class's own four times out of five, else any.
fn color(random: &mut Random, class: u8) -> [f32; 3] {
    let near = random.below(5) > 0;
    let typical = TYPICAL[usize::from(class - 1)];
    std::array::from_fn(|c| {
        if near { typical[c] + between(random, -45.0, 45.0) } else { between(random, 20.0, 235.0) }
    })
}

/// A colour with little saturation.
fn dull(random: &mut Random) -> [f32; 3] {
    let grey = between(random, 50.0, 200.0);
    std::array::from_fn(|_| grey + between(random, -25.0, 25.0))
}

/// A unit vector in the plane: a rational point of the circle, in one of four quadrants.
fn direction(random: &mut Random) -> [f32; 2] {
    let t = between(random, -0.414_213_56, 0.414_213_56);
    let [x, y] = [(1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t)];
    match random.below(4) {
        0 => [x, y],
        1 => [-y, x],
        2 => [-x, -y],
        _ => [y, -x],
    }
}

fn between(random: &mut Random, low: f32, high: f32) -> f32 {
    random.uniform_in(f64::from(low), f64::from(high)) as f32
}

fn dot(a: [f32; 2], b: [f32; 2]) -> f32 {
    a[0] * b[0] + a[1] * b[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_depends_on_seed_and_index_alone() {
        let shapes = Shapes::new(123);
        assert_eq!(shapes.image(7, 3), Shapes::new(123).first(8).image(7, 3));
        assert_ne!(shapes.image(7, 3).0, shapes.image(8, 3).0);
        assert_ne!(shapes.image(7, 3).0, Shapes::new(124).image(7, 3).0);
        assert_ne!(shapes.image(7, 3).0, shapes.validation().image(7, 3).0);
    }

    /// The bytes are part of what `VERSION` stands for: raise it when this fails.
    #[test]
    fn the_bytes_of_version_1_never_change() {
        let shapes = Shapes::new(123);
        let digest = (0..4)
            .flat_map(|i| {
                let (picture, mask) = shapes.image(i, 3);
                picture.pixels.into_iter().chain(mask.labels)
            })
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
            });
        assert_eq!(format!("{digest:016x}"), "0c784e72ce9549ee");
    }

    #[test]
    fn every_class_takes_its_share_and_every_image_has_a_shape() {
        let shapes = Shapes::new(123);
        let mut pixels = [0usize; 4];
        for index in 0..shapes.count() {
            let labels = shapes.image(index, 3).1.labels;
            assert!(labels.iter().any(|&label| label > 0), "image {index} is empty");
            labels.iter().for_each(|&label| pixels[usize::from(label)] += 1);
        }
        let total: usize = pixels.iter().sum();
        let shares = pixels.map(|n| n as f64 / total as f64);
        assert!(shares[0] > 0.6 && shares[0] < 0.8, "{shares:?}");
        assert!(shares[1..].iter().all(|share| *share > 0.04), "{shares:?}");
    }

    #[test]
    fn parameters_travel_through_the_source() {
        let shapes = Shapes::new(5).validation();
        let SourceContent::Generated { generator, mut parameters } = shapes.content() else {
            panic!("not generated")
        };
        assert_eq!(generator, "shapes");
        assert_eq!(Shapes::parse(&parameters).expect("its own parameters"), shapes);
        parameters.insert("version".to_owned(), 99.into());
        assert!(Shapes::parse(&parameters).is_err());
    }
}
