// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/code_finisher.h"
#include "core/graph/integer/code_work.h"

#include <algorithm>

namespace bitscape::graph {

namespace {

/// (x − zero) · 2^lift
CodeSum::Term termOf(const CodeTensor& tensor, int lift)
{
    const CodeLayout layout = layoutOf(tensor);
    const CodeGrid& grid = tensor.grid;
    const auto lifted = [&](std::int64_t number) { return number * (std::int64_t{1} << lift); };
    return {layout,
            std::nullopt,
            {lifted(grid.low - grid.zero),
             lifted(grid.high - grid.zero),
             {lift},
             {lifted(layout.base - grid.zero)}},
            false};
}

/// Sums and changes of scale.
class QuickSumStep final : public StepBase {
public:
    QuickSumStep(const IntegerProgram& program, const IntegerStep& step, CodeSum sum)
        : StepBase(program, step), m_sum(std::move(sum))
    {
    }

    void run(const CodeCall& call) const override
    {
        m_sum.run(call.inputs.data(), call.count * outputSize(), call.output);
    }

private:
    CodeSum m_sum;
};

/// A function of few codes.
class QuickTableStep final : public StepBase {
public:
    QuickTableStep(const IntegerProgram& program, const IntegerStep& step) : StepBase(program, step)
    {
        const auto& work = std::get<TableWork>(step.work);
        m_lowest = work.lowest - layout(0).base;
        for (const std::int64_t level : work.levels) {
            m_levels.push_back(static_cast<std::int16_t>(level - outputLayout().base));
        }
    }

    void run(const CodeCall& call) const override
    {
        visitKept(layout(0).kept, call.inputs[0], [&](const auto* from) {
            visitKept(outputLayout().kept, call.output, [&](auto* to) {
                for (Index e = 0; e < call.count * outputSize(); ++e) {
                    to[e] = static_cast<std::remove_pointer_t<decltype(to)>>(
                        m_levels[static_cast<std::size_t>(from[e] - m_lowest)]);
                }
            });
        });
    }

private:
    std::int64_t m_lowest = 0; ///< element of the first level
    std::vector<std::int16_t> m_levels;
};

/// Floats to codes, to the nearest.
class QuickQuantizeStep final : public StepBase {
public:
    using StepBase::StepBase;

    /// Otherwise the plain step has to do it.
    [[nodiscard]] bool isPossible() const
    {
        constexpr std::int64_t kFarthest = std::int64_t{1} << 22;
        const UniformGrid& uniform = std::get<QuantizeWork>(step().work).uniform;
        return uniform.rounding == ScaleRule::HalfEven && kindOf(outputLayout().kept) &&
               uniform.grid.largest() <= kFarthest;
    }

    void run(const CodeCall& call) const override
    {
        const CodeGrid& grid = output().grid;
        kernels::quantizeCodes(reinterpret_cast<const float*>(call.inputs[0]),
                               call.count * outputSize(), static_cast<float>(grid.steps.front()),
                               static_cast<float>(grid.low - grid.zero),
                               static_cast<float>(grid.high - grid.zero),
                               static_cast<std::int32_t>(grid.zero - outputLayout().base),
                               *kindOf(outputLayout().kept), call.output);
    }
};

struct QuickMaker {
    const IntegerProgram& program;
    const IntegerStep& step;
    kernels::CodeWords words;

    using Made = std::unique_ptr<CodeStep>;

    Made operator()(const ConvolveWork& /*work*/) const
    {
        return makeQuickConvolveStep(program, step, words);
    }
    Made operator()(const PoolWork& /*work*/) const { return makeQuickPoolStep(program, step); }

    Made operator()(const RescaleWork& /*work*/) const
    {
        return kindOf(layoutOf(input(0)).kept) ? sumOf({termOf(input(0), 0)}) : nullptr;
    }

    Made operator()(const SumWork& work) const
    {
        std::vector<CodeSum::Term> terms;
        for (std::size_t i = 0; i < step.inputs.size(); ++i) {
            if (!kindOf(layoutOf(input(i)).kept)) {
                return nullptr;
            }
            terms.push_back(termOf(input(i), work.lift));
            terms.back().scaling = work.terms[i];
            terms.back().isNegative = work.isNegative[i] != 0;
        }
        return sumOf(terms);
    }

    Made operator()(const TableWork& /*work*/) const
    {
        const Kept to = layoutOf(output()).kept;
        return to == Kept::Byte || to == Kept::Short
                   ? std::make_unique<QuickTableStep>(program, step)
                   : nullptr;
    }

    Made operator()(const QuantizeWork& /*work*/) const
    {
        auto made = std::make_unique<QuickQuantizeStep>(program, step);
        return made->isPossible() ? std::move(made) : nullptr;
    }

    template <class Other>
    Made operator()(const Other& /*work*/) const
    {
        return nullptr;
    }

private:
    [[nodiscard]] const CodeTensor& input(std::size_t i) const
    {
        return program.tensors[static_cast<std::size_t>(step.inputs[i])];
    }
    [[nodiscard]] const CodeTensor& output() const
    {
        return program.tensors[static_cast<std::size_t>(step.output)];
    }
    [[nodiscard]] Made sumOf(const std::vector<CodeSum::Term>& terms) const
    {
        auto sum = CodeSum::make(terms, step.requantization, layoutOf(output()));
        return sum ? std::make_unique<QuickSumStep>(program, step, std::move(*sum)) : nullptr;
    }
};

} // namespace

std::unique_ptr<CodeStep> makeQuickStep(const IntegerProgram& program, const IntegerStep& step,
                                        kernels::CodeWords words)
{
    return std::visit(QuickMaker{program, step, words}, step.work);
}

} // namespace bitscape::graph
