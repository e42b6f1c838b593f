// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layer_registry.h"
#include "core/io/tflite/tflite_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

// Operators with a memory. Every sample starts from an empty one.
namespace bitscape::io {

namespace {

/// Numbers of the LSTM's inputs; four of a kind stand in the order input, forget, cell, output.
struct LstmInputs {
    static constexpr std::size_t kernel = 1, recurrent = 5, peephole = 9, bias = 12,
                                 projection = 16, state = 18, normalization = 20, end = 24;
};
constexpr std::size_t kGates = 4;

/// Four matrices of units × depth as one of depth × 4·units.
std::vector<float> gates(OperatorReading& reading, std::size_t first, std::int64_t units,
                         std::int64_t depth)
{
    const auto width = static_cast<std::size_t>(units) * kGates;
    std::vector<float> joined(static_cast<std::size_t>(depth) * width);
    for (std::size_t gate = 0; gate < kGates; ++gate) {
        const std::vector<float> one = reading.reals(first + gate);
        if (!reading.isOk() || std::ssize(one) != units * depth) {
            reading.lacks("the weights of its gates do not fit");
            return joined;
        }
        for (std::size_t u = 0; u < static_cast<std::size_t>(units); ++u) {
            for (std::size_t d = 0; d < static_cast<std::size_t>(depth); ++d) {
                joined[d * width + gate * static_cast<std::size_t>(units) + u] =
                    one[u * static_cast<std::size_t>(depth) + d];
            }
        }
    }
    return joined;
}

void requirePlainLstm(OperatorReading& reading)
{
    const auto lacksAny = [&](std::size_t first, std::size_t count) {
        bool any = false;
        for (std::size_t i = first; i < first + count; ++i) {
            any = any || reading.has(i);
        }
        return any;
    };
    if (!reading.has(LstmInputs::kernel)) {
        reading.lacks("a coupled input gate is not covered");
    } else if (lacksAny(LstmInputs::peephole, 3)) {
        reading.lacks("peepholes are not covered");
    } else if (lacksAny(LstmInputs::projection, 2)) {
        reading.lacks("a projection is not covered");
    } else if (lacksAny(LstmInputs::normalization, kGates)) {
        reading.lacks("layer normalization inside is not covered");
    } else if (reading.flag("time_major")) {
        reading.lacks("sequences with the time first are not covered");
    } else if (reading.option("fused_activation_function") != schema::kFusedTanh) {
        reading.lacks("another function than TANH is not covered");
    } else if (reading.input(0).isQuantized()) {
        reading.lacks("its integer form is not covered");
    }
}

void lstm(OperatorReading& reading)
{
    const TfliteSource data = reading.batched(reading.source(0));
    requirePlainLstm(reading);
    if (!reading.isOk() || data.sizes.size() != 3 ||
        reading.input(LstmInputs::kernel).shape.empty()) {
        reading.lacks("it reads no sequence");
        return;
    }
    const std::int64_t units = reading.input(LstmInputs::kernel).shape.front();
    const std::int64_t depth = data.sizes.back();
    // A cell grows by less than 1 in a step, so that a bound may never be reached.
    const float clip = reading.real("cell_clip");
    if (clip > 0.0F && static_cast<float>(data.sizes[1]) > clip) {
        reading.note(ImportKind::Ignored,
                     fmt::format("The bound of ±{} of the cells is left out.", clip));
    }
    const std::vector<float> kernel = gates(reading, LstmInputs::kernel, units, depth);
    const std::vector<float> recurrent = gates(reading, LstmInputs::recurrent, units, units);
    const bool useBias = reading.has(LstmInputs::bias);
    const Shape biasShape{units * static_cast<Index>(kGates)};
    OperatorReading::LayerParts parts;
    parts.weights = {
        {"kernel", "", std::make_shared<Tensor>(Shape{depth, biasShape[0]}, kernel), true},
        {"recurrent_kernel", "", std::make_shared<Tensor>(Shape{units, biasShape[0]}, recurrent),
         true}};
    if (useBias) {
        const std::vector<float> bias = gates(reading, LstmInputs::bias, units, 1);
        parts.weights.push_back({"bias", "", std::make_shared<Tensor>(biasShape, bias), true});
    }
    reading.give(reading.layer("LSTM",
                               {{"units", units},
                                {"activation", "tanh"},
                                {"recurrent_activation", "sigmoid"},
                                {"use_bias", useBias},
                                {"return_sequences", true}},
                               data, std::move(parts)));
}

/// With an empty memory only the newest step counts: rank features per unit, each weighted by its
/// last filter in time, which is a matrix product.
void svdf(OperatorReading& reading)
{
    const TfliteSource data = reading.batched(reading.source(0));
    if (reading.isOk() && reading.input(0).isQuantized()) {
        reading.lacks("its integer form is not covered");
    }
    const std::vector<float> features = reading.reals(1);
    const std::vector<float> times = reading.reals(2);
    const std::int64_t rank = reading.option("rank");
    if (!reading.isOk() || rank < 1 || reading.input(1).shape.size() != 2 ||
        reading.input(2).shape.size() != 2 ||
        reading.input(1).shape[0] != reading.input(2).shape[0] ||
        reading.input(1).shape[0] % rank != 0) {
        reading.lacks("its filters do not fit");
        return;
    }
    const auto filters = static_cast<std::size_t>(reading.input(1).shape[0]);
    const auto depth = static_cast<std::size_t>(reading.input(1).shape[1]);
    const auto memory = static_cast<std::size_t>(reading.input(2).shape[1]);
    const std::size_t units = filters / static_cast<std::size_t>(rank);
    std::vector<float> kernel(depth * units, 0.0F);
    for (std::size_t f = 0; f < filters; ++f) {
        for (std::size_t d = 0; d < depth; ++d) {
            kernel[d * units + f / static_cast<std::size_t>(rank)] +=
                features[f * depth + d] * times[f * memory + memory - 1];
        }
    }
    graph::DenseOp op;
    op.units = static_cast<Index>(units);
    op.useBias = reading.has(3);
    op.function = reading.fused();
    OperatorReading::LayerParts parts;
    parts.weights = {{"kernel", reading.input(1).name,
                      std::make_shared<Tensor>(
                          Shape{static_cast<Index>(depth), static_cast<Index>(units)}, kernel),
                      true}};
    if (op.useBias) {
        const std::vector<float> bias = reading.reals(3);
        parts.weights.push_back({"bias", reading.input(3).name,
                                 std::make_shared<Tensor>(Shape{std::ssize(bias)}, bias), true});
    }
    reading.note(ImportKind::Converted,
                 "Its memory starts empty for every sample: it is a matrix product.");
    reading.give(reading.layer(op, data, std::move(parts)));
}

} // namespace

std::span<const TfliteConverter> tfliteSequenceConverters()
{
    static constexpr std::array kRows{TfliteConverter{schema::kUnidirectionalSequenceLstm, lstm},
                                      TfliteConverter{schema::kSvdf, svdf}};
    return kRows;
}

} // namespace bitscape::io
