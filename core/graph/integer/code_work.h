// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/integer/program.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

// How the steps of an integer program compute. Used inside core/graph/integer only.
namespace bitscape::graph {

/// What the steps of one thread share; grows on first use.
struct CodeScratch {
    std::vector<std::int64_t> numbers;
    std::vector<std::int16_t> narrow, narrowRows;
    std::vector<std::int32_t> wide, wideRows, narrowSums;
    std::vector<std::int64_t> wideSums;
    float* floats = nullptr; ///< of float kernels
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
};

/// `program` and `step` outlive it.
[[nodiscard]] std::unique_ptr<CodeStep> makeCodeStep(const IntegerProgram& program,
                                                     const IntegerStep& step);
[[nodiscard]] std::unique_ptr<CodeStep> makeConvolveStep(const IntegerProgram& program,
                                                         const IntegerStep& step);

[[nodiscard]] Index byteSize(Storage storage);
/// Elements first … first + count − 1 as they are kept; no floats.
void loadCodes(const CodeTensor& tensor, const std::byte* data, Index first, Index count,
               std::int64_t* to);
void storeCodes(const CodeTensor& tensor, std::byte* data, Index first, Index count,
                const std::int64_t* from);
/// The values of `count` elements; a sample's elements begin at channel 0.
void readReal(const CodeTensor& tensor, const std::byte* data, Index count, float* to);
/// What the step's requantization, if any, makes of exact numbers; then they are stored. `place`:
/// of the first in its sample.
void finishCodes(const IntegerStep& step, const CodeTensor& output, std::byte* data, Index first,
                 Index count, Index place, std::int64_t* numbers);

/// visit(pointer to the elements in their type); no floats.
template <class Visit>
void visitCodes(Storage storage, const std::byte* data, const Visit& visit)
{
    switch (storage) {
    case Storage::Int8:
        return visit(reinterpret_cast<const std::int8_t*>(data));
    case Storage::Int16:
        return visit(reinterpret_cast<const std::int16_t*>(data));
    case Storage::Int32:
        return visit(reinterpret_cast<const std::int32_t*>(data));
    case Storage::Int64:
        return visit(reinterpret_cast<const std::int64_t*>(data));
    case Storage::Float:
        break;
    }
}

} // namespace bitscape::graph
