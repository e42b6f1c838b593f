// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/bench/work.h"
#include "core/base/rng.h"
#include "core/quant/quantizer.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace bitscape::bench {

namespace {

/// A tensor that quantizers are measured on.
struct Size {
    std::string_view name;
    Shape shape;
    Bound bound;
};

/// A quantizer of the table: as it is used for activations, or as kernels use it.
Work quantizerWork(std::string_view text, const Size& size, bool isGradient)
{
    return {.name = fmt::format("{}/{}/{}", isGradient ? "gradient" : "quantize", text, size.name),
            .bound = size.bound,
            .isParallel = false,
            .prepare = [text, shape = size.shape, isGradient](Parallel&) -> Result<Task> {
                const auto quantizer = quant::parseQuantizer(text);
                if (!quantizer) {
                    return fail(quantizer.error());
                }
                const auto x = std::make_shared<Tensor>(shape);
                Rng rng(1);
                for (float& value : x->values()) {
                    value = static_cast<float>(rng.normal());
                }
                const auto y = std::make_shared<Tensor>(*x);
                const auto count = static_cast<double>(shape.elementCount());
                return Task{.bytes = count * sizeof(float) * (isGradient ? 3 : 2),
                            .items = shape.elementCount(),
                            .run = [=, q = *quantizer](const JobContext&) -> Result<double> {
                                const quant::CallContext call;
                                return secondsOf([&] {
                                    if (isGradient) {
                                        q->gradient(x->view(), x->view(), y->mutableView(), call);
                                    } else {
                                        q->apply(x->view(), y->mutableView(), call);
                                    }
                                });
                            }};
            }};
}

} // namespace

std::vector<Work> quantizerWorks()
{
    const Size large{"10M", Shape{10'000'000}, Bound::Memory};
    const Size kernel{"3x3x64x64", Shape{3, 3, 64, 64}, Bound::None};
    std::vector<Work> works;
    for (const auto* text : {"quantized_bits(4,0,1)", "quantized_relu(4,0)", "quantized_po2(4)"}) {
        works.push_back(quantizerWork(text, large, false));
        works.push_back(quantizerWork(text, large, true));
    }
    for (const auto* text :
         {"quantized_bits(4,0,1,alpha='auto')", "quantized_bits(4,0,1,alpha='auto_po2')",
          "ternary(alpha='auto')", "ternary(alpha='auto_po2')", "binary(alpha='auto')",
          "binary(alpha='auto_po2')"}) {
        works.push_back(quantizerWork(text, kernel, false));
    }
    return works;
}

} // namespace bitscape::bench
