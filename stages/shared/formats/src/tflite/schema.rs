//! Slots and codes of the published TFLite schema, version 3 (`schema.fbs`), as far as we use it.
//!
//! A slot is a field's place in the declaration of its table. They never change: the schema only grows.

/// The file identifier.
pub(super) const IDENTIFIER: &str = "TFL3";
/// `Model.version` that goes with the identifier.
pub(super) const VERSION: u32 = 3;

/// Slots, a module for each table.
pub(super) mod slot {
    pub(in crate::tflite) mod model {
        pub(in crate::tflite) const VERSION: usize = 0;
        pub(in crate::tflite) const OPERATOR_CODES: usize = 1;
        pub(in crate::tflite) const SUBGRAPHS: usize = 2;
        pub(in crate::tflite) const DESCRIPTION: usize = 3;
        pub(in crate::tflite) const BUFFERS: usize = 4;
        pub(in crate::tflite) const METADATA: usize = 6;
        pub(in crate::tflite) const SIGNATURES: usize = 7;
    }
    pub(in crate::tflite) mod operator_code {
        pub(in crate::tflite) const DEPRECATED_BUILTIN_CODE: usize = 0;
        pub(in crate::tflite) const VERSION: usize = 2;
        pub(in crate::tflite) const BUILTIN_CODE: usize = 3;
    }
    pub(in crate::tflite) mod subgraph {
        pub(in crate::tflite) const TENSORS: usize = 0;
        pub(in crate::tflite) const INPUTS: usize = 1;
        pub(in crate::tflite) const OUTPUTS: usize = 2;
        pub(in crate::tflite) const OPERATORS: usize = 3;
        pub(in crate::tflite) const NAME: usize = 4;
    }
    pub(in crate::tflite) mod tensor {
        pub(in crate::tflite) const SHAPE: usize = 0;
        pub(in crate::tflite) const TYPE: usize = 1;
        pub(in crate::tflite) const BUFFER: usize = 2;
        pub(in crate::tflite) const NAME: usize = 3;
        pub(in crate::tflite) const QUANTIZATION: usize = 4;
        pub(in crate::tflite) const IS_VARIABLE: usize = 5;
        pub(in crate::tflite) const SPARSITY: usize = 6;
        pub(in crate::tflite) const HAS_RANK: usize = 8;
    }
    pub(in crate::tflite) mod quantization {
        pub(in crate::tflite) const SCALE: usize = 2;
        pub(in crate::tflite) const ZERO_POINT: usize = 3;
        pub(in crate::tflite) const DETAILS: usize = 5;
        pub(in crate::tflite) const DIMENSION: usize = 6;
    }
    pub(in crate::tflite) mod operator {
        pub(in crate::tflite) const OPCODE_INDEX: usize = 0;
        pub(in crate::tflite) const INPUTS: usize = 1;
        pub(in crate::tflite) const OUTPUTS: usize = 2;
        pub(in crate::tflite) const OPTIONS_TYPE: usize = 3;
        pub(in crate::tflite) const OPTIONS: usize = 4;
    }
    pub(in crate::tflite) mod buffer {
        pub(in crate::tflite) const DATA: usize = 0;
        pub(in crate::tflite) const OFFSET: usize = 1;
    }
    pub(in crate::tflite) mod metadata {
        pub(in crate::tflite) const NAME: usize = 0;
        pub(in crate::tflite) const BUFFER: usize = 1;
    }
    pub(in crate::tflite) mod signature {
        pub(in crate::tflite) const INPUTS: usize = 0;
        pub(in crate::tflite) const OUTPUTS: usize = 1;
        pub(in crate::tflite) const KEY: usize = 2;
        pub(in crate::tflite) const SUBGRAPH: usize = 4;
    }
    pub(in crate::tflite) mod tensor_map {
        pub(in crate::tflite) const NAME: usize = 0;
        pub(in crate::tflite) const TENSOR: usize = 1;
    }
    pub(in crate::tflite) mod conv_2d {
        pub(in crate::tflite) const PADDING: usize = 0;
        pub(in crate::tflite) const STRIDE_W: usize = 1;
        pub(in crate::tflite) const STRIDE_H: usize = 2;
        pub(in crate::tflite) const ACTIVATION: usize = 3;
        pub(in crate::tflite) const DILATION_W: usize = 4;
        pub(in crate::tflite) const DILATION_H: usize = 5;
    }
    pub(in crate::tflite) mod depthwise_conv_2d {
        pub(in crate::tflite) const PADDING: usize = 0;
        pub(in crate::tflite) const STRIDE_W: usize = 1;
        pub(in crate::tflite) const STRIDE_H: usize = 2;
        pub(in crate::tflite) const MULTIPLIER: usize = 3;
        pub(in crate::tflite) const ACTIVATION: usize = 4;
        pub(in crate::tflite) const DILATION_W: usize = 5;
        pub(in crate::tflite) const DILATION_H: usize = 6;
    }
    pub(in crate::tflite) mod concatenation {
        pub(in crate::tflite) const AXIS: usize = 0;
        pub(in crate::tflite) const ACTIVATION: usize = 1;
    }
    pub(in crate::tflite) mod add {
        pub(in crate::tflite) const ACTIVATION: usize = 0;
        pub(in crate::tflite) const POT_SCALE_INT16: usize = 1;
    }
    pub(in crate::tflite) mod reducer {
        pub(in crate::tflite) const KEEP_DIMS: usize = 0;
    }
    pub(in crate::tflite) mod resize_bilinear {
        pub(in crate::tflite) const ALIGN_CORNERS: usize = 2;
        pub(in crate::tflite) const HALF_PIXEL_CENTERS: usize = 3;
    }
    pub(in crate::tflite) mod resize_nearest_neighbor {
        pub(in crate::tflite) const ALIGN_CORNERS: usize = 0;
        pub(in crate::tflite) const HALF_PIXEL_CENTERS: usize = 1;
    }
    pub(in crate::tflite) mod reshape {
        pub(in crate::tflite) const NEW_SHAPE: usize = 0;
    }
    pub(in crate::tflite) mod softmax {
        pub(in crate::tflite) const BETA: usize = 0;
    }
}

/// `BuiltinOperator`.
pub(super) mod operator {
    pub(in crate::tflite) const ADD: i32 = 0;
    pub(in crate::tflite) const CONCATENATION: i32 = 2;
    pub(in crate::tflite) const CONV_2D: i32 = 3;
    pub(in crate::tflite) const DEPTHWISE_CONV_2D: i32 = 4;
    pub(in crate::tflite) const DEQUANTIZE: i32 = 6;
    pub(in crate::tflite) const RELU: i32 = 19;
    pub(in crate::tflite) const RELU6: i32 = 21;
    pub(in crate::tflite) const RESHAPE: i32 = 22;
    pub(in crate::tflite) const RESIZE_BILINEAR: i32 = 23;
    pub(in crate::tflite) const SOFTMAX: i32 = 25;
    pub(in crate::tflite) const PAD: i32 = 34;
    pub(in crate::tflite) const MEAN: i32 = 40;
    pub(in crate::tflite) const RESIZE_NEAREST_NEIGHBOR: i32 = 97;
    pub(in crate::tflite) const QUANTIZE: i32 = 114;
}

/// `BuiltinOptions`, the union of option tables.
pub(super) mod options {
    pub(in crate::tflite) const NONE: u8 = 0;
    pub(in crate::tflite) const CONV_2D: u8 = 1;
    pub(in crate::tflite) const DEPTHWISE_CONV_2D: u8 = 2;
    pub(in crate::tflite) const SOFTMAX: u8 = 9;
    pub(in crate::tflite) const CONCATENATION: u8 = 10;
    pub(in crate::tflite) const ADD: u8 = 11;
    pub(in crate::tflite) const RESIZE_BILINEAR: u8 = 15;
    pub(in crate::tflite) const RESHAPE: u8 = 17;
    pub(in crate::tflite) const REDUCER: u8 = 27;
    pub(in crate::tflite) const RESIZE_NEAREST_NEIGHBOR: u8 = 74;
}

/// `TensorType`.
pub(super) mod tensor_type {
    pub(in crate::tflite) const FLOAT32: i8 = 0;
    pub(in crate::tflite) const INT32: i8 = 2;
    pub(in crate::tflite) const UINT8: i8 = 3;
    pub(in crate::tflite) const INT8: i8 = 9;
}

/// `Padding`.
pub(super) mod padding {
    pub(in crate::tflite) const SAME: i8 = 0;
    pub(in crate::tflite) const VALID: i8 = 1;
}

/// `ActivationFunctionType`.
pub(super) mod activation {
    pub(in crate::tflite) const NONE: i8 = 0;
    pub(in crate::tflite) const RELU: i8 = 1;
    pub(in crate::tflite) const RELU6: i8 = 3;
}

/// Names of `BuiltinOperator` by code, for messages.
pub(super) const OPERATOR_NAMES: [&str; 162] = [
    "ADD",
    "AVERAGE_POOL_2D",
    "CONCATENATION",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "DEPTH_TO_SPACE",
    "DEQUANTIZE",
    "EMBEDDING_LOOKUP",
    "FLOOR",
    "FULLY_CONNECTED",
    "HASHTABLE_LOOKUP",
    "L2_NORMALIZATION",
    "L2_POOL_2D",
    "LOCAL_RESPONSE_NORMALIZATION",
    "LOGISTIC",
    "LSH_PROJECTION",
    "LSTM",
    "MAX_POOL_2D",
    "MUL",
    "RELU",
    "RELU_N1_TO_1",
    "RELU6",
    "RESHAPE",
    "RESIZE_BILINEAR",
    "RNN",
    "SOFTMAX",
    "SPACE_TO_DEPTH",
    "SVDF",
    "TANH",
    "CONCAT_EMBEDDINGS",
    "SKIP_GRAM",
    "CALL",
    "CUSTOM",
    "EMBEDDING_LOOKUP_SPARSE",
    "PAD",
    "UNIDIRECTIONAL_SEQUENCE_RNN",
    "GATHER",
    "BATCH_TO_SPACE_ND",
    "SPACE_TO_BATCH_ND",
    "TRANSPOSE",
    "MEAN",
    "SUB",
    "DIV",
    "SQUEEZE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "STRIDED_SLICE",
    "BIDIRECTIONAL_SEQUENCE_RNN",
    "EXP",
    "TOPK_V2",
    "SPLIT",
    "LOG_SOFTMAX",
    "DELEGATE",
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    "CAST",
    "PRELU",
    "MAXIMUM",
    "ARG_MAX",
    "MINIMUM",
    "LESS",
    "NEG",
    "PADV2",
    "GREATER",
    "GREATER_EQUAL",
    "LESS_EQUAL",
    "SELECT",
    "SLICE",
    "SIN",
    "TRANSPOSE_CONV",
    "SPARSE_TO_DENSE",
    "TILE",
    "EXPAND_DIMS",
    "EQUAL",
    "NOT_EQUAL",
    "LOG",
    "SUM",
    "SQRT",
    "RSQRT",
    "SHAPE",
    "POW",
    "ARG_MIN",
    "FAKE_QUANT",
    "REDUCE_PROD",
    "REDUCE_MAX",
    "PACK",
    "LOGICAL_OR",
    "ONE_HOT",
    "LOGICAL_AND",
    "LOGICAL_NOT",
    "UNPACK",
    "REDUCE_MIN",
    "FLOOR_DIV",
    "REDUCE_ANY",
    "SQUARE",
    "ZEROS_LIKE",
    "FILL",
    "FLOOR_MOD",
    "RANGE",
    "RESIZE_NEAREST_NEIGHBOR",
    "LEAKY_RELU",
    "SQUARED_DIFFERENCE",
    "MIRROR_PAD",
    "ABS",
    "SPLIT_V",
    "UNIQUE",
    "CEIL",
    "REVERSE_V2",
    "ADD_N",
    "GATHER_ND",
    "COS",
    "WHERE",
    "RANK",
    "ELU",
    "REVERSE_SEQUENCE",
    "MATRIX_DIAG",
    "QUANTIZE",
    "MATRIX_SET_DIAG",
    "ROUND",
    "HARD_SWISH",
    "IF",
    "WHILE",
    "NON_MAX_SUPPRESSION_V4",
    "NON_MAX_SUPPRESSION_V5",
    "SCATTER_ND",
    "SELECT_V2",
    "DENSIFY",
    "SEGMENT_SUM",
    "BATCH_MATMUL",
    "PLACEHOLDER_FOR_GREATER_OP_CODES",
    "CUMSUM",
    "CALL_ONCE",
    "BROADCAST_TO",
    "RFFT2D",
    "CONV_3D",
    "IMAG",
    "REAL",
    "COMPLEX_ABS",
    "HASHTABLE",
    "HASHTABLE_FIND",
    "HASHTABLE_IMPORT",
    "HASHTABLE_SIZE",
    "REDUCE_ALL",
    "CONV_3D_TRANSPOSE",
    "VAR_HANDLE",
    "READ_VARIABLE",
    "ASSIGN_VARIABLE",
    "BROADCAST_ARGS",
    "RANDOM_STANDARD_NORMAL",
    "BUCKETIZE",
    "RANDOM_UNIFORM",
    "MULTINOMIAL",
    "GELU",
    "DYNAMIC_UPDATE_SLICE",
    "RELU_0_TO_1",
    "UNSORTED_SEGMENT_PROD",
    "UNSORTED_SEGMENT_MAX",
    "UNSORTED_SEGMENT_SUM",
    "ATAN2",
    "UNSORTED_SEGMENT_MIN",
    "SIGN",
    "BITCAST",
    "BITWISE_XOR",
    "RIGHT_SHIFT",
];
