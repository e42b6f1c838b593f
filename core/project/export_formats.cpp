// SPDX-License-Identifier: GPL-3.0-or-later
// The rows of the export formats; the writers stand in core/io, those that need a project here.
#include "core/io/keras_export.h"
#include "core/io/onnx/onnx_export.h"
#include "core/project/exports.h"

namespace bitscape::project {

namespace {

Result<io::ExportContent> writeMap(const ExportRequest& request, const JobContext& /*job*/)
{
    return io::singleFile(graph::toMap(*request.input.graph, request.input.configuration) + "\n");
}

/// A writer that knows of nothing but the network.
template <auto write>
Result<io::ExportContent> ofNetwork(const ExportRequest& request, const JobContext& /*job*/)
{
    return write(request.input);
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
    };
    return table;
}

} // namespace bitscape::project
