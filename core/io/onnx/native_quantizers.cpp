// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/graph_writer.h"
#include "core/io/onnx/native_node.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

// Pairs of QuantizeLinear and DequantizeLinear, and QONNX' nodes, as quantizers of ours: those of
// constants go along with the numbers to the layer that reads them, those of tensors sit on a layer
// that does nothing else.
namespace bitscape::io {

namespace {

using graph::ArrayValue;
using graph::ElementType;
using GridPtr = std::shared_ptr<const OnnxGrid>;

Tensor floatsOf(const ArrayValue& value, const Shape& shape)
{
    Tensor tensor(shape);
    graph::toFloats(value, tensor.values());
    return tensor;
}

/// `rank` axes, those that are missing in front have size 1.
Shape paddedShape(const graph::Sizes& sizes, int rank)
{
    std::vector<Index> padded(static_cast<std::size_t>(rank), 1);
    std::ranges::copy(sizes, padded.end() - std::ssize(sizes));
    return Shape(padded);
}

bool isGridScale(const Tensor& scale)
{
    return std::ranges::all_of(scale.values(), [](float value) {
        return value >= std::numeric_limits<float>::min() && std::isfinite(value);
    });
}

/// Scale and zero point of a linear quantizer for a tensor of `rank` axes: one for all, or one for
/// each index of an axis.
std::optional<OnnxGrid> linearGrid(const NativeNode& node, int rank)
{
    const ArrayValue* scale = node.constant(1);
    const ArrayValue* zero = node.has(2) ? node.constant(2) : nullptr;
    if (scale == nullptr || scale->type != ElementType::Float32 || scale->rank() > 1 ||
        (node.has(2) && zero == nullptr) || node.integer("block_size", 0) != 0) {
        return std::nullopt;
    }
    std::vector<Index> sizes(static_cast<std::size_t>(rank), 1);
    if (scale->count() > 1) {
        std::int64_t axis = node.integer("axis", 1);
        axis += axis < 0 ? rank : 0;
        if (axis < 0 || axis >= rank) {
            return std::nullopt;
        }
        sizes[static_cast<std::size_t>(axis)] = scale->count();
    }
    const Shape shape(sizes);
    OnnxGrid grid{.scale = floatsOf(*scale, shape), .zeroPoint = Tensor(shape)};
    if (zero != nullptr) {
        if (zero->count() != scale->count() || graph::isReal(zero->type)) {
            return std::nullopt;
        }
        grid.zeroPoint = floatsOf(*zero, shape);
    }
    return isGridScale(grid.scale) ? std::optional(std::move(grid)) : std::nullopt;
}

/// Codes low … high as so many bits; false: they are no such range.
bool setRange(OnnxGrid& grid, std::int64_t low, std::int64_t high)
{
    constexpr int kMostBits = 32;
    for (int bits = 1; bits <= kMostBits; ++bits) {
        const std::int64_t half = std::int64_t{1} << (bits - 1);
        for (const bool isNarrow : {false, true}) {
            const std::int64_t narrow = isNarrow ? 1 : 0;
            const bool isSigned = low < 0;
            const std::int64_t first = isSigned ? -half + narrow : 0;
            const std::int64_t last = isSigned ? half - 1 : 2 * half - 1 - narrow;
            if (first == low && last == high && (!isSigned || bits > 1)) {
                grid.bits = bits;
                grid.isSigned = isSigned;
                grid.isNarrow = isNarrow;
                return true;
            }
        }
    }
    return false;
}

std::optional<ElementType> codeTypeOf(const NativeNode& node)
{
    if (const ArrayValue* zero = node.constant(2)) {
        return zero->type;
    }
    const std::int64_t type = node.integer("output_dtype", 0);
    return type == 0 ? std::optional(ElementType::UInt8)
                     : graph::elementTypeOf(static_cast<int>(type));
}

/// Bounds of a Clip of codes: inputs in the order of its operator sets.
std::optional<std::pair<std::int64_t, std::int64_t>> clipBounds(const NativeNode& clip,
                                                                ElementType type)
{
    if (graph::isReal(type) || type == ElementType::UInt64) {
        return std::nullopt;
    }
    const graph::IntegerRange range = graph::rangeOf(type);
    std::int64_t low = range.least;
    std::int64_t high = range.greatest;
    for (const std::size_t input : {1U, 2U}) {
        const ArrayValue* bound = clip.constant(input);
        if (clip.has(input) && (bound == nullptr || bound->count() != 1)) {
            return std::nullopt;
        }
        if (bound != nullptr) {
            (input == 1 ? low : high) =
                input == 1 ? std::max(low, bound->integer(0)) : std::min(high, bound->integer(0));
        }
    }
    return std::pair{low, high};
}

const OnnxNode* onlyReader(const NativeNode& node, const std::string& tensor, std::string_view type)
{
    const auto readers = node.builder.readers(tensor);
    const bool isOnly = readers.size() == 1 && !node.builder.isOutput(tensor) &&
                        readers.front()->opType == type && readers.front()->domain.empty() &&
                        readers.front()->inputs[0] == tensor;
    return isOnly ? readers.front() : nullptr;
}

bool isSameGrid(const OnnxGrid& a, const OnnxGrid& b)
{
    return a.scale == b.scale && a.zeroPoint == b.zeroPoint;
}

/// The grid of a tensor's quantizer as its parameters lie against one sample in a layout; null
/// where samples or mixed rows would need scales of their own.
GridPtr gridIn(const OnnxGrid& grid, const OnnxKnown& tensor, OnnxLayout layout)
{
    auto result = std::make_shared<OnnxGrid>(grid);
    if (grid.scale.size() == 1 && grid.zeroPoint.size() == 1) {
        result->scale = Tensor(Shape{1}, grid.scale.values());
        result->zeroPoint = Tensor(Shape{1}, grid.zeroPoint.values());
        return result;
    }
    const Shape& shape = grid.scale.shape();
    if (layout == OnnxLayout::Mixed || shape.rank() != std::ssize(tensor.sizes) || shape[0] != 1) {
        return nullptr;
    }
    std::vector<Index> sizes(shape.sizes().begin() + 1, shape.sizes().end());
    if (layout == OnnxLayout::ChannelsLast) {
        std::rotate(sizes.begin(), sizes.begin() + 1, sizes.end());
    }
    // Only one axis may have scales, so that their order stays.
    if (std::ranges::count_if(sizes, [](Index size) { return size > 1; }) > 1) {
        return nullptr;
    }
    result->scale = Tensor(Shape(sizes), grid.scale.values());
    result->zeroPoint = Tensor(Shape(sizes), grid.zeroPoint.values());
    return result;
}

/// A layer that does nothing but quantize; named by the tensor of real numbers.
std::optional<NativeNode::Source> addQuantized(NativeNode& node, const OnnxGrid& grid,
                                               const std::string& name)
{
    const auto source = node.tensor(0) == nullptr ? std::nullopt : node.asIs(0);
    const GridPtr own = source ? gridIn(grid, *node.tensor(0), source->layout) : nullptr;
    auto quantizer = own ? quantizerOf(*own) : nullptr;
    if (!quantizer) {
        return std::nullopt;
    }
    auto layer = addNative(node.builder, {.name = name,
                                          .className = "Activation",
                                          .op = graph::ActivationOp{},
                                          .inputs = {source->layer},
                                          .originalConfig = configOf(node.node)});
    if (!layer) {
        return std::nullopt;
    }
    node.builder.quantizers.set(name, graph::Slot::Activation, std::move(quantizer));
    return NativeNode::Source{*layer, source->layout, source->mixedShape};
}

bool mapQuantizeLinear(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    const auto type = codeTypeOf(node);
    auto grid =
        known == nullptr ? std::nullopt : linearGrid(node, static_cast<int>(known->sizes.size()));
    if (!grid || !type || graph::isReal(*type) || *type == ElementType::UInt64) {
        return false;
    }
    const graph::IntegerRange range = graph::rangeOf(*type);
    const OnnxNode* clip = onlyReader(node, node.output(), "Clip");
    const auto bounds =
        clip == nullptr ? std::nullopt : clipBounds(NativeNode(node.builder, *clip), *type);
    const bool isClipped = bounds && setRange(*grid, bounds->first, bounds->second);
    if (!isClipped && !setRange(*grid, range.least, range.greatest)) {
        return false;
    }
    const std::string codes = isClipped ? clip->outputs[0] : node.output();
    const OnnxNode* back = onlyReader(node, codes, "DequantizeLinear");
    const auto backGrid = back == nullptr ? std::nullopt
                                          : linearGrid(NativeNode(node.builder, *back),
                                                       static_cast<int>(known->sizes.size()));
    const bool isPair = backGrid && isSameGrid(*grid, *backGrid);
    if (!isPair && grid->scale.size() != 1) {
        return false;
    }
    const auto here = node.asIs(0);
    if (!here) {
        return false;
    }
    const std::string real = isPair ? back->outputs[0] : node.builder.freeName(codes + "/real");
    const auto source =
        addQuantized(node, *grid, isPair ? node.layerName(real, here->layout) : real);
    if (!source) {
        return false;
    }
    if (isClipped) {
        node.builder.skip(*clip);
    }
    if (isPair) {
        node.builder.skip(*back);
        defineIn(node.builder, real, source->layer, source->layout, source->mixedShape);
        return true;
    }
    defineIn(node.builder, codes, source->layer, source->layout, source->mixedShape);
    OnnxKnown coded = *node.builder.find(codes);
    coded.tensor.type = *type;
    coded.grid = std::make_shared<const OnnxGrid>(std::move(*grid));
    node.builder.define(codes, std::move(coded));
    return true;
}

void defineConstant(NativeNode& node, Tensor value, GridPtr grid)
{
    OnnxKnown known{.grid = std::move(grid)};
    known.sizes.assign(value.shape().sizes().begin(), value.shape().sizes().end());
    known.constant = std::make_shared<const ArrayValue>(
        graph::fromFloats(ElementType::Float32, known.sizes, value.values()));
    node.builder.define(node.output(), std::move(known));
}

/// Calls visit(element, scale index) with the scales broadcast over a tensor.
template <class Visit>
void forEachScaled(const Shape& shape, const Tensor& scale, const Visit& visit)
{
    const graph::Sizes output(shape.sizes().begin(), shape.sizes().end());
    const graph::Sizes input(scale.shape().sizes().begin(), scale.shape().sizes().end());
    const std::vector<Index> places = graph::broadcastElements(input, output);
    for (std::size_t e = 0; e < places.size(); ++e) {
        visit(e, static_cast<std::size_t>(places[e]));
    }
}

bool fitsScale(const Shape& shape, const Tensor& scale)
{
    bool fits = scale.shape().rank() == shape.rank();
    for (int axis = 0; fits && axis < shape.rank(); ++axis) {
        fits = scale.shape()[axis] == 1 || scale.shape()[axis] == shape[axis];
    }
    return fits;
}

bool dequantizeConstant(NativeNode& node)
{
    const ArrayValue& codes = *node.constant(0);
    const OnnxKnown* known = node.builder.find(node.inputName(0));
    auto grid = linearGrid(node, codes.rank());
    if (!grid || graph::isReal(codes.type) || codes.type == ElementType::UInt64 ||
        node.integer("output_dtype", 1) != 1) {
        return false;
    }
    const graph::IntegerRange range = graph::rangeOf(codes.type);
    if (known->grid) { // clipped to fewer bits
        grid->bits = known->grid->bits;
        grid->isSigned = known->grid->isSigned;
        grid->isNarrow = known->grid->isNarrow;
    } else if (!setRange(*grid, range.least, range.greatest)) {
        return false;
    }
    const Shape shape(codes.sizes);
    if (!fitsScale(shape, grid->scale)) {
        return false;
    }
    // Eight bits without the lowest code are what most tools make of weights.
    const bool isNarrow =
        !known->grid && range.least == -128 &&
        std::ranges::none_of(codes.integers, [](auto code) { return code == -128; });
    grid->isNarrow = grid->isNarrow || isNarrow;
    Tensor value(shape);
    forEachScaled(shape, grid->scale, [&](std::size_t element, std::size_t at) {
        const auto code = static_cast<double>(codes.integers[element]);
        const auto zero = static_cast<double>(grid->zeroPoint.values()[at]);
        value.values()[element] = static_cast<float>(code - zero) * grid->scale.values()[at];
    });
    defineConstant(node, std::move(value), std::make_shared<const OnnxGrid>(std::move(*grid)));
    return true;
}

bool mapDequantizeLinear(NativeNode& node)
{
    if (node.constant(0) != nullptr) {
        return dequantizeConstant(node);
    }
    const OnnxKnown* known = node.known(0);
    const auto grid = known == nullptr || !known->grid
                          ? std::nullopt
                          : linearGrid(node, static_cast<int>(known->sizes.size()));
    // A single scale lies against any number of axes.
    const bool isSame = grid && grid->scale.size() == 1 &&
                        grid->scale.values().front() == known->grid->scale.values().front() &&
                        grid->zeroPoint.values().front() == known->grid->zeroPoint.values().front();
    const auto source = isSame ? node.asIs(0) : std::nullopt;
    return source && node.alias(source->layer, source->layout, source->mixedShape);
}

/// ONNX takes the range of a whole batch: another batch, other numbers. Here a sample counts alone.
bool mapDynamic(NativeNode& node)
{
    const auto isSaid = [](const Warning& warning) { return warning.code == "dynamic_range"; };
    if (node.builder.fileBatch != 1 && std::ranges::none_of(node.builder.warnings, isSaid)) {
        node.builder.warnings.push_back(
            {"dynamic_range",
             "Ranges that are taken while running are those of each sample; ONNX takes them of the "
             "whole batch.",
             node.output()});
    }
    return false;
}

// ---- QONNX

std::optional<std::string> roundingOf(const std::string& mode)
{
    constexpr std::array<std::pair<std::string_view, const char*>, 5> kNames{
        {{"ROUND", "half_even"},
         {"FLOOR", "floor"},
         {"CEIL", "ceil"},
         {"DOWN", "zero"},
         {"ROUND_TO_ZERO", "zero"}}};
    const auto* found =
        std::ranges::find(kNames, mode, [](const auto& pair) { return pair.first; });
    return found == kNames.end() ? std::nullopt : std::optional<std::string>(found->second);
}

/// Scale (and zero point) that broadcast against a tensor of `rank` axes.
std::optional<OnnxGrid> qonnxGrid(const NativeNode& node, int rank, bool hasZero)
{
    const ArrayValue* scale = node.constant(1);
    const ArrayValue* zero = hasZero ? node.constant(2) : nullptr;
    if (scale == nullptr || !graph::isReal(scale->type) || scale->rank() > rank ||
        (hasZero && (zero == nullptr || zero->rank() > rank))) {
        return std::nullopt;
    }
    OnnxGrid grid{.scale = floatsOf(*scale, paddedShape(scale->sizes, rank)), .zeroPoint = {}};
    grid.zeroPoint = Tensor(grid.scale.shape());
    if (zero != nullptr) {
        const Tensor given = floatsOf(*zero, paddedShape(zero->sizes, rank));
        if (given.size() != 1 && !(given.shape() == grid.scale.shape())) {
            return std::nullopt;
        }
        for (std::size_t i = 0; i < grid.zeroPoint.values().size(); ++i) {
            grid.zeroPoint.values()[i] = given.values()[given.size() == 1 ? 0 : i];
        }
    }
    const bool isWhole = std::ranges::all_of(
        grid.zeroPoint.values(), [](float value) { return value == std::nearbyint(value); });
    return isWhole && isGridScale(grid.scale) ? std::optional(std::move(grid)) : std::nullopt;
}

/// The rank of what is quantized; 0: neither constant nor tensor of ours.
int rankOf(const NativeNode& node)
{
    if (const ArrayValue* constant = node.constant(0)) {
        return constant->rank();
    }
    const OnnxKnown* known = node.tensor(0);
    return known == nullptr ? 0 : static_cast<int>(known->sizes.size());
}

bool giveQonnx(NativeNode& node, const OnnxGrid& grid)
{
    if (const auto weight = node.weight(0)) {
        if (!fitsScale(weight->value.shape(), grid.scale)) {
            return false;
        }
        const auto quantizer = quantizerOf(grid);
        if (!quantizer || !quantizer->accepts(weight->value.shape())) {
            return false;
        }
        Tensor value(weight->value.shape());
        quantizer->apply(weight->value.view(), value.mutableView(), {});
        auto own = std::make_shared<OnnxGrid>(grid);
        own->rounding = "half_even"; // numbers on the grid stay whatever rounding did before
        defineConstant(node, std::move(value), std::move(own));
        return true;
    }
    if (node.tensor(0) == nullptr) {
        return false;
    }
    const auto here = node.asIs(0);
    const auto source =
        here ? addQuantized(node, grid, node.layerName(node.output(), here->layout)) : std::nullopt;
    if (!source) {
        return false;
    }
    defineIn(node.builder, node.output(), source->layer, source->layout, source->mixedShape);
    return true;
}

bool mapQuant(NativeNode& node)
{
    const int rank = rankOf(node);
    const auto bits = node.number(3);
    const auto rounding = roundingOf(node.text("rounding_mode", "ROUND"));
    auto grid = qonnxGrid(node, rank, true);
    constexpr float kMostBits = 32.0F;
    if (!grid || !bits || !rounding || *bits != std::floor(*bits) || *bits < 1.0F ||
        *bits > kMostBits) {
        return false;
    }
    grid->bits = static_cast<int>(*bits);
    grid->isSigned = node.integer("signed", 1) != 0;
    grid->isNarrow = node.integer("narrow", 0) != 0;
    grid->rounding = *rounding;
    return giveQonnx(node, *grid);
}

bool mapBipolar(NativeNode& node)
{
    auto grid = qonnxGrid(node, rankOf(node), false);
    if (!grid) {
        return false;
    }
    grid->isBipolar = true;
    grid->bits = 1;
    return giveQonnx(node, *grid);
}

} // namespace

bool clipCodes(NativeNode& node)
{
    const ArrayValue* codes = node.constant(0);
    if (codes == nullptr || graph::isReal(codes->type)) {
        return false;
    }
    const auto bounds = clipBounds(node, codes->type);
    OnnxGrid grid{.scale = Tensor(Shape{1}), .zeroPoint = Tensor(Shape{1})};
    if (!bounds || !setRange(grid, bounds->first, bounds->second)) {
        return false;
    }
    ArrayValue clipped = *codes;
    for (std::int64_t& code : clipped.integers) {
        code = std::clamp(code, bounds->first, bounds->second);
    }
    OnnxKnown known{.grid = std::make_shared<const OnnxGrid>(std::move(grid)),
                    .sizes = clipped.sizes};
    known.constant = std::make_shared<const ArrayValue>(std::move(clipped));
    node.builder.define(node.output(), std::move(known));
    return true;
}

std::span<const NativeRow> quantizedRows()
{
    static const std::vector<NativeRow> table = [] {
        std::vector<NativeRow> rows{{"", "QuantizeLinear", mapQuantizeLinear},
                                    {"", "DequantizeLinear", mapDequantizeLinear},
                                    {"", "DynamicQuantizeLinear", mapDynamic}};
        for (const std::string_view domain :
             {"qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas"}) {
            rows.push_back({domain, "Quant", mapQuant});
            rows.push_back({domain, "IntQuant", mapQuant});
            rows.push_back({domain, "BipolarQuant", mapBipolar});
        }
        return rows;
    }();
    return table;
}

} // namespace bitscape::io
