// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/integer/code_layout.h"
#include "core/tensor/kernels/codes.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

// How the steps of an integer program compute. Used inside core/graph/integer only.
namespace bitscape::graph {

/// Memory of one thread that steps may use while they run.
struct CodeScratch {
    std::byte* bytes = nullptr;        ///< CodeStep::scratchBytes() of the greediest step
    float* floats = nullptr;           ///< of float kernels
    std::vector<const float*> sources; ///< room for the inputs of a float kernel

    template <class Number>
    [[nodiscard]] Number* as() const
    {
        return reinterpret_cast<Number*>(bytes);
    }
};

/// Some samples of a chunk; pointers are to the first of them.
struct CodeCall {
    std::span<const std::byte* const> inputs;
    std::byte* output = nullptr;
    Index first = 0, count = 0;
    CodeScratch* scratch = nullptr;
};

/// A step made ready. Thread: any, with a scratch of its own.
class CodeStep {
public:
    CodeStep() = default;
    virtual ~CodeStep() = default;
    CodeStep(const CodeStep&) = delete;
    CodeStep& operator=(const CodeStep&) = delete;
    CodeStep(CodeStep&&) = delete;
    CodeStep& operator=(CodeStep&&) = delete;

    virtual void run(const CodeCall& call) const = 0;
    /// Of CodeScratch::bytes.
    [[nodiscard]] virtual Index scratchBytes() const { return 0; }
};

/// `program` and `step` outlive it.
[[nodiscard]] std::unique_ptr<CodeStep> makeCodeStep(const IntegerProgram& program,
                                                     const IntegerStep& step);
/// One number after another in 64 bits: exact for every step, and the quick ones' twin.
[[nodiscard]] std::unique_ptr<CodeStep> makePlainStep(const IntegerProgram& program,
                                                      const IntegerStep& step);
/// Through kernels with numbers of 32 bits; null where these do not do. `words`: how products of
/// bytes are taken.
[[nodiscard]] std::unique_ptr<CodeStep>
makeQuickStep(const IntegerProgram& program, const IntegerStep& step,
              kernels::CodeWords words = kernels::multipliesBytes() ? kernels::CodeWords::Bytes
                                                                    : kernels::CodeWords::Shorts);
[[nodiscard]] std::unique_ptr<CodeStep> makeQuickConvolveStep(const IntegerProgram& program,
                                                              const IntegerStep& step,
                                                              kernels::CodeWords words);
[[nodiscard]] std::unique_ptr<CodeStep> makeQuickPoolStep(const IntegerProgram& program,
                                                          const IntegerStep& step);
[[nodiscard]] std::unique_ptr<CodeStep> makePlainConvolveStep(const IntegerProgram& program,
                                                              const IntegerStep& step);
[[nodiscard]] std::unique_ptr<CodeStep> makePlainPoolStep(const IntegerProgram& program,
                                                          const IntegerStep& step);

/// What the step's requantization, if any, makes of exact numbers; then they are stored. `place`:
/// of the first in its sample.
void finishCodes(const IntegerStep& step, const CodeTensor& output, std::byte* data, Index first,
                 Index count, Index place, std::int64_t* numbers);

/// What all steps know.
class StepBase : public CodeStep {
public:
    StepBase(const IntegerProgram& program, const IntegerStep& step);

protected:
    [[nodiscard]] const IntegerStep& step() const { return m_step; }
    [[nodiscard]] const CodeTensor& output() const { return m_output; }
    [[nodiscard]] const CodeTensor& input(std::size_t i) const { return *m_inputs[i]; }
    [[nodiscard]] std::size_t inputCount() const { return m_inputs.size(); }
    [[nodiscard]] Index outputSize() const { return m_outputSize; }
    [[nodiscard]] Index inputSize(std::size_t i) const { return m_inputSizes[i]; }
    /// Of input i, and of the output.
    [[nodiscard]] const CodeLayout& layout(std::size_t i) const { return m_layouts[i]; }
    [[nodiscard]] const CodeLayout& outputLayout() const { return m_outputLayout; }

private:
    const IntegerStep& m_step;
    const CodeTensor& m_output;
    CodeLayout m_outputLayout;
    Index m_outputSize;
    std::vector<const CodeTensor*> m_inputs;
    std::vector<CodeLayout> m_layouts;
    std::vector<Index> m_inputSizes;
};

} // namespace bitscape::graph
