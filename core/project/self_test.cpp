// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/self_test.h"

#include "core/base/rng.h"
#include "core/graph/execution.h"
#include "core/io/model_file.h"
#include "core/project/project.h"
#include "core/project/quickstart.h"
#include "core/project/sample.h"
#include "core/quant/quantizer.h"
#include "core/train/train.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <span>

namespace bitscape::project {

namespace {

using Outcome = Result<std::string>; ///< what was compared, or what went wrong

Failure wrong(std::string what)
{
    return fail(ErrorCode::Internal, std::move(what));
}

/// A rule with a formula of its own: quantizer string, and Q(x) written out in doubles.
struct QuantizerRule {
    const char* text;
    double (*expected)(double x);
};

double clipped(double value, double low, double high)
{
    return std::min(std::max(value, low), high);
}

/// Half to even, whatever the rounding mode.
double roundEven(double value)
{
    const double lower = std::floor(value);
    const double rest = value - lower;
    const bool up = rest > 0.5 || (rest == 0.5 && std::fmod(lower, 2.0) != 0.0);
    return up ? lower + 1.0 : lower;
}

constexpr std::array<QuantizerRule, 6> kRules{{
    {"quantized_bits(4,0,1)", [](double x) { return clipped(roundEven(x * 8), -7, 7) / 8; }},
    {"quantized_bits(4,0,0)", [](double x) { return clipped(roundEven(x * 8), -8, 7) / 8; }},
    {"quantized_bits(8,3,1)", [](double x) { return clipped(roundEven(x * 16), -127, 127) / 16; }},
    {"quantized_relu(4,2)", [](double x) { return clipped(roundEven(x * 4), 0, 15) / 4; }},
    {"quantized_relu(8,2)", [](double x) { return clipped(roundEven(x * 64), 0, 255) / 64; }},
    {"binary(alpha=1)", [](double x) { return x >= 0 ? 1.0 : -1.0; }},
}};

/// Inputs around every step and half step of a grid, and beyond its ends.
std::vector<float> probes()
{
    std::vector<float> values;
    for (int i = -400; i <= 400; ++i) {
        const double step = static_cast<double>(i) / 32.0;
        for (const double shift : {-0.001, 0.0, 0.001}) {
            values.push_back(static_cast<float>(step + shift));
        }
    }
    return values;
}

Outcome quantizersFollowFormulas()
{
    const std::vector<float> values = probes();
    const Tensor input(Shape{static_cast<Index>(values.size())}, values);
    for (const QuantizerRule& rule : kRules) {
        auto quantizer = quant::parseQuantizer(rule.text);
        if (!quantizer) {
            return fail(std::move(quantizer).error());
        }
        Tensor output(input.shape());
        (*quantizer)->apply(input.view(), output.mutableView(), {});
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto wanted = static_cast<float>(rule.expected(values[i]));
            if (output.values()[i] != wanted) {
                return wrong(fmt::format("{} of {} is {}, wanted {}.", rule.text, values[i],
                                         output.values()[i], wanted));
            }
        }
    }
    return fmt::format("{} rules at {} values each, equal", kRules.size(), values.size());
}

Outcome stringsReadBack()
{
    int count = 0;
    for (const quant::QuantizerInfo& info : quant::quantizers()) {
        auto made = quant::makeQuantizer(info.name, {});
        if (!made) {
            continue; // needs parameters
        }
        auto again = quant::parseQuantizer((*made)->toString());
        if (!again || !(**again == **made)) {
            return wrong(fmt::format("{} is not read back.", (*made)->toString()));
        }
        ++count;
    }
    return fmt::format("{} quantizers read back from their strings", count);
}

Tensor randomTensor(const Shape& shape, Rng rng)
{
    Tensor tensor(shape);
    for (float& value : tensor.values()) {
        value = static_cast<float>(rng.uniform(-1.0, 1.0));
    }
    return tensor;
}

graph::Layer inputLayer(const Shape& shape)
{
    graph::Layer layer;
    layer.name = "input";
    layer.className = "InputLayer";
    layer.op = graph::InputOp{shape};
    return layer;
}

/// 3×3 convolution, stride 2, padding "same", written as it is defined.
std::vector<double> plainConvolution(const Tensor& image, const Tensor& kernel, const Tensor& bias,
                                     const Shape& out)
{
    const Shape& in = image.shape(); // 1×H×W×C
    std::vector<double> result;
    const auto at = [&](Index y, Index x, Index c) -> double {
        return y < 0 || x < 0 || y >= in[1] || x >= in[2]
                   ? 0.0
                   : image.values()[static_cast<std::size_t>((y * in[2] + x) * in[3] + c)];
    };
    const Index padY = graph::paddingBefore(in[1], 3, 2, 1, graph::Padding::Same);
    const Index padX = graph::paddingBefore(in[2], 3, 2, 1, graph::Padding::Same);
    for (Index y = 0; y < out[0]; ++y) {
        for (Index x = 0; x < out[1]; ++x) {
            for (Index f = 0; f < out[2]; ++f) {
                double sum = bias.values()[static_cast<std::size_t>(f)];
                for (Index tap = 0; tap < 9; ++tap) {
                    for (Index c = 0; c < in[3]; ++c) {
                        const auto weight =
                            static_cast<std::size_t>((tap * in[3] + c) * out[2] + f);
                        sum += at(2 * y + tap / 3 - padY, 2 * x + tap % 3 - padX, c) *
                               static_cast<double>(kernel.values()[weight]);
                    }
                }
                result.push_back(sum);
            }
        }
    }
    return result;
}

Outcome convolutionFollowsDefinition(Parallel& parallel)
{
    const Rng rng(7);
    const Tensor image = randomTensor(Shape{1, 9, 12, 5}, rng.split("image"));
    const auto kernel =
        std::make_shared<const Tensor>(randomTensor(Shape{3, 3, 5, 6}, rng.split("kernel")));
    const auto bias = std::make_shared<const Tensor>(randomTensor(Shape{6}, rng.split("bias")));
    graph::Layer layer;
    layer.name = "conv";
    layer.className = "Conv2D";
    layer.op = graph::ConvOp{
        .filters = 6, .kernel = {3, 3}, .stride = {2, 2}, .padding = graph::Padding::Same};
    layer.inputs = {0};
    layer.weights = {{"kernel", "", kernel, true}, {"bias", "", bias, true}};
    auto graph = graph::Graph::make("probe", {inputLayer(Shape{9, 12, 5}), layer}, {0}, {1});
    if (!graph) {
        return fail(std::move(graph).error());
    }
    auto plan = graph::InferencePlan::make(*graph, {}, (*graph)->weights());
    if (!plan) {
        return fail(std::move(plan).error());
    }
    const std::array<TensorView, 1> inputs{image.view()};
    auto outputs = (*plan)->run(inputs, parallel);
    if (!outputs) {
        return fail(std::move(outputs).error());
    }
    const std::vector<double> wanted =
        plainConvolution(image, *kernel, *bias, (*graph)->layer(1).outputShape);
    constexpr double kTolerance = 45 * 2.0 * 6e-8; // terms × magnitude × half an ulp
    double worst = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        worst = std::max(worst, std::abs(wanted[i] - (*outputs)[0].values()[i]));
    }
    if (!(worst <= kTolerance)) {
        return wrong(fmt::format("A convolution differs by {:.3g} from its definition.", worst));
    }
    return fmt::format("3×3, stride 2, engine {}: largest difference {:.1e}",
                       graph::engineVariant(), worst);
}

/// A file that goes away with the test.
class ScratchFile {
public:
    ScratchFile()
        : m_path(std::filesystem::temp_directory_path() /
                 fmt::format("bitscape-self-test-{}.bitscape", ::getpid()))
    {
    }
    ~ScratchFile()
    {
        std::error_code ignored;
        std::filesystem::remove(m_path, ignored);
    }
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    ScratchFile(ScratchFile&&) = delete;
    ScratchFile& operator=(ScratchFile&&) = delete;

    [[nodiscard]] std::string path() const { return m_path.string(); }

private:
    std::filesystem::path m_path;
};

Outcome projectRoundTrip(const Project& sample)
{
    const ScratchFile file;
    if (auto saved = save(sample, file.path()); !saved) {
        return fail(std::move(saved).error());
    }
    auto again = load(file.path());
    if (!again) {
        return fail(std::move(again).error());
    }
    if (stateHash(*again) != stateHash(sample) || again->studies.size() != sample.studies.size() ||
        again->uuid != sample.uuid) {
        return wrong("The sample project is another after saving and loading.");
    }
    return fmt::format("{} configurations, {} trials", again->configurations.size(),
                       again->studies.empty() ? 0 : again->studies.front()->trials.size());
}

Outcome sampleMeasuresAsStored(Project sample, Parallel& parallel, const JobContext& job)
{
    const SampleInfo* info = findSample("digits");
    ensure(info != nullptr, "the sample is listed");
    auto test = openData(testRecipe(*info), job);
    if (!test) {
        return fail(std::move(test).error());
    }
    std::string measured;
    for (int i = 0; i < static_cast<int>(sample.configurations.size()); ++i) {
        sample.current = i;
        const auto stored = sample.currentConfiguration().measured;
        if (!stored) {
            continue;
        }
        if (auto done = measureCurrent(sample, *test, parallel, job); !done) {
            return fail(std::move(done).error());
        }
        const double now = sample.currentConfiguration().measured->accuracy;
        // Engines add in different orders: a sample near a tie may fall on the other side.
        constexpr double kTwoSamples = 2.5e-3;
        if (std::abs(now - stored->accuracy) > kTwoSamples) {
            return wrong(fmt::format("{} measures {}, stored is {}.",
                                     sample.currentConfiguration().configuration.name, now,
                                     stored->accuracy));
        }
        measured += fmt::format("{}{} {:.1f} %", measured.empty() ? "" : ", ",
                                sample.currentConfiguration().configuration.name, 100 * now);
    }
    return measured.empty() ? Outcome(wrong("The sample holds no measured configuration."))
                            : Outcome(measured);
}

} // namespace

std::vector<SelfTestCase> selfTest(Parallel& parallel, const JobContext& job)
{
    std::vector<SelfTestCase> cases;
    const auto run = [&](const char* name, const auto& test) {
        if (!job.proceed()) {
            return;
        }
        const Outcome outcome = test();
        cases.push_back(
            {name, outcome.has_value(), outcome ? *outcome : outcome.error().sentence()});
    };
    run("quantizers follow their formulas", quantizersFollowFormulas);
    run("quantizer strings are read back", stringsReadBack);
    run("convolution follows its definition",
        [&] { return convolutionFollowsDefinition(parallel); });
    auto sample = sampleProject();
    run("built-in sample opens", [&]() -> Outcome {
        if (!sample) {
            return fail(sample.error());
        }
        return fmt::format("{} layers", sample->graph().layers().size());
    });
    if (sample) {
        run("project is read back", [&] { return projectRoundTrip(*sample); });
        run("sample measures as stored",
            [&] { return sampleMeasuresAsStored(*sample, parallel, job); });
    }
    return cases;
}

} // namespace bitscape::project
