// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_file.h"

#include "core/base/text.h"
#include "core/io/data_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

namespace bitscape::io {

namespace {

constexpr std::int64_t kMaxClass = 1 << 20;
constexpr Index kMaxSide = 16384; ///< of a resized image

/// What is done to every value: y = (x − shift[c]) · factor[c], c the channel, or one for all.
struct Affine {
    std::vector<double> shift, factor;
};

enum class NormalizeKind { None, MeanStd, MinMax, ImageNet, Int8 };

struct Normalize {
    NormalizeKind kind = NormalizeKind::None;
    double a = 0, b = 0; ///< mean and std, or scale and zero point
};

std::optional<std::pair<double, double>> twoNumbers(std::string_view text)
{
    const std::vector<std::string> parts = split(text, ',');
    std::array<double, 2> numbers{};
    if (parts.size() != numbers.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const std::string_view part = trimmed(parts[i]);
        const auto [end, error] =
            std::from_chars(part.data(), part.data() + part.size(), numbers[i]);
        if (part.empty() || error != std::errc() || end != part.data() + part.size() ||
            !std::isfinite(numbers[i])) {
            return std::nullopt;
        }
    }
    return std::pair(numbers[0], numbers[1]);
}

Result<Normalize> parseNormalize(const std::string& text)
{
    constexpr std::string_view kInt8 = "int8:";
    if (text.empty()) {
        return Normalize{};
    }
    if (text == "minmax") {
        return Normalize{NormalizeKind::MinMax};
    }
    if (text == "imagenet") {
        return Normalize{NormalizeKind::ImageNet};
    }
    const bool int8 = text.starts_with(kInt8);
    const auto numbers = twoNumbers(int8 ? std::string_view(text).substr(kInt8.size()) : text);
    if (!numbers || (int8 ? numbers->first : numbers->second) == 0.0) {
        return fail(ErrorCode::InvalidArgument, "'" + text + "' is no way to normalize.",
                    "--normalize",
                    "Write mean,std or minmax or imagenet or int8:SCALE,ZERO; std and SCALE are "
                    "not 0.");
    }
    return Normalize{int8 ? NormalizeKind::Int8 : NormalizeKind::MeanStd, numbers->first,
                     numbers->second};
}

/// N×C×spatial… → N×spatial…×C
Tensor channelsLast(const Tensor& from)
{
    const Shape& shape = from.shape();
    const int rank = shape.rank();
    Shape to = shape;
    Index pixels = 1;
    for (int axis = 2; axis < rank; ++axis) {
        to[axis - 1] = shape[axis];
        pixels *= shape[axis];
    }
    const Index channels = shape[1];
    to[rank - 1] = channels;
    Tensor out(to);
    const float* in = from.data();
    for (Index n = 0; n < shape[0]; ++n) {
        for (Index c = 0; c < channels; ++c) {
            float* target = out.data() + n * channels * pixels + c;
            for (Index p = 0; p < pixels; ++p) {
                target[p * channels] = *in++;
            }
        }
    }
    return out;
}

struct Range {
    double low = std::numeric_limits<double>::infinity();
    double high = -std::numeric_limits<double>::infinity();
    bool finite = true;
};

Range rangeOf(const Tensor& tensor)
{
    Range range;
    for (const float value : tensor.values()) {
        if (!std::isfinite(value)) {
            range.finite = false;
            continue;
        }
        range.low = std::min(range.low, static_cast<double>(value));
        range.high = std::max(range.high, static_cast<double>(value));
    }
    if (range.low > range.high) {
        range.low = range.high = std::numeric_limits<double>::quiet_NaN();
    }
    return range;
}

Result<Affine> affineFor(const Normalize& normalize, const Tensor& tensor, const std::string& where)
{
    switch (normalize.kind) {
    case NormalizeKind::MeanStd:
        return Affine{{normalize.a}, {1.0 / normalize.b}};
    case NormalizeKind::Int8:
        return Affine{{normalize.b}, {normalize.a}};
    case NormalizeKind::MinMax: {
        const Range range = rangeOf(tensor);
        const double span = range.high - range.low;
        return Affine{{range.low}, {span > 0 ? 1.0 / span : 0.0}};
    }
    case NormalizeKind::ImageNet: {
        constexpr std::array kMean{0.485, 0.456, 0.406};
        constexpr std::array kStd{0.229, 0.224, 0.225};
        constexpr double kWhite = 255.0;
        if (tensor.shape().channels() != 3) {
            return fail(ErrorCode::ShapeMismatch,
                        "imagenet needs three channels, the samples have the shape " +
                            tensor.shape().sample().toString() + ".",
                        where);
        }
        Affine affine;
        for (std::size_t c = 0; c < kMean.size(); ++c) {
            affine.shift.push_back(kMean[c] * kWhite);
            affine.factor.push_back(1.0 / (kStd[c] * kWhite));
        }
        return affine;
    }
    case NormalizeKind::None:
        break;
    }
    return Affine{};
}

void apply(const Affine& affine, Tensor& tensor)
{
    const std::size_t channels = affine.shift.size();
    if (channels == 0) {
        return;
    }
    std::size_t channel = 0;
    for (float& value : tensor.values()) {
        value = static_cast<float>((static_cast<double>(value) - affine.shift[channel]) *
                                   affine.factor[channel]);
        channel = channel + 1 == channels ? 0 : channel + 1;
    }
}

/// A stored array as the network takes it.
Result<Tensor> prepare(const Array& array, const DataRecipe& recipe, const Normalize& normalize,
                       bool turned, const std::string& name)
{
    Tensor tensor = array.toTensor();
    if (!recipe.wholeInputs.empty()) {
        tensor = Tensor(tensor.shape().batchOf(1), tensor.values());
    } else if (tensor.shape().rank() == 1) {
        tensor = Tensor(Shape{tensor.shape()[0], 1}, tensor.values());
    }
    if (turned && tensor.shape().rank() > 2) {
        tensor = channelsLast(tensor);
    }
    if (recipe.scale) {
        apply({{0.0}, {*recipe.scale}}, tensor);
    }
    auto affine = affineFor(normalize, tensor, recipe.source + ", " + name);
    if (!affine) {
        return fail(std::move(affine).error());
    }
    apply(*affine, tensor);
    return tensor;
}

/// Class of a row that is all 0 but for one 1; −1 otherwise.
std::int64_t hotIndex(std::span<const float> row)
{
    std::int64_t hot = -1;
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (row[i] == 1.0F && hot < 0) {
            hot = static_cast<std::int64_t>(i);
        } else if (row[i] != 0.0F) {
            return -1;
        }
    }
    return hot;
}

/// Rows that are all one-hot, as classes; empty otherwise.
std::vector<std::int64_t> labelsOfOneHot(const Tensor& answers)
{
    std::vector<std::int64_t> labels;
    const auto width = static_cast<std::size_t>(answers.shape()[1]);
    for (Index i = 0; i < answers.shape()[0]; ++i) {
        const std::int64_t hot =
            hotIndex(answers.values().subspan(static_cast<std::size_t>(i) * width, width));
        if (hot < 0) {
            return {};
        }
        labels.push_back(hot);
    }
    return labels;
}

bool areClasses(const Array& array)
{
    return std::ranges::all_of(array.values, [](float v) {
        return v >= 0 && v <= static_cast<float>(kMaxClass) && std::trunc(v) == v;
    });
}

/// y as stored → classes where it can be read so, otherwise targets. One-hot rows are both.
void placeAnswers(const Array& answers, train::Samples& samples)
{
    const bool column =
        answers.shape.size() == 1 || (answers.shape.size() == 2 && answers.shape[1] == 1);
    if (column && areClasses(answers)) {
        samples.labels = answers.toIntegers();
        if (answers.shape.size() == 2 && !answers.isInteger()) {
            samples.targets = answers.toTensor();
        }
        return;
    }
    samples.targets = answers.toTensor();
    if (samples.targets.shape().rank() == 1) {
        samples.targets = Tensor(Shape{answers.shape.front(), 1}, answers.values);
    } else if (samples.targets.shape().rank() == 2) {
        samples.labels = labelsOfOneHot(samples.targets);
    }
}

} // namespace

std::vector<std::int64_t> classesIn(const Array& answers)
{
    train::Samples samples;
    if (!answers.shape.empty() && answers.shape.front() > 0) {
        placeAnswers(answers, samples);
    }
    return std::move(samples.labels);
}

namespace {

Result<void> checkClasses(const train::Samples& samples, const DataRecipe& recipe)
{
    if (recipe.classes == 0 || samples.labels.empty()) {
        return {};
    }
    const std::int64_t highest = *std::ranges::max_element(samples.labels);
    if (highest >= recipe.classes) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("Class {} occurs, but --classes {} allows 0 … {}.", highest,
                                recipe.classes, recipe.classes - 1),
                    recipe.source);
    }
    return {};
}

/// All rows have answers, and only the recipe's rows remain.
Result<void> pickRows(RawData& raw, const DataRecipe& recipe)
{
    if (!recipe.wholeInputs.empty()) {
        return {};
    }
    const Index count = raw.inputs.front().second.shape.front();
    if (raw.answers && (raw.answers->shape.empty() || raw.answers->shape.front() != count)) {
        const Index answers = raw.answers->shape.empty() ? 1 : raw.answers->shape.front();
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("There are {} labels for {} samples.", answers, count),
                    recipe.source);
    }
    if (count == 0) {
        return fail(ErrorCode::CorruptFile, "There are no samples.", recipe.source);
    }
    if (raw.picked) {
        return {};
    }
    auto range = rowsOf(recipe, count);
    if (!range) {
        return fail(std::move(range).error());
    }
    if (range->count == count) {
        return {};
    }
    for (auto& [name, array] : raw.inputs) {
        array = rowsOf(array, *range);
    }
    if (raw.answers) {
        raw.answers = rowsOf(*raw.answers, *range);
    }
    if (!raw.labels.empty()) {
        const auto first = raw.labels.begin() + range->first;
        raw.labels = std::vector<std::int64_t>(first, first + range->count);
    }
    return {};
}

/// The array of weights is no input.
Result<void> takeWeights(RawData& raw, const DataRecipe& recipe, train::Samples& samples)
{
    if (recipe.weightKey.empty()) {
        return {};
    }
    const auto found =
        std::ranges::find(raw.inputs, recipe.weightKey, &std::pair<std::string, Array>::first);
    const auto usable = [](float weight) { return weight >= 0 && std::isfinite(weight); };
    if (found == raw.inputs.end() || raw.inputs.size() < 2 || found->second.shape.size() != 1 ||
        !std::ranges::all_of(found->second.values, usable)) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("There is no array '{}' with one weight of at least 0 per sample.",
                                recipe.weightKey),
                    recipe.source + ", --sample-weight");
    }
    samples.weights = std::move(found->second.values);
    raw.inputs.erase(found);
    return {};
}

} // namespace

Result<void> DataRecipe::validate() const
{
    const auto wrong = [](std::string message, const char* option) {
        return fail(ErrorCode::InvalidArgument, std::move(message), option);
    };
    if (source.empty()) {
        return wrong("No data are named.", "--data");
    }
    if (limit < 0) {
        return wrong(fmt::format("{} is no number of samples.", limit), "--limit");
    }
    if (skip < 0) {
        return wrong(fmt::format("{} is no number of samples.", skip), "--skip");
    }
    if (classes < 0 || classes > kMaxClass) {
        return wrong(fmt::format("{} is no number of classes.", classes), "--classes");
    }
    if (!(splitTrain > 0.0 && splitTrain <= 1.0)) {
        return wrong(fmt::format("{} is no share in 0 … 1.", splitTrain), "--split");
    }
    if (layout != "nhwc" && layout != "nchw") {
        return wrong("'" + layout + "' is no layout; there are nhwc and nchw.", "--layout");
    }
    if (imageSize && (std::min(imageSize->height, imageSize->width) < 1 ||
                      std::max(imageSize->height, imageSize->width) > kMaxSide)) {
        return wrong(
            fmt::format("{}×{} is no size of an image.", imageSize->height, imageSize->width),
            "--image-size");
    }
    if (color != "auto" && color != "rgb" && color != "grey") {
        return wrong("'" + color + "' is no colour; there are rgb, grey and auto.", "--color");
    }
    if (!dtype.empty() && elementSize(dtype) == 0) {
        return wrong(fmt::format("'{}' is no type of values; there are {}.", dtype,
                                 fmt::join(elementTypes(), ", ")),
                     "--dtype");
    }
    if (scale && !std::isfinite(*scale)) {
        return wrong("The scale must be a finite number.", "--scale");
    }
    if (scale && !normalize.empty()) {
        return wrong("Values are scaled or normalized, not both.", "--scale, --normalize");
    }
    if (auto parsed = parseNormalize(normalize); !parsed) {
        return fail(std::move(parsed).error());
    }
    return {};
}

std::string DataRecipe::describe() const
{
    std::string text = source;
    const auto add = [&text](const std::string& part) { text += ", " + part; };
    if (!xKey.empty()) {
        add("x = " + xKey);
    }
    if (!yKey.empty()) {
        add("y = " + yKey);
    }
    if (!weightKey.empty()) {
        add("weights = " + weightKey);
    }
    if (!labelColumn.empty()) {
        add("label = " + labelColumn);
    }
    if (scale) {
        add("scaled by " + pythonRepr(*scale));
    }
    if (!normalize.empty()) {
        add("normalized " + normalize);
    }
    if (layout != "nhwc") {
        add("layout " + layout);
    }
    if (imageSize) {
        add(fmt::format("resized to {}×{}", imageSize->height, imageSize->width));
    }
    if (color != "auto") {
        add("in " + color);
    }
    if (!dtype.empty()) {
        add("bytes as " + dtype);
    }
    if (splitTrain < 1.0) {
        add("first " + pythonRepr(splitTrain) + " of it");
    }
    if (skip > 0) {
        add(fmt::format("without the first {}", skip));
    }
    if (limit > 0) {
        add(fmt::format("at most {} samples", limit));
    }
    if (classes > 0) {
        add(fmt::format("{} classes", classes));
    }
    return text;
}

Result<ImageSize> parseImageSize(const std::string& text)
{
    const std::vector<std::string> parts = split(text, 'x');
    std::array<Index, 2> sizes{};
    bool sound = parts.size() == sizes.size();
    for (std::size_t i = 0; sound && i < sizes.size(); ++i) {
        const char* end = parts[i].data() + parts[i].size();
        const auto [stop, error] = std::from_chars(parts[i].data(), end, sizes[i]);
        sound = error == std::errc() && stop == end && sizes[i] >= 1 && sizes[i] <= kMaxSide;
    }
    if (!sound) {
        return fail(ErrorCode::InvalidArgument, "'" + text + "' is no size of an image.",
                    "--image-size", "Write height and width: 96x128.");
    }
    return ImageSize{sizes[0], sizes[1]};
}

Result<DataSet> loadData(const DataRecipe& recipe, const JobContext& job, int threads)
{
    if (auto valid = recipe.validate(); !valid) {
        return fail(std::move(valid).error());
    }
    auto raw = readSource(recipe, {job, threads});
    if (!raw) {
        return fail(std::move(raw).error());
    }
    return prepareData(std::move(*raw), recipe, job);
}

Result<DataSet> prepareData(RawData raw, const DataRecipe& recipe, const JobContext& job)
{
    if (auto ok = pickRows(raw, recipe); !ok) {
        return fail(std::move(ok).error());
    }
    const Normalize normalize = *parseNormalize(recipe.normalize);
    const bool turned = recipe.layout == "nchw" && !raw.fixedLayout;
    DataSet set;
    set.recipe = recipe;
    set.sha256 = std::move(raw.sha256);
    set.warnings = std::move(raw.warnings);
    if (recipe.layout == "nchw" && raw.fixedLayout) {
        set.warnings.push_back(
            {"layout_known",
             "Images of this kind come channels last and flat samples as they are: nchw was "
             "ignored.",
             recipe.source + ", --layout"});
    }
    set.dtype = raw.inputs.front().second.dtype;

    train::Samples samples;
    samples.classNames = std::move(raw.classNames);
    samples.labels = std::move(raw.labels);
    if (raw.answers) {
        placeAnswers(*raw.answers, samples);
    }
    if (auto ok = takeWeights(raw, recipe, samples); !ok) {
        return fail(std::move(ok).error());
    }
    for (auto& [name, array] : raw.inputs) {
        if (auto ok = job.proceed(); !ok) {
            return fail(std::move(ok).error());
        }
        // Only the samples must suit the recipe; other arrays may never be asked for.
        auto tensor = prepare(array, recipe, normalize, turned, name);
        if (!tensor && samples.inputs.empty()) {
            return fail(std::move(tensor).error());
        }
        if (tensor) {
            samples.inputNames.push_back(name);
            samples.inputs.push_back(std::move(*tensor));
        }
        array = {};
    }
    if (auto ok = checkClasses(samples, recipe); !ok) {
        return fail(std::move(ok).error());
    }
    const Range range = rangeOf(samples.inputs.front());
    set.minimum = range.low;
    set.maximum = range.high;
    if (!range.finite) {
        set.warnings.push_back({"not_finite", "Some values are NaN or infinite.", recipe.source});
    }
    set.samples = std::make_shared<const train::Samples>(std::move(samples));
    return set;
}

} // namespace bitscape::io
