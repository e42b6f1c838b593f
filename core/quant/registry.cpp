// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/quant/affine.h"
#include "core/quant/binary_ternary.h"
#include "core/quant/codebook.h"
#include "core/quant/learned_range.h"
#include "core/quant/minifloat.h"
#include "core/quant/power_of_two.h"
#include "core/quant/quantized_bits.h"
#include "core/quant/quantized_bits_featuremap.h"
#include "core/quant/quantized_bits_po2.h"
#include "core/quant/quantized_relu.h"
#include "core/quant/quantized_squash.h"
#include "core/quant/tensorquant.h"
#include "core/quant/value.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace bitscape::quant {

std::span<const QuantizerInfo> quantizers()
{
    static const std::array table{quantizedBitsInfo(),
                                  quantizedReluInfo(),
                                  quantizedPo2Info(),
                                  quantizedReluPo2Info(),
                                  ternaryInfo(),
                                  binaryInfo(),
                                  quantizedTanhInfo(),
                                  quantizedSigmoidInfo(),
                                  affineInfo(),
                                  quantizedBitsLearnablePo2Info(),
                                  quantizedBitsMsqePo2Info(),
                                  quantizedBitsFeaturemapInfo(),
                                  lsqInfo(),
                                  pactInfo(),
                                  minifloatInfo(),
                                  codebookInfo(),
                                  tensorquantFixedInfo(),
                                  tensorquantLogarithmicInfo(),
                                  tensorquantSparseInfo(),
                                  tensorquantBinaryInfo(),
                                  tensorquantTernaryInfo(),
                                  tensorquantNoneInfo()};
    return table;
}

const QuantizerInfo* findQuantizer(std::string_view name)
{
    const auto found = std::ranges::find(quantizers(), name, &QuantizerInfo::name);
    return found == quantizers().end() ? nullptr : &*found;
}

Result<QuantizerPtr> makeQuantizer(std::string_view name, Parameters parameters)
{
    const QuantizerInfo* info = findQuantizer(name);
    if (info == nullptr) {
        std::vector<std::string> names;
        for (const QuantizerInfo& row : quantizers()) {
            names.push_back(row.name);
        }
        const std::string near = nearest(name, names);
        return fail(ErrorCode::InvalidArgument, fmt::format("There is no quantizer '{}'.", name),
                    {},
                    near.empty() ? fmt::format("Known are {}.", join(names, ", "))
                                 : fmt::format("Did you mean '{}'?", near));
    }
    auto complete = completeParameters(*info, std::move(parameters));
    if (!complete) {
        return fail(std::move(complete).error());
    }
    return info->make(*info, std::move(*complete));
}

} // namespace bitscape::quant
