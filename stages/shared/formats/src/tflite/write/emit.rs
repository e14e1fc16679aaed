//! The bytes of a file, built back to front by the `flatbuffers` crate: children before the tables that name them.

use super::{File, FileTensor, Operator, Options, Slot};
use crate::FormatError;
use crate::tflite::schema::{self, operator, options, slot, tensor_type};
use flatbuffers::{
    FlatBufferBuilder, ForwardsUOffset, TableFinishedWIPOffset, UnionWIPOffset, Vector, WIPOffset,
};
use model::{Data, DataType, Quant};
use std::collections::BTreeMap;

type Table = WIPOffset<TableFinishedWIPOffset>;
type Tables<'f> = WIPOffset<Vector<'f, ForwardsUOffset<TableFinishedWIPOffset>>>;

/// Weights start at multiples of this in the file, so that a mapped file can be used in place (the schema's
/// `force_align`).
const ALIGNMENT: usize = 16;
/// FlatBuffers distances are 31 bits wide; the rest of a file is far smaller than the margin left here.
const MAX_WEIGHT_BYTES: usize = 2_000_000_000;
/// Builds the file.
#[derive(Default)]
pub(super) struct Emitter<'f> {
    builder: FlatBufferBuilder<'f>,
}

impl<'f> Emitter<'f> {
    /// The whole file.
    pub(super) fn model(mut self, name: &str, file: &File, output: usize) -> Result<Vec<u8>, FormatError> {
        let weights: usize =
            file.tensors.iter().flat_map(|tensor| &tensor.data).map(|data| 4 * data.len()).sum();
        if weights > MAX_WEIGHT_BYTES {
            return Err(FormatError::Content {
                message: format!(
                    "the model `{name}` has about {weights} bytes of weights, too many for this format"
                ),
                help: "choose a smaller network".into(),
            });
        }
        // Buffer 0 is empty by convention; then one for each tensor, then the metadata's.
        let mut buffers = vec![self.buffer(&[])];
        for tensor in &file.tensors {
            let bytes = tensor.data.as_ref().map(to_bytes).unwrap_or_default();
            buffers.push(self.buffer(&bytes));
        }
        buffers.push(self.buffer(min_runtime_version(&file.operators)));
        let metadata = self.metadata("min_runtime_version", buffers.len() - 1);
        let buffers = self.builder.create_vector(&buffers);

        let codes = versions(&file.operators);
        let subgraph = self.subgraph(name, file, output, &codes);
        let subgraphs = self.builder.create_vector(&[subgraph]);
        let codes: Vec<Table> =
            codes.iter().map(|(&code, &version)| self.operator_code(code, version)).collect();
        let codes = self.builder.create_vector(&codes);
        let metadata = self.builder.create_vector(&[metadata]);
        let signatures = self.signatures(file, output);
        let description = self.builder.create_string("pipeline");

        let table = self.builder.start_table();
        self.builder.push_slot(at(slot::model::VERSION), schema::VERSION, 0);
        self.builder.push_slot_always(at(slot::model::OPERATOR_CODES), codes);
        self.builder.push_slot_always(at(slot::model::SUBGRAPHS), subgraphs);
        self.builder.push_slot_always(at(slot::model::DESCRIPTION), description);
        self.builder.push_slot_always(at(slot::model::BUFFERS), buffers);
        self.builder.push_slot_always(at(slot::model::METADATA), metadata);
        self.builder.push_slot_always(at(slot::model::SIGNATURES), signatures);
        let root = self.builder.end_table(table);
        // The root's distance and the identifier, 8 bytes, complete a multiple of the alignment: as places are counted
        // from the end while building, this is what makes them multiples from the beginning as well.
        self.pad(8);
        self.builder.finish(root, Some(schema::IDENTIFIER));
        Ok(self.builder.finished_data().to_vec())
    }

    /// Fills up so that the position is aligned after `upcoming` more bytes.
    fn pad(&mut self, upcoming: usize) {
        while !(self.builder.unfinished_data().len() + upcoming).is_multiple_of(ALIGNMENT) {
            self.builder.push(0u8);
        }
    }

    fn buffer(&mut self, bytes: &[u8]) -> Table {
        let data = (!bytes.is_empty()).then(|| {
            self.pad(bytes.len());
            self.builder.create_vector(bytes)
        });
        let table = self.builder.start_table();
        if let Some(data) = data {
            self.builder.push_slot_always(at(slot::buffer::DATA), data);
        }
        self.builder.end_table(table)
    }

    fn metadata(&mut self, name: &str, buffer: usize) -> Table {
        let name = self.builder.create_string(name);
        let table = self.builder.start_table();
        self.builder.push_slot_always(at(slot::metadata::NAME), name);
        self.builder.push_slot(at(slot::metadata::BUFFER), buffer as u32, 0);
        self.builder.end_table(table)
    }

    fn operator_code(&mut self, code: i32, version: i32) -> Table {
        // Readers before 2.4 look only at the deprecated byte; 127 stands there for newer codes.
        let deprecated = i8::try_from(code).unwrap_or(127);
        let table = self.builder.start_table();
        self.builder.push_slot(at(slot::operator_code::DEPRECATED_BUILTIN_CODE), deprecated, 0);
        self.builder.push_slot(at(slot::operator_code::VERSION), version, 1);
        self.builder.push_slot(at(slot::operator_code::BUILTIN_CODE), code, 0);
        self.builder.end_table(table)
    }

    fn subgraph(&mut self, name: &str, file: &File, output: usize, codes: &BTreeMap<i32, i32>) -> Table {
        let tensors: Vec<Table> =
            file.tensors.iter().enumerate().map(|(i, tensor)| self.tensor(tensor, i + 1)).collect();
        let tensors = self.builder.create_vector(&tensors);
        let operators: Vec<Table> = file.operators.iter().map(|op| self.operator(op, codes)).collect();
        let operators = self.builder.create_vector(&operators);
        let inputs = self.indices(&[file.input]);
        let outputs = self.indices(&[output]);
        let name = self.builder.create_string(name);
        let table = self.builder.start_table();
        self.builder.push_slot_always(at(slot::subgraph::TENSORS), tensors);
        self.builder.push_slot_always(at(slot::subgraph::INPUTS), inputs);
        self.builder.push_slot_always(at(slot::subgraph::OUTPUTS), outputs);
        self.builder.push_slot_always(at(slot::subgraph::OPERATORS), operators);
        self.builder.push_slot_always(at(slot::subgraph::NAME), name);
        self.builder.end_table(table)
    }

    fn tensor(&mut self, tensor: &FileTensor, buffer: usize) -> Table {
        let shape = self.indices(&tensor.shape);
        let name = self.builder.create_string(&tensor.name);
        let quant = tensor.quant.as_ref().map(|quant| self.quantization(quant));
        let table = self.builder.start_table();
        self.builder.push_slot_always(at(slot::tensor::SHAPE), shape);
        self.builder.push_slot(at(slot::tensor::TYPE), type_code(tensor.data_type), 0);
        self.builder.push_slot(at(slot::tensor::BUFFER), buffer as u32, 0);
        self.builder.push_slot_always(at(slot::tensor::NAME), name);
        if let Some(quant) = quant {
            self.builder.push_slot_always(at(slot::tensor::QUANTIZATION), quant);
        }
        self.builder.push_slot(at(slot::tensor::HAS_RANK), true, false);
        self.builder.end_table(table)
    }

    fn quantization(&mut self, quant: &Quant) -> Table {
        let scales = self.builder.create_vector(&quant.scales);
        let zero_points: Vec<i64> = quant.zero_points.iter().map(|&z| i64::from(z)).collect();
        let zero_points = self.builder.create_vector(&zero_points);
        let table = self.builder.start_table();
        self.builder.push_slot_always(at(slot::quantization::SCALE), scales);
        self.builder.push_slot_always(at(slot::quantization::ZERO_POINT), zero_points);
        self.builder.push_slot(at(slot::quantization::DIMENSION), quant.axis.unwrap_or(0) as i32, 0);
        self.builder.end_table(table)
    }

    fn operator(&mut self, operator: &Operator, codes: &BTreeMap<i32, i32>) -> Table {
        let inputs = self.indices(&operator.inputs);
        let outputs = self.indices(&[operator.output]);
        let options = (operator.options.kind != options::NONE).then(|| self.options(&operator.options));
        let index = codes.range(..operator.code).count();
        let table = self.builder.start_table();
        self.builder.push_slot(at(slot::operator::OPCODE_INDEX), index as u32, 0);
        self.builder.push_slot_always(at(slot::operator::INPUTS), inputs);
        self.builder.push_slot_always(at(slot::operator::OUTPUTS), outputs);
        self.builder.push_slot(at(slot::operator::OPTIONS_TYPE), operator.options.kind, options::NONE);
        if let Some(options) = options {
            self.builder.push_slot_always(at(slot::operator::OPTIONS), options);
        }
        self.builder.end_table(table)
    }

    fn options(&mut self, options: &Options) -> WIPOffset<UnionWIPOffset> {
        let vectors: Vec<_> = options
            .slots
            .iter()
            .filter_map(|(index, slot)| match slot {
                Slot::I32s(values) => Some((*index, self.builder.create_vector(values))),
                _ => None,
            })
            .collect();
        let table = self.builder.start_table();
        for (index, slot) in &options.slots {
            match *slot {
                Slot::I8(value, default) => self.builder.push_slot(at(*index), value, default),
                Slot::I32(value, default) => self.builder.push_slot(at(*index), value, default),
                Slot::Bool(value, default) => self.builder.push_slot(at(*index), value, default),
                Slot::F32(value, default) => self.builder.push_slot(at(*index), value, default),
                Slot::I32s(_) => {}
            }
        }
        for (index, vector) in vectors {
            self.builder.push_slot_always(at(index), vector);
        }
        self.builder.end_table(table).as_union_value()
    }

    /// One signature, as converters name it, so that a caller finds input and output by name.
    fn signatures(&mut self, file: &File, output: usize) -> Tables<'f> {
        let input_name = signature_name(&file.tensors[file.input].name).to_owned();
        let inputs = self.tensor_map(&input_name, file.input);
        let outputs = self.tensor_map("output_0", output);
        let key = self.builder.create_string("serving_default");
        let table = self.builder.start_table();
        self.builder.push_slot_always(at(slot::signature::INPUTS), inputs);
        self.builder.push_slot_always(at(slot::signature::OUTPUTS), outputs);
        self.builder.push_slot_always(at(slot::signature::KEY), key);
        self.builder.push_slot(at(slot::signature::SUBGRAPH), 0u32, 0);
        let signature = self.builder.end_table(table);
        self.builder.create_vector(&[signature])
    }

    fn tensor_map(&mut self, name: &str, tensor: usize) -> Tables<'f> {
        let name = self.builder.create_string(name);
        let table = self.builder.start_table();
        self.builder.push_slot_always(at(slot::tensor_map::NAME), name);
        self.builder.push_slot(at(slot::tensor_map::TENSOR), tensor as u32, 0);
        let map = self.builder.end_table(table);
        self.builder.create_vector(&[map])
    }

    fn indices(&mut self, values: &[usize]) -> WIPOffset<Vector<'f, i32>> {
        let values: Vec<i32> = values.iter().map(|&v| v as i32).collect();
        self.builder.create_vector(&values)
    }
}

/// Where FlatBuffers keeps a slot's entry in the vtable.
fn at(slot: usize) -> u16 {
    4 + 2 * slot as u16
}

/// The first TensorFlow release that runs all operator versions that are written, padded as converters pad it.
fn min_runtime_version(operators: &[Operator]) -> &'static [u8; 16] {
    if operators.iter().any(|op| op.code == operator::RESIZE_NEAREST_NEIGHBOR) {
        b"2.3.0\0\0\0\0\0\0\0\0\0\0\0"
    } else {
        b"2.2.0\0\0\0\0\0\0\0\0\0\0\0"
    }
}

/// For each operator code the highest version used.
fn versions(operators: &[Operator]) -> BTreeMap<i32, i32> {
    let mut versions = BTreeMap::new();
    for operator in operators {
        let version = versions.entry(operator.code).or_insert(operator.version);
        *version = operator.version.max(*version);
    }
    versions
}

/// What a signature calls an input: converters name the tensor `serving_default_NAME:0`.
fn signature_name(tensor: &str) -> &str {
    let name = tensor.strip_prefix("serving_default_").unwrap_or(tensor);
    name.strip_suffix(":0").unwrap_or(name)
}

fn type_code(data_type: DataType) -> i8 {
    match data_type {
        DataType::F32 => tensor_type::FLOAT32,
        DataType::I32 => tensor_type::INT32,
        DataType::U8 => tensor_type::UINT8,
        DataType::I8 => tensor_type::INT8,
    }
}

fn to_bytes(data: &Data) -> Vec<u8> {
    match data {
        Data::F32(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Data::I32(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Data::I8(values) => values.iter().map(|v| v.cast_unsigned()).collect(),
        Data::U8(values) => values.clone(),
    }
}
