// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/code_work.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitscape::graph {

namespace {

constexpr Index kBlock = 2048;

/// A step whose number e depends on the elements e of its inputs.
class ElementStep : public StepBase {
public:
    using StepBase::StepBase;

    void run(const CodeCall& call) const final
    {
        auto* numbers = call.scratch->as<std::int64_t>();
        for (Index sample = 0; sample < call.count; ++sample) {
            const Index start = sample * outputSize();
            for (Index place = 0; place < outputSize(); place += kBlock) {
                const Index here = std::min(kBlock, outputSize() - place);
                compute(call, start + place, here, numbers, numbers + kBlock);
                finishCodes(step(), output(), call.output, start + place, here, place, numbers);
            }
        }
    }

    [[nodiscard]] Index scratchBytes() const final
    {
        return 2 * kBlock * Index{sizeof(std::int64_t)};
    }

protected:
    /// numbers of elements first …; `spare` has room for as many.
    virtual void compute(const CodeCall& call, Index first, Index count, std::int64_t* numbers,
                         std::int64_t* spare) const = 0;
    [[nodiscard]] std::size_t placeOf(Index element) const
    {
        return static_cast<std::size_t>(element % outputSize());
    }

    /// x − zero of input i.
    void loadNumbers(const CodeCall& call, std::size_t i, Index first, Index count,
                     std::int64_t* to) const
    {
        loadCodes(input(i), call.inputs[i], first, count, to);
        const std::int64_t zero = input(i).grid.zero;
        for (Index e = 0; zero != 0 && e < count; ++e) {
            to[e] -= zero;
        }
    }
};

class RescaleStep final : public ElementStep {
public:
    using ElementStep::ElementStep;

protected:
    void compute(const CodeCall& call, Index first, Index count, std::int64_t* numbers,
                 std::int64_t* /*spare*/) const override
    {
        loadNumbers(call, 0, first, count, numbers);
    }
};

class SumStep final : public ElementStep {
public:
    SumStep(const IntegerProgram& program, const IntegerStep& step)
        : ElementStep(program, step), m_work(std::get<SumWork>(step.work))
    {
    }

protected:
    void compute(const CodeCall& call, Index first, Index count, std::int64_t* numbers,
                 std::int64_t* spare) const override
    {
        std::fill_n(numbers, count, std::int64_t{0});
        for (std::size_t i = 0; i < inputCount(); ++i) {
            loadNumbers(call, i, first, count, spare);
            const std::int64_t sign = m_work.isNegative[i] != 0 ? -1 : 1;
            const Scaling& term = m_work.terms[i];
            const std::size_t channels = term.channels();
            std::size_t channel = placeOf(first) % channels;
            for (Index e = 0; e < count; ++e) {
                const std::int64_t lifted = spare[e] * (std::int64_t{1} << m_work.lift);
                numbers[e] += sign * scaled(term, channel, lifted);
                channel = channel + 1 == channels ? 0 : channel + 1;
            }
        }
    }

private:
    const SumWork& m_work;
};

class ProductStep final : public ElementStep {
public:
    using ElementStep::ElementStep;

protected:
    void compute(const CodeCall& call, Index first, Index count, std::int64_t* numbers,
                 std::int64_t* spare) const override
    {
        loadNumbers(call, 0, first, count, numbers);
        loadNumbers(call, 1, first, count, spare);
        for (Index e = 0; e < count; ++e) {
            numbers[e] *= spare[e];
        }
    }
};

class TableStep final : public ElementStep {
public:
    TableStep(const IntegerProgram& program, const IntegerStep& step)
        : ElementStep(program, step), m_work(std::get<TableWork>(step.work))
    {
    }

protected:
    void compute(const CodeCall& call, Index first, Index count, std::int64_t* numbers,
                 std::int64_t* /*spare*/) const override
    {
        loadCodes(input(0), call.inputs[0], first, count, numbers);
        for (Index e = 0; e < count; ++e) {
            numbers[e] = m_work.levels[static_cast<std::size_t>(numbers[e] - m_work.lowest)];
        }
    }

private:
    const TableWork& m_work;
};

class QuantizeStep final : public ElementStep {
public:
    QuantizeStep(const IntegerProgram& program, const IntegerStep& step)
        : ElementStep(program, step), m_work(std::get<QuantizeWork>(step.work)),
          m_scale(static_cast<float>(m_work.uniform.grid.steps.front()))
    {
    }

protected:
    void compute(const CodeCall& call, Index first, Index count, std::int64_t* numbers,
                 std::int64_t* /*spare*/) const override
    {
        const float* x = reinterpret_cast<const float*>(call.inputs[0]) + first;
        const CodeGrid& grid = m_work.uniform.grid;
        for (Index e = 0; e < count; ++e) {
            numbers[e] = std::clamp(rounded(x[e] / m_scale) + grid.zero, grid.low, grid.high);
        }
    }

private:
    /// NaN has no code: it counts as 0.
    [[nodiscard]] std::int64_t rounded(float value) const
    {
        constexpr float kLimit = 1 << 30;
        if (!(std::abs(value) < kLimit)) {
            value = value > 0.0F ? kLimit : value < 0.0F ? -kLimit : 0.0F;
        }
        switch (m_work.uniform.rounding) {
        case ScaleRule::HalfAway:
            return static_cast<std::int64_t>(std::round(value));
        case ScaleRule::Floor:
            return static_cast<std::int64_t>(std::floor(value));
        case ScaleRule::Zero:
            return static_cast<std::int64_t>(std::trunc(value));
        case ScaleRule::Ceil:
            return static_cast<std::int64_t>(std::ceil(value));
        case ScaleRule::HalfEven:
        case ScaleRule::HalfUp:
        case ScaleRule::Twice:
        case ScaleRule::TwiceUp:
        case ScaleRule::Float:
            break;
        }
        return static_cast<std::int64_t>(std::nearbyint(value));
    }

    const QuantizeWork& m_work;
    float m_scale;
};

class DequantizeStep final : public StepBase {
public:
    using StepBase::StepBase;

    void run(const CodeCall& call) const override
    {
        readReal(input(0), call.inputs[0], call.count * outputSize(),
                 reinterpret_cast<float*>(call.output));
    }
};

class GatherStep final : public StepBase {
public:
    GatherStep(const IntegerProgram& program, const IntegerStep& step)
        : StepBase(program, step), m_work(std::get<GatherWork>(step.work))
    {
        for (std::size_t i = 0; i < inputCount(); ++i) {
            m_total += inputSize(i);
            m_isSame = m_isSame && layout(i) == outputLayout();
        }
    }

    void run(const CodeCall& call) const override
    {
        for (Index sample = 0; sample < call.count; ++sample) {
            if (m_isSame) {
                visitKept(outputLayout().kept, call.output,
                          [&](auto* to) { moveElements(call, sample, to); });
            } else {
                moveCodes(call, sample);
            }
        }
    }
    [[nodiscard]] Index scratchBytes() const override
    {
        return (m_total + outputSize()) * Index{sizeof(std::int64_t)};
    }

private:
    /// As they lie in memory: the inputs one after another, then where each goes.
    template <class Element>
    void moveElements(const CodeCall& call, Index sample, Element* to) const
    {
        const auto of = [&](std::size_t i) {
            return reinterpret_cast<const Element*>(call.inputs[i]) + sample * inputSize(i);
        };
        const Element* from = of(0);
        if (inputCount() > 1) {
            auto* joined = call.scratch->as<Element>();
            from = joined;
            for (std::size_t i = 0; i < inputCount(); ++i) {
                joined = std::copy_n(of(i), inputSize(i), joined);
            }
        }
        const auto nothing = static_cast<Element>(output().grid.zero - outputLayout().base);
        to += sample * outputSize();
        for (const std::int32_t source : m_work.sources) {
            *to++ = source < 0 ? nothing : from[source];
        }
    }

    void moveCodes(const CodeCall& call, Index sample) const
    {
        auto* numbers = call.scratch->as<std::int64_t>();
        std::int64_t* moved = numbers + m_total;
        std::int64_t* to = numbers;
        for (std::size_t i = 0; i < inputCount(); ++i) {
            loadCodes(input(i), call.inputs[i], sample * inputSize(i), inputSize(i), to);
            to += inputSize(i);
        }
        for (Index e = 0; e < outputSize(); ++e) {
            const std::int32_t source = m_work.sources[static_cast<std::size_t>(e)];
            moved[e] = source < 0 ? output().grid.zero : numbers[source];
        }
        storeCodes(output(), call.output, sample * outputSize(), outputSize(), moved);
    }

    const GatherWork& m_work;
    Index m_total = 0; ///< elements of all inputs
    bool m_isSame = true;
};

class SoftmaxStep final : public StepBase {
public:
    SoftmaxStep(const IntegerProgram& program, const IntegerStep& step)
        : StepBase(program, step), m_work(std::get<SoftmaxWork>(step.work))
    {
    }

    void run(const CodeCall& call) const override
    {
        const Index channels = output().shape.channels();
        auto* row = call.scratch->as<std::int64_t>();
        for (Index at = 0; at < call.count * outputSize(); at += channels) {
            loadCodes(input(0), call.inputs[0], at, channels, row);
            softmax(row, channels);
            storeCodes(output(), call.output, at, channels, row);
        }
    }
    [[nodiscard]] Index scratchBytes() const override
    {
        return output().shape.channels() * Index{sizeof(std::int64_t)};
    }

private:
    void softmax(std::int64_t* row, Index channels) const
    {
        const std::int64_t largest = *std::max_element(row, row + channels);
        float sum = 0.0F;
        for (Index c = 0; c < channels; ++c) {
            sum += exponential(largest - row[c]);
        }
        const float factor = 1.0F / (sum * m_work.outputScale);
        for (Index c = 0; c < channels; ++c) {
            const float code = exponential(largest - row[c]) * factor;
            row[c] =
                std::clamp(static_cast<std::int64_t>(std::nearbyint(code)) + output().grid.zero,
                           output().grid.low, output().grid.high);
        }
    }
    [[nodiscard]] float exponential(std::int64_t below) const
    {
        return m_work.exponentials[static_cast<std::size_t>(below)];
    }

    const SoftmaxWork& m_work;
};

class FloatStep final : public StepBase {
public:
    FloatStep(const IntegerProgram& program, const IntegerStep& step)
        : StepBase(program, step),
          m_work(std::get<FloatWork>(step.work)), m_call{.training = false,
                                                         .sigmoid = program.sigmoid}
    {
    }

    void run(const CodeCall& call) const override
    {
        auto& inputs = call.scratch->sources;
        inputs.clear();
        for (const std::byte* data : call.inputs) {
            inputs.push_back(reinterpret_cast<const float*>(data));
        }
        auto* to = reinterpret_cast<float*>(call.output);
        const float* from = inputs.empty() ? to : inputs.front();
        if (m_work.kernel) {
            m_work.kernel->forward(0, {.samples = {.first = call.first,
                                                   .count = call.count,
                                                   .scratch = call.scratch->floats},
                                       .inputs = inputs,
                                       .output = to});
            from = to;
        }
        if (!m_work.kernel || !m_work.activation.isNothing()) {
            m_work.activation.apply(from, output().shape.batchOf(call.count), to, m_call);
        }
    }

private:
    const FloatWork& m_work;
    quant::CallContext m_call;
};

struct StepMaker {
    const IntegerProgram& program;
    const IntegerStep& step;

    using Made = std::unique_ptr<CodeStep>;
    template <class Step>
    [[nodiscard]] Made make() const
    {
        return std::make_unique<Step>(program, step);
    }
    Made operator()(const ConvolveWork&) const { return makePlainConvolveStep(program, step); }
    Made operator()(const SumWork&) const { return make<SumStep>(); }
    Made operator()(const ProductWork&) const { return make<ProductStep>(); }
    Made operator()(const PoolWork&) const { return makePlainPoolStep(program, step); }
    Made operator()(const GatherWork&) const { return make<GatherStep>(); }
    Made operator()(const RescaleWork&) const { return make<RescaleStep>(); }
    Made operator()(const TableWork&) const { return make<TableStep>(); }
    Made operator()(const SoftmaxWork&) const { return make<SoftmaxStep>(); }
    Made operator()(const QuantizeWork&) const { return make<QuantizeStep>(); }
    Made operator()(const DequantizeWork&) const { return make<DequantizeStep>(); }
    Made operator()(const FloatWork&) const { return make<FloatStep>(); }
};

} // namespace

StepBase::StepBase(const IntegerProgram& program, const IntegerStep& step)
    : m_step(step), m_output(program.tensors[static_cast<std::size_t>(step.output)]),
      m_outputLayout(layoutOf(m_output)), m_outputSize(m_output.shape.elementCount())
{
    for (const int t : step.inputs) {
        m_inputs.push_back(&program.tensors[static_cast<std::size_t>(t)]);
        m_layouts.push_back(layoutOf(*m_inputs.back()));
        m_inputSizes.push_back(m_inputs.back()->shape.elementCount());
    }
}

std::unique_ptr<CodeStep> makeCodeStep(const IntegerProgram& program, const IntegerStep& step)
{
    auto quick = makeQuickStep(program, step);
    return quick ? std::move(quick) : makePlainStep(program, step);
}

std::unique_ptr<CodeStep> makePlainStep(const IntegerProgram& program, const IntegerStep& step)
{
    return std::visit(StepMaker{program, step}, step.work);
}

void finishCodes(const IntegerStep& step, const CodeTensor& output, std::byte* data, Index first,
                 Index count, Index place, std::int64_t* numbers)
{
    if (step.requantization) {
        requantize(*step.requantization, numbers, static_cast<std::size_t>(count),
                   static_cast<std::size_t>(place));
    }
    storeCodes(output, data, first, count, numbers);
}

} // namespace bitscape::graph
