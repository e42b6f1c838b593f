// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tflite/tflite_schema.h"

#include <algorithm>

namespace bitscape::io::schema {

namespace {

using Type = OptionType;

constexpr std::array kAddFields{Option{"fused_activation_function", 0, Type::Int8, 0},
                                Option{"pot_scale_int16", 1, Type::Bool, 1}};
constexpr std::array kArgMaxFields{Option{"output_type", 0, Type::Int8, 0}};
constexpr std::array kArgMinFields{Option{"output_type", 0, Type::Int8, 0}};
constexpr std::array kBatchMatMulFields{Option{"adj_x", 0, Type::Bool, 0},
                                        Option{"adj_y", 1, Type::Bool, 0},
                                        Option{"asymmetric_quantize_inputs", 2, Type::Bool, 0}};
constexpr std::array kCastFields{Option{"in_data_type", 0, Type::Int8, 0},
                                 Option{"out_data_type", 1, Type::Int8, 0}};
constexpr std::array kConcatenationFields{Option{"axis", 0, Type::Int32, 0},
                                          Option{"fused_activation_function", 1, Type::Int8, 0}};
constexpr std::array kConv2DFields{Option{"padding", 0, Type::Int8, 0},
                                   Option{"stride_w", 1, Type::Int32, 0},
                                   Option{"stride_h", 2, Type::Int32, 0},
                                   Option{"fused_activation_function", 3, Type::Int8, 0},
                                   Option{"dilation_w_factor", 4, Type::Int32, 1},
                                   Option{"dilation_h_factor", 5, Type::Int32, 1},
                                   Option{"quantized_bias_type", 6, Type::Int8, 0}};
constexpr std::array kDepthToSpaceFields{Option{"block_size", 0, Type::Int32, 0}};
constexpr std::array kDepthwiseConv2DFields{Option{"padding", 0, Type::Int8, 0},
                                            Option{"stride_w", 1, Type::Int32, 0},
                                            Option{"stride_h", 2, Type::Int32, 0},
                                            Option{"depth_multiplier", 3, Type::Int32, 0},
                                            Option{"fused_activation_function", 4, Type::Int8, 0},
                                            Option{"dilation_w_factor", 5, Type::Int32, 1},
                                            Option{"dilation_h_factor", 6, Type::Int32, 1}};
constexpr std::array kDivFields{Option{"fused_activation_function", 0, Type::Int8, 0}};
constexpr std::array kFullyConnectedFields{Option{"fused_activation_function", 0, Type::Int8, 0},
                                           Option{"weights_format", 1, Type::Int8, 0},
                                           Option{"keep_num_dims", 2, Type::Bool, 0},
                                           Option{"asymmetric_quantize_inputs", 3, Type::Bool, 0},
                                           Option{"quantized_bias_type", 4, Type::Int8, 0}};
constexpr std::array kGatherFields{Option{"axis", 0, Type::Int32, 0},
                                   Option{"batch_dims", 1, Type::Int32, 0}};
constexpr std::array kGeluFields{Option{"approximate", 0, Type::Bool, 0}};
constexpr std::array kL2NormFields{Option{"fused_activation_function", 0, Type::Int8, 0}};
constexpr std::array kLSTMFields{
    Option{"fused_activation_function", 0, Type::Int8, 0}, Option{"cell_clip", 1, Type::Float, 0},
    Option{"proj_clip", 2, Type::Float, 0}, Option{"kernel_type", 3, Type::Int8, 0},
    Option{"asymmetric_quantize_inputs", 4, Type::Bool, 0}};
constexpr std::array kLeakyReluFields{Option{"alpha", 0, Type::Float, 0}};
constexpr std::array kMirrorPadFields{Option{"mode", 0, Type::Int8, 0}};
constexpr std::array kMulFields{Option{"fused_activation_function", 0, Type::Int8, 0}};
constexpr std::array kPackFields{Option{"values_count", 0, Type::Int32, 0},
                                 Option{"axis", 1, Type::Int32, 0}};
constexpr std::array kPool2DFields{Option{"padding", 0, Type::Int8, 0},
                                   Option{"stride_w", 1, Type::Int32, 0},
                                   Option{"stride_h", 2, Type::Int32, 0},
                                   Option{"filter_width", 3, Type::Int32, 0},
                                   Option{"filter_height", 4, Type::Int32, 0},
                                   Option{"fused_activation_function", 5, Type::Int8, 0}};
constexpr std::array kReducerFields{Option{"keep_dims", 0, Type::Bool, 0}};
constexpr std::array kReshapeFields{Option{"new_shape", 0, Type::Ints, 0}};
constexpr std::array kResizeBilinearFields{Option{"align_corners", 2, Type::Bool, 0},
                                           Option{"half_pixel_centers", 3, Type::Bool, 0}};
constexpr std::array kResizeNearestNeighborFields{Option{"align_corners", 0, Type::Bool, 0},
                                                  Option{"half_pixel_centers", 1, Type::Bool, 0}};
constexpr std::array kSVDFFields{Option{"rank", 0, Type::Int32, 0},
                                 Option{"fused_activation_function", 1, Type::Int8, 0},
                                 Option{"asymmetric_quantize_inputs", 2, Type::Bool, 0}};
constexpr std::array kShapeFields{Option{"out_type", 0, Type::Int8, 0}};
constexpr std::array kSoftmaxFields{Option{"beta", 0, Type::Float, 0}};
constexpr std::array kSpaceToDepthFields{Option{"block_size", 0, Type::Int32, 0}};
constexpr std::array kSplitFields{Option{"num_splits", 0, Type::Int32, 0}};
constexpr std::array kSplitVFields{Option{"num_splits", 0, Type::Int32, 0}};
constexpr std::array kSqueezeFields{Option{"squeeze_dims", 0, Type::Ints, 0}};
constexpr std::array kStridedSliceFields{
    Option{"begin_mask", 0, Type::Int32, 0},       Option{"end_mask", 1, Type::Int32, 0},
    Option{"ellipsis_mask", 2, Type::Int32, 0},    Option{"new_axis_mask", 3, Type::Int32, 0},
    Option{"shrink_axis_mask", 4, Type::Int32, 0}, Option{"offset", 5, Type::Bool, 0}};
constexpr std::array kSubFields{Option{"fused_activation_function", 0, Type::Int8, 0},
                                Option{"pot_scale_int16", 1, Type::Bool, 1}};
constexpr std::array kTransposeConvFields{
    Option{"padding", 0, Type::Int8, 0}, Option{"stride_w", 1, Type::Int32, 0},
    Option{"stride_h", 2, Type::Int32, 0}, Option{"fused_activation_function", 3, Type::Int8, 0},
    Option{"quantized_bias_type", 4, Type::Int8, 0}};
constexpr std::array kUnidirectionalSequenceLSTMFields{
    Option{"fused_activation_function", 0, Type::Int8, 0},
    Option{"cell_clip", 1, Type::Float, 0},
    Option{"proj_clip", 2, Type::Float, 0},
    Option{"time_major", 3, Type::Bool, 0},
    Option{"asymmetric_quantize_inputs", 4, Type::Bool, 0},
    Option{"diagonal_recurrent_tensors", 5, Type::Bool, 0}};
constexpr std::array kUnpackFields{Option{"num", 0, Type::Int32, 0},
                                   Option{"axis", 1, Type::Int32, 0}};

constexpr std::array kOperators{
    OperatorRow{0, "ADD", 11, kAddFields},
    OperatorRow{1, "AVERAGE_POOL_2D", 5, kPool2DFields},
    OperatorRow{2, "CONCATENATION", 10, kConcatenationFields},
    OperatorRow{3, "CONV_2D", 1, kConv2DFields},
    OperatorRow{4, "DEPTHWISE_CONV_2D", 2, kDepthwiseConv2DFields},
    OperatorRow{5, "DEPTH_TO_SPACE", 94, kDepthToSpaceFields},
    OperatorRow{6, "DEQUANTIZE", 38, {}},
    OperatorRow{7, "EMBEDDING_LOOKUP", 0, {}},
    OperatorRow{8, "FLOOR", 0, {}},
    OperatorRow{9, "FULLY_CONNECTED", 8, kFullyConnectedFields},
    OperatorRow{10, "HASHTABLE_LOOKUP", 0, {}},
    OperatorRow{11, "L2_NORMALIZATION", 12, kL2NormFields},
    OperatorRow{12, "L2_POOL_2D", 5, kPool2DFields},
    OperatorRow{13, "LOCAL_RESPONSE_NORMALIZATION", 0, {}},
    OperatorRow{14, "LOGISTIC", 0, {}},
    OperatorRow{15, "LSH_PROJECTION", 0, {}},
    OperatorRow{16, "LSTM", 14, kLSTMFields},
    OperatorRow{17, "MAX_POOL_2D", 5, kPool2DFields},
    OperatorRow{18, "MUL", 21, kMulFields},
    OperatorRow{19, "RELU", 0, {}},
    OperatorRow{20, "RELU_N1_TO_1", 0, {}},
    OperatorRow{21, "RELU6", 0, {}},
    OperatorRow{22, "RESHAPE", 17, kReshapeFields},
    OperatorRow{23, "RESIZE_BILINEAR", 15, kResizeBilinearFields},
    OperatorRow{24, "RNN", 0, {}},
    OperatorRow{25, "SOFTMAX", 9, kSoftmaxFields},
    OperatorRow{26, "SPACE_TO_DEPTH", 19, kSpaceToDepthFields},
    OperatorRow{27, "SVDF", 6, kSVDFFields},
    OperatorRow{28, "TANH", 0, {}},
    OperatorRow{29, "CONCAT_EMBEDDINGS", 0, {}},
    OperatorRow{30, "SKIP_GRAM", 0, {}},
    OperatorRow{31, "CALL", 0, {}},
    OperatorRow{32, "CUSTOM", 0, {}},
    OperatorRow{33, "EMBEDDING_LOOKUP_SPARSE", 0, {}},
    OperatorRow{34, "PAD", 22, {}},
    OperatorRow{35, "UNIDIRECTIONAL_SEQUENCE_RNN", 0, {}},
    OperatorRow{36, "GATHER", 23, kGatherFields},
    OperatorRow{37, "BATCH_TO_SPACE_ND", 0, {}},
    OperatorRow{38, "SPACE_TO_BATCH_ND", 0, {}},
    OperatorRow{39, "TRANSPOSE", 26, {}},
    OperatorRow{40, "MEAN", 27, kReducerFields},
    OperatorRow{41, "SUB", 28, kSubFields},
    OperatorRow{42, "DIV", 29, kDivFields},
    OperatorRow{43, "SQUEEZE", 30, kSqueezeFields},
    OperatorRow{44, "UNIDIRECTIONAL_SEQUENCE_LSTM", 71, kUnidirectionalSequenceLSTMFields},
    OperatorRow{45, "STRIDED_SLICE", 32, kStridedSliceFields},
    OperatorRow{46, "BIDIRECTIONAL_SEQUENCE_RNN", 0, {}},
    OperatorRow{47, "EXP", 0, {}},
    OperatorRow{48, "TOPK_V2", 0, {}},
    OperatorRow{49, "SPLIT", 35, kSplitFields},
    OperatorRow{50, "LOG_SOFTMAX", 0, {}},
    OperatorRow{52, "BIDIRECTIONAL_SEQUENCE_LSTM", 0, {}},
    OperatorRow{53, "CAST", 37, kCastFields},
    OperatorRow{54, "PRELU", 0, {}},
    OperatorRow{55, "MAXIMUM", 39, {}},
    OperatorRow{56, "ARG_MAX", 40, kArgMaxFields},
    OperatorRow{57, "MINIMUM", 39, {}},
    OperatorRow{58, "LESS", 0, {}},
    OperatorRow{59, "NEG", 0, {}},
    OperatorRow{60, "PADV2", 0, {}},
    OperatorRow{61, "GREATER", 0, {}},
    OperatorRow{62, "GREATER_EQUAL", 0, {}},
    OperatorRow{63, "LESS_EQUAL", 0, {}},
    OperatorRow{64, "SELECT", 0, {}},
    OperatorRow{65, "SLICE", 0, {}},
    OperatorRow{66, "SIN", 0, {}},
    OperatorRow{67, "TRANSPOSE_CONV", 49, kTransposeConvFields},
    OperatorRow{68, "SPARSE_TO_DENSE", 0, {}},
    OperatorRow{69, "TILE", 0, {}},
    OperatorRow{70, "EXPAND_DIMS", 0, {}},
    OperatorRow{71, "EQUAL", 0, {}},
    OperatorRow{72, "NOT_EQUAL", 0, {}},
    OperatorRow{73, "LOG", 0, {}},
    OperatorRow{74, "SUM", 27, kReducerFields},
    OperatorRow{75, "SQRT", 0, {}},
    OperatorRow{76, "RSQRT", 0, {}},
    OperatorRow{77, "SHAPE", 55, kShapeFields},
    OperatorRow{78, "POW", 0, {}},
    OperatorRow{79, "ARG_MIN", 57, kArgMinFields},
    OperatorRow{80, "FAKE_QUANT", 0, {}},
    OperatorRow{81, "REDUCE_PROD", 27, kReducerFields},
    OperatorRow{82, "REDUCE_MAX", 27, kReducerFields},
    OperatorRow{83, "PACK", 59, kPackFields},
    OperatorRow{84, "LOGICAL_OR", 0, {}},
    OperatorRow{85, "ONE_HOT", 0, {}},
    OperatorRow{86, "LOGICAL_AND", 0, {}},
    OperatorRow{87, "LOGICAL_NOT", 0, {}},
    OperatorRow{88, "UNPACK", 64, kUnpackFields},
    OperatorRow{89, "REDUCE_MIN", 27, kReducerFields},
    OperatorRow{90, "FLOOR_DIV", 0, {}},
    OperatorRow{91, "REDUCE_ANY", 0, {}},
    OperatorRow{92, "SQUARE", 0, {}},
    OperatorRow{93, "ZEROS_LIKE", 0, {}},
    OperatorRow{94, "FILL", 0, {}},
    OperatorRow{95, "FLOOR_MOD", 0, {}},
    OperatorRow{96, "RANGE", 0, {}},
    OperatorRow{97, "RESIZE_NEAREST_NEIGHBOR", 74, kResizeNearestNeighborFields},
    OperatorRow{98, "LEAKY_RELU", 75, kLeakyReluFields},
    OperatorRow{99, "SQUARED_DIFFERENCE", 0, {}},
    OperatorRow{100, "MIRROR_PAD", 77, kMirrorPadFields},
    OperatorRow{101, "ABS", 0, {}},
    OperatorRow{102, "SPLIT_V", 79, kSplitVFields},
    OperatorRow{103, "UNIQUE", 0, {}},
    OperatorRow{104, "CEIL", 0, {}},
    OperatorRow{105, "REVERSE_V2", 0, {}},
    OperatorRow{106, "ADD_N", 0, {}},
    OperatorRow{107, "GATHER_ND", 0, {}},
    OperatorRow{108, "COS", 0, {}},
    OperatorRow{109, "WHERE", 0, {}},
    OperatorRow{110, "RANK", 0, {}},
    OperatorRow{111, "ELU", 0, {}},
    OperatorRow{112, "REVERSE_SEQUENCE", 0, {}},
    OperatorRow{113, "MATRIX_DIAG", 0, {}},
    OperatorRow{114, "QUANTIZE", 89, {}},
    OperatorRow{115, "MATRIX_SET_DIAG", 0, {}},
    OperatorRow{116, "ROUND", 0, {}},
    OperatorRow{117, "HARD_SWISH", 0, {}},
    OperatorRow{118, "IF", 0, {}},
    OperatorRow{119, "WHILE", 0, {}},
    OperatorRow{120, "NON_MAX_SUPPRESSION_V4", 0, {}},
    OperatorRow{121, "NON_MAX_SUPPRESSION_V5", 0, {}},
    OperatorRow{122, "SCATTER_ND", 0, {}},
    OperatorRow{123, "SELECT_V2", 0, {}},
    OperatorRow{124, "DENSIFY", 0, {}},
    OperatorRow{125, "SEGMENT_SUM", 0, {}},
    OperatorRow{126, "BATCH_MATMUL", 101, kBatchMatMulFields},
    OperatorRow{128, "CUMSUM", 0, {}},
    OperatorRow{129, "CALL_ONCE", 0, {}},
    OperatorRow{130, "BROADCAST_TO", 0, {}},
    OperatorRow{131, "RFFT2D", 0, {}},
    OperatorRow{132, "CONV_3D", 0, {}},
    OperatorRow{133, "IMAG", 0, {}},
    OperatorRow{134, "REAL", 0, {}},
    OperatorRow{135, "COMPLEX_ABS", 0, {}},
    OperatorRow{136, "HASHTABLE", 0, {}},
    OperatorRow{137, "HASHTABLE_FIND", 0, {}},
    OperatorRow{138, "HASHTABLE_IMPORT", 0, {}},
    OperatorRow{139, "HASHTABLE_SIZE", 0, {}},
    OperatorRow{140, "REDUCE_ALL", 0, {}},
    OperatorRow{141, "CONV_3D_TRANSPOSE", 0, {}},
    OperatorRow{142, "VAR_HANDLE", 0, {}},
    OperatorRow{143, "READ_VARIABLE", 0, {}},
    OperatorRow{144, "ASSIGN_VARIABLE", 0, {}},
    OperatorRow{145, "BROADCAST_ARGS", 0, {}},
    OperatorRow{146, "RANDOM_STANDARD_NORMAL", 0, {}},
    OperatorRow{147, "BUCKETIZE", 0, {}},
    OperatorRow{148, "RANDOM_UNIFORM", 0, {}},
    OperatorRow{149, "MULTINOMIAL", 0, {}},
    OperatorRow{150, "GELU", 116, kGeluFields},
    OperatorRow{151, "DYNAMIC_UPDATE_SLICE", 0, {}},
    OperatorRow{152, "RELU_0_TO_1", 0, {}},
    OperatorRow{153, "UNSORTED_SEGMENT_PROD", 0, {}},
    OperatorRow{154, "UNSORTED_SEGMENT_MAX", 0, {}},
    OperatorRow{155, "UNSORTED_SEGMENT_SUM", 0, {}},
    OperatorRow{156, "ATAN2", 0, {}},
    OperatorRow{157, "UNSORTED_SEGMENT_MIN", 0, {}},
    OperatorRow{158, "SIGN", 0, {}},
    OperatorRow{159, "BITCAST", 0, {}},
    OperatorRow{160, "BITWISE_XOR", 0, {}},
    OperatorRow{161, "RIGHT_SHIFT", 0, {}},
    OperatorRow{162, "STABLEHLO_LOGISTIC", 0, {}},
    OperatorRow{163, "STABLEHLO_ADD", 0, {}},
    OperatorRow{164, "STABLEHLO_DIVIDE", 0, {}},
    OperatorRow{165, "STABLEHLO_MULTIPLY", 0, {}},
    OperatorRow{166, "STABLEHLO_MAXIMUM", 0, {}},
    OperatorRow{167, "STABLEHLO_RESHAPE", 0, {}},
    OperatorRow{168, "STABLEHLO_CLAMP", 0, {}},
    OperatorRow{169, "STABLEHLO_CONCATENATE", 0, {}},
    OperatorRow{170, "STABLEHLO_BROADCAST_IN_DIM", 0, {}},
    OperatorRow{171, "STABLEHLO_CONVOLUTION", 0, {}},
    OperatorRow{172, "STABLEHLO_SLICE", 0, {}},
    OperatorRow{173, "STABLEHLO_CUSTOM_CALL", 0, {}},
    OperatorRow{174, "STABLEHLO_REDUCE", 0, {}},
    OperatorRow{175, "STABLEHLO_ABS", 0, {}},
    OperatorRow{176, "STABLEHLO_AND", 0, {}},
    OperatorRow{177, "STABLEHLO_COSINE", 0, {}},
    OperatorRow{178, "STABLEHLO_EXPONENTIAL", 0, {}},
    OperatorRow{179, "STABLEHLO_FLOOR", 0, {}},
    OperatorRow{180, "STABLEHLO_LOG", 0, {}},
    OperatorRow{181, "STABLEHLO_MINIMUM", 0, {}},
    OperatorRow{182, "STABLEHLO_NEGATE", 0, {}},
    OperatorRow{183, "STABLEHLO_OR", 0, {}},
    OperatorRow{184, "STABLEHLO_POWER", 0, {}},
    OperatorRow{185, "STABLEHLO_REMAINDER", 0, {}},
    OperatorRow{186, "STABLEHLO_RSQRT", 0, {}},
    OperatorRow{187, "STABLEHLO_SELECT", 0, {}},
    OperatorRow{188, "STABLEHLO_SUBTRACT", 0, {}},
    OperatorRow{189, "STABLEHLO_TANH", 0, {}},
    OperatorRow{190, "STABLEHLO_SCATTER", 0, {}},
    OperatorRow{191, "STABLEHLO_COMPARE", 0, {}},
    OperatorRow{192, "STABLEHLO_CONVERT", 0, {}},
    OperatorRow{193, "STABLEHLO_DYNAMIC_SLICE", 0, {}},
    OperatorRow{194, "STABLEHLO_DYNAMIC_UPDATE_SLICE", 0, {}},
    OperatorRow{195, "STABLEHLO_PAD", 0, {}},
    OperatorRow{196, "STABLEHLO_IOTA", 0, {}},
    OperatorRow{197, "STABLEHLO_DOT_GENERAL", 0, {}},
    OperatorRow{198, "STABLEHLO_REDUCE_WINDOW", 0, {}},
    OperatorRow{199, "STABLEHLO_SORT", 0, {}},
    OperatorRow{200, "STABLEHLO_WHILE", 0, {}},
    OperatorRow{201, "STABLEHLO_GATHER", 0, {}},
    OperatorRow{202, "STABLEHLO_TRANSPOSE", 0, {}},
    OperatorRow{203, "DILATE", 0, {}},
    OperatorRow{204, "STABLEHLO_RNG_BIT_GENERATOR", 0, {}},
    OperatorRow{205, "REDUCE_WINDOW", 0, {}},
    OperatorRow{206, "STABLEHLO_COMPOSITE", 0, {}},
    OperatorRow{207, "STABLEHLO_SHIFT_LEFT", 0, {}},
    OperatorRow{208, "STABLEHLO_CBRT", 0, {}},
    OperatorRow{209, "STABLEHLO_CASE", 0, {}}};

} // namespace

const OperatorRow* findOperator(int code)
{
    const auto row = std::ranges::find(kOperators, code, &OperatorRow::code);
    return row == kOperators.end() ? nullptr : &*row;
}

} // namespace bitscape::io::schema
