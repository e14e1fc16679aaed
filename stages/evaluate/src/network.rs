//! From a model file to class maps.

use crate::{EvaluateError, EvaluateSettings};
use dataset::Size;
use kernels::Interpreter;
use model::{Data, DataType, Op, Quant, Tensor};
use std::path::Path;

/// A network ready to tell classes apart.
pub(crate) struct Network {
    interpreter: Interpreter,
    /// The file's own name, for messages.
    name: String,
    /// Size of the images it takes.
    pub(crate) size: Size,
    input: Vec<usize>,
    encoding: Encoding,
    classes: usize,
    /// Weights, moving statistics included.
    pub(crate) parameters: usize,
    /// Whether it rescales its input itself.
    pub(crate) rescales: bool,
    /// Memory that running one image takes at most, bytes, weights not included.
    pub(crate) activations: u64,
    /// Memory of the weights, bytes.
    pub(crate) weights: u64,
}

/// How real numbers become elements of the input.
enum Encoding {
    Float,
    I8 { scale: f32, zero_point: i32 },
    U8 { scale: f32, zero_point: i32 },
}

impl Network {
    /// Reads the model file `path`, whose own name is `name`, and checks it against the settings.
    pub(crate) fn read(path: &Path, name: &str, settings: &EvaluateSettings) -> Result<Self, EvaluateError> {
        let graph = formats::read_model(path, name)?;
        let interpreter = Interpreter::new(&graph)
            .map_err(|source| EvaluateError::Kernel { name: name.to_owned(), source })?;
        let input = interpreter.input_type();
        let [height, width, channels] = input.shape[..] else {
            return Err(EvaluateError::InputShape { name: name.to_owned(), shape: input.shape.clone() });
        };
        let images = settings.preprocessing.channels;
        if channels != images {
            return Err(EvaluateError::Channels { name: name.to_owned(), model: channels, images });
        }
        let encoding = Encoding::of(input.data_type, input.quant.as_ref()).ok_or_else(|| {
            let scaled = input.quant.is_some();
            EvaluateError::InputType { name: name.to_owned(), found: input.data_type, scaled }
        })?;
        let classes = check_output(&interpreter, name, (height, width), settings)?;
        Ok(Self {
            name: name.to_owned(),
            size: Size { height, width },
            input: vec![1, height, width, channels],
            encoding,
            classes,
            parameters: graph.parameters(),
            rescales: graph.layers.iter().any(|layer| matches!(layer.op, Op::Rescale { .. })),
            activations: graph.peak_activations(),
            weights: graph.weight_bytes(),
            interpreter,
        })
    }

    /// The class of each pixel: the one with the highest score, the lowest of equals. `image` is `[height, width,
    /// channels]` of the network's size and range; `id` is its name, for messages.
    pub(crate) fn class_map(&self, id: &str, image: &[f32]) -> Result<Vec<u8>, EvaluateError> {
        let input = Tensor { shape: self.input.clone(), data: self.encoding.encode(image), quant: None };
        let output = self
            .interpreter
            .run(&input)
            .map_err(|source| EvaluateError::Kernel { name: self.name.clone(), source })?;
        // The scale of a quantized output is positive, so its integers are in the order of the scores.
        match &output.data {
            Data::F32(scores) if scores.iter().any(|score| score.is_nan()) => {
                Err(EvaluateError::NotANumber { name: self.name.clone(), image: id.to_owned() })
            }
            Data::F32(scores) => Ok(argmax(scores, self.classes)),
            Data::I8(scores) => Ok(argmax(scores, self.classes)),
            Data::U8(scores) => Ok(argmax(scores, self.classes)),
            Data::I32(scores) => Ok(argmax(scores, self.classes)),
        }
    }
}

impl Encoding {
    fn of(data_type: DataType, quant: Option<&Quant>) -> Option<Self> {
        let scaled = || match quant.map(|quant| (&quant.scales[..], &quant.zero_points[..])) {
            Some((&[scale], &[zero_point])) if scale > 0.0 => Some((scale, zero_point)),
            _ => None,
        };
        match data_type {
            DataType::F32 => Some(Self::Float),
            DataType::I8 => scaled().map(|(scale, zero_point)| Self::I8 { scale, zero_point }),
            DataType::U8 => scaled().map(|(scale, zero_point)| Self::U8 { scale, zero_point }),
            DataType::I32 => None,
        }
    }

    fn encode(&self, image: &[f32]) -> Data {
        // Casts from float to integer saturate, which is the clip of the rule.
        let stored =
            |value: f32, scale: f32, zero_point: i32| (value / scale).round_ties_even() + zero_point as f32;
        match *self {
            Self::Float => Data::F32(image.to_vec()),
            Self::I8 { scale, zero_point } => {
                Data::I8(image.iter().map(|&value| stored(value, scale, zero_point) as i8).collect())
            }
            Self::U8 { scale, zero_point } => {
                Data::U8(image.iter().map(|&value| stored(value, scale, zero_point) as u8).collect())
            }
        }
    }
}

fn check_output(
    interpreter: &Interpreter,
    name: &str,
    size: (usize, usize),
    settings: &EvaluateSettings,
) -> Result<usize, EvaluateError> {
    let output = &interpreter.output_type().shape;
    let &[height, width, classes] = &output[..] else {
        return Err(EvaluateError::OutputShape {
            name: name.to_owned(),
            input: size,
            output: output.clone(),
        });
    };
    if (height, width) != size {
        return Err(EvaluateError::OutputShape {
            name: name.to_owned(),
            input: size,
            output: output.clone(),
        });
    }
    if classes != settings.classes.len() {
        return Err(EvaluateError::Classes {
            name: name.to_owned(),
            model: classes,
            dataset: settings.classes.len(),
            names: settings.classes.names().join(", "),
        });
    }
    Ok(classes)
}

/// The position of the largest of each `classes` scores, the lowest of equals.
fn argmax<T: PartialOrd + Copy>(scores: &[T], classes: usize) -> Vec<u8> {
    scores
        .chunks_exact(classes)
        .map(|pixel| {
            let mut best = 0;
            for (class, &score) in pixel.iter().enumerate().skip(1) {
                if score > pixel[best] {
                    best = class;
                }
            }
            best as u8
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_of_equal_scores_wins_in_floats_and_integers() {
        assert_eq!(argmax(&[0.5, 0.5, 0.1, -1.0, 2.0, 2.0], 3), [0, 1]);
        assert_eq!(argmax(&[-128i8, -128, -128, 3, 4, 5], 3), [0, 2]);
    }

    #[test]
    fn input_integers_are_rounded_half_to_even_and_clipped() {
        let encoding = Encoding::U8 { scale: 0.5, zero_point: 128 };
        let Data::U8(stored) = encoding.encode(&[0.25, 0.75, -0.25, 1.0, 1e9, -1e9]) else {
            panic!("not bytes")
        };
        assert_eq!(stored, [128, 130, 128, 130, 255, 0]);
        let encoding = Encoding::I8 { scale: 1.0 / 128.0, zero_point: -1 };
        let Data::I8(stored) = encoding.encode(&[-1.0, 0.0, 1.0]) else { panic!("not bytes") };
        assert_eq!(stored, [-128, -1, 127]);
    }

    #[test]
    fn integers_without_one_scale_are_no_input() {
        assert!(Encoding::of(DataType::U8, None).is_none());
        assert!(Encoding::of(DataType::I8, Some(&Quant::per_tensor(0.0, 0))).is_none());
        assert!(Encoding::of(DataType::I32, Some(&Quant::per_tensor(1.0, 0))).is_none());
        assert!(Encoding::of(DataType::F32, None).is_some());
    }
}
