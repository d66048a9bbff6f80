"""Operators of TensorFlow Lite Micro, by what they can do with int8.

The registered ones are those of tflite-micro 0.dev20261023; tests/unit/test_audit_tflm.py asks the wheel for each.
The division comes from trying operators on int8 tensors and from TFLM's kernel sources (tensorflow/lite/micro/kernels).
"""

# Kernels that take int8 activations (or only move bytes).
INT8 = frozenset(
    [
        "ABS",
        "ADD",
        "ADD_N",
        "AVERAGE_POOL_2D",
        "BATCH_MATMUL",
        "BATCH_TO_SPACE_ND",
        "BROADCAST_TO",
        "CAST",
        "CONCATENATION",
        "CONV_2D",
        "CUMSUM",
        "DEPTHWISE_CONV_2D",
        "DEPTH_TO_SPACE",
        "DIV",
        "DYNAMIC_UPDATE_SLICE",
        "ELU",
        "EQUAL",
        "EXPAND_DIMS",
        "FILL",
        "FULLY_CONNECTED",
        "GATHER",
        "GATHER_ND",
        "GREATER",
        "GREATER_EQUAL",
        "HARD_SWISH",
        "L2_NORMALIZATION",
        "LEAKY_RELU",
        "LESS",
        "LESS_EQUAL",
        "LOGISTIC",
        "LOG_SOFTMAX",
        "MAXIMUM",
        "MAX_POOL_2D",
        "MEAN",
        "MINIMUM",
        "MIRROR_PAD",
        "MUL",
        "NOT_EQUAL",
        "PACK",
        "PAD",
        "PADV2",
        "PRELU",
        "QUANTIZE",
        "REDUCE_MAX",
        "REDUCE_MIN",
        "RELU",
        "RELU6",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "REVERSE_V2",
        "RSQRT",
        "SELECT_V2",
        "SLICE",
        "SOFTMAX",
        "SPACE_TO_BATCH_ND",
        "SPACE_TO_DEPTH",
        "SPLIT",
        "SPLIT_V",
        "SQUARED_DIFFERENCE",
        "SQUEEZE",
        "STRIDED_SLICE",
        "SUB",
        "SUM",
        "SVDF",
        "TANH",
        "TRANSPOSE",
        "TRANSPOSE_CONV",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "UNPACK",
        "ZEROS_LIKE",
    ]
)
# Answer with indices or shapes: int8 in, int32 out.
INDICES = frozenset({"ARG_MAX", "ARG_MIN", "SHAPE"})
# Kernels for float32 (or booleans) alone.
FLOAT_ONLY = frozenset(
    [
        "CEIL",
        "COS",
        "DEQUANTIZE",
        "EXP",
        "FLOOR",
        "FLOOR_DIV",
        "FLOOR_MOD",
        "L2_POOL_2D",
        "LOG",
        "NEG",
        "ROUND",
        "SIN",
        "SQRT",
        "SQUARE",
        "LOGICAL_AND",
        "LOGICAL_NOT",
        "LOGICAL_OR",
        "REDUCE_ALL",
    ]
)
# Control flow, state and look-ups: no arithmetic of their own.
CONTROL = frozenset(
    [
        "ASSIGN_VARIABLE",
        "BROADCAST_ARGS",
        "CALL_ONCE",
        "EMBEDDING_LOOKUP",
        "IF",
        "READ_VARIABLE",
        "VAR_HANDLE",
        "WHILE",
    ]
)
REGISTERED = INT8 | INDICES | FLOAT_ONLY | CONTROL
# int8 kernels that write at the scale of their input: TFLM does not rescale, so both scales must be equal.
KEEPS_SCALE = frozenset(
    [
        "AVERAGE_POOL_2D",
        "BATCH_TO_SPACE_ND",
        "BROADCAST_TO",
        "DEPTH_TO_SPACE",
        "EXPAND_DIMS",
        "GATHER",
        "MAX_POOL_2D",
        "MIRROR_PAD",
        "PAD",
        "RESHAPE",
        "RESIZE_NEAREST_NEIGHBOR",
        "REVERSE_V2",
        "SLICE",
        "SPACE_TO_BATCH_ND",
        "SPACE_TO_DEPTH",
        "SQUEEZE",
        "STRIDED_SLICE",
        "TRANSPOSE",
    ]
)
# Output (scale, zero point) that the int8 kernels insist on. Source: TensorFlow Lite 8-bit quantization specification.
FIXED_OUTPUT = {
    "SOFTMAX": (1 / 256, -128),
    "LOGISTIC": (1 / 256, -128),
    "TANH": (1 / 128, 0),
    "L2_NORMALIZATION": (1 / 128, 0),
}
