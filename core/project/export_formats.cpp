// SPDX-License-Identifier: GPL-3.0-or-later
// The rows of the export formats; the writers stand in core/io, those that need a project here.
#include "core/io/c_header.h"
#include "core/io/keras_export.h"
#include "core/io/map_export.h"
#include "core/io/onnx/onnx_export.h"
#include "core/io/table_export.h"
#include "core/io/tflite/tflite_export.h"
#include "core/io/workload_export.h"
#include "core/project/exports.h"
#include "core/project/search_export.h"
#include "core/project/split_functions.h"

namespace bitscape::project {

namespace {

using Content = Result<io::ExportContent>;

Content writeMap(const ExportRequest& request, const JobContext& /*job*/)
{
    return io::singleFile(graph::toMap(*request.input.graph, request.input.configuration) + "\n");
}

/// A writer that knows of nothing but the network.
template <auto write>
Content ofNetwork(const ExportRequest& request, const JobContext& /*job*/)
{
    return write(request.input);
}

Content writeTflite(const ExportRequest& request, const JobContext& job)
{
    auto input = withSplitFunctions(request, job);
    if (!input) {
        return fail(std::move(input).error());
    }
    return io::exportTflite(*input);
}

Content writeQkerasMod(const ExportRequest& request, const JobContext& /*job*/)
{
    const auto calibration = request.project ? request.project->calibration : nullptr;
    const io::SeenRange seen =
        [&calibration](std::string_view layer) -> std::optional<std::pair<double, double>> {
        const auto* tensor = calibration ? calibration->find(layer) : nullptr;
        return tensor == nullptr ? std::nullopt
                                 : std::optional(std::pair(tensor->minimum, tensor->maximum));
    };
    return io::exportQkerasMod(request.input, seen, request.options.csvConvention);
}

Content writeAutoQKeras(const ExportRequest& request, const JobContext& /*job*/)
{
    return exportAutoQKeras(request.input, request.project.get());
}

Content writeOptuna(const ExportRequest& request, const JobContext& /*job*/)
{
    return exportOptuna(*request.project);
}

} // namespace

std::span<const ExportFormat> exportFormats()
{
    static const std::vector<ExportFormat> table{
        {.name = "map",
         .title = "Quantizer map",
         .ending = ".json",
         .doc = "The quantizers by layer as a map of this program and QKeras' model_quantize.",
         .readback = ExportReadback::Map,
         .write = writeMap},
        {.name = "qkeras-json",
         .title = "QKeras architecture",
         .ending = ".json",
         .doc = "The network in QKeras' layers without weights, for quantized_model_from_json.",
         .write = ofNetwork<io::exportQKerasJson>},
        {.name = "qkeras-h5",
         .title = "QKeras HDF5",
         .ending = ".h5",
         .doc = "Network, quantizers and weights in QKeras' layers, for load_qmodel.",
         .readback = ExportReadback::Model,
         .write = ofNetwork<io::exportQKerasH5>},
        {.name = "quantized-weights",
         .title = "QKeras quantized weights",
         .ending = ".json",
         .doc = "What QKeras' model_save_quantized_weights returns: weights, scales and signs by "
                "layer.",
         .needsQuantizers = true,
         .write = ofNetwork<io::exportQuantizedWeights>},
        {.name = "keras-h5",
         .title = "Keras HDF5",
         .ending = ".h5",
         .doc = "Network and weights in plain Keras layers (legacy HDF5); quantizers are left out.",
         .readback = ExportReadback::Model,
         .keepsQuantizers = false,
         .write = ofNetwork<io::exportKerasH5>},
        {.name = "onnx",
         .title = "ONNX",
         .ending = ".onnx",
         .doc = "The float network for ONNX Runtime and whatever else reads ONNX; quantizers are "
                "left out.",
         .readback = ExportReadback::Model,
         .keepsQuantizers = false,
         .write = ofNetwork<io::exportOnnx>},
        {.name = "onnx-qdq",
         .title = "ONNX with QuantizeLinear",
         .ending = ".onnx",
         .doc = "The quantized network in ONNX' own operators (QDQ; QCDQ below 8 bits), for ONNX "
                "Runtime.",
         .readback = ExportReadback::Model,
         .needsQuantizers = true,
         .write = ofNetwork<io::exportOnnxQdq>},
        {.name = "qonnx",
         .title = "QONNX",
         .ending = ".onnx",
         .doc = "The quantized network with any number of bits, for FINN, hls4ml and the qonnx "
                "package.",
         .readback = ExportReadback::Model,
         .needsQuantizers = true,
         .write = ofNetwork<io::exportQonnx>},
        {.name = "c-header",
         .title = "C header",
         .ending = ".h",
         .doc = "Packed whole-number weights, scales and a plain C99 function per layer, with the "
                "numbers of predict --mode integer.",
         .needsQuantizers = true,
         .needsCodes = true,
         .write = ofNetwork<io::exportCHeader>},
        {.name = "keras",
         .title = "Keras 3 archive",
         .ending = ".keras",
         .doc = "Network and weights for Keras 3; layers with quantizers as QKeras' own.",
         .readback = ExportReadback::Model,
         .write = ofNetwork<io::exportKerasZip>},
        {.name = "csv",
         .title = "Tables of integers",
         .doc = "A folder of tables: all tensors with quantizer, bits, scale and zero point, and "
                "the integers of each weight.",
         .kind = ExportKind::Folder,
         .write = ofNetwork<io::exportCsv>},
        {.name = "qkeras-mod-csv",
         .title = "qkeras-mod tables",
         .doc = "extracted_weights.csv and extracted_activations.csv as qkeras-mod writes them.",
         .kind = ExportKind::Folder,
         .needsQuantizers = true,
         .write = writeQkerasMod},
        {.name = "tflite-int8",
         .title = "TFLite, int8",
         .ending = ".tflite",
         .doc = "An integer network of 8-bit weights and activations for LiteRT and "
                "microcontrollers, with the numbers of the integer mode.",
         .readback = ExportReadback::Model,
         .needsQuantizers = true,
         .needsCodes = true,
         .write = writeTflite},
        {.name = "hls4ml",
         .title = "hls4ml configuration",
         .ending = ".yml",
         .doc = "A fixed-point type for each weight and output, for hls4ml.",
         .write = ofNetwork<io::exportHls4ml>},
        {.name = "aimet-encodings",
         .title = "AIMET encodings",
         .ending = ".encodings",
         .doc = "Scales and offsets of weights and outputs, for AIMET.",
         .needsQuantizers = true,
         .write = ofNetwork<io::exportAimet>},
        {.name = "autoqkeras",
         .title = "AutoQKeras configuration",
         .ending = ".json",
         .doc = "Arguments of AutoQKeras: those of the project's search, or a search around the "
                "quantizers.",
         .write = writeAutoQKeras},
        {.name = "tensorquant",
         .title = "TensorQuant maps",
         .ending = ".json",
         .doc = "Maps of weights and activations in TensorQuant's words.",
         .needsQuantizers = true,
         .write = ofNetwork<io::exportTensorQuant>},
        {.name = "scalesim",
         .title = "SCALE-Sim topology",
         .ending = ".csv",
         .doc = "Shapes of convolutions and dense layers for SCALE-Sim, padding included.",
         .write = ofNetwork<io::exportScaleSim>},
        {.name = "zigzag",
         .title = "ZigZag workload",
         .ending = ".yaml",
         .doc = "Loops and operand widths of each layer, for ZigZag.",
         .write = ofNetwork<io::exportZigZag>},
        {.name = "optuna-sqlite",
         .title = "Optuna database",
         .ending = ".db",
         .doc = "Searches with their trials as a database that Optuna and its dashboard open.",
         .needsTrials = true,
         .write = writeOptuna},
    };
    return table;
}

} // namespace bitscape::project
