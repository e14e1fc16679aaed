//! Running a network.

use crate::KernelError;
use crate::kernel::{Kernel, Mismatch, Site, prepare};
use model::{Data, DataType, Graph, LayerId, Tensor, TensorType};
use rayon::prelude::*;

/// A network ready to run: checked, with its weights packed for the kernels.
pub struct Interpreter {
    steps: Vec<Step>,
    input: LayerId,
    output: LayerId,
}

/// A layer ready to run.
struct Step {
    name: String,
    /// None for the input.
    kernel: Option<Box<dyn Kernel>>,
    inputs: Vec<LayerId>,
    output: TensorType,
    /// Layers whose outputs nothing reads after this one.
    done: Vec<LayerId>,
}

impl Interpreter {
    /// Checks `graph` and packs its weights.
    ///
    /// # Errors
    /// [`KernelError::Graph`] when the layers do not fit together, [`KernelError::Layer`] when element types or scales do
    /// not fit an operation or there is no kernel for it.
    pub fn new(graph: &Graph) -> Result<Self, KernelError> {
        graph.check()?;
        let Some(input) = graph.input() else {
            return Err(KernelError::Layer {
                layer: graph.layer(graph.output).name.clone(),
                message: "the network has no input layer".into(),
            });
        };
        // With it no tensor is empty: the check above holds for all that is computed.
        if graph.layer(input).output.is_empty() {
            return Err(KernelError::Layer {
                layer: graph.layer(input).name.clone(),
                message: format!("an input of {:?} has no elements", graph.layer(input).output.shape),
            });
        }
        let mut steps = Vec::with_capacity(graph.layers.len());
        for (position, layer) in graph.layers.iter().enumerate() {
            let kernel = prepare(&Site::new(graph, LayerId(position)))?;
            if kernel.is_none() && LayerId(position) != input {
                return Err(KernelError::Layer {
                    layer: layer.name.clone(),
                    message: "networks with more than one input cannot be run".into(),
                });
            }
            steps.push(Step {
                name: layer.name.clone(),
                kernel,
                inputs: layer.inputs.clone(),
                output: layer.output.clone(),
                done: Vec::new(),
            });
        }
        for (layer, reader) in last_readers(graph) {
            steps[reader].done.push(layer);
        }
        Ok(Self { steps, input, output: graph.output })
    }

    /// Type of one image at the input.
    #[must_use]
    pub fn input_type(&self) -> &TensorType {
        &self.steps[self.input.0].output
    }

    /// Type of one image at the output.
    #[must_use]
    pub fn output_type(&self) -> &TensorType {
        &self.steps[self.output.0].output
    }

    /// Runs a batch of images: `input` is `[batch, ...]` of the input's type; the result is `[batch, ...]` of the output's.
    /// Images are shared among rayon's threads; results do not depend on how many there are.
    ///
    /// # Errors
    /// [`KernelError::Input`] when `input` is not of the input's type.
    pub fn run(&self, input: &Tensor) -> Result<Tensor, KernelError> {
        let batch = self.check_input(input)?;
        if batch == 1 {
            return self.run_batch(input.clone(), 1, &mut |_, _| ());
        }
        let images: Vec<Tensor> = split(input, batch)
            .into_par_iter()
            .map(|image| self.run_batch(image, 1, &mut |_, _| ()))
            .collect::<Result<_, _>>()?;
        self.join(images, batch)
    }

    /// As [`run`](Self::run), layer by layer for the whole batch; `observe` sees the output of each layer, the input's
    /// included, in the graph's order.
    ///
    /// # Errors
    /// [`KernelError::Input`] when `input` is not of the input's type.
    pub fn run_observed(
        &self,
        input: &Tensor,
        observe: &mut dyn FnMut(LayerId, &Tensor),
    ) -> Result<Tensor, KernelError> {
        let batch = self.check_input(input)?;
        self.run_batch(input.clone(), batch, observe)
    }

    fn run_batch(
        &self,
        input: Tensor,
        batch: usize,
        observe: &mut dyn FnMut(LayerId, &Tensor),
    ) -> Result<Tensor, KernelError> {
        let mut input = Some(Tensor { quant: self.input_type().quant.clone(), ..input });
        let mut outputs: Vec<Option<Tensor>> = self.steps.iter().map(|_| None).collect();
        for (position, step) in self.steps.iter().enumerate() {
            let output = match &step.kernel {
                None => input.take(),
                Some(kernel) => Some(step.run(kernel.as_ref(), &outputs, batch)?),
            };
            let output = output.ok_or_else(|| step.mismatch())?;
            observe(LayerId(position), &output);
            outputs[position] = Some(output);
            for &LayerId(done) in &step.done {
                outputs[done] = None;
            }
        }
        outputs[self.output.0].take().ok_or_else(|| self.steps[self.output.0].mismatch())
    }

    /// The batch of an input of the right type.
    fn check_input(&self, input: &Tensor) -> Result<usize, KernelError> {
        let expected = self.input_type();
        let elements: usize = input.shape.iter().product();
        let quant_fits = input.quant.is_none() || input.quant == expected.quant;
        match input.shape.split_first() {
            Some((&batch, shape))
                if batch > 0
                    && shape == expected.shape
                    && input.data.data_type() == expected.data_type
                    && quant_fits
                    && elements == input.data.len() =>
            {
                Ok(batch)
            }
            _ => Err(KernelError::Input {
                expected: describe(expected.data_type, &expected.shape, expected.quant.as_ref()),
                found: describe(input.data.data_type(), &input.shape, input.quant.as_ref()),
            }),
        }
    }

    fn join(&self, images: Vec<Tensor>, batch: usize) -> Result<Tensor, KernelError> {
        let output = self.output_type();
        let elements = batch * output.len();
        let mut images = images.into_iter().map(|image| image.data);
        let mut data = images.next().ok_or_else(|| self.steps[self.output.0].mismatch())?;
        reserve(&mut data, elements);
        for image in images {
            append(&mut data, &image).map_err(|Mismatch| self.steps[self.output.0].mismatch())?;
        }
        Ok(Tensor { shape: with_batch(batch, &output.shape), data, quant: output.quant.clone() })
    }
}

impl Step {
    fn run(
        &self,
        kernel: &dyn Kernel,
        outputs: &[Option<Tensor>],
        batch: usize,
    ) -> Result<Tensor, KernelError> {
        let inputs: Vec<&Data> = self
            .inputs
            .iter()
            .map(|input| outputs[input.0].as_ref().map(|tensor| &tensor.data))
            .collect::<Option<_>>()
            .ok_or_else(|| self.mismatch())?;
        let data = kernel.run(&inputs, batch).map_err(|Mismatch| self.mismatch())?;
        if data.len() != batch * self.output.len() || data.data_type() != self.output.data_type {
            return Err(self.mismatch());
        }
        Ok(Tensor { shape: with_batch(batch, &self.output.shape), data, quant: self.output.quant.clone() })
    }

    /// The checks of [`Interpreter::new`] make this impossible; it stands here instead of a panic.
    fn mismatch(&self) -> KernelError {
        KernelError::Layer {
            layer: self.name.clone(),
            message: "its kernel got or gave other elements than it was prepared for (a bug)".into(),
        }
    }
}

/// For each layer but the output, the position of the layer that reads it last; its own when nothing does.
fn last_readers(graph: &Graph) -> impl Iterator<Item = (LayerId, usize)> {
    let mut last: Vec<usize> = (0..graph.layers.len()).collect();
    for (position, layer) in graph.layers.iter().enumerate() {
        for input in &layer.inputs {
            last[input.0] = position;
        }
    }
    let output = graph.output;
    last.into_iter()
        .enumerate()
        .map(|(layer, reader)| (LayerId(layer), reader))
        .filter(move |&(layer, _)| layer != output)
}

fn with_batch(batch: usize, shape: &[usize]) -> Vec<usize> {
    std::iter::once(batch).chain(shape.iter().copied()).collect()
}

/// The images of a batch, each with a batch of 1.
fn split(input: &Tensor, batch: usize) -> Vec<Tensor> {
    let size = input.data.len() / batch;
    let shape = with_batch(1, &input.shape[1..]);
    (0..batch)
        .map(|image| {
            let range = image * size..(image + 1) * size;
            let data = match &input.data {
                Data::F32(values) => Data::F32(values[range].to_vec()),
                Data::I8(values) => Data::I8(values[range].to_vec()),
                Data::U8(values) => Data::U8(values[range].to_vec()),
                Data::I32(values) => Data::I32(values[range].to_vec()),
            };
            Tensor { shape: shape.clone(), data, quant: input.quant.clone() }
        })
        .collect()
}

fn reserve(data: &mut Data, elements: usize) {
    match data {
        Data::F32(values) => values.reserve_exact(elements.saturating_sub(values.len())),
        Data::I8(values) => values.reserve_exact(elements.saturating_sub(values.len())),
        Data::U8(values) => values.reserve_exact(elements.saturating_sub(values.len())),
        Data::I32(values) => values.reserve_exact(elements.saturating_sub(values.len())),
    }
}

fn append(data: &mut Data, more: &Data) -> Result<(), Mismatch> {
    match (data, more) {
        (Data::F32(values), Data::F32(more)) => values.extend_from_slice(more),
        (Data::I8(values), Data::I8(more)) => values.extend_from_slice(more),
        (Data::U8(values), Data::U8(more)) => values.extend_from_slice(more),
        (Data::I32(values), Data::I32(more)) => values.extend_from_slice(more),
        _ => return Err(Mismatch),
    }
    Ok(())
}

fn describe(data_type: DataType, shape: &[usize], quant: Option<&model::Quant>) -> String {
    let quant = quant.map_or_else(String::new, |quant| {
        format!(" of scales {:?} and zero points {:?}", quant.scales, quant.zero_points)
    });
    format!("{data_type:?} {shape:?}{quant}")
}
