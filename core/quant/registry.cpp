// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/quant/affine.h"
#include "core/quant/binary_ternary.h"
#include "core/quant/codebook.h"
#include "core/quant/functions.h"
#include "core/quant/learned_range.h"
#include "core/quant/minifloat.h"
#include "core/quant/power_of_two.h"
#include "core/quant/quantized_bits.h"
#include "core/quant/quantized_bits_featuremap.h"
#include "core/quant/quantized_bits_po2.h"
#include "core/quant/quantized_hswish.h"
#include "core/quant/quantized_linear.h"
#include "core/quant/quantized_relu.h"
#include "core/quant/quantized_squash.h"
#include "core/quant/quantized_ulaw.h"
#include "core/quant/stochastic.h"
#include "core/quant/tensorquant.h"
#include "core/quant/value.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

namespace bitscape::quant {

namespace {

std::vector<QuantizerInfo> allRows()
{
    std::vector<QuantizerInfo> rows{quantizedBitsInfo(),
                                    quantizedLinearInfo(),
                                    quantizedReluInfo(),
                                    quantizedPo2Info(),
                                    quantizedReluPo2Info(),
                                    ternaryInfo(),
                                    stochasticTernaryInfo(),
                                    binaryInfo(),
                                    stochasticBinaryInfo(),
                                    bernoulliInfo(),
                                    quantizedTanhInfo(),
                                    quantizedSigmoidInfo(),
                                    quantizedUlawInfo(),
                                    quantizedHswishInfo(),
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
    std::ranges::move(functionInfos(), std::back_inserter(rows));
    return rows;
}

} // namespace

std::span<const QuantizerInfo> quantizers()
{
    static const std::vector<QuantizerInfo> table = allRows();
    return table;
}

const QuantizerInfo* findQuantizer(std::string_view name, std::span<const QuantizerInfo> rows)
{
    const auto found = std::ranges::find(rows, name, &QuantizerInfo::name);
    return found == rows.end() ? nullptr : &*found;
}

Result<QuantizerPtr> makeQuantizer(std::string_view name, Parameters parameters,
                                   std::span<const QuantizerInfo> rows)
{
    if (const QuantizerInfo* info = findQuantizer(name, rows)) {
        return makeQuantizer(*info, std::move(parameters));
    }
    std::vector<std::string> names;
    for (const QuantizerInfo& row : rows) {
        names.push_back(row.name);
    }
    const std::string near = nearest(name, names);
    return fail(ErrorCode::InvalidArgument, fmt::format("There is no quantizer '{}'.", name), {},
                near.empty() ? fmt::format("Known are {}.", join(names, ", "))
                             : fmt::format("Did you mean '{}'?", near));
}

Result<QuantizerPtr> makeQuantizer(const QuantizerInfo& info, Parameters parameters)
{
    auto complete = completeParameters(info, std::move(parameters));
    if (!complete) {
        return fail(std::move(complete).error());
    }
    return info.make(info, std::move(*complete));
}

} // namespace bitscape::quant
