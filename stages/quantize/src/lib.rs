//! Stage quantize: post-training quantization to int8.
